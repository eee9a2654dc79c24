"""The edge-value tables: refexec gives what each row says, and the tables are judges that can fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from refexec import Session
from refexec.errors import InvalidModel, RefexecError
from refexec.fuzz import campaign, edge_findings, edges, findings
from refexec.fuzz.edge_rows import Row, rows, rows_of
from refexec.fuzz.edges import Case, cases
from refexec.fuzz.graph import RANDOM, Options
from refexec.fuzz.targets import target
from refexec.schema import all_signatures
from refexec.types import FLOAT16, FLOAT32, INT8

FOLDERS = sorted({case.signature.folder for case in cases()})
WITHOUT = {
    "the numbers of a decoded image are bytes": ["ImageDecoder"],
    "interpolation between numbers; no special value has a meaning of its own": ["AffineGrid", "DeformConv", "MaxRoiPool"],
    "a spectrum or a filter bank of frames: sums and products, of which DFT and MatMul have rows": ["MelWeightMatrix", "STFT"],
    "composed of Conv and of matrix products, which have rows": ["CausalConvWithState", "LinearAttention"],
    "as Attention, which has rows": ["ai.onnx.preview:FlexAttention"],
    "keys and labels, which a map or a list of classes gives": [
        "ai.onnx.ml:CastMap", "ai.onnx.ml:DictVectorizer", "ai.onnx.ml:ZipMap", "ai.onnx.ml:LinearClassifier", "ai.onnx.ml:SVMClassifier",
        "ai.onnx.ml:SVMRegressor",
    ],
    "as TreeEnsembleRegressor, which has rows": ["ai.onnx.ml:TreeEnsemble", "ai.onnx.ml:TreeEnsembleClassifier"],
    "differentiates or updates whole models": [
        f"ai.onnx.preview.training:{name}" for name in ("Adagrad", "Adam", "Gradient", "Momentum")
    ],
}  # fmt: skip
"""Operators without rows, and why."""


def result(case: Case) -> str | None:
    """What is wrong with refexec on a case."""
    try:
        session = Session(case.model)
        found = dict(zip([o.name for o in session.outputs], session.run(None, case.feeds), strict=True))
    except RefexecError as error:
        return None if case.row.refused or case.row.open else f"refused: {error}"
    return "not refused" if case.row.refused else case.wrong(found)


@pytest.mark.parametrize("folder", FOLDERS)
def test_refexec_gives_what_the_table_says(folder: str) -> None:
    wrong = {str(case): said for case in cases() if case.signature.folder == folder and (said := result(case))}
    assert wrong == {}


def test_every_row_holds_for_some_version_and_type() -> None:
    used = {id(case.row) for case in cases()}
    assert [row for row in rows() if id(row) not in used] == []


def test_every_operator_that_is_not_random_has_a_row_or_a_reason() -> None:
    excused = {name for names in WITHOUT.values() for name in names}
    names = {s.label.rpartition("-")[0] for s in all_signatures().values() if not s.deprecated and s.name not in RANDOM}
    listed = {row.operator for row in rows()}
    assert sorted(names - listed - excused) == []
    assert sorted(excused & listed) == [] and excused <= names


def written(table: str, **entry: object) -> list[Row]:
    return list(rows_of({"operators": ["Log"], "basis": "math", "why": "It is so.", "table": table, **entry}))


def case_of(table: str, elem: object = FLOAT32) -> Iterator[Case]:
    for row in written(table, types=["float"]):
        yield Case(row, all_signatures()["", "Log", 13], elem)  # type: ignore[arg-type]


def test_words_are_numbers_of_the_element_type() -> None:
    (case,) = case_of("x -> y\nmax -> 0\ntiny -> 0\n-max -> 0\npi/2 -> 0", FLOAT16)
    assert case.feeds["x"].tolist() == [65504.0, 2.0**-24, -65504.0, float(np.float16(np.pi / 2))]
    (case,) = case_of("x -> y\nmax -> 0\nmin+1 -> 0", INT8)
    assert case.feeds["x"].tolist() == [127, -127]


def test_a_wrong_element_is_told_and_either_of_two_is_right() -> None:
    (case,) = case_of("x -> y\n0 -> -inf\n-0 -> 1|2\n1 -> nan")
    assert case.wrong({"y": np.array([-np.inf, 2, np.nan], np.float32)}) is None
    said = case.wrong({"y": np.array([-np.inf, 3, 0], np.float32)})
    assert said == "-0.0 gives y = 3.0, the table says 1.0 or 2.0; 1.0 gives y = 0.0, the table says nan"


def test_the_sign_of_zero_counts_and_the_payload_of_nan_does_not() -> None:
    (case,) = case_of("x -> y\n0 -> -0\n1 -> nan")
    assert case.wrong({"y": np.array([-0.0, -np.float32(np.nan)], np.float32)}) is None
    assert case.wrong({"y": np.array([0.0, np.nan], np.float32)}) == "0.0 gives y = 0.0, the table says -0.0"


def test_another_type_or_shape_is_wrong() -> None:
    (case,) = case_of("x -> y\n0 -> 1")
    assert str(case.wrong({"y": np.ones(1)})).startswith("dtype") and str(case.wrong({"y": np.ones(2, np.float32)})).startswith("shape")


def test_open_lines_stand_in_a_row_of_their_own() -> None:
    closed, open_ = written("x -> y\n0 -> 1\nany -> ?\n2 -> 3")
    assert (closed.open, open_.open) == (False, True)
    assert closed.inputs == {"x": "T[2] {0, 2}"} and open_.outputs == {"y": "T[1] {?}"}


def test_only_the_wrong_elements_are_kept() -> None:
    (case,) = case_of("x -> y\n0 -> 1\n2 -> 3\n4 -> 5")
    found = case.only({"y": np.array([1, 9, 9], np.float32)})
    assert found.feeds["x"].tolist() == [2, 4] and found.wrong({"y": np.array([3, 5], np.float32)}) is None


def test_a_row_holds_where_the_schema_has_its_types() -> None:
    versions = {(c.signature.since, c.elem.name) for c in edges.cases_of("", "Log") if c.elem is not None}
    assert (1, "float16") in versions and (13, "bfloat16") in versions and (6, "bfloat16") not in versions


def test_a_basis_is_one_of_the_named_ones() -> None:
    with pytest.raises(InvalidModel, match="'feeling' is no basis"):
        written("x -> y\n0 -> 1", basis="feeling")


def parsed(body: str, opset: int = 13) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> g {body}')


def test_what_a_table_leaves_open_is_no_finding_in_a_drawn_model() -> None:
    model = parsed("(float[3] x) => (float[3] y) { y = Relu(x) }")
    feeds = {"x": np.array([np.nan, 1, -1], np.float32)}
    expected, found = ({"y": np.array(v, np.float32)} for v in ([np.nan, 1, 0], [0, 7, 0]))
    assert edges.settled(model, feeds, expected, found)["y"].tolist()[1:] == [7, 0]
    assert np.isnan(edges.settled(model, feeds, expected, found)["y"][0])


def test_where_the_order_of_nan_is_open_it_is_so_beside_other_numbers() -> None:
    model = parsed("(float[4] x) => (int64[1] y) { y = ArgMax (x) }")
    expected, found = {"y": np.array([1], np.int64)}, {"y": np.array([3], np.int64)}
    assert edges.settled(model, {"x": np.array([5, np.nan, 6, 7], np.float32)}, expected, found) == expected
    assert edges.settled(model, {"x": np.array([5, 9, 6, 7], np.float32)}, expected, found) == found


def test_any_stands_for_every_number() -> None:
    model = parsed("(int32[2] x, int32[1] z) => (int32[2] y) { y = Mod(x, z) }")
    feeds = {"x": np.array([5, -9], np.int32), "z": np.array([0], np.int32)}
    expected, found = {"y": np.array([0, 0], np.int32)}, {"y": np.array([3, 4], np.int32)}
    assert edges.settled(model, feeds, expected, found)["y"].tolist() == [0, 0]
    assert edges.settled(model, {**feeds, "z": np.array([2], np.int32)}, expected, found)["y"].tolist() == [3, 4]


def test_rounding_of_a_runtime_is_no_fault_and_the_sign_of_zero_is_one() -> None:
    (case,) = case_of("x -> y\n0 -> 1\n1 -> 0\n2 -> inf")
    near = np.array([np.nextafter(np.float32(1), np.float32(2)), 0, np.inf], np.float32)
    assert case.wrong({"y": near}, 4) is None and case.wrong({"y": near}) is not None
    assert case.wrong({"y": np.array([1, -0.0, np.inf], np.float32)}, 4) is not None
    assert case.wrong({"y": np.array([1, 0, np.finfo(np.float32).max], np.float32)}, 4) is not None


@pytest.fixture(scope="module")
def reference() -> Any:
    made = target("onnx.reference")
    yield made
    made.close()


def test_a_runtime_that_differs_from_a_row_is_at_fault_and_the_finding_has_the_wrong_elements_alone(reference: Any, tmp_path: Path) -> None:
    case = next(c for c in edges.cases_of("", "Cast") if "to = 23>" in c.row.node and c.elem is FLOAT32)
    verdict, part = edge_findings.judged(reference, case)
    assert verdict is not None and (verdict.kind, verdict.operator) == ("value", "Cast-23")
    assert np.isnan(part.feeds["x"]).tolist() == [True]
    found = edge_findings.finding(reference, part, verdict, 5)
    assert (found.blame, found.nodes) == ("onnx.reference", 1) and "float4-of-nan" in found.known and "Cast" in found.signature
    assert findings.replayed(findings.save(found, tmp_path))["there"]


def test_a_runtime_may_refuse_what_is_open(reference: Any) -> None:
    case = next(c for c in edges.cases_of("", "OptionalGetElement") if c.row.open)
    assert edge_findings.judged(reference, case)[0] is None


def test_cases_for_a_campaign_are_those_of_its_options(reference: Any) -> None:
    options = Options(ops=("Log", "Exp"), opset=(6, 12), dtypes=("float32",))
    made = [edge_findings.chosen(reference, options, turn) for turn in range(8)]
    assert {str(c.signature.label) for c in made if c is not None} == {"Log-6", "Exp-6"}
    assert edge_findings.chosen(reference, Options(ops=("ImageDecoder",)), 0) is None


def test_a_campaign_runs_rows_and_keeps_what_is_wrong(tmp_path: Path) -> None:
    options = Options(ops=("Flatten",), control_flow=False)
    found = campaign._chunk(["onnx.reference"], options, 0, {}).found
    assert any(f.votes == {findings.TABLE: "agrees"} and f.blame == "onnx.reference" for f in found)
