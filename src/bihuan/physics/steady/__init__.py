"""A steady-state plume of AERMOD's class: boundary-layer profiles, tables along the wind, receptors from look-ups."""
