"""The edge-value tables: refexec gives what each row says, and the tables are judges that can fail."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from refexec import Session
from refexec.errors import InvalidModel, RefexecError
from refexec.fuzz import edges
from refexec.fuzz.edge_rows import Row, rows, rows_of
from refexec.fuzz.edges import Case, cases
from refexec.fuzz.graph import RANDOM
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
