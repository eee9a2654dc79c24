"""AffineGrid, GridSample."""

from __future__ import annotations

from itertools import product
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from conformance.ort_child import run_onnxruntime
from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation
from tests.ops.declared import bounds
from tests.ops.tensor.scalar_resize import grid_sample

F = np.float32
IDENTITY = np.array([[[1, 0, 0], [0, 1, 0]]], F)
MODES, PADDING = ("linear", "nearest", "cubic"), ("zeros", "border", "reflection")
VERSION_16 = {"linear": "bilinear", "nearest": "nearest", "cubic": "bicubic"}


# AffineGrid ------------------------------------------------------------------------------------------------------------------


def test_the_identity_gives_x_and_y_of_the_pixel_centers() -> None:
    y = run_op("AffineGrid", IDENTITY, np.array([1, 1, 2, 4]))
    xs, ys = [-0.75, -0.25, 0.25, 0.75], [-0.5, 0.5]
    assert y.shape == (1, 2, 4, 2) and y.tolist() == [[[[x, v] for x in xs] for v in ys]]


def test_with_align_corners_the_corner_pixels_are_at_minus_1_and_1() -> None:
    y = run_op("AffineGrid", IDENTITY, np.array([1, 1, 2, 3]), align_corners=1)
    assert y.tolist() == [[[[x, v] for x in (-1, 0, 1)] for v in (-1, 1)]]


def test_a_matrix_is_applied_to_x_y_z_and_1() -> None:
    theta = np.array([[[1, 2, 4, 8], [16, 32, 64, 128], [0.5, 0.25, 0.125, 1]]], F)
    y = run_op("AffineGrid", theta, np.array([1, 5, 2, 2, 2]), align_corners=1)
    assert y.shape == (1, 2, 2, 2, 3)
    for d, h, w in product((0, 1), repeat=3):
        x = np.array([2 * w - 1, 2 * h - 1, 2 * d - 1, 1])
        assert y[0, d, h, w].tolist() == (theta[0] @ x).tolist()


def test_each_batch_has_its_matrix_and_the_channels_do_not_matter() -> None:
    theta = np.stack([IDENTITY[0], 2 * IDENTITY[0]])
    y = run_op("AffineGrid", theta, np.array([2, 0, 1, 2]))
    assert y[:, 0, :, 0].tolist() == [[-0.5, 0.5], [-1, 1]]


def test_a_single_pixel_is_in_the_middle_or_with_align_corners_at_minus_1() -> None:
    assert run_op("AffineGrid", IDENTITY, np.array([1, 1, 1, 1])).tolist() == [[[[0, 0]]]]
    assert run_op("AffineGrid", IDENTITY, np.array([1, 1, 1, 1]), align_corners=1).tolist() == [[[[-1, -1]]]]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_the_grid_has_the_type_of_theta(dtype: Any) -> None:
    y = run_op("AffineGrid", IDENTITY.astype(dtype), np.array([1, 1, 1, 4]))
    assert y.dtype == dtype and y[0, 0, :, 0].tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert run_op("AffineGrid", IDENTITY.astype(dtype), np.array([1, 1, 0, 4])).shape == (1, 0, 4, 2)


@pytest.mark.parametrize(
    ("theta", "size", "rule"),
    [
        (IDENTITY, [1, 1, 2], "size is \\(N, C, H, W\\)"),
        (IDENTITY, [], "size is \\(N, C, H, W\\)"),
        (IDENTITY, [[1, 1, 2, 2]], "a list of integers is a 1-D tensor"),
        (IDENTITY, [2, 1, 2, 2], "theta is \\(N, 2, 3\\)"),
        (IDENTITY, [1, 1, 2, 2, 2], "theta is \\(N, 2, 3\\)"),
        (IDENTITY, [1, 1, 2, -2], "sizes are not negative"),
    ],
)
def test_affine_grid_refuses(theta: Any, size: Any, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("AffineGrid", theta, np.array(size, np.int64))


def test_the_grid_is_claimed() -> None:
    with pytest.raises(LimitExceeded):
        run_op("AffineGrid", IDENTITY, np.array([1, 1, 2**20, 2**20]))


@pytest.mark.parametrize("align", [0, 1])
def test_single_precision_stays_within_the_bound_of_the_grid(align: int) -> None:
    theta = np.random.default_rng(1).standard_normal((2, 2, 3)).astype(F)
    size = np.array([2, 1, 5, 7])
    (bound,) = bounds("AffineGrid", theta, size, opset=20, align_corners=align)
    steps = [np.linspace(-1, 1, n, dtype=F) if align else (2 * np.arange(n, dtype=F) + 1) / F(n) - 1 for n in (5, 7)]
    points = np.stack([np.broadcast_to(steps[1], (5, 7)), np.broadcast_to(steps[0][:, None], (5, 7)), np.ones((5, 7), F)], axis=-1)
    plain = np.einsum("hwk,nik->nhwi", points, theta)
    truth = run_op("AffineGrid", theta, size, align_corners=align, profile="wide")
    assert plain.dtype == F and np.all(np.abs(plain - truth) <= bound) and bound.max() < 1e-5


def test_the_bound_leaves_the_place_of_a_single_pixel_open_with_align_corners_only() -> None:
    theta, size = np.array([[[1, 2, 4], [8, 16, 32]]], F), np.array([1, 1, 1, 2])
    (bound,) = bounds("AffineGrid", theta, size, opset=20, align_corners=1)
    plain = np.array([[[[5, 40], [7, 56]]]], F)  # x is -1 and 1, y is 1
    ours = run_op("AffineGrid", theta, size, align_corners=1)
    assert ours.tolist() == [[[[1, 8], [3, 24]]]] and np.all(np.abs(plain - ours) <= bound)
    (bound,) = bounds("AffineGrid", theta, size, opset=20)
    assert bound.max() < 1e-4


# GridSample ------------------------------------------------------------------------------------------------------------------


def sample(values: Any, *points: float, **options: Any) -> Any:
    """GridSample of one row of pixels at coordinates in [-1, 1]; the rank is 3."""
    row = np.asarray(values)
    grid = np.array(points, F).reshape(1, -1, 1)
    return run_op("GridSample", row.reshape(1, 1, -1), grid, **options)[0, 0].tolist()


def test_minus_1_and_1_are_the_edges_or_with_align_corners_the_corner_pixels() -> None:
    assert sample(np.array([0, 4], F), -0.5, 0, 0.5) == [0, 2, 4]
    assert sample(np.array([0, 4], F), -1, 0, 1, align_corners=1) == [0, 2, 4]


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("zeros", [2, 4, 0, 0]),  # half of the last pixel and half of nothing; then beyond
        ("border", [4, 8, 8, 8]),
        ("reflection", [4, 8, 8, 4]),
    ],
)
def test_pixels_outside_follow_the_padding_mode(padding: str, expected: list[float]) -> None:
    # Pixels 4, 8 at -0.5, 0.5. Positions -0.5, 1.5, 2 and 3.
    assert sample(np.array([4, 8], F), -1, 1, 1.5, 2.5, padding_mode=padding) == expected


def test_a_reflection_goes_on_until_it_is_inside() -> None:
    # With align_corners positions -1, -2, -3, -4, -5 are pixels 1, 2, 1, 0, 1.
    assert sample(np.array([0, 1, 2], F), -2, -3, -4, -5, -6, align_corners=1, padding_mode="reflection") == [1, 2, 1, 0, 1]
    assert sample(np.array([7], F), -3, 0, 9, align_corners=1, padding_mode="reflection") == [7, 7, 7]


def test_nearest_takes_the_even_pixel_of_two() -> None:
    # Positions 0.5, 1.5 and 2.5 of four pixels.
    assert sample(np.array([0, 1, 2, 3], F), -0.5, 0, 0.5, mode="nearest") == [0, 2, 2]


def test_cubic_has_the_coefficient_minus_three_quarters() -> None:
    # Position 1.5 of four pixels: weights (-3, 19, 19, -3) / 32.
    assert sample(np.array([32, 0, 0, 0], F), 0, mode="cubic") == [-3]
    assert sample(np.array([0, 32, 0, 0], F), 0, mode="cubic") == [19]


def test_the_last_coordinate_is_that_of_the_first_axis() -> None:
    x = np.arange(6, dtype=F).reshape(1, 1, 2, 3)
    y = run_op("GridSample", x, np.array([[[[1, -1], [-1, 1]]]], F), align_corners=1)
    assert y.tolist() == [[[[2, 3]]]]


@pytest.mark.parametrize("opset", [16, 20, 22])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("align", [0, 1])
def test_images_agree_with_the_formulas_element_by_element(opset: int, mode: str, padding: str, align: int) -> None:
    generator = np.random.default_rng(7)
    x, grid = generator.standard_normal((2, 2, 3, 4)), generator.uniform(-2.5, 2.5, (2, 3, 2, 2))
    named = VERSION_16[mode] if opset == 16 else mode
    y = run_op("GridSample", x, grid, opset=opset, mode=named, padding_mode=padding, align_corners=align)
    assert np.allclose(y, grid_sample(x, grid, mode=mode, padding=padding, align=bool(align)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("spatial", [(4,), (2, 3, 4)])
def test_lines_and_volumes_agree_with_the_formulas(mode: str, padding: str, align: int, spatial: tuple[int, ...]) -> None:
    generator = np.random.default_rng(8)
    x, grid = generator.standard_normal((1, 2, *spatial)), generator.uniform(-2, 2, (1, *(2,) * len(spatial), len(spatial)))
    y = run_op("GridSample", x, grid, mode=mode, padding_mode=padding, align_corners=align)
    assert np.allclose(y, grid_sample(x, grid, mode=mode, padding=padding, align=bool(align)), rtol=1e-12, atol=1e-12)


def test_integers_lose_their_fraction_and_stay_exact_for_nearest() -> None:
    assert sample(np.array([1, 4], np.int32), 0) == [2]
    assert sample(np.array([-1, -4], np.int32), 0) == [-2]
    assert sample(np.array([2**62 + 1, 0]), -0.5, mode="nearest") == [2**62 + 1]


def test_strings_and_booleans_are_moved_and_complex_numbers_mixed() -> None:
    assert sample(np.array(["a", "b"], object), -0.5, 0.5, 5, mode="nearest") == ["a", "b", ""]
    assert sample(np.array([True, False]), -0.5, 0.5, 5, mode="nearest", padding_mode="border") == [True, False, False]
    assert sample(np.array([0, 2j], np.complex64), 0) == [1j]
    for x in (np.array(["a", "b"], object), np.array([True, False])):
        with pytest.raises(RuleViolation, match="booleans and strings are moved only"):
            sample(x, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_the_result_has_the_type_of_x(dtype: Any) -> None:
    y = run_op("GridSample", np.array([[[0, 4]]], dtype), np.zeros((1, 1, 1), F))
    assert y.dtype == dtype and y.tolist() == [[[2]]]


def test_infinite_coordinates_are_far_outside() -> None:
    assert sample(np.array([4, 8], F), np.inf, -np.inf) == [0, 0]
    assert sample(np.array([4, 8], F), np.inf, -np.inf, padding_mode="border") == [8, 4]
    assert sample(np.array([4, 8], F), 1e30, -1e30, mode="nearest", padding_mode="border") == [8, 4]


def test_nothing_is_sampled_from_or_into_nothing() -> None:
    assert run_op("GridSample", np.zeros((1, 2, 3), F), np.zeros((1, 0, 1), F)).shape == (1, 2, 0)
    assert run_op("GridSample", np.zeros((1, 0, 3), F), np.zeros((1, 2, 1), F)).shape == (1, 0, 2)
    with pytest.raises(RuleViolation, match="X has an element to sample"):
        run_op("GridSample", np.zeros((1, 2, 0), F), np.zeros((1, 1, 1), F))


@pytest.mark.parametrize(
    ("x", "grid", "options", "rule"),
    [
        ((1, 1), (1, 1), {}, "X is \\(N, C, D1, ...\\)"),
        ((1, 1, 2, 2), (1, 1, 2), {}, "grid is \\(N, O1"),
        ((1, 1, 2, 2), (2, 1, 1, 2), {}, "grid is \\(N, O1"),
        ((1, 1, 2, 2), (1, 1, 1, 3), {}, "grid is \\(N, O1"),
        ((1, 1, 2), (1, 1, 1), {"mode": "bilinear"}, "mode is linear, nearest or cubic"),
        ((1, 1, 2), (1, 1, 1), {"padding_mode": "wrap"}, "padding_mode is zeros, border or reflection"),
        ((1, 1, 2), (1, 1, 1), {"opset": 16}, "X is \\(N, C, H, W\\)"),
        ((1, 1, 2, 2), (1, 1, 1, 2), {"opset": 16, "mode": "linear"}, "mode is bilinear, nearest or bicubic"),
    ],
)
def test_grid_sample_refuses(x: tuple[int, ...], grid: tuple[int, ...], options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("GridSample", np.zeros(x, F), np.zeros(grid, F), **options)


def test_the_result_and_the_number_of_neighbours_are_limited() -> None:
    with pytest.raises(LimitExceeded):
        run_op("GridSample", np.zeros((1, 1000, 1), F), np.zeros((1, 1000, 1), F), limits=Limits(tensor_bytes=10**6))
    with pytest.raises(LimitExceeded):
        run_op("GridSample", np.zeros((1, 1) + (1,) * 20, F), np.zeros((1,) + (1,) * 20 + (20,), F), mode="cubic")


def test_onnxruntime_stays_within_the_declared_bound() -> None:
    pytest.importorskip("onnxruntime")
    generator = np.random.default_rng(9)
    x, grid = generator.standard_normal((2, 3, 5, 6)).astype(F), generator.uniform(-3, 3, (2, 4, 7, 2)).astype(F)
    for opset in (16, 20, 22):
        cases = list(product(MODES, PADDING, (0, 1)))
        helper = onnx.helper
        named: list[dict[str, Any]] = [
            {"mode": VERSION_16[m] if opset == 16 else m, "padding_mode": p, "align_corners": a} for m, p, a in cases
        ]
        nodes = [helper.make_node("GridSample", ["X", "grid"], [f"y{i}"], **attributes) for i, attributes in enumerate(named)]
        inputs = [helper.make_tensor_value_info("X", 1, x.shape), helper.make_tensor_value_info("grid", 1, grid.shape)]
        outputs = [helper.make_tensor_value_info(f"y{i}", 1, None) for i in range(len(nodes))]
        made = helper.make_model(
            helper.make_graph(nodes, "g", inputs, outputs), opset_imports=[helper.make_opsetid("", opset)], ir_version=8
        )
        (theirs,), _ = run_onnxruntime(made.SerializeToString(), [{"X": x, "grid": grid}])
        for i, attributes in enumerate(named):
            ours = run_op("GridSample", x, grid, opset=opset, **attributes)
            (bound,) = bounds("GridSample", x, grid, opset=opset, **attributes)
            assert np.all(np.abs(theirs[f"y{i}"] - ours) <= 2 * bound), attributes


def test_a_nearest_pixel_may_differ_only_where_rounding_decides() -> None:
    x = np.arange(4, dtype=F).reshape(1, 1, 4)
    grid = np.array([-0.5, -0.4, 0], F).reshape(1, 3, 1)  # positions 0.5, 0.7, 1.5
    (bound,) = bounds("GridSample", x, grid, opset=20, mode="nearest")
    assert (bound[0, 0] > 1).tolist() == [True, False, True] and bound[0, 0, 1] < 1e-30
    assert bounds("GridSample", np.arange(4).reshape(1, 1, 4), grid, opset=20, dtype="int64") == (None,)
