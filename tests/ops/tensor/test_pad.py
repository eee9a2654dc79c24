"""Pad."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import LimitExceeded, RuleViolation, UnsupportedType

F = np.float32
E8M0 = ml_dtypes.float8_e8m0fnu
LINE = np.array([1, 2, 3, 4], F)
SINCE_11 = (11, 13, 18, 19, 21, 23, 24, 25)


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


def padded(x: Any, pads: list[int], mode: str, opset: int = 25, **attributes: Any) -> Any:
    if opset >= 11:
        return run_op("Pad", x, ints(*pads), opset=opset, mode=mode).tolist()
    named: dict[str, Any] = {"paddings" if opset == 1 else "pads": pads}
    return run_op("Pad", x, opset=opset, mode=mode, **named, **attributes).tolist()


@pytest.mark.parametrize("opset", [1, 2, *SINCE_11])
@pytest.mark.parametrize(
    ("mode", "pads", "expected"),
    [
        ("constant", [1, 2], [0, 1, 2, 3, 4, 0, 0]),
        ("constant", [-1, 2], [2, 3, 4, 0, 0]),
        ("constant", [-2, -2], []),
        ("constant", [3, -4], [0, 0, 0]),
        ("edge", [1, 2], [1, 1, 2, 3, 4, 4, 4]),
        ("edge", [-1, 1], [2, 3, 4, 4]),
        ("reflect", [2, 3], [3, 2, 1, 2, 3, 4, 3, 2, 1]),
        ("reflect", [-1, 2], [2, 3, 4, 3, 2]),
        ("reflect", [0, 0], [1, 2, 3, 4]),
    ],
)
def test_elements_are_removed_first_and_added_then(opset: int, mode: str, pads: list[int], expected: list[float]) -> None:
    assert padded(LINE, pads, mode, opset) == expected


@pytest.mark.parametrize("opset", [19, 21, 23, 24, 25])
@pytest.mark.parametrize(
    ("pads", "expected"),
    [([1, 2], [4, 1, 2, 3, 4, 1, 2]), ([5, 0], [4, 1, 2, 3, 4, 1, 2, 3, 4]), ([-1, 3], [2, 3, 4, 2, 3, 4])],
)
def test_wrap_continues_from_the_other_side_as_often_as_needed(opset: int, pads: list[int], expected: list[float]) -> None:
    assert padded(LINE, pads, "wrap", opset) == expected


def test_pads_are_all_begins_then_all_ends() -> None:
    y = run_op("Pad", np.array([[1, 2]], F), ints(1, 0, 0, 2))
    assert y.tolist() == [[0, 0, 0, 0], [1, 2, 0, 0]]


def test_the_corners_of_a_reflection_are_reflected_twice() -> None:
    y = run_op("Pad", np.array([[1, 2], [3, 4]], F), ints(1, 1, 0, 0), mode="reflect")
    assert y.tolist() == [[4, 3, 4], [2, 1, 2], [4, 3, 4]]


@pytest.mark.parametrize("opset", [18, 19, 21, 25])
def test_axes_name_what_pads_speaks_of(opset: int) -> None:
    x = np.zeros((1, 2, 3), F)
    assert run_op("Pad", x, ints(1, 2, 3, 4), None, ints(-1, 0), opset=opset).shape == (7, 2, 7)
    assert run_op("Pad", x, ints(1, 0), None, np.array([1], np.int32), opset=opset, mode="edge").shape == (1, 3, 3)


@pytest.mark.parametrize("opset", SINCE_11)
def test_the_constant_is_an_input(opset: int) -> None:
    assert run_op("Pad", LINE, ints(1, 0), np.array(9, F), opset=opset).tolist() == [9, 1, 2, 3, 4]


@pytest.mark.parametrize("opset", [1, 2])
def test_the_constant_was_an_attribute(opset: int) -> None:
    assert padded(LINE, [1, 0], "constant", opset, value=9.5) == [9.5, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("x", "constant", "expected"),
    [
        (np.array(["a"]), None, ["", "a"]),
        (np.array(["a"]), np.array("z"), ["z", "a"]),
        (np.array([True]), None, [False, True]),
        (np.array([5]), np.array([2**62 + 1]), [2**62 + 1, 5]),
        (np.array([1j]), None, [0, 1j]),
        (np.array([1], ml_dtypes.bfloat16), np.array(0.5, ml_dtypes.bfloat16), [0.5, 1]),
        (np.array([1], ml_dtypes.int4), np.array(-8, ml_dtypes.int4), [-8, 1]),
    ],
)
def test_each_type_has_its_zero_and_its_constants(x: Any, constant: Any, expected: Any) -> None:
    y = run_op("Pad", x, ints(1, 0), constant)
    assert [v if isinstance(v, str) else v.item() if hasattr(v, "item") else v for v in y] == expected


def test_an_empty_axis_grows_by_a_constant_only() -> None:
    assert run_op("Pad", np.zeros((0,), F), ints(1, 1)).tolist() == [0, 0]
    assert run_op("Pad", np.zeros((2, 0), F), ints(1, 0, 0, 0), mode="edge").shape == (3, 0)
    for mode in ("edge", "reflect", "wrap"):
        with pytest.raises(RuleViolation, match="there is an element to repeat"):
            run_op("Pad", np.zeros((0,), F), ints(1, 1), mode=mode)


@pytest.mark.parametrize(
    ("pads", "mode", "rule"),
    [
        ([1], "constant", "pads has a begin and an end per axis"),
        ([-5, 6], "constant", "no more elements are removed than there are"),
        ([-3, -2], "constant", "a dimension does not become negative"),
        ([4, 0], "reflect", "a reflection is shorter than the axis"),
        ([0, 4], "reflect", "a reflection is shorter than the axis"),
        ([-2, 2], "reflect", "a reflection is shorter than the axis"),
        ([1, 1], "mirror", "mode is constant, edge, reflect or wrap"),
    ],
)
def test_refused(pads: list[int], mode: str, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        padded(LINE, pads, mode)


@pytest.mark.parametrize("opset", [1, 2, 11, 13, 18])
def test_wrap_exists_from_version_19_on(opset: int) -> None:
    with pytest.raises(RuleViolation, match="mode is constant, edge or reflect"):
        padded(LINE, [1, 1], "wrap", opset)


def test_the_constant_is_one_number_and_axes_are_distinct() -> None:
    with pytest.raises(RuleViolation, match="a scalar operand has one element"):
        run_op("Pad", LINE, ints(1, 1), np.array([1, 2], F))
    with pytest.raises(RuleViolation, match="axes are distinct"):
        run_op("Pad", np.zeros((2, 2), F), ints(1, 1, 1, 1), None, ints(0, -2))


@pytest.mark.parametrize("mode", ["constant", "edge", "wrap"])
@pytest.mark.parametrize("shape", [(2, 3), (0, 3)])
def test_the_result_is_claimed(mode: str, shape: tuple[int, int]) -> None:
    if mode == "constant" and 0 in shape:
        return
    with pytest.raises(LimitExceeded):
        run_op("Pad", np.zeros(shape, F), ints(0, 0, 0, 2**36), mode=mode)


@pytest.mark.parametrize("profile", ["reference", "deterministic"])
def test_a_type_without_zero_is_padded_with_a_given_value_only(profile: str) -> None:
    powers, pads = np.ones((1, 2), E8M0), np.array([0, 1, 0, 0])
    with pytest.raises(UnsupportedType, match="no zero"):
        run_op("Pad", powers, pads, opset=25, profile=profile)
    padded = run_op("Pad", powers, pads, np.asarray(2, E8M0), opset=25, profile=profile)
    assert padded.astype(float).tolist() == [[2, 1, 1]]
