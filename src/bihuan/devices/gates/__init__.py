"""门禁: logs of gates, one row a vehicle that passed."""

from bihuan.devices.gates.read import GateAdapter, fuel_of, stage_of

__all__ = ["GateAdapter", "fuel_of", "stage_of"]
