"""The loggers speak real HJ 212, and have the habits of the wild."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from bihuan.app.city import City
from bihuan.app.city.devices import Frame, frames_between, loggers_of, silences_of, timetable
from bihuan.core import CHINA, Ref, local_date
from bihuan.devices.hj212 import Hj212Adapter, envelope, read_stamp
from bihuan.register import Device


def frames(city: City, first: float, last: float) -> list[Frame]:
    start, end = (city.start + timedelta(hours=h) for h in (first, last))
    silences = silences_of(city._truth.incidents, city._ends)
    return frames_between(city.plan, city._loggers, city._times, city._reports, silences, start, end)


@pytest.fixture(scope="module")
def morning(easy: City) -> list[Frame]:
    return frames(easy, 0, 2)


def test_every_frame_decodes_to_the_values_that_the_instrument_shows(easy: City, morning: list[Frame]) -> None:
    loggers = {logger.device.id: logger for logger in easy._loggers}
    adapters = {mn: Hj212Adapter(logger.device, logger.kind) for mn, logger in loggers.items()}
    checked = 0
    for mn, sent, data in morning:
        decoded = adapters[mn].decode(data, sent, "frame")
        assert not [complaint for complaint in decoded.complaints if complaint.severity == "error"]
        for reading in decoded.readings:
            told = easy._reports[(loggers[mn].site, reading.interval)]
            index = int((reading.start - easy.start).total_seconds()) // told.rhythm
            column = told.columns.index((reading.pollutant, reading.stat))
            assert reading.value == pytest.approx(told.values[index, column], abs=1e-9)
            assert reading.mark == told.marks[index, column]
            assert (reading.end - reading.start).total_seconds() == told.rhythm
            checked += 1
    assert checked > 15_000


def test_two_days_stay_under_a_hundred_thousand_frames(easy: City) -> None:
    assert 70_000 < len(easy._times.when) <= 100_000


def test_every_logger_reports_in_its_rhythm(easy: City, morning: list[Frame]) -> None:
    counts = Counter(mn for mn, _, _ in morning)
    for device in easy.plan.register.all(Device, local_date(easy.start)):
        reports = sum(2 * 3600 // rhythm for rhythm in device.rhythm.values())
        assert 0.75 * reports - 3 <= counts[device.id] <= reports + 6


def test_frames_come_by_time_of_sending_and_inside_the_asked_stretch(easy: City, morning: list[Frame]) -> None:
    sent = [when for _, when, _ in morning]
    assert sent == sorted(sent)
    assert easy.start <= sent[0]
    assert sent[-1] < easy.start + timedelta(hours=2)


def test_some_loggers_have_the_habits_of_the_wild(easy: City, morning: list[Frame]) -> None:
    assert any(not data.endswith(b"\r\n") for _, _, data in morning)
    assert any(data.rstrip()[-4:] != data.rstrip()[-4:].upper() for _, _, data in morning)
    assert any(b";01-Avg=" in data for _, _, data in morning)
    assert any(b"CN=9015" in data for _, _, data in morning)
    twice = Counter(data for _, _, data in morning)
    assert 1 < sum(count > 1 for count in twice.values()) < 0.03 * len(morning)
    waits = [sent - read_stamp(envelope(data).qn, CHINA) for _, sent, data in morning if b"CN=20" in data]
    assert any(wait > timedelta(minutes=14) for wait in waits)
    assert max(waits) < timedelta(minutes=16)


def test_some_reports_never_come_and_never_more_than_two_in_a_row(easy: City) -> None:
    loggers = loggers_of(easy.plan)
    times = timetable(easy.plan, loggers)
    lost = 0
    for number, logger in enumerate(loggers):
        mine = (times.logger == number) & (times.what == 0)
        if not mine.any():
            continue
        came = np.unique(times.index[mine])
        lost += came.max() + 1 - len(came)
        assert np.diff(came).max() <= 3, logger.device.id
    assert lost > 20


def test_a_silent_logger_sends_nothing_and_says_when_it_is_back(easy: City) -> None:
    incident = next(f.incident for f in easy.reveal() if f.incident.kind == "silent")
    mn = easy.plan.register.devices_of(incident.subject, local_date(easy.start))[0].id
    first, last = ((t - easy.start).total_seconds() / 3600 for t in (incident.period.start, incident.period.end))
    mine = [data for who, _, data in frames(easy, first, last) if who == mn]
    assert mine == []
    back = [data for who, _, data in frames(easy, last, last + 1.2) if who == mn]
    assert b"CN=2081" in back[0]
    assert any(b"CN=2051" in data for data in back)


def test_a_site_is_resolved_from_its_logger(easy: City, morning: list[Frame]) -> None:
    mn = morning[0][0]
    site = easy.plan.register.site_of(mn, local_date(easy.start))
    assert isinstance(site, Ref)
