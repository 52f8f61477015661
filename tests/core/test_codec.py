"""Core types to JSON and back."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import (
    Complaint,
    Effect,
    Event,
    Evidence,
    FormatError,
    Period,
    Place,
    Reading,
    Ref,
    Source,
    Suspect,
    Suspects,
    Verdict,
    from_json,
    plain,
    to_json,
)
from tests.strategies import of

KINDS = (Complaint, Effect, Event, Evidence, Period, Place, Reading, Ref, Source, Suspect, Suspects, Verdict)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_core_type_reads_back_byte_for_byte(kind: type, data: st.DataObject) -> None:
    value = data.draw(of(kind))
    written = to_json(value)
    again = from_json(written, kind)
    assert again == value
    assert to_json(again) == written


@given(data=st.data())
def test_plain_values_are_what_json_holds(data: st.DataObject) -> None:
    event = data.draw(of(Event))
    simple = plain(event)
    assert json.loads(json.dumps(simple)) == simple
    assert simple["subject"] == str(event.subject)
    assert simple["period"]["start"].endswith("Z")


def test_mappings_are_written_in_one_order() -> None:
    place = Place(113.0, 34.0)
    one = Source(Ref("outlet", "a"), "A", place, "stack", rates={"so2": 1.0, "nox": 2.0})
    two = Source(Ref("outlet", "a"), "A", place, "stack", rates={"nox": 2.0, "so2": 1.0})
    assert to_json(one) == to_json(two)


def test_numbers_out_of_arrays_are_plain_numbers() -> None:
    assert to_json([np.float64(1.5), np.int64(2), np.bool_(True)]) == b"[1.5,2,true]"


def test_what_is_no_number_is_null() -> None:
    assert to_json([float("nan"), float("inf")]) == b"[null,null]"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"{", Place),
        (b'{"lon": 113.6}', Place),
        (b'{"lon": 500, "lat": 34}', Place),
        (b'"case"', Ref),
        (b'{"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}', Period),
        (b'"\xff"', str),
    ],
)
def test_stored_text_that_does_not_fit_is_a_format_error(text: bytes, kind: type) -> None:
    with pytest.raises(FormatError, match=f"stored {kind.__name__} cannot be read"):
        from_json(text, kind)


def test_what_has_no_json_form_is_named() -> None:
    with pytest.raises(TypeError, match="timezone has no JSON form"):
        to_json(UTC)
    with pytest.raises(FormatError, match="cannot be written"):
        to_json("\ud800")


def test_one_instant_is_one_text_whatever_its_zone() -> None:
    period = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=1))
    assert to_json(period) == b'{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"}'
