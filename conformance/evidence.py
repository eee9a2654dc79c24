"""What supports each operator version: the five levels of oracles, and the types of each.

contract   onnx's shape inference, on the exact cases (L0)
exact      expected values worked out in integers and fractions, and worked examples done by hand (L1)
body       the specification's function body, in the profile wide (L2)
backend    backend tests whose data onnx.reference did not produce (L3)
runtime    onnxruntime, on backend tests retargeted to the version and type (L4)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance import type_walk
from conformance.backend_suite import Outcome
from conformance.cases import Case, load_cases
from conformance.function_bodies import operators as operators_with_bodies
from conformance.function_bodies import templates
from conformance.instances import Instance, cases, instances, problem
from conformance.retargeting import Difference, compared, known
from conformance.shape_contract import Inference, problems
from conformance.worked_examples import problems as example_problems
from refexec.registry import Key
from refexec.schema import all_signatures
from refexec.teach.examples import examples_of

__all__ = ["WITHOUT_MODEL", "Evidence", "collect", "origin", "resolved"]

WITHOUT_MODEL = {
    ("", "Loop", 1), ("", "Optional", 28), ("", "Scatter", 11), ("", "Upsample", 10), ("ai.onnx.ml", "CastMap", 1),
    ("ai.onnx.ml", "DictVectorizer", 1), ("ai.onnx.ml", "ZipMap", 1),
}  # fmt: skip
"""Versions of which onnx's checker accepts no model of one node, by which the others are counted: 652."""


@dataclass
class Evidence:
    """Counts for one operator version. Types are (type variable, type) instances, each counted under its strongest support."""

    contract: int = 0  # exact cases of which inference states types and shapes, and refexec gives them
    contradicted: int = 0
    exact: int = 0  # instances right by an exact oracle
    by_runtime: int = 0  # of the others, those on which onnxruntime agrees
    by_contract: int = 0  # of the others, those that ran and gave the declared type
    types: int = 0  # instances that the schema has
    wrong: int = 0  # instances that contradict their exact oracle
    hand: int = 0  # worked examples
    body_templates: int = 0  # models that operator and body agree on
    runtime: int = 0  # models that onnxruntime agrees on
    runtime_differs: int = 0  # models on which it differs, all decided in retargeting.toml
    undecided: int = 0  # models on which it differs without a row
    passed: Counter[str] = field(default_factory=Counter)  # backend tests by origin
    found: Counter[str] = field(default_factory=Counter)

    @property
    def right(self) -> bool:
        """Whether something other than the type and shape contract says that the version is right, and nothing that it is wrong."""
        supported = self.exact or self.hand or self.body_templates or self.runtime or self.passed["backend"]
        return bool(supported) and not (self.wrong or self.undecided)

    def cell(self, of: str) -> str:
        return f"{self.passed[of]}/{self.found[of]}" if self.found[of] else ""


def origin(case: Case) -> str:
    """``circular``: from onnx.reference; ``expanded``: the graph is the function body; ``backend``: the operator itself, other data."""
    return "circular" if case.circular else "expanded" if case.expanded else "backend"


def resolved(case: Case) -> Key | None:
    """Which version a node test is about: the newest not above the opset that its model imports."""
    if case.operator is None:
        return None
    domain, name, opset = case.operator
    return domain, name, max(v for d, n, v in all_signatures() if (d, n) == (domain, name) and v <= opset)


def collect(outcomes: Mapping[str, Outcome], bodies: Mapping[str, int]) -> dict[Key, Evidence]:
    """Run everything. ``outcomes``: backend tests by id; ``bodies``: operator -> differences from its function body."""
    found: dict[Key, Evidence] = {key: Evidence() for key in all_signatures()}
    for case in load_cases("node"):
        key = resolved(case)
        if key is not None:
            found[key].found[origin(case)] += 1
            found[key].passed[origin(case)] += case.id in outcomes and outcomes[case.id].status == "passed"
    _contract(found)
    agreed, ran = _runtime(found)
    for instance in instances():
        _typed(found[instance.key], instance, agreed, ran)
    for key, entry in found.items():
        entry.hand = sum(not example_problems(example, key[2]) for example in examples_of(*key))
    for name in operators_with_bodies():
        if not bodies.get(name):
            for template in templates(name):
                key = (template.signature.domain, template.signature.name, template.signature.since)
                found[key].body_templates += 1
    return found


Typed = set[tuple[Key, str, str]]


def _typed(entry: Evidence, instance: Instance, agreed: Typed, ran: Typed) -> None:
    entry.types += 1
    made = cases(instance)
    key = (instance.key, instance.variable, instance.type)
    if made and any(problem(instance, case) for case in made):
        entry.wrong += 1
    elif made:
        entry.exact += 1
    elif key in agreed:
        entry.by_runtime += 1
    elif key in ran:
        entry.by_contract += 1


def _contract(found: dict[Key, Evidence]) -> None:
    counts: dict[Key, Counter[str]] = defaultdict(Counter)
    inference = Inference()
    try:
        for instance in instances():
            wrong = list(problems([instance], inference, counts[instance.key]))
            found[instance.key].contradicted += len(wrong)
    finally:
        inference.close()
    for key, count in counts.items():
        found[key].contract = count["stated"] - found[key].contradicted


def _runtime(found: dict[Key, Evidence]) -> tuple[Typed, Typed]:
    """Instances on which onnxruntime agrees, and those that ran with the declared type."""
    agreed: Typed = set()
    ran: Typed = set()
    for walked in type_walk.instances():
        key = (walked.signature.domain, walked.operator, walked.since)
        name = (key, walked.variable, walked.onnx_type)
        if type_walk.walk(walked) is None:
            ran.add(name)
        outcome = compared(walked)
        if outcome == "agrees":
            agreed.add(name)
            found[key].runtime += 1
        elif isinstance(outcome, Difference):
            decided = outcome.key in known()
            found[key].runtime_differs += decided
            found[key].undecided += not decided
    return agreed, ran
