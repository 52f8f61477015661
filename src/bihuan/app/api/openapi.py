"""``python -m bihuan.app.api.openapi FILE`` describes the interface; the face takes its types from it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bihuan.app.api.server import create_app


def main() -> None:
    """Write it."""
    Path(sys.argv[1]).write_text(json.dumps(create_app().openapi(), ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
