"""A plan: the flat list of steps that a graph means, with slots instead of names.

Subgraphs and function bodies are plans too; what they use from outside are captured slots. A plan is frozen once built and
may be run by several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from refexec.binding import Bound
from refexec.collector import collector_paused
from refexec.context import NodeInfo, Run
from refexec.errors import FeedError
from refexec.types import ValueType

__all__ = ["NONE", "SINK", "Plan", "Step", "ValueInfo"]

NONE = 0  # the slot of the absent input
MOST_SELECTIONS = 64
SINK = 1  # the slot of outputs that no one asked for


@dataclass(frozen=True, slots=True)
class ValueInfo:
    """An input or output of a graph."""

    name: str
    type: ValueType | None


@dataclass(slots=True, eq=False)
class Step:
    """One node: which slots, and the callable that equal nodes share.

    A step is not changed once its plan is made; it is not a frozen dataclass because plans have a hundred thousand.
    """

    node: NodeInfo
    inputs: tuple[int, ...]  # slots: the node's inputs, then what its subgraphs capture
    outputs: tuple[int, ...]
    output_types: tuple[ValueType | None, ...]
    bound: Bound

    @property
    def call(self) -> Callable[[Run, Sequence[Any]], tuple[Any, ...]]:
        """``(run, values) -> results``."""
        return self.bound.call

    def implementation(self, arguments: Sequence[Any]) -> str:
        """What runs for these arguments: a kernel's name, a primitive's "definition" or the operator's "body"."""
        site = self.bound.site
        return "body" if site is None else site.implementation(tuple([getattr(x, "shape", None) for x in arguments]))

    def margin(self, run: Run, arguments: Sequence[Any], results: Sequence[Any]) -> Any:
        """Distance of the inputs to another decision, in the wide profile; None where the operator states none."""
        margin = self.bound.margin
        return margin(run, arguments, results) if run.wide and margin is not None else None


LastUse = tuple[tuple[int, ...], tuple[int, ...]]
"""Slots whose values are used last in a step: those that steps of the plan made, and inputs and captures, whose memory
someone else counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A graph ready to run."""

    name: str
    inputs: tuple[ValueInfo, ...]
    outputs: tuple[ValueInfo, ...]
    input_slots: tuple[int, ...]
    output_slots: tuple[int, ...]
    capture_slots: tuple[int, ...]
    captured: tuple[str, ...]  # names in the outer graph, in the order of capture_slots
    steps: tuple[Step, ...]
    last_uses: tuple[LastUse, ...]  # per step
    template: list[Any]  # initial content of the slots: constants, None elsewhere
    slots: dict[str, int]
    types: dict[str, ValueType | None]
    constants: frozenset[int]
    selections: dict[Any, Plan] = field(default_factory=dict)
    fuse: Callable[..., Any] | None = None  # ``(steps, template, constants, kept)`` of a plan that nobody observes with fewer steps
    joined: int = 0  # nodes that run inside of other steps or ran before; the limit on steps counts them too

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple([o.name for o in self.outputs])

    @property
    def input_types(self) -> tuple[ValueType | None, ...]:
        return tuple(i.type for i in self.inputs)

    @property
    def output_types(self) -> tuple[ValueType | None, ...]:
        return tuple(o.type for o in self.outputs)

    def select(self, outputs: Sequence[str], fed: Iterable[str], *, keep: bool = False) -> Plan:
        """The plan that computes just ``outputs`` when the values ``fed`` are given.

        Any value may be asked for or fed, an intermediate one too. With ``keep`` every step is kept that can run. Raises
        FeedError for an unknown name and for an input that is needed and neither fed nor initialised.
        """
        outputs, fed = tuple(outputs), tuple(fed)
        key = (outputs, fed, keep)
        found = self.selections.get(key)
        if found is None:
            with collector_paused():
                found = self._select(outputs, fed, keep)
            if len(self.selections) < MOST_SELECTIONS:
                self.selections[key] = found
        return found

    def _select(self, outputs: tuple[str, ...], fed: tuple[str, ...], keep: bool) -> Plan:
        for what, names in (("output", outputs), ("feed", fed)):
            for name in names:
                if name not in self.slots:
                    raise FeedError(f"the graph has no value named {name!r}", asked_as=what, inputs=[i.name for i in self.inputs])
        given = {self.slots[name] for name in fed}
        needed = {self.slots[name] for name in outputs} - given
        steps: list[Step] = []
        for step in reversed(self.steps):
            if not needed.isdisjoint(step.outputs) or (keep and not given.issuperset(s for s in step.outputs if s != SINK)):
                steps.append(step)
                needed.difference_update(step.outputs)
                needed.update(step.inputs)
                needed -= given
        missing = [
            i.name for i, s in zip(self.inputs, self.input_slots, strict=True) if s in needed and s not in given and s not in self.constants
        ]
        if missing:
            raise FeedError("a feed is missing", missing=missing, fed=sorted(fed))
        steps.reverse()
        out = tuple(self.slots[name] for name in outputs)
        infos = tuple(ValueInfo(name, self.types.get(name)) for name in outputs)
        own = {i.name: i for i in self.inputs}
        ins = tuple(own.get(name) or ValueInfo(name, self.types.get(name)) for name in fed)
        made = {slot for step in self.steps for slot in step.outputs}
        kept = [not_writing(step, given) for step in steps] if given & made else list(steps)
        template, constants = self.template, self.constants
        joined = len(kept)
        if self.fuse is not None and not keep:
            kept, template, constants = self.fuse(kept, template, constants - given, out)
        uses = last_uses(kept, keep=set(out) | constants | {NONE})
        return replace(
            self, inputs=ins, outputs=infos, input_slots=tuple(self.slots[n] for n in fed), output_slots=out,
            steps=tuple(kept), last_uses=uses, template=template, constants=constants, selections={},
            joined=joined - len(kept),
        )  # fmt: skip


def not_writing(step: Step, slots: set[int]) -> Step:
    """The step without those of its outputs that a caller fed."""
    if slots.isdisjoint(step.outputs):
        return step
    outputs = tuple(SINK if s in slots else s for s in step.outputs)
    return replace(step, outputs=outputs, bound=replace(step.bound, single=None))


def last_uses(steps: Sequence[Step], keep: Iterable[int]) -> tuple[LastUse, ...]:
    """Per step the slots that are used last in it; slots in ``keep`` stay to the end."""
    used = {*keep, SINK}
    made = {slot for step in steps for slot in step.outputs}
    found: list[LastUse] = []
    for step in reversed(steps):
        own: list[int] = []
        others: list[int] = []
        for slot in (*step.inputs, *step.outputs):
            if slot not in used:
                used.add(slot)
                (own if slot in made else others).append(slot)
        found.append((tuple(own), tuple(others)))
    found.reverse()
    return tuple(found)
