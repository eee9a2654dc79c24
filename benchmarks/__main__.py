"""``python -m benchmarks [SUITE or MODEL ...]``: how fast refexec is beside onnxruntime, onnx.reference and NumPy.

With one thread all contenders alternate in one process that is kept on one core, and thread CPU time counts. With two each has its own
process, and the clock on the wall counts. Ratios are speeds relative to onnxruntime with all optimizations.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported

from benchmarks import results
from benchmarks.contenders import PROFILES, chosen
from benchmarks.costs import lines
from benchmarks.machine import machine, pin
from benchmarks.report import heads, line, slower, text_table
from benchmarks.sections import Row, Section, header, run, title
from benchmarks.suites import COSTS, FAMILIES, MODEL_SUITES


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    wanted = _wanted(options.suite)
    if options.write and (options.only or any(wanted.values())):
        print("--write takes whole suites", file=sys.stderr)
        return 2
    if options.threads == 1:
        pin()
    print(", ".join(f"{k} {v}" for k, v in machine().items()))
    measured: dict[str, Section] = {}
    for suite, models in wanted.items():
        if suite in COSTS:
            key, section = title(suite), _cost(suite, options.quick)
        else:
            key, section = title(suite, options.threads, _extra(options)), _speed(suite, models, options)
        measured[key] = section
        if options.write:
            results.write({key: section})
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    worse = slower(json.loads(options.compare.read_text("utf-8")), measured) if options.compare else []
    for text in worse:
        print(f"SLOWER {text}")
    return 1 if worse else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = f"{', '.join([*FAMILIES, *MODEL_SUITES, *COSTS])}, or the name of a model; all suites when none is given"
    parser.add_argument("suite", nargs="*", help=known)
    parser.add_argument("--threads", type=int, default=1, choices=(1, 2))
    parser.add_argument("--profile", choices=PROFILES, help="leave the other profile out")
    parser.add_argument("-k", dest="only", default="", metavar="SUBSTRING", help="only cases whose name contains this")
    parser.add_argument("--quick", action="store_true", help="fewer samples, and only refexec's kernels and onnxruntime")
    parser.add_argument("--batchnorm", action="store_true", help="models keep the BatchNormalization nodes that exporters fold")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="name groups that are slower than in this file; exit code 1 if any")
    parser.add_argument("--write", action="store_true", help="renew these suites in benchmarks/results.json and RESULTS.md")
    return parser


def _wanted(names: Sequence[str]) -> dict[str, list[str]]:
    """Suites, and of the models those that are named; all where none is. Exits with 2 on an unknown name."""
    from benchmarks.models import MODELS

    known = [*FAMILIES, *MODEL_SUITES, *COSTS]
    models = {model.lower(): model for model in MODELS}
    found: dict[str, list[str]] = {}
    for name in names or known:
        if name in known:
            found[name] = []
        elif name.lower() in models:
            found.setdefault("models", []).append(models[name.lower()])
        else:
            print(f"no suite or model {name}; there are {', '.join([*known, *MODELS])}", file=sys.stderr)
            sys.exit(2)
    return found


def _extra(options: argparse.Namespace) -> list[str]:
    return ["batchnorm"] * options.batchnorm


def _speed(suite: str, models: Sequence[str], options: argparse.Namespace) -> Section:
    contenders = chosen(options.profile, options.quick)
    names = [c.name for c in contenders]
    head, *others = heads(names)
    print(f"\n{suite + ': ' + head:<40}" + "".join(f"{text:>14}" for text in others))

    def only(case: str) -> bool:
        return options.only.lower() in case.lower() and (not models or case in models)

    def show(row: Row) -> None:
        print(line(row, names), *(f"\n    {k} failed: {v}" for k, v in row["failed"].items()), flush=True)

    section = run(suite, contenders, threads=options.threads, quick=options.quick, options=_extra(options), only=only, show=show)
    if suite == "wheels" and not section["rows"]:
        print("no wheels in the folder of $REFEXEC_MODELS")
    print("\n".join(text_table(section)))
    return section


def _cost(suite: str, quick: bool) -> Section:
    costs = import_module(f"benchmarks.{suite}").measure(quick)
    print(f"\n{suite}", *lines(costs), sep="\n", flush=True)
    return header(suite, quick) | {"costs": [c.to_json() for c in costs]}


if __name__ == "__main__":
    sys.exit(main())
