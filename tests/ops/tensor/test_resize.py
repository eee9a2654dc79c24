"""Resize: sizes, modes by hand, versions, types, rules."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

F = np.float32
ALL = (11, 13, 18, 19)


def line(*values: float) -> Any:
    return np.array([[values]], F)


def resized(x: Any, scales: Any = None, sizes: Any = None, opset: int = 19, roi: Any = None, **attributes: Any) -> Any:
    """Resize of the last axis of (1, 1, n)."""
    empty = np.zeros(0, F) if opset == 11 else None
    return run_op(
        "Resize", x,
        empty if roi is None else np.array(roi, F),
        empty if scales is None else np.array([1, 1, scales], F),
        None if sizes is None else np.array([1, 1, sizes]),
        opset=opset, **attributes,
    )  # fmt: skip


def of_line(x: Any, **options: Any) -> Any:
    y = resized(x, **options)
    assert y.dtype == x.dtype and y.shape[:2] == (1, 1)
    return y[0, 0].tolist()


# Modes by hand ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", ALL)
@pytest.mark.parametrize(
    ("coordinate", "expected"),
    [
        ("half_pixel", [1.0, 1.25, 1.75, 2.0]),  # at -0.25, 0.25, 0.75, 1.25
        ("pytorch_half_pixel", [1.0, 1.25, 1.75, 2.0]),
        ("asymmetric", [1.0, 1.5, 2.0, 2.0]),  # at 0, 0.5, 1, 1.5
    ],
)
def test_linear_at_twice_the_size(opset: int, coordinate: str, expected: list[float]) -> None:
    assert of_line(line(1, 2), scales=2, opset=opset, mode="linear", coordinate_transformation_mode=coordinate) == expected
    assert of_line(line(1, 2), sizes=4, opset=opset, mode="linear", coordinate_transformation_mode=coordinate) == expected


@pytest.mark.parametrize("opset", ALL)
def test_align_corners_keeps_the_ends(opset: int) -> None:
    y = of_line(line(0, 6), sizes=4, opset=opset, mode="linear", coordinate_transformation_mode="align_corners")
    assert y == [0, 2, 4, 6]
    assert of_line(line(3, 6), sizes=1, opset=opset, mode="linear", coordinate_transformation_mode="align_corners") == [3]


def test_align_corners_with_a_scale_takes_the_length_before_it_was_made_an_integer() -> None:
    # 4 * 0.625 = 2.5: coordinates i * 3 / 1.5 for 2 elements.
    assert of_line(line(1, 2, 3, 4), scales=0.625, mode="linear", coordinate_transformation_mode="align_corners") == [1, 3]


def test_half_pixel_symmetric_centres_what_is_left_over() -> None:
    # 4 * 0.625 = 2.5, of which 2 are made: 2 * (1 - 2 / 2.5) + (i + 0.5) / 0.625 - 0.5 = 0.7, 2.3.
    y = of_line(line(0, 10, 20, 30), scales=0.625, mode="linear", coordinate_transformation_mode="half_pixel_symmetric")
    assert y == pytest.approx([7, 23], abs=1e-5)


@pytest.mark.parametrize("opset", ALL)
@pytest.mark.parametrize(
    ("nearest", "expected"),
    [("round_prefer_floor", [1, 2, 2, 3]), ("round_prefer_ceil", [1, 2, 3, 3]), ("floor", [1, 1, 2, 3]), ("ceil", [1, 2, 3, 3])],
)
def test_nearest_modes_at_0_three_quarters_one_and_a_half_and_two_and_a_quarter(opset: int, nearest: str, expected: list[float]) -> None:
    x = line(1, 2, 3)
    assert of_line(x, sizes=4, opset=opset, nearest_mode=nearest, coordinate_transformation_mode="asymmetric") == expected


@pytest.mark.parametrize("opset", ALL)
def test_nearest_by_default_prefers_the_lower_of_two(opset: int) -> None:
    assert of_line(line(1, 2, 3, 4), scales=0.5, opset=opset) == [1, 3]  # at 0.5 and 2.5


@pytest.mark.parametrize("opset", ALL)
def test_cubic_at_half_a_pixel_has_the_weights_of_the_coefficient(opset: int) -> None:
    # (a, 4 - a, 4 - a, a) / 8 around the middle of 4 elements.
    assert of_line(line(8, 0, 0, 0), sizes=1, opset=opset, mode="cubic") == [-0.75]
    assert of_line(line(0, 8, 0, 0), sizes=1, opset=opset, mode="cubic", cubic_coeff_a=-0.5) == [4.5]


@pytest.mark.parametrize("opset", ALL)
def test_outside_counts_as_the_border_or_not_at_all(opset: int) -> None:
    # 3 -> 6 begins at -0.25: 1 and 2 get the weights 0.87890625 and -0.10546875, what lies before them the rest of 1.
    y = of_line(line(1, 2, 3), sizes=6, opset=opset, mode="cubic")
    assert y[0] == 1 - 0.10546875
    y = of_line(line(1, 2, 3), sizes=6, opset=opset, mode="cubic", exclude_outside=1)
    assert y[0] == pytest.approx((0.87890625 - 2 * 0.10546875) / (0.87890625 - 0.10546875))


@pytest.mark.parametrize("opset", [18, 19])
def test_antialiasing_widens_the_filter_of_a_reduction(opset: int) -> None:
    # 8 -> 2 at 1.5 and 5.5, weights 1 - |d| / 4 for |d| < 4, over those in the axis or on its border.
    y = of_line(line(0, 0, 0, 0, 8, 0, 0, 0), sizes=2, opset=opset, mode="linear", antialias=1)
    assert y == pytest.approx([8 * 0.375 / 4, 8 * 0.625 / 4])
    y = of_line(line(1, 2), sizes=4, opset=opset, mode="linear", antialias=1)
    assert y == [1.0, 1.25, 1.75, 2.0]


@pytest.mark.parametrize("opset", ALL)
def test_crop_takes_an_interval_and_extrapolates(opset: int) -> None:
    options: dict[str, Any] = {"coordinate_transformation_mode": "tf_crop_and_resize", "mode": "linear", "extrapolation_value": 9.0}
    roi = [0, 0, 0.5, 1, 1, 1.5]
    assert of_line(line(0, 1, 2), sizes=3, opset=opset, roi=roi, **options) == [1, 2, 9]  # at 1, 2, 3
    # floor(3 * (1.5 - 0.5) * 2) = 6 elements.
    assert len(of_line(line(0, 1, 2), scales=2, opset=opset, roi=roi, **options)) == 6
    assert of_line(line(0, 1, 2), sizes=1, opset=opset, roi=[0, 0, 0, 1, 1, 1], **options) == [1]
    assert of_line(line(0, 1, 2), sizes=3, opset=opset, roi=roi, **{**options, "mode": "nearest"}) == [1, 2, 9]


def test_version_11_has_half_pixels_for_nearest_neighbours() -> None:
    options: dict[str, Any] = {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"}
    assert of_line(line(1, 2, 3, 4), scales=0.5, opset=11, **options) == [2, 4]  # at 1 and 3


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_version_10_has_coordinates_x_over_scale(mode: str) -> None:
    y = run_op("Resize", line(1, 2), np.array([1, 1, 2], F), opset=10, mode=mode)
    assert y[0, 0].tolist() == ([1, 1, 2, 2] if mode == "nearest" else [1, 1.5, 2, 2])


def test_version_10_takes_the_element_at_or_above_on_a_reduced_axis() -> None:
    """The test of that version: 2 x 4 elements reduced by 0.6."""
    x = np.array([[[[1, 2, 3, 4], [5, 6, 7, 8]]]], F)
    y = run_op("Resize", x, np.array([1, 1, 0.6, 0.6], F), opset=10)
    assert y.tolist() == [[[[1, 3]]]]
    assert run_op("Resize", x, np.array([1, 1, 0.6, 0.6], F), opset=10, mode="linear")[0, 0, 0] == pytest.approx([1, 2.6666667])


# Sizes -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "expected"), [("stretch", (4, 9)), ("not_larger", (4, 8)), ("not_smaller", (5, 9))])
@pytest.mark.parametrize("opset", [18, 19])
def test_the_aspect_ratio_is_kept_by_the_smaller_or_the_greater_ratio(opset: int, policy: str, expected: tuple[int, int]) -> None:
    # 5 x 10 to 4 x 9: ratios 0.8 and 0.9; 0.9 * 5 = 4.5 is rounded up.
    y = run_op("Resize", np.zeros((5, 10), F), None, None, np.array([4, 9]), opset=opset, keep_aspect_ratio_policy=policy)
    assert y.shape == expected


@pytest.mark.parametrize("opset", [18, 19])
def test_only_the_given_axes_are_resized(opset: int) -> None:
    x = np.arange(8, dtype=F).reshape(2, 1, 4)
    y = run_op("Resize", x, None, np.array([0.5, 2], F), opset=opset, axes=[-1, 0])
    assert y.shape == (4, 1, 2) and y[:, 0, 0].tolist() == [0, 0, 4, 4]


def test_the_length_is_rounded_down_in_single_precision() -> None:
    # The float32 next to 0.1 is above 0.1: 10 * it is 1.0000000149, in float32 1; 7 * 0.6 = 4.2.
    assert len(of_line(line(*range(10)), scales=0.1)) == 1
    assert len(of_line(line(*range(7)), scales=0.6)) == 4


def test_a_scalar_and_axes_that_keep_their_size_stay_as_they_are() -> None:
    assert run_op("Resize", np.array(3, F), None, np.zeros(0, F)).tolist() == 3
    y = run_op("Resize", np.array([[1, np.inf], [np.nan, 2]], F), None, np.array([1, 1], F), mode="linear")
    assert np.array_equal(y, np.array([[1, np.inf], [np.nan, 2]], F), equal_nan=True)


def test_an_axis_may_become_empty_or_stay_so() -> None:
    for mode in ("nearest", "linear"):
        assert resized(line(1, 2), sizes=0, mode=mode).shape == (1, 1, 0)
        for coordinate in ("half_pixel", "half_pixel_symmetric", "align_corners"):
            y = resized(np.zeros((1, 1, 0), F), scales=2, mode=mode, coordinate_transformation_mode=coordinate)
            assert y.shape == (1, 1, 0)


# Types -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_integers_are_rounded_half_to_even(dtype: Any) -> None:
    assert of_line(np.array([[[1, 2]]], dtype), scales=2, mode="linear", coordinate_transformation_mode="asymmetric") == [1, 2, 2, 2]
    assert of_line(np.array([[[2, 3]]], dtype), scales=2, mode="linear", coordinate_transformation_mode="asymmetric") == [2, 2, 3, 3]


def test_integers_saturate_where_cubic_overshoots() -> None:
    y = of_line(np.array([[[0, 0, 255, 255]]], np.uint8), scales=2, mode="cubic")
    assert max(y) == 255 and min(y) == 0


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_the_ends_of_64_bit_integers_stay_where_float64_has_no_such_number(dtype: Any) -> None:
    ends = np.iinfo(dtype)
    assert of_line(np.array([[[ends.max, ends.max]]], dtype), scales=2, mode="linear") == [ends.max] * 4
    assert of_line(np.array([[[ends.min, ends.min]]], dtype), scales=2, mode="linear") == [ends.min] * 4


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_what_lies_outside_is_rounded_and_saturates_like_any_value_of_integers(mode: str) -> None:
    options: dict[str, Any] = {"coordinate_transformation_mode": "tf_crop_and_resize", "mode": mode, "roi": [0, 0, 0, 1, 1, 2]}
    for value, expected in ((300.0, 255), (-1.0, 0), (2.5, 2), (np.inf, 255)):
        assert of_line(np.array([[[7, 9]]], np.uint8), sizes=3, extrapolation_value=value, **options) == [7, 9, expected]
    with pytest.raises(RuleViolation, match="the extrapolation_value of integers is a number"):
        of_line(np.array([[[7, 9]]], np.uint8), sizes=3, extrapolation_value=np.nan, **options)
    assert np.isnan(of_line(line(7, 9), sizes=3, extrapolation_value=np.nan, **options)[2])


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_every_float_is_rounded_once(dtype: Any) -> None:
    y = resized(np.array([[[1, 2]]], dtype), scales=2, mode="linear")
    assert y.dtype == dtype and y[0, 0].tolist() == [1, 1.25, 1.75, 2]


def test_complex_numbers_are_mixed_and_strings_and_booleans_moved() -> None:
    assert of_line(np.array([[[0, 2j]]], np.complex64), scales=2, mode="linear", coordinate_transformation_mode="asymmetric") == [
        0,
        1j,
        2j,
        2j,
    ]
    assert of_line(np.array([[["a", "b"]]], object), scales=2) == ["a", "a", "b", "b"]
    assert of_line(np.array([[[True, False]]]), scales=2) == [True, True, False, False]


def test_float64_is_computed_wider_in_the_wide_profile() -> None:
    x = np.array([[[0.0, 1.0, 0.0]]])
    wide = run_op("Resize", x, None, None, np.array([1, 1, 7]), mode="linear", profile="wide")
    thirds = (np.arange(7) + np.longdouble(0.5)) / np.longdouble(7) * 3 - np.longdouble(0.5)
    exact = np.maximum(1 - np.abs(np.clip(thirds, 0, 2) - 1), 0)
    assert wide.dtype == np.longdouble and np.all(np.abs(wide[0, 0] - exact) <= 2.0**-50)


# Rules -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({}, "exactly one of scales and sizes is given"),
        ({"scales": 2, "sizes": 4}, "exactly one of scales and sizes is given"),
        ({"scales": 0}, "scales are greater than 0"),
        ({"scales": np.nan}, "scales are greater than 0"),
        ({"scales": np.inf}, "a resized dimension is a number that is not negative"),
        ({"sizes": -1}, "sizes are not negative"),
        ({"sizes": 4, "keep_aspect_ratio_policy": "shrink"}, "keep_aspect_ratio_policy is"),
        ({"sizes": 4, "mode": "quintic"}, "mode is nearest, linear or cubic"),
        ({"sizes": 4, "nearest_mode": "round"}, "nearest_mode is one the specification names"),
        ({"sizes": 4, "coordinate_transformation_mode": "centre"}, "coordinate_transformation_mode is one"),
        ({"sizes": 4, "coordinate_transformation_mode": "tf_crop_and_resize"}, "roi has the starts"),
        ({"sizes": 4, "coordinate_transformation_mode": "tf_crop_and_resize", "roi": [0, 1]}, "roi has the starts"),
        ({"sizes": 4, "coordinate_transformation_mode": "tf_crop_and_resize", "roi": [0, 0, np.nan, 1, 1, 1]}, "roi has the starts"),
        (
            {"scales": 2, "coordinate_transformation_mode": "tf_crop_and_resize", "roi": [0, 0, 1, 1, 1, 0]},
            "a resized dimension is a number",
        ),
    ],
)
def test_refused(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        resized(line(1, 2), **options)


def test_there_is_one_scale_per_axis() -> None:
    with pytest.raises(RuleViolation, match="one scale or size per resized axis"):
        run_op("Resize", line(1, 2), None, np.array([1, 1], F))
    with pytest.raises(RuleViolation, match="one scale or size per resized axis"):
        run_op("Resize", line(1, 2), None, np.array([1, 1, 1], F), axes=[2])


def test_nothing_comes_from_an_empty_axis() -> None:
    with pytest.raises(RuleViolation, match="an axis without elements stays empty"):
        resized(np.zeros((1, 1, 0), F), sizes=2)


def test_strings_and_booleans_cannot_be_mixed() -> None:
    for x in (np.array([[["a", "b"]]], object), np.array([[[True, False]]])):
        with pytest.raises(RuleViolation, match="booleans and strings are moved only"):
            resized(x, scales=2, mode="linear")


@pytest.mark.parametrize(
    ("opset", "mode"),
    [
        (11, "half_pixel_symmetric"),
        (13, "half_pixel_symmetric"),
        (18, "half_pixel_symmetric"),
        *((v, "tf_half_pixel_for_nn") for v in (13, 18, 19)),
    ],
)
def test_a_coordinate_mode_belongs_to_versions(opset: int, mode: str) -> None:
    with pytest.raises(RuleViolation, match="coordinate_transformation_mode exists in this version"):
        resized(line(1, 2), scales=2, opset=opset, coordinate_transformation_mode=mode)


@pytest.mark.parametrize("mode", ["cubic", "bilinear"])
def test_version_10_mixes_linearly_only(mode: str) -> None:
    with pytest.raises(RuleViolation, match="before version 11 mode is nearest or linear"):
        run_op("Resize", line(1, 2), np.array([1, 1, 2], F), opset=10, mode=mode)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_reduced_axes_come_first_so_that_nothing_on_the_way_is_larger_than_x_and_y(mode: str) -> None:
    y = run_op("Resize", np.ones((1, 2**17), F), None, None, np.array([2**17, 1]), mode=mode, limits=Limits(tensor_bytes=2**23))
    assert y.shape == (2**17, 1) and y.all()


def test_results_and_tables_of_weights_are_claimed() -> None:
    with pytest.raises(LimitExceeded):
        resized(line(1, 2), sizes=2**40)
    with pytest.raises(LimitExceeded):  # a million coordinates of eight bytes
        resized(np.zeros((1, 1, 2), np.int8), sizes=10**6, limits=Limits(tensor_bytes=2_000_000))
    with pytest.raises(LimitExceeded):  # 2000 positions of 400 taps
        x = np.zeros((1, 1, 100_000), np.int8)
        resized(x, sizes=2000, mode="cubic", antialias=1, limits=Limits(tensor_bytes=1_000_000))
