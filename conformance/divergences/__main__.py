"""``python -m conformance.divergences [ID ...] [-v]``: run the reproducers on refexec, onnx.reference and onnxruntime."""

from __future__ import annotations

import argparse
import sys

from conformance.divergences import ENGINES, observe, problems, reproducers
from refexec.teach.known import known_differences


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.divergences", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these rows")
    parser.add_argument("-v", action="store_true", help="show what each engine gives")
    options = parser.parse_args()
    wrong = 0
    chosen = {i: r for i, r in reproducers().items() if not options.ids or i in options.ids}
    for name, found in chosen.items():
        if options.v:
            print(f"{name} {found.row.operator}: {found.row.title}")
            for engine in ENGINES:
                print(f"    {engine:<12}{str(observe(found, engine))[:200]}")
        for problem in problems(found):
            wrong += 1
            print(f"{name}: {problem}")
    lacking = [row.id for row in known_differences().values() if not row.tests and row.id not in reproducers()]
    if lacking and not options.ids:
        print("rows without a reproducer:", ", ".join(lacking))
    print(f"{len(chosen)} reproducers, {wrong} problems")
    return 1 if wrong or (lacking and not options.ids) else 0


if __name__ == "__main__":
    sys.exit(main())
