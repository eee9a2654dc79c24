"""The worked examples of ``refexec explain`` against live runs: ``python -m conformance.worked_examples [-k OPERATOR] [-v]``.

Every operator version has an example whose result was worked out by hand; a version that behaves otherwise than the one before has one
on which the two differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from refexec.errors import RefexecError
from refexec.registry import Key
from refexec.schema import all_signatures
from refexec.teach.changes import bumps, version_before
from refexec.teach.examples import Example, examples_of
from refexec.teach.notation import write_value

__all__ = ["missing", "problems"]

BEHAVIOUR = {"additive", "widen", "rebind", "semantic"}
"""Classes of changes after which a node may mean something else, or mean something at all."""


def missing(key: Key) -> str | None:
    """What an operator version lacks; None when it has its examples."""
    examples = examples_of(*key)
    if not examples:
        return "no example"
    if bumps()[key] in BEHAVIOUR and not any(e.before is not None and e.versions[0] == key[2] for e in examples):
        return f"a change of class {bumps()[key]!r} without an example that begins at this version and says what the one before gives"
    return None


def problems(example: Example, version: int) -> list[str]:
    """What a live run of an example at one of its versions contradicts; the version before is looked at for its first version."""
    try:
        result = example.run(version)
    except RefexecError as error:
        return [f"the example cannot be read: {error}"]
    if not example.agrees(result):
        seen = str(result.error) if result.error else ", ".join(f"{n} = {write_value(v)}" for n, v in result.values.items())
        return [f"written {', '.join(f'{n} = {write_value(v)}' for n, v in example.outputs.items())}; the run gives {seen}"]
    if example.before is None or version != example.versions[0]:
        return []
    before = version_before(example.domain, example.name, version)
    if before is None:
        return ["says what the version before gives, and there is none"]
    if example.before.same and bumps()[example.domain, example.name, version] != "widen":
        return ["only after a change of class widen may the version before give the same"]
    earlier = example.run(before)
    if not example.before.agrees(earlier, example.outputs):
        seen = str(earlier.error) if earlier.error else ", ".join(f"{n} = {write_value(v)}" for n, v in earlier.values.items())
        return [f"version {before} gives {seen}"]
    if example.before.outputs and example.agrees(earlier):
        return [f"version {before} gives the same"]
    return []


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.worked_examples", description=__doc__)
    parser.add_argument("-k", default="", metavar="OPERATOR", help="only operators whose name contains this")
    parser.add_argument("-f", default="", metavar="FOLDER", help="only operators of this folder of onnx/defs")
    parser.add_argument("-v", action="store_true", help="name the versions that lack an example")
    options = parser.parse_args(None if arguments is None else list(arguments))
    lacking = wrong = total = 0
    for key, signature in sorted(all_signatures().items()):
        if options.k.lower() not in key[1].lower() or options.f not in ("", signature.folder):
            continue
        total += 1
        if lack := missing(key):
            lacking += 1
            if options.v:
                print(f"{signature.label}: {lack}")
        for example in examples_of(*key):
            for problem in problems(example, key[2]):
                wrong += 1
                print(f"{signature.label}: {problem}\n    {example.node}")
    print(f"{total} versions: {lacking} lack an example, {wrong} examples are contradicted")
    return 1 if lacking or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
