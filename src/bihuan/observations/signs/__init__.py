"""Signs of falsification (数据造假线索): reasons for a visit with the evidence shown, never verdicts."""

from bihuan.observations.signs.detect import find_signs
from bihuan.observations.signs.sign import (
    SIGN_KINDS,
    EvidenceRow,
    Sign,
    SignKind,
    sign_id,
    sign_settings,
)
from bihuan.observations.signs.slopes import CHANGES_SCHEMA
from bihuan.observations.signs.window import SIGN_SITES_SCHEMA, Block, block_of, span_of
from bihuan.observations.signs.words import describe_sign

__all__ = [
    "CHANGES_SCHEMA",
    "SIGN_KINDS",
    "SIGN_SITES_SCHEMA",
    "Block",
    "EvidenceRow",
    "Sign",
    "SignKind",
    "block_of",
    "describe_sign",
    "find_signs",
    "sign_id",
    "sign_settings",
    "span_of",
]
