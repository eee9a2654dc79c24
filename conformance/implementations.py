"""What runs in the profile ``deterministic``: ``python -m conformance.implementations [-k SUBSTRING]``.

Counts the steps of the backend suite by what served them: a kernel, a primitive's definition, or the operator's body, which may call kernels
itself. Then says which kernels, by primitive and element type, nothing has reached.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from conformance.backend_suite import fed
from conformance.cases import KINDS, Case, load_cases
from refexec.context import Event
from refexec.errors import RefexecError
from refexec.primitives import PROFILES, Primitive, Profile, load_kernels, primitives
from refexec.registry import load_operators
from refexec.session import Session
from refexec.types import ElementType

__all__ = ["Tally", "all_specialisations", "run", "tallied"]

Specialisation = tuple[str, str, str]  # primitive, element type, kernel class
DETERMINISTIC = PROFILES["deterministic"]


@dataclass
class Tally:
    """What was met."""

    steps: Counter[str] = field(default_factory=Counter)  # by implementation
    operators: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # implementation -> operators
    reached: set[Specialisation] = field(default_factory=set)

    def __call__(self, event: Event) -> None:
        name = event.implementation or "body"
        self.steps[name] += 1
        self.operators[name][event.node.op_type] += 1


def all_specialisations() -> set[Specialisation]:
    """Every kernel with each element type that it is registered for, but for those of the profile ``fast`` alone."""
    load_operators()
    load_kernels()
    return {_named(p, e, kernel) for p in primitives().values() for e, kernel in p.kernels.items()}


def _named(primitive: Primitive, element: ElementType, kernel: Any) -> Specialisation:
    return primitive.name, element.name, kernel.name


@contextmanager
def tallied() -> Iterator[Tally]:
    """Notes which kernels are chosen meanwhile, for a lowered node or by a call inside of a body."""
    tally, choose = Tally(), Primitive.kernel

    def chosen(self: Primitive, element: ElementType | None, profile: Profile) -> Any:
        kernel = choose(self, element, profile)
        if kernel is not None and element is not None:
            tally.reached.add(_named(self, element, kernel))
        return kernel

    with patch.object(Primitive, "kernel", chosen):
        yield tally


def run(cases: Iterable[Case], tally: Tally) -> None:
    """Run cases with the steps counted; what they give is for others to judge."""
    for case in cases:
        model = case.model()
        try:
            session = Session(model, profile=DETERMINISTIC)
            for inputs, _ in case.data_sets(model):
                session.observe(dict(zip(fed(session, model, len(inputs)), inputs, strict=True)), tally)
        except RefexecError:
            continue


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.implementations", description=__doc__)
    parser.add_argument("-k", default="", metavar="SUBSTRING", help="only tests whose kind/name contains this")
    options = parser.parse_args(None if arguments is None else list(arguments))
    with tallied() as tally:
        run((case for kind in KINDS for case in load_cases(kind) if options.k in case.id), tally)
    print(f"{'implementation':<24}{'steps':>8}  operators")
    for name, count in tally.steps.most_common():
        often = ", ".join(operator for operator, _ in tally.operators[name].most_common(6))
        print(f"{name:<24}{count:>8}  {often}{', ...' if len(tally.operators[name]) > 6 else ''}")
    missing = sorted(all_specialisations() - tally.reached)
    print(f"\n{len(tally.reached)} kernels by element type were reached, {len(missing)} were not" + ":" * bool(missing))
    for primitive, element, kernel in missing:
        print(f"  {primitive:<24}{element:<16}{kernel}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
