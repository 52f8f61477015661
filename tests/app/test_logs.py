import io
import json
import logging
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path

from bihuan.app.logs import start_logging


def test_a_log_line_is_one_json_object() -> None:
    stream = io.StringIO()
    start_logging("INFO", stream)
    logging.getLogger("bihuan.loop").info("step done", extra={"frames": 3})
    line = json.loads(stream.getvalue())
    assert line["message"] == "step done"
    assert line["frames"] == 3
    assert line["level"] == "INFO"


def test_a_server_keeps_its_logs_for_half_a_year_at_least(tmp_path: Path) -> None:
    try:
        start_logging(stream=io.StringIO(), folder=tmp_path / "logs", days=7)
        logging.getLogger("bihuan.test").info("kept")
        root = logging.getLogger("bihuan")
        kept = next(one for one in root.handlers if isinstance(one, TimedRotatingFileHandler))
        assert kept.backupCount == 183, "seven days are below the floor"
        assert json.loads((tmp_path / "logs" / "bihuan.log").read_text("utf-8"))["message"] == "kept"
    finally:
        start_logging()
