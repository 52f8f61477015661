"""PurpleAir sensors: the JSON of the device itself and of the public interface; two lasers that must agree."""

from bihuan.devices.purpleair.read import PurpleAirAdapter, purpleair_cf1

__all__ = ["PurpleAirAdapter", "purpleair_cf1"]
