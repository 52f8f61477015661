import io
import json
import logging

from bihuan.app.logs import start_logging


def test_a_log_line_is_one_json_object() -> None:
    stream = io.StringIO()
    start_logging("INFO", stream)
    logging.getLogger("bihuan.loop").info("step done", extra={"frames": 3})
    line = json.loads(stream.getvalue())
    assert line["message"] == "step done"
    assert line["frames"] == 3
    assert line["level"] == "INFO"
