"""Where a run takes its bits from NumPy: sums and products of floats, whose order is the library's and the machine's, raise while they are
refused; elementary functions, which NumPy takes from the machine's C library or its own vectors, are reported.

Running sums (cumsum, add.at), integers, and single additions, products, quotients and roots have one result in whatever library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy._core._methods as methods  # what the methods of arrays call

__all__ = ["LibrarySum", "Met", "refused"]

SUMS = (
    "matmul", "dot", "einsum", "tensordot", "inner", "vdot", "vecdot", "matvec", "vecmat", "convolve", "correlate", "kron", "trace",
    "sum", "mean", "average", "var", "std", "prod", "nansum", "nanmean", "trapezoid", "cov", "corrcoef", "interp",
)  # fmt: skip
METHODS = ("umr_sum", "umr_prod", "_mean", "_var", "_std")
LINEAR = ("det", "slogdet", "inv", "solve", "lstsq", "norm", "qr", "svd", "eig", "eigh", "cholesky", "multi_dot", "matrix_power", "pinv")
SPECTRAL = ("fft", "ifft", "rfft", "irfft", "fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "hfft", "ihfft")
REDUCING = ("add", "multiply", "subtract", "divide")
FUNCTIONS = (
    "exp", "exp2", "expm1", "log", "log2", "log1p", "log10", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh",
    "tanh", "arcsinh", "arccosh", "arctanh", "power", "float_power", "cbrt", "hypot", "logaddexp", "logaddexp2",
)  # fmt: skip


class LibrarySum(AssertionError):
    """A sum or product of floats in NumPy's order."""


class Met:
    """What was met: sums that raised, and how often each function was called on floats."""

    def __init__(self) -> None:
        self.sums: list[str] = []
        self.functions: Counter[str] = Counter()


class _Watched:
    """A function of NumPy in whose place ``seen`` is told of calls with floats."""

    def __init__(self, function: Any, seen: Callable[[str], None], name: str, methods: tuple[str, ...] = ("__call__",)) -> None:
        self._function, self._seen, self._name, self._methods = function, seen, name, methods

    def _through(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        if method in self._methods and any(map(inexact, arguments)):
            self._seen(self._name)
        return getattr(self._function, method)(*arguments, **keywords)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._through("__call__", *arguments, **keywords)

    def reduce(self, *arguments: Any, **keywords: Any) -> Any:
        return self._through("reduce", *arguments, **keywords)

    def reduceat(self, *arguments: Any, **keywords: Any) -> Any:
        return self._through("reduceat", *arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


def inexact(x: Any) -> bool:
    """Whether it holds floats."""
    if isinstance(x, (list, tuple)):
        return any(map(inexact, x))
    if not isinstance(x, (np.ndarray, np.generic)):
        return isinstance(x, (float, complex))
    return x.dtype.kind in "fc" or (x.dtype.kind == "V" and x.dtype.names is None)


@contextmanager
def refused() -> Iterator[Met]:
    """Whatever sums or multiplies up floats in NumPy raises LibrarySum meanwhile. ``@`` is beyond reach: sources are searched for it."""
    met = Met()

    def refuse(name: str) -> None:
        met.sums.append(name)
        raise LibrarySum(name)

    def count(name: str) -> None:
        met.functions[name] += 1

    with ExitStack() as stack:

        def watch(module: Any, name: str, seen: Callable[[str], None], *kinds: str) -> None:
            stack.enter_context(patch.object(module, name, _Watched(getattr(module, name), seen, name, kinds or ("__call__",))))

        for module, names in ((np, SUMS), (methods, METHODS), (np.linalg, LINEAR), (np.fft, SPECTRAL)):
            for name in names:
                watch(module, name, refuse, "__call__", "reduce", "reduceat")
        for name in REDUCING:
            watch(np, name, refuse, "reduce", "reduceat")
        for name in FUNCTIONS:
            watch(np, name, count)
        yield met
