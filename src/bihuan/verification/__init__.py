from bihuan.core import Effect, content_id


def effect(case, pollutant, *a):
    return Effect(content_id(case), case, pollutant, None, None, None, None, None, "cannot_tell", "x")


effect_at_outlet = effect
__all__ = ["effect", "effect_at_outlet"]
