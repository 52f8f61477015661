"""Everything we install fits an Apache-2.0 project and is named in THIRD-PARTY.md."""

import re
import tomllib
from importlib.metadata import distribution, requires
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _name(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;(]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _closure(names: set[str]) -> set[str]:
    found: set[str] = set()
    while names - found:
        for name in names - found:
            found.add(name)
            wanted = [need for need in requires(name) or [] if "extra ==" not in need and "win32" not in need]
            names |= {_name(need) for need in wanted if _installed(_name(need))}
    return found


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except ModuleNotFoundError:
        return False
    return True


def _base() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return _closure({_name(need) for need in project["dependencies"]})


def test_every_library_of_the_base_install_is_named_with_its_licence() -> None:
    listed = (ROOT / "THIRD-PARTY.md").read_text("utf-8").lower().replace("_", "-")
    assert not {name for name in _base() if f"| {name} " not in listed}


def test_no_library_of_the_base_install_is_under_gpl() -> None:
    for line in (ROOT / "THIRD-PARTY.md").read_text("utf-8").splitlines():
        if line.startswith("|") and re.search(r"GPL|General Public", line):
            assert re.search(r"LGPL|Lesser", line), line


def test_constraints_name_no_address_and_pin_every_library() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+]+", pin) for pin in pins)
    assert _base() <= {_name(pin) for pin in pins}
