"""Plain implementations of a formula in the type itself, held against what the operator declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refexec import run_op
from tests.ops.declared import bounds

GRID = np.concatenate([np.linspace(-30, 30, 4001), np.geomspace(1e-30, 1e4, 400), -np.geomspace(1e-30, 1e4, 400), [0.0, -0.0]])


def excess(name: str, *inputs: Any, formula: Callable[..., Any], opset: int, **attributes: Any) -> float:
    """The largest error of ``formula``, computed in the type of the inputs, in units of the declared bound."""
    with np.errstate(all="ignore"):
        plain = formula(*inputs)
        assert plain.dtype == inputs[0].dtype
        truth = run_op(name, *inputs, opset=opset, profile="wide", **attributes)
        (bound,) = bounds(name, *inputs, opset=opset, dtype=str(inputs[0].dtype), **attributes)
        error = np.abs(plain - truth)
        ratio = np.where((error == 0) | (np.isnan(plain) & np.isnan(truth)), 0, error / bound)
    assert not np.isnan(ratio).any()
    return float(ratio.max())
