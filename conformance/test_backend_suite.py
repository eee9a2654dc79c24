"""The complete backend suite of onnx: one test per case, ``-k relu`` works. See backend_suite.py and known_differences.toml."""

from __future__ import annotations

import pytest

from conformance.backend_suite import run_case, verdict
from conformance.cases import EXPECTED_COUNTS, KINDS, Case, load_cases
from conformance.known import known_differences


def _run(case: Case) -> None:
    problem = verdict(case, run_case(case))
    if problem:
        pytest.fail(f"{case.id}: {problem}", pytrace=False)


def _by_name(kind: str) -> pytest.MarkDecorator:
    cases = load_cases(kind)
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


@_by_name("node")
def test_node(case: Case) -> None:
    _run(case)


@_by_name("simple")
def test_simple(case: Case) -> None:
    _run(case)


@_by_name("pytorch-converted")
def test_pytorch_converted(case: Case) -> None:
    _run(case)


@_by_name("pytorch-operator")
def test_pytorch_operator(case: Case) -> None:
    _run(case)


@_by_name("light")
def test_light(case: Case) -> None:
    _run(case)


def test_all_2033_tests_are_found() -> None:
    found = {kind: len(load_cases(kind)) for kind in KINDS}
    assert found == EXPECTED_COUNTS
    assert sum(found.values()) == 2033


def test_a_known_difference_names_an_existing_test_and_there_are_at_most_ten_rows() -> None:
    existing = {case.id for kind in KINDS for case in load_cases(kind)}
    listed = known_differences()
    assert set(listed) <= existing
    assert len({row.id for row in listed.values()}) <= 10
    assert all(row.spec and row.section and row.derivation and row.deviates for row in listed.values())
