"""In the profile ``deterministic`` no sum or product of floats has NumPy's order, and elementary functions are refexec's own.

Every operator version runs on the exact oracles' cases in each float type and on drawn models, while NumPy's sums raise. The results
are the exact ones but for the operator's declared bound.
"""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import refexec
from conformance.exact.values import Case
from conformance.instances import Instance, cases, instances, model, problem
from conformance.library_bits import LibrarySum, refused
from refexec.errors import RefexecError
from refexec.fuzz import audit
from refexec.fuzz.itself import Wide
from refexec.fuzz.verdicts import LIMITS
from refexec.opspec import opspecs
from refexec.schema import all_signatures
from refexec.session import Session

FLOATS = ("float16", "bfloat16", "float", "double")
PARTS = 4
DRAWN = 3  # models of each operator version
OPS = Path(refexec.__file__).parent / "ops"

used: defaultdict[str, set[str]] = defaultdict(set)  # operator -> functions of NumPy that it was seen to call on floats


@cache
def waived() -> dict[str, set[str]]:
    """Operator -> functions of NumPy that it may call on floats, from library_bits.toml."""
    rows = tomllib.loads(Path(__file__).with_name("library_bits.toml").read_text(encoding="utf-8"))["waiver"]
    assert all(len(row["reason"]) > 40 for row in rows)
    return {operator: set(row["functions"]) for row in rows for operator in row["operators"]}


def chosen(part: int) -> list[tuple[Instance, Case]]:
    """One case of each float instance, not always the first."""
    found = []
    for k, instance in enumerate(instances()):
        if instance.type in FLOATS and k % PARTS == part:
            made = cases(instance)
            found += [(instance, made[k // PARTS % len(made)])] if made else []
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_every_float_instance_is_exact_but_for_its_bound_and_sums_in_a_fixed_order(part: int) -> None:
    rounding, wrong = Wide("deterministic"), []
    for instance, case in chosen(part):
        with refused() as met:
            found = problem(instance, case, "deterministic")
        used[instance.signature.label].update(met.functions)
        if met.sums or (found and rounding.judge(*model(instance, case), {}) is not None):
            wrong.append(f"{instance}: {found}")
    assert wrong == []


@pytest.mark.parametrize("part", range(PARTS))
def test_drawn_models_of_every_version_sum_in_a_fixed_order(part: int) -> None:
    wrong = []
    for key in sorted(opspecs())[part::PARTS]:
        for made in audit.models(key, DRAWN):
            with refused() as met:
                try:
                    Session(made.model, profile="deterministic", limits=LIMITS).run(None, made.feeds)
                except RefexecError:
                    assert met.sums
            used[all_signatures()[key].label].update(met.functions)
            if met.sums:
                wrong.append(f"{all_signatures()[key].label}: {met.sums}")
    assert wrong == []


def test_functions_of_the_machine_are_called_only_where_a_waiver_says_why() -> None:
    if not used:
        pytest.skip("needs the tests above in the same process")
    names = {label.rpartition("-")[0]: set[str]() for label in used}
    for label, functions in used.items():
        names[label.rpartition("-")[0]] |= functions
    assert {name: functions - waived().get(name, set()) for name, functions in names.items() if functions - waived().get(name, set())} == {}


def test_waivers_are_of_operators_that_exist() -> None:
    assert waived().keys() <= {signature.label.rpartition("-")[0] for signature in all_signatures().values()}


def test_no_body_multiplies_matrices_by_an_operator_that_cannot_be_refused() -> None:
    found = [
        f"{path.name}:{item.lineno}"
        for path in OPS.rglob("*.py")
        for item in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(item, (ast.BinOp, ast.AugAssign)) and isinstance(item.op, ast.MatMult)
    ]
    assert found == []


SUMMED: list[Any] = [
    lambda x: np.sum(x), lambda x: x.sum(), lambda x: x.mean(), lambda x: x.prod(axis=0), lambda x: np.matmul(x, x), lambda x: np.dot(x, x),
    lambda x: np.einsum("ij->i", x), lambda x: np.add.reduce(x), lambda x: np.fft.fft(x), lambda x: np.linalg.norm(x), lambda x: x.var(),
]  # fmt: skip


@pytest.mark.parametrize("summed", SUMMED)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, refexec.types.BFLOAT16.dtype])
def test_a_sum_in_the_order_of_numpy_raises_for_floats(summed: Any, dtype: Any) -> None:
    with refused(), pytest.raises(LibrarySum):
        summed(np.ones((2, 2), dtype))


def test_sums_of_integers_and_running_sums_are_let_through_and_functions_are_counted() -> None:
    with refused() as met:
        assert np.arange(4).sum() == np.sum(np.arange(4)) == 6
        assert np.cumsum(np.ones(3)).tolist() == [1, 2, 3]
        assert np.add(np.ones(1), 1.0).tolist() == [2]
        np.exp(np.zeros(1))
    assert (met.sums, dict(met.functions)) == ([], {"exp": 1})
