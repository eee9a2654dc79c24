"""Shape, Size, Reshape, Identity, Squeeze, Unsqueeze, Transpose."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

F = np.float32
X = np.arange(24, dtype=F).reshape(2, 3, 4)


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


@pytest.mark.parametrize("opset", [1, 13, 14, 16, 19, 21, 23, 24, 25])
def test_identity_is_its_input(opset: int) -> None:
    assert run_op("Identity", X, opset=opset).tobytes() == X.tobytes()


def test_identity_of_narrow_types_and_strings() -> None:
    for x in (np.array([1, -8], ml_dtypes.int4), np.array([np.nan], ml_dtypes.float8_e5m2)):
        assert run_op("Identity", x).tobytes() == x.tobytes()
    assert run_op("Identity", np.array(["a"])).tolist() == ["a"]


@pytest.mark.parametrize("opset", [1, 13, 15, 19, 21, 23, 24, 25])
def test_shape_and_size_are_int64(opset: int) -> None:
    y = run_op("Shape", X, opset=opset)
    assert y.dtype == np.int64 and y.tolist() == [2, 3, 4]
    y = run_op("Size", X, opset=opset)
    assert y.dtype == np.int64 and y.shape == () and y == 24


def test_shape_and_size_of_a_scalar_and_of_nothing() -> None:
    assert run_op("Shape", np.array(1.0)).tolist() == [] and run_op("Size", np.array(1.0)) == 1
    assert run_op("Shape", np.zeros((0, 2))).tolist() == [0, 2] and run_op("Size", np.zeros((0, 2))) == 0


@pytest.mark.parametrize("opset", [15, 19, 25])
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, [2, 3, 4]),
        (1, None, [3, 4]),
        (-1, None, [4]),
        (0, -1, [2, 3]),
        (1, 2, [3]),
        (-9, 9, [2, 3, 4]),
        (2, 1, []),
        (9, None, []),
        (0, -9, []),
    ],
)
def test_shape_of_some_axes_clamps_start_and_end(opset: int, start: int, end: int | None, expected: list[int]) -> None:
    attributes: dict[str, Any] = {"start": start} if end is None else {"start": start, "end": end}
    assert run_op("Shape", X, opset=opset, **attributes).tolist() == expected


# Reshape ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [5, 13, 14, 19, 21, 23, 24, 25])
@pytest.mark.parametrize(
    ("shape", "expected"),
    [([4, 6], (4, 6)), ([-1], (24,)), ([0, -1], (2, 12)), ([0, 0, -1, 1], (2, 3, 4, 1)), ([3, -1, 2], (3, 4, 2)), ([2, 0, 4], (2, 3, 4))],
)
def test_reshape_keeps_the_elements_in_order(opset: int, shape: list[int], expected: tuple[int, ...]) -> None:
    y = run_op("Reshape", X, ints(*shape), opset=opset)
    assert y.shape == expected and y.reshape(-1).tolist() == list(range(24))


def test_reshape_had_its_shape_in_an_attribute() -> None:
    assert run_op("Reshape", X, opset=1, shape=[0, -1]).shape == (2, 12)
    assert run_op("Reshape", np.ones((1, 1), F), opset=1).shape == ()


def test_reshape_to_a_scalar_and_of_nothing() -> None:
    assert run_op("Reshape", np.ones((1, 1), F), ints()).shape == ()
    assert run_op("Reshape", np.zeros((0, 3), F), ints(0, 5)).shape == (0, 5)


def test_reshape_with_allowzero_takes_zero_as_a_size() -> None:
    assert run_op("Reshape", np.zeros((0, 3), F), ints(3, 0), allowzero=1).shape == (3, 0)
    assert run_op("Reshape", np.zeros((0, 3), F), ints(3, 4, 0), opset=14, allowzero=1).shape == (3, 4, 0)


@pytest.mark.parametrize(
    ("shape", "allowzero", "rule"),
    [
        ([[24]], 0, "shape is a vector"),
        ([1, 1, 1, 0], 0, "a dimension 0 copies one that the input has"),
        ([0, -1], 1, "0 and -1 exclude each other"),
        ([5, -1], 0, "the other dimensions divide"),
        ([-1, -1], 0, "the other dimensions divide|at most one dimension"),
        ([-1, -1, 6], 0, "the other dimensions divide|at most one dimension"),
        ([-2, -12], 0, "at most one dimension is -1 and none is less"),
        ([5, 5], 0, "both shapes have the same number of elements"),
        ([0, 24], 1, "both shapes have the same number of elements"),
    ],
)
def test_reshape_refuses(shape: Any, allowzero: int, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("Reshape", X, np.array(shape), allowzero=allowzero)


def test_reshape_of_nothing_cannot_guess_a_dimension() -> None:
    with pytest.raises(RuleViolation, match="the other dimensions divide"):
        run_op("Reshape", np.zeros((0, 3), F), ints(0, -1))


# Squeeze, Unsqueeze ----------------------------------------------------------------------------------------------------------

ONES = np.arange(3, dtype=F).reshape(1, 3, 1)


def squeeze(x: Any, axes: list[int] | None, opset: int) -> Any:
    if opset >= 13:
        return run_op("Squeeze", x, None if axes is None else ints(*axes), opset=opset)
    return run_op("Squeeze", x, opset=opset, axes=axes)


@pytest.mark.parametrize("opset", [1, 11, 13, 21, 23, 24, 25])
@pytest.mark.parametrize(
    ("axes", "expected"), [(None, (3,)), ([0], (3, 1)), ([2], (1, 3)), ([-1], (1, 3)), ([2, 0], (3,)), ([2, -1, 2], (1, 3))]
)
def test_squeeze_drops_axes_of_size_1(opset: int, axes: list[int] | None, expected: tuple[int, ...]) -> None:
    assert squeeze(ONES, axes, opset).shape == expected


def test_squeeze_with_an_empty_list_of_axes_drops_none() -> None:
    assert squeeze(ONES, [], 13).shape == (1, 3, 1)


@pytest.mark.parametrize(("axes", "rule"), [([1], "squeezed axes have size 1"), ([3], "axis is in")])
def test_squeeze_refuses(axes: list[int], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        squeeze(ONES, axes, 13)


def unsqueeze(x: Any, axes: list[int], opset: int) -> Any:
    return run_op("Unsqueeze", x, ints(*axes), opset=opset) if opset >= 13 else run_op("Unsqueeze", x, opset=opset, axes=axes)


@pytest.mark.parametrize("opset", [1, 11, 13, 21, 23, 24, 25])
@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ([0], (1, 2, 5)),
        ([2], (2, 5, 1)),
        ([-1], (2, 5, 1)),
        ([0, 3], (1, 2, 5, 1)),
        ([3, 0], (1, 2, 5, 1)),
        ([2, 1], (2, 1, 1, 5)),
    ],
)
def test_unsqueeze_axes_are_places_in_the_result_in_any_order(opset: int, axes: list[int], expected: tuple[int, ...]) -> None:
    assert unsqueeze(np.zeros((2, 5), F), axes, opset).shape == expected


def test_unsqueeze_with_an_empty_list_of_axes_inserts_none() -> None:
    assert unsqueeze(np.zeros((2, 5), F), [], 13).shape == (2, 5)


def test_unsqueeze_takes_a_scalar_for_one_axis() -> None:
    assert run_op("Unsqueeze", np.zeros((2, 5), F), np.array(-1)).shape == (2, 5, 1)


@pytest.mark.parametrize(("axes", "rule"), [([0, 0], "axes are distinct"), ([0, -4], "axes are distinct"), ([3], "axis is in")])
def test_unsqueeze_refuses(axes: list[int], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        unsqueeze(np.zeros((2, 5), F), axes, 13)


# Transpose -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [1, 13, 21, 23, 24, 25])
def test_transpose_reverses_or_permutes(opset: int) -> None:
    y = run_op("Transpose", X, opset=opset)
    assert y.shape == (4, 3, 2) and y[3, 1, 1] == X[1, 1, 3]
    y = run_op("Transpose", X, opset=opset, perm=[2, 0, 1])
    assert y.shape == (4, 2, 3) and y[3, 1, 2] == X[1, 2, 3]


def test_transpose_of_a_scalar_and_of_int4() -> None:
    assert run_op("Transpose", np.array(1.0)).shape == ()
    assert [[int(v) for v in row] for row in run_op("Transpose", np.array([[1, -8]], ml_dtypes.int4))] == [[1], [-8]]


@pytest.mark.parametrize("perm", [[0, 1], [0, 1, 1], [0, 1, 3], [-1, 0, 1]])
def test_transpose_needs_a_permutation(perm: list[int]) -> None:
    with pytest.raises(RuleViolation, match="perm is a permutation of the axes"):
        run_op("Transpose", X, perm=perm)
