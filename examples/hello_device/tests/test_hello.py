from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hello_device import HelloAdapter

from bihuan.register import Device


def test_a_line_is_a_reading_and_a_broken_line_a_complaint() -> None:
    device = Device(id="HELLO1", name="", site="station:s1")
    adapter = HelloAdapter(device, "environment", ZoneInfo("Asia/Shanghai"))
    said = adapter.decode(
        b"2026-11-03T08:00:00+08:00 pm25 35.1\nnonsense\n", datetime(2026, 11, 3, tzinfo=UTC), "g1-1/64"
    )
    assert [(one.pollutant, one.value, one.start) for one in said.readings] == [
        ("pm25", 35.1, datetime(2026, 11, 3, tzinfo=UTC))
    ]
    assert [one.where for one in said.complaints] == ["row 2"]
