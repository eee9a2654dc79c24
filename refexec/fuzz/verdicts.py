"""What a target of a campaign is, what it may do wrong, and a quick look at its outputs."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from refexec.diff.metrics import leaves, misfit
from refexec.limits import Limits
from refexec.runtimes import Kernels
from refexec.types import element_type
from refexec.values import ulp

__all__ = ["LIMITS", "Target", "Verdict", "same_but_for_rounding"]

NEAR = 1e-4  # of the largest number of a tensor: what is nearer is not looked at
NEAR_ULPS = 16
LIMITS = Limits(seconds=20)


@dataclass(frozen=True)
class Verdict:
    """What a target did wrong.

    ``kind``: "value", "nan", "shape", "dtype", "refused", "crashed", "hung"; no fault: "unsupported", and "out of range"
    (an evaluation that no bound speaks of, for numbers inside leave the range of their type). ``operator``: the first
    node that is out by itself, "" where that is not known. ``detail``: in a sentence.
    """

    kind: str
    operator: str
    detail: str

    @property
    def fault(self) -> bool:
        return self.kind not in ("unsupported", "out of range")

    @property
    def key(self) -> str:
        """The same for findings that are probably the same; numbers and names of values do not count."""
        words = "" if self.operator else re.sub(r"'[^']*'|\"[^\"]*\"|\b[a-z]+\d+\b|\d+", "#", self.detail)[:160]
        return f"{self.kind} {self.operator}{words}"


class Target(ABC):
    """Something to try models on."""

    name: str

    def kernels(self) -> Kernels | None:
        """What it implements; None when that is all, or not known."""
        return None

    def differs(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
        """Whether something seems to be wrong, on a look that may be quicker than :meth:`judge`, and take rounding for a fault."""
        found = self.judge(model, feeds, expected)
        return found is not None and found.fault

    @abstractmethod
    def judge(self, model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any]) -> Verdict | None:
        """What is wrong; None when nothing is. ``expected``: refexec's reference outputs by name."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """End what it holds."""


def same_but_for_rounding(expected: Any, found: Any) -> bool:
    """Whether types and shapes are the same and numbers so near that rounding may explain it, on a quick look."""
    if expected is None or found is None:
        return expected is found
    if misfit(expected, found):
        return False
    return all(_near_tensor(e, f) for e, f in zip(leaves(expected), leaves(found), strict=True))


def _near_tensor(e: Any, f: Any) -> bool:
    elem = element_type(e.dtype)
    if not (elem.is_float or elem.kind == "complex") or e.size == 0:
        return bool(np.array_equal(e, f))
    with np.errstate(all="ignore"):
        wide = np.float64 if elem.is_float else np.complex128
        x, y = e.astype(wide), f.astype(wide)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        scale = np.abs(x[np.isfinite(x)]).max(initial=0.0)
        allowed = min(NEAR * scale, NEAR_ULPS * float(ulp(np.asarray(scale), elem.dtype)) if elem.is_float else np.inf)
        return bool(np.all(same | (np.isfinite(x) & np.isfinite(y) & (np.abs(x - y) <= allowed))))
