"""`make bench`: run every benchmark of this folder, or those named, and print their tables.

A benchmark is a module with `main()`; it prints ratios against a peer or a bare baseline measured in the same run.
"""

import importlib
import pkgutil
import sys

import benchmarks


def run(names: list[str]) -> None:
    """Run the named benchmarks, all of them when none is named."""
    known = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_")
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(known)}")
    for name in names or known:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    given = sys.argv[1:]
    cut = next((at for at, word in enumerate(given) if word.startswith("--")), len(given))
    run(given[:cut])  # options after the names are read by the benchmark itself
