"""用电监管: the power of production lines and of the equipment that treats what they put out."""

from bihuan.devices.electricity.read import ElectricityAdapter
from bihuan.devices.electricity.states import Line, LineState, States, line_of, line_states, states

__all__ = ["ElectricityAdapter", "Line", "LineState", "States", "line_of", "line_states", "states"]
