"""What an operator body gets as ``ctx``, and what a run carries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from refexec.limits import Budget, Limits
from refexec.types import ElementType, ValueType, element_type
from refexec.values import nbytes, round_quietly, wide_dtype

__all__ = ["Context", "Event", "NodeInfo", "Run"]


class NodeInfo(NamedTuple):
    """Which node a step came from. ``path`` is unique in the model: ``main/3:Loop/body/0:Add``."""

    path: str
    name: str
    label: str  # operator and version: "Conv-11"
    op_type: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        return f"node {self.path}{named} ({self.label})"


@dataclass(frozen=True, slots=True)
class Event:
    """One executed node: its values, and the trips of the loops around it, outermost first."""

    node: NodeInfo
    trips: tuple[int, ...]
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    output_types: tuple[ValueType | None, ...]
    margin: Any = None  # wide profile, discretising operators: distance to another decision
    implementation: str = "body"  # what ran: a kernel's name, a primitive's "definition" or the operator's "body"


@dataclass(slots=True)
class Run:
    """The state of one run; one thread owns it."""

    budget: Budget
    seed: int
    observer: Callable[[Event], None] | None
    wide: bool
    trips: tuple[int, ...] = ()
    scope: str = ""  # path of the function call around the running plan


class Context:
    """What the run offers to a body that has a ``ctx`` parameter."""

    __slots__ = ("_path", "_run", "_wide", "output_types", "wanted")

    def __init__(self, run: Run, path: str, wanted: tuple[bool, ...], wide: bool, output_types: tuple[ValueType | None, ...]) -> None:
        self._run = run
        self._wide = wide
        self._path = path
        self.wanted = wanted
        """Which outputs the node asks for, one bool per output the node lists."""
        self.output_types = output_types
        """The declared types of those outputs; None where they are not known."""

    @property
    def outputs(self) -> int:
        """How many outputs the node lists, those with an empty name too."""
        return len(self.wanted)

    def wants(self, output: int) -> bool:
        """Whether the node asks for the output of that index."""
        return output < len(self.wanted) and self.wanted[output]

    @property
    def limits(self) -> Limits:
        return self._run.budget.limits

    def claim(self, shape: Sequence[int], dtype: Any) -> tuple[int, ...]:
        """Raise LimitExceeded unless a result of this shape and dtype may be made. Returns the shape as Python ints."""
        return self._run.budget.claim(shape, dtype)

    def hold(self, value: Any) -> Any:
        """Count a value that the body keeps until it returns (a scan output so far, say). Returns it."""
        budget = self._run.budget
        if isinstance(value, np.ndarray) and value.base is not None:
            value = value.copy()  # a view would keep all of its base
        budget.live += nbytes(value)
        if budget.live > budget.live_limit:
            budget.limits.check("live_bytes", budget.live, "the memory held")
        return value

    def zeros(self, shape: Sequence[int], dtype: Any) -> np.ndarray[Any, Any]:
        """Zeros of a declared element type, in the dtype that such values have in this run (float64 in the wide profile)."""
        declared = element_type(dtype).dtype
        return np.zeros(self.claim(shape, declared), wide_dtype(declared) if self._run.wide else declared)

    def trip(self, count: int) -> None:
        """Count the trips of a loop inside the body."""
        self._run.budget.trip(count)

    def as_type(self, x: Any, dtype: Any) -> Any:
        """``x`` in the type that the specification computes in. In the wide profile floats stay wide, but for operators
        that discretise: what they decide is defined on rounded values. ``dtype`` may be that of a value of this run."""
        if self._wide and isinstance(dtype, np.dtype) and dtype == np.longdouble:
            return np.asarray(x).astype(dtype, copy=False)
        target: ElementType = element_type(dtype)
        if target.is_float and self._wide:
            return np.asarray(x).astype(wide_dtype(target.dtype), copy=False)
        if not target.is_float:
            return x.astype(target.dtype)
        return round_quietly(np.asarray(x), target.dtype)

    def random(self, seed: float | None = None) -> np.random.Generator:
        """A generator keyed by the session's seed, the node's seed attribute, the node and the loop trips around it, so
        that neither order nor threads change what is drawn."""
        key = repr((self._run.seed, None if seed is None else float(seed), self._run.scope + self._path, self._run.trips)).encode()
        return np.random.Generator(np.random.Philox(int.from_bytes(hashlib.sha256(key).digest()[:16], "little")))
