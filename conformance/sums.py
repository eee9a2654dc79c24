"""Where sums and products of floats come from: NumPy's own, whose order of additions is that of a machine, raise while they are refused.

``sys.float`` arithmetic, running sums (cumsum, add.at) and integers have one result each, in whatever library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy._core._methods as methods  # what the methods of arrays call

__all__ = ["LibrarySum", "refused"]

SUMS = (
    "matmul", "dot", "einsum", "tensordot", "inner", "vdot", "vecdot", "matvec", "vecmat", "convolve", "correlate", "kron", "trace",
    "sum", "mean", "average", "var", "std", "prod", "nansum", "nanmean", "trapezoid", "cov", "corrcoef", "interp",
)  # fmt: skip
METHODS = ("umr_sum", "umr_prod", "_mean", "_var", "_std")
LINEAR = ("det", "slogdet", "inv", "solve", "lstsq", "norm", "qr", "svd", "eig", "eigh", "cholesky", "multi_dot", "matrix_power", "pinv")
SPECTRAL = ("fft", "ifft", "rfft", "irfft", "fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "hfft", "ihfft")


class LibrarySum(AssertionError):
    """A sum or product of floats in NumPy's order."""


class Refused:
    """A function of NumPy that raises where an argument holds floats. Of a ufunc only ``reduce`` and the like are refused."""

    def __init__(self, function: Any, name: str, elementwise: bool = False) -> None:
        self._function, self._name, self._elementwise = function, name, elementwise

    def _checked(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        if any(_inexact(x) for x in arguments):
            raise LibrarySum(self._name)
        return function(*arguments, **keywords)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if self._elementwise:
            return self._function(*arguments, **keywords)
        return self._checked(self._function, *arguments, **keywords)

    def reduce(self, *arguments: Any, **keywords: Any) -> Any:
        return self._checked(self._function.reduce, *arguments, **keywords)

    def reduceat(self, *arguments: Any, **keywords: Any) -> Any:
        return self._checked(self._function.reduceat, *arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


def _inexact(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(_inexact, x))
    if not isinstance(x, (np.ndarray, np.generic)):
        return isinstance(x, (float, complex))
    return x.dtype.kind in "fc" or (x.dtype.kind == "V" and x.dtype.names is None)


@contextmanager
def refused() -> Iterator[None]:
    """Whatever sums or multiplies floats in NumPy raises LibrarySum meanwhile; ``@`` is beyond reach, and sources are searched for it."""
    with ExitStack() as stack:
        for module, names in ((np, SUMS), (methods, METHODS), (np.linalg, LINEAR), (np.fft, SPECTRAL)):
            for name in names:
                if hasattr(module, name):
                    stack.enter_context(patch.object(module, name, Refused(getattr(module, name), name)))
        for name in ("add", "multiply", "subtract", "divide", "hypot", "logaddexp"):
            stack.enter_context(patch.object(np, name, Refused(getattr(np, name), f"{name}.reduce", elementwise=True)))
        yield
