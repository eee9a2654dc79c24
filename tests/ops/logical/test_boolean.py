"""And, Or, Xor, Not."""

from __future__ import annotations

import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation

A, B = np.array([False, False, True, True]), np.array([False, True, False, True])
TABLE = {"And": [False, False, False, True], "Or": [False, True, True, True], "Xor": [False, True, True, False]}


@pytest.mark.parametrize("opset", [1, 7])
@pytest.mark.parametrize("name", TABLE)
def test_truth_tables(name: str, opset: int) -> None:
    y = run_op(name, A, B, opset=opset)
    assert y.dtype == bool and y.tolist() == TABLE[name]


def test_not() -> None:
    assert run_op("Not", A, opset=1).tolist() == [True, True, False, False]
    assert run_op("Not", np.array(True), opset=1).shape == ()


@pytest.mark.parametrize("name", TABLE)
def test_operands_are_broadcast(name: str) -> None:
    y = run_op(name, A[:, np.newaxis], np.array([False, True]), opset=7)
    assert y.shape == (4, 2) and y[1::2].ravel().tolist() == TABLE[name]
    with pytest.raises(RuleViolation, match="broadcast together"):
        run_op(name, A, np.ones(3, bool), opset=7)


@pytest.mark.parametrize("name", TABLE)
def test_before_version_7_b_is_broadcast_if_so_asked(name: str) -> None:
    a = np.stack([A, A])
    assert run_op(name, a, B, opset=1, broadcast=1).tolist() == [TABLE[name]] * 2
    assert run_op(name, a, np.array([False, True]), opset=6, broadcast=1, axis=0)[1, 1:3].tolist() == TABLE[name][1::2]
    with pytest.raises(RuleViolation, match="without broadcast=1"):
        run_op(name, a, B, opset=1)
