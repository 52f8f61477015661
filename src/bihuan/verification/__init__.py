"""Before and after with the weather removed: did it help?"""

from bihuan.verification.downwind import ACUTE, LASTING, Scale
from bihuan.verification.effect import effect, effect_at_outlet, unit_of_effect

__all__ = ["ACUTE", "LASTING", "Scale", "effect", "effect_at_outlet", "unit_of_effect"]
