"""Before and after with the weather removed: did it help?"""

from bihuan.verification.effect import effect, effect_at_outlet

__all__ = ["effect", "effect_at_outlet"]
