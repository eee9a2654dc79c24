"""Operators against their function bodies, on inputs that Hypothesis draws, in the profile ``wide``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import refexec
from conformance import function_bodies
from conformance.function_bodies import Row, Template, compared, difference, differences, excused, operators, rows, templates, versions

EXAMPLES = 5
ROWS = pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.operator}: {row.kind[:40]}")


def of_type(name: str, version: int, dtype: Any) -> Template:
    return next(t for t in templates(name) if t.signature.since == version and next(iter(t.feeds.values())).dtype == dtype)


def filled(template: Template, *numbers: float) -> dict[str, Any]:
    return {n: np.full(v.shape, x, v.dtype) for (n, v), x in zip(template.feeds.items(), numbers, strict=True)}


@pytest.mark.parametrize("name", operators())
def test_operator_and_body_agree_or_a_row_says_who_is_right(name: str) -> None:
    assert differences(name, EXAMPLES) == []


def test_there_are_49_operators_with_a_body_and_each_version_of_them_has_templates() -> None:
    assert len(operators()) == 49
    for name in operators():
        assert {t.signature.since for t in templates(name)} == {s.since for s, _ in versions(name)} != set(), name


def test_each_version_is_compared_on_inputs_that_both_accept() -> None:
    for name in operators():
        for since in {s.since for s, _ in versions(name)}:
            mine = [t for t in templates(name) if t.signature.since == since]
            runs = (t for t in mine if not any(isinstance(function_bodies._run(s, t.feeds), Exception) for s in t.sessions))
            assert next(runs, None) is not None, f"{name}-{since}"


@ROWS
def test_a_rows_example_shows_what_it_says(row: Row) -> None:
    assert row.holds("native")
    assert row.holds("body")
    wrong = compared(row.template, row.template.feeds)
    assert wrong is not None
    assert row.speaks_of(row.template, wrong)
    assert [r for r in rows() if r.speaks_of(row.template, wrong)] == [row]


@ROWS
def test_a_row_names_versions_with_a_body_and_says_why(row: Row) -> None:
    assert set(row.versions) <= {s.since for s, _ in versions(row.operator)}
    assert row.prose in ("operator", "body", "neither")
    assert len(row.basis) > 60
    assert set(row.types) <= set(row.template.signature.variables)


def test_a_row_excuses_its_own_operator_version_kind_and_type_only() -> None:
    float32, double, relu = of_type("HardSwish", 22, np.float32), of_type("HardSwish", 22, np.float64), of_type("Relu", 14, np.float64)
    wrong = "output 0: element 1: operator 1.0, body 1.5"
    assert excused(double, wrong)
    assert not excused(float32, wrong)
    assert not excused(relu, wrong)
    assert not excused(double, "operator: refused, body: [1.5]")
    assert not excused(replace(double, signature=replace(double.signature, since=1)), wrong)


@pytest.mark.parametrize("wrong", [1 + 1e-4, -1.0, np.inf, np.nan])
def test_a_wrong_operator_is_found(wrong: float) -> None:
    @refexec.op("Relu", since=14)
    def relu(X: Any) -> Any:
        return np.maximum(X, 0) * X.dtype.type(wrong)

    template = of_type("Relu", 14, np.float32)
    assert difference(template, 20, False) is None
    changed = replace(template)
    changed.__dict__["sessions"] = (refexec.Session(template.model(), profile="wide", ops=[relu], override=True), template.sessions[1])
    assert "output 0: element" in str(difference(changed, 20, False))


def test_a_wrong_body_is_found() -> None:
    @refexec.op("Max", since=13)
    def maximum(*data: Any) -> Any:
        return np.minimum(*data)

    template = of_type("Relu", 14, np.float32)
    body = refexec.Session(template.model(), profile="wide", ops=[maximum], override=True, expand={"Relu"})
    changed = replace(template)
    changed.__dict__["sessions"] = (template.sessions[0], body)
    assert "output 0: element" in str(difference(changed, 20, False))


def test_an_infinity_is_not_near_a_number() -> None:
    template = of_type("Softplus", 22, np.float32)
    assert str(compared(template, filled(template, 1000.0))).endswith("output 0: element 0: operator 1000.0, body inf")


def test_the_tolerance_is_that_of_the_narrowest_type_in_the_body() -> None:
    for template in (of_type("Gelu", 20, np.float64), *templates("HannWindow")):
        assert template.narrowest is not None
        assert function_bodies.precision(template.narrowest) >= function_bodies.RELATIVE["float32"]
    assert function_bodies.precision(of_type("Relu", 14, np.float64).floats[-1]) == function_bodies.RELATIVE["float64"]


def test_inputs_are_numbers_that_a_cast_in_the_body_keeps() -> None:
    float32 = refexec.types.element_type("float32")
    x = np.array([1e8 + 1, 0.5, 1e300])
    np.testing.assert_array_equal(function_bodies._held(x, [float32]), [1e8, 0.5, 1e300])
    np.testing.assert_array_equal(function_bodies._held(x, []), x)
