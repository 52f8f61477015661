"""``python -m bihuan.standards docs/standards`` writes the page of every edition and their index."""

from __future__ import annotations

import sys
from pathlib import Path

from bihuan.standards.page import write_pages

if __name__ == "__main__":
    for stale in write_pages(Path(sys.argv[1])):
        stale.unlink()
