"""Observations that were posted to our SensorThings interface, read from the journal like any other frame."""

from bihuan.devices.sensorthings.read import SensorThingsAdapter

__all__ = ["SensorThingsAdapter"]
