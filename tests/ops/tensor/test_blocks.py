"""DepthToSpace, SpaceToDepth."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

X = np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1)  # channel k holds k
DCR = [[[[0, 2], [4, 6]], [[1, 3], [5, 7]]]]  # channel 2 * (2 * row + column) + c
CRD = [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]  # channel 4 * c + 2 * row + column


@pytest.mark.parametrize("opset", [1, 11, 13, 28])
def test_depth_to_space_takes_row_column_and_channel_in_this_order(opset: int) -> None:
    assert run_op("DepthToSpace", X, opset=opset, blocksize=2).tolist() == DCR


@pytest.mark.parametrize("opset", [11, 13, 28])
def test_depth_to_space_in_mode_crd_has_the_channel_first(opset: int) -> None:
    assert run_op("DepthToSpace", X, opset=opset, blocksize=2, mode="CRD").tolist() == CRD


@pytest.mark.parametrize("opset", [1, 13, 28])
def test_space_to_depth_undoes_it(opset: int) -> None:
    assert run_op("SpaceToDepth", np.array(DCR, np.float32), opset=opset, blocksize=2).tolist() == X.tolist()


def test_space_to_depth_has_mode_crd_from_version_28_on() -> None:
    assert run_op("SpaceToDepth", np.array(CRD, np.float32), opset=28, blocksize=2, mode="CRD").tolist() == X.tolist()


def test_blocks_stand_side_by_side_in_height_and_width() -> None:
    y = run_op("DepthToSpace", np.arange(8).reshape(1, 4, 1, 2), blocksize=2)
    assert y.tolist() == [[[[0, 2, 1, 3], [4, 6, 5, 7]]]]
    assert run_op("SpaceToDepth", y, blocksize=2).reshape(-1).tolist() == list(range(8))


def test_blocks_of_strings_and_of_nothing() -> None:
    x = np.array(list("abcd")).reshape(1, 4, 1, 1)
    assert run_op("DepthToSpace", x, blocksize=2).tolist() == [[[["a", "b"], ["c", "d"]]]]
    assert run_op("SpaceToDepth", np.zeros((2, 3, 0, 4), ml_dtypes.bfloat16), blocksize=2).shape == (2, 12, 0, 2)


@pytest.mark.parametrize(
    ("name", "shape", "attributes", "rule"),
    [
        ("DepthToSpace", (1, 4, 1), {"blocksize": 2}, "input is \\(N, C, H, W\\)"),
        ("DepthToSpace", (1, 4, 1, 1), {"blocksize": 0}, "blocksize is at least 1"),
        ("DepthToSpace", (1, 4, 1, 1), {"blocksize": 2, "mode": "RCD"}, "mode is DCR or CRD"),
        ("DepthToSpace", (1, 6, 1, 1), {"blocksize": 2}, "multiple of blocksize squared"),
        ("SpaceToDepth", (1, 1, 4, 3), {"blocksize": 2}, "height and width are multiples"),
    ],
)
def test_refused(name: str, shape: tuple[int, ...], attributes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op(name, np.zeros(shape, np.float32), **attributes)
