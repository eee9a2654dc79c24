"""ConvTranspose, Col2Im."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation

X = np.array([[[1, 2, 3]]], np.float32)
W = np.array([[[1, 10, 100]]], np.float32)


def transposed(opset: int = 11, x: np.ndarray = X, w: np.ndarray = W, **attributes: Any) -> Any:
    return run_op("ConvTranspose", x, w, opset=opset, **attributes)[0, 0].tolist()


@pytest.mark.parametrize("opset", [1, 11, 22])
def test_each_element_of_x_adds_its_multiple_of_the_kernel(opset: int) -> None:
    assert transposed(opset) == [1, 12, 123, 230, 300]
    assert transposed(opset, strides=[2]) == [1, 10, 102, 20, 203, 30, 300]
    assert transposed(opset, strides=[2], pads=[1, 2]) == [10, 102, 20, 203]
    assert transposed(opset, dilations=[2]) == [1, 2, 13, 20, 130, 200, 300]
    assert transposed(opset, strides=[2], auto_pad="VALID") == [1, 10, 102, 20, 203, 30, 300]


def test_output_padding_adds_to_the_end() -> None:
    assert transposed(strides=[2], output_padding=[1]) == [1, 10, 102, 20, 203, 30, 300, 0]
    assert transposed(strides=[2], output_padding=[1], pads=[0, 2]) == [1, 10, 102, 20, 203, 30]


@pytest.mark.parametrize("opset", [1, 11])
def test_same_makes_input_times_stride_with_the_odd_pad_at_the_end_or_the_beginning(opset: int) -> None:
    assert transposed(opset, strides=[2], auto_pad="SAME_UPPER") == [1, 10, 102, 20, 203, 30]
    assert transposed(opset, strides=[2], auto_pad="SAME_LOWER") == [10, 102, 20, 203, 30, 300]


def test_same_never_pads_negatively() -> None:
    assert transposed(strides=[4], auto_pad="SAME_UPPER") == [1, 10, 100, 0, 2, 20, 200, 0, 3, 30, 300]


def test_output_shape_chooses_the_pads_with_the_odd_one_at_the_beginning() -> None:
    assert transposed(strides=[2], output_shape=[6]) == [10, 102, 20, 203, 30, 300]
    assert transposed(strides=[2], output_shape=[6], auto_pad="SAME_UPPER") == [1, 10, 102, 20, 203, 30]
    assert transposed(strides=[2], output_shape=[5]) == [10, 102, 20, 203, 30]


def test_before_11_output_shape_has_the_odd_pad_at_the_end() -> None:
    assert transposed(10, strides=[2], output_shape=[6]) == [1, 10, 102, 20, 203, 30]
    assert transposed(10, strides=[2], output_shape=[6], auto_pad="SAME_UPPER") == [10, 102, 20, 203, 30, 300]


def test_a_larger_output_shape_adds_zeros_around() -> None:
    assert transposed(strides=[2], output_shape=[8]) == [1, 10, 102, 20, 203, 30, 300, 0]
    assert transposed(strides=[2], output_shape=[9]) == [0, 1, 10, 102, 20, 203, 30, 300, 0]


def test_groups_have_their_own_channels() -> None:
    x = np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1, 1)
    w = np.arange(1, 9, dtype=np.float32).reshape(4, 2, 1, 1)
    assert run_op("ConvTranspose", x, w, group=2, opset=11).ravel().tolist() == [7, 10, 43, 50]


def test_the_bias_is_added_everywhere() -> None:
    assert run_op("ConvTranspose", X, W, np.array([0.5], np.float32), strides=[3])[0, 0, 3:5].tolist() == [2.5, 20.5]
    assert run_op("ConvTranspose", X, W, np.array([0.5], np.float32), strides=[3], output_padding=[1])[0, 0, -1] == 0.5
    assert run_op("ConvTranspose", X, W, np.array([0.5], np.float32), opset=7)[0, 0, 0] == 1.5


def test_two_axes_are_spread_independently() -> None:
    x, w = np.array([[[[1, 2]]]], np.float32), np.array([[[[1], [3]]]], np.float32)
    assert run_op("ConvTranspose", x, w, strides=[1, 2]).tolist() == [[[[1, 0, 2], [3, 0, 6]]]]


def test_the_sum_is_rounded_once() -> None:
    x = np.array([2048, 1, 1], np.float16).reshape(1, 3, 1)
    assert run_op("ConvTranspose", x, np.ones((3, 1, 1), np.float16), opset=11).tolist() == [[[2050]]]


def test_no_elements_spread_to_zeros() -> None:
    assert run_op("ConvTranspose", np.zeros((1, 1, 0), np.float32), W).tolist() == [[[0, 0]]]
    assert run_op("ConvTranspose", np.zeros((0, 1, 3), np.float32), W).shape == (0, 1, 5)


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("X is (N, C, D1, ...)", {"x": X[0], "w": W[0]}),
    ("W has the rank of X", {"w": W[0]}),
    ("the number of channels is a multiple of group", {"group": 2}),
    ("W has one block of filters per channel of X", {"w": np.concatenate([W, W])}),
    ("kernel_shape is the shape of W", {"kernel_shape": [2]}),
    ("output_padding has one value per spatial axis, 0 or more", {"output_padding": [0, 0]}),
    ("output_padding is less than the stride or the dilation", {"output_padding": [2], "strides": [2]}),
    ("output_shape has one value per spatial axis", {"output_shape": [1, 1, 6]}),
    ("auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID", {"auto_pad": "same"}),
    ("the size of an output is not negative", {"pads": [3, 3]}),
]


@pytest.mark.parametrize(("rule", "changes"), BROKEN, ids=[b[0] for b in BROKEN])
def test_broken_rule(rule: str, changes: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation) as caught:
        transposed(**changes)
    assert caught.value.message == rule


def test_the_bias_has_one_value_per_output_channel() -> None:
    with pytest.raises(RuleViolation, match="B has one value per filter"):
        run_op("ConvTranspose", X, W, np.zeros(2, np.float32))


def test_before_11_output_padding_has_no_upper_limit() -> None:
    assert transposed(10, strides=[2], output_padding=[2]) == [1, 10, 102, 20, 203, 30, 300, 0, 0]


def test_a_huge_output_shape_is_refused_before_it_is_made() -> None:
    with pytest.raises(LimitExceeded):
        transposed(output_shape=[10**13])


# Col2Im ----------------------------------------------------------------------------------------------------------------------


def i64(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_blocks_go_back_to_their_places_in_row_major_order() -> None:
    x = np.arange(1, 9, dtype=np.float32).reshape(1, 2, 4)  # blocks of 1 x 2 in an image of 2 x 4
    y = run_op("Col2Im", x, i64(2, 4), i64(1, 2), strides=[1, 2])
    assert y.tolist() == [[[[1, 5, 2, 6], [3, 7, 4, 8]]]]


def test_overlapping_blocks_are_added_up() -> None:
    x = np.ones((1, 2, 6), np.float32)
    assert run_op("Col2Im", x, i64(2, 4), i64(1, 2)).tolist() == [[[[1, 2, 2, 1], [1, 2, 2, 1]]]]


def test_pads_are_cut_away_and_dilations_spread() -> None:
    x = np.arange(1, 9, dtype=np.float32).reshape(1, 2, 4)
    assert run_op("Col2Im", x, i64(1, 4), i64(1, 2), dilations=[1, 2], pads=[0, 1, 0, 1]).tolist() == [[[[2, 3 + 5, 4 + 6, 7]]]]


def test_channels_and_what_no_block_covers() -> None:
    x = np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1)
    assert run_op("Col2Im", x, i64(1, 3), i64(1, 2), strides=[1, 2]).tolist() == [[[[1, 2, 0]], [[3, 4, 0]]]]


@pytest.mark.parametrize(
    ("dtype", "values", "expected"), [(np.int8, [100, 100], -56), (bool, [True, False], True), (object, ["a", "b"], "ba")]
)
def test_integers_wrap_truth_values_join_and_text_is_appended(dtype: Any, values: list[Any], expected: Any) -> None:
    x = np.array([[values, values]], dtype)  # two blocks of two; the middle element belongs to both
    y = run_op("Col2Im", x, i64(1, 3), i64(1, 2))
    assert (y.dtype, y[0, 0, 0, 1]) == (np.dtype(dtype), expected)


@pytest.mark.parametrize(
    ("rule", "x", "image", "block"),
    [
        ("input is (N, C * product of block_shape, L)", np.ones((2, 6), np.float32), i64(2, 4), i64(1, 2)),
        ("input.shape[1] is a multiple of the product of block_shape", np.ones((1, 3, 6), np.float32), i64(2, 4), i64(1, 2)),
        ("input has one column per block", np.ones((1, 2, 5), np.float32), i64(2, 4), i64(1, 2)),
        ("image_shape is not negative", np.ones((1, 2, 5), np.float32), i64(-2, 4), i64(1, 2)),
        ("a list of integers is a 1-D tensor", np.ones((1, 2, 6), np.float32), i64(2, 4)[None], i64(1, 2)),
    ],
)
def test_broken_rule_of_col2im(rule: str, x: Any, image: Any, block: Any) -> None:
    with pytest.raises(RuleViolation) as caught:
        run_op("Col2Im", x, image, block)
    assert caught.value.message == rule


def test_a_huge_image_is_refused_before_it_is_made() -> None:
    with pytest.raises(LimitExceeded):
        run_op("Col2Im", np.ones((1, 1, 1), np.float32), i64(1 << 20), i64(1), strides=[1 << 20], limits=Limits(tensor_bytes=1 << 20))
