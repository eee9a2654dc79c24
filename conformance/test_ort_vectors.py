"""Old operator versions against the vectors of ONNX Runtime 0.3, one test per operator and opset; see ort_vectors.py and its table."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance import ort_vectors
from conformance.ort_vectors import DOMAINS, FAMILIES, Case, Outcome, Row, folder, load_cases, row_of, rows, run_case, verdict

CASES = load_cases(folder())
OPERATORS = sorted({case.operator for case in CASES})
needs_cases = pytest.mark.skipif(not CASES, reason=f"no cases in {folder()}; set REFEXEC_CASES to the folder of the case files")


@needs_cases
@pytest.mark.parametrize("operator", OPERATORS or ["none"])
@pytest.mark.parametrize("profile", ["reference", "deterministic"])
def test_operator(operator: str, profile: str) -> None:
    judged = [(case, row_of(case)) for case in CASES if case.operator == operator]
    found = {case.id: verdict(case, run_case(case, profile, row), row) for case, row in judged}
    assert {case: problem for case, problem in found.items() if problem} == {}


@needs_cases
def test_all_1299_cases_are_found_and_1047_are_core_cases_of_the_standard() -> None:
    assert Counter(case.family for case in CASES) == FAMILIES
    assert sum(FAMILIES.values()) == 1299
    assert sum(case.is_core and case.data["domain"] in DOMAINS for case in CASES) == 1047


@needs_cases
def test_a_row_names_existing_cases_that_no_note_excludes() -> None:
    existing = {name: case for case in CASES for name in (case.id, case.operator)}
    named = [name for row in rows() for name in (*row.cases, *row.operators)]
    assert [name for name in named if name not in existing or existing[name].listed] == []


@needs_cases
@pytest.mark.parametrize("row", [row for row in rows() if row.atol or row.rtol], ids=lambda row: row.id)
def test_a_wider_tolerance_is_needed(row: Row) -> None:
    assert [case.id for case in CASES if case.id in row.cases and run_case(case).status == "ok"] == []


def test_each_row_has_a_reason_and_a_name_of_its_own() -> None:
    assert all(row.reason and bool(row.cases) != bool(row.operators) for row in rows())
    assert len({row.id for row in rows()}) == len(rows())
    assert all(bool(row.error) == (row.status == "refused") for row in rows())


# The harness can fail --------------------------------------------------------------------------------------------------------


def tensor(name: str, dtype: str, values: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "dims": [len(values)], "values": values, **more}


def case(
    op: str, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]], attributes: dict[str, Any] | None = None, **more: Any
) -> Case:
    """A case of one node; ``attributes`` are (type, value) by name."""
    names = [["" if v.get("missing") else v["name"] for v in values] for values in (inputs, outputs)]
    typed = [{"name": name, "type": kind, "value": value} for name, (kind, value) in (attributes or {}).items()]
    node = {"op": op, "domain": more.get("domain", ""), "inputs": names[0], "outputs": names[1], "attrs": typed}
    defaults: dict[str, Any] = {
        "id": f"made:{op}", "family": "made", "op": op, "domain": "", "opset": 7, "expect": "success", "message": "", "add_shape": True,
        "symbolic_dim": -1, "labels": {"ort": "ok", "checker": "ok"},
    }  # fmt: skip
    return Case(defaults | {"inputs": inputs, "outputs": outputs, "nodes": [node]} | more)


X = tensor("X", "float32", [1.0, -2.0])


def absolute(values: list[float], dtype: str = "float32", **more: Any) -> Case:
    return case("Abs", [X], [tensor("Y", dtype, values)], **more)


def judged(made: Case, row: Row | None = None) -> str | None:
    return verdict(made, run_case(made, row=row), row)


def test_equal_values_pass_and_others_do_not() -> None:
    assert judged(absolute([1.0, 2.0])) is None
    assert judged(absolute([1.0, 2.00001])) is None
    assert "1 of 2 differ" in str(judged(absolute([1.0, 2.0001])))
    assert "expected shape" in str(judged(absolute([1.0])))


def test_an_expected_failure_must_be_refused_by_a_rule_and_not_for_want_of_an_operator() -> None:
    axis = {"axis": ("INT", 9)}
    assert judged(case("Flatten", [X], [tensor("Y", "float32", [1.0])], axis, expect="failure")) is None
    assert str(judged(absolute([1.0, 2.0], expect="failure"))).startswith("expected refused, got accepted")
    assert str(judged(case("Abbs", [X], [tensor("Y", "float32", [1.0])], expect="failure"))).startswith("refused for another reason")


def test_a_row_holds_only_while_its_cases_deviate_in_its_way() -> None:
    differs, refused = Row("r", "why", "differs"), Row("r", "why", "refused", "UnsupportedOperator")
    assert judged(absolute([1.0, 3.0]), differs) is None
    assert judged(absolute([1.0, 2.0]), differs) == "row 'r' says differs, got ok"
    assert judged(case("Abbs", [X], [tensor("Y", "float32", [1.0])]), refused) is None
    other = Row("r", "why", "refused", "FeedError")
    assert "got refused UnsupportedOperator" in str(judged(case("Abbs", [X], [tensor("Y", "float32", [1.0])]), other))
    assert judged(absolute([1.0, 2.1]), Row("r", "why", atol=0.11)) is None


def test_a_wider_tolerance_of_integers_is_absolute_and_keeps_types() -> None:
    made = case("Identity", [tensor("X", "int32", [7])], [tensor("Y", "int32", [8])])
    assert judged(made) is not None
    assert judged(made, Row("r", "why", atol=1.0)) is None
    other = case("Identity", [tensor("X", "int32", [7])], [tensor("Y", "int64", [8])])
    assert judged(other, Row("r", "why", atol=1.0)) is not None


def test_a_noted_case_may_differ_but_not_break() -> None:
    made = absolute([1.0, 3.0], note="stale")
    assert made.listed == "note" and judged(made) is None
    assert verdict(made, Outcome("broken", "TypeError escaped"), None) == "broken: TypeError escaped"


def test_an_error_that_is_not_typed_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise KeyError("X")

    monkeypatch.setattr(ort_vectors, "Session", fails)
    assert run_case(absolute([1.0, 2.0])) == Outcome("broken", "KeyError escaped: 'X'")


def test_maps_have_equal_keys_and_nearly_equal_values() -> None:
    labels = {"classlabels_strings": ("STRINGS", ["a", "b"])}

    def made(**values: float) -> Case:
        maps = {"name": "Y", "kind": "seq_map", "key_type": "string", "value_type": "float32", "maps": [{"items": [*values.items()]}]}
        return case("ZipMap", [X], [maps], labels, domain="ai.onnx.ml", opset=1)

    assert judged(made(b=-2.0, a=1.0)) is None
    assert "differ" in str(judged(made(a=1.0, b=-2.1)))
    assert "expected maps of ['a', 'c']" in str(judged(made(a=1.0, c=-2.0)))


def test_initializers_bodies_and_omitted_values_reach_the_model() -> None:
    shape = tensor("S", "int64", [2], initializer=True)
    assert judged(case("Expand", [X, shape], [X | {"name": "Y"}], opset=8)) is None
    absent = {"name": "", "dtype": "bool", "missing": True}
    assert judged(case("Dropout", [X], [X | {"name": "Y"}, absent])) is None
    one = {"name": "K", "dtype": "float32", "dims": [1], "float_data": [1.0]}
    identity = {"op": "Identity", "domain": "", "inputs": ["K"], "outputs": ["Z"], "attrs": []}
    body = {"nodes": [identity], "initializers": [one], "inputs": [], "outputs": [{"name": "Z", "type": None}]}
    branches = {"then_branch": ("GRAPH", body), "else_branch": ("GRAPH", body)}
    assert judged(case("If", [tensor("C", "bool", [True])], [tensor("Y", "float32", [1.0])], branches)) is None


def test_cases_are_read_from_compressed_lines(tmp_path: Path) -> None:
    made = absolute([1.0, 2.0])
    with gzip.open(tmp_path / "made.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(made.data) + "\n\n")
    assert load_cases(tmp_path) == (made,)
    assert load_cases(tmp_path / "absent") == ()
    assert made.operator == "Abs-7" and made.is_core and not absolute([np.nan], expect="failure").is_core
