"""Sensors of the sensor.community kind: what a sensor posts itself, and the JSON of the public feed."""

from bihuan.devices.sensor_community.read import SensorCommunityAdapter

__all__ = ["SensorCommunityAdapter"]
