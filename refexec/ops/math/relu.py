"""Relu."""

import numpy as np

from refexec.comparison import exact
from refexec.registry import op
from refexec.values import zero


@op("Relu", since=1, also=(6, 13, 14), arithmetic="exact", compare=exact)
def relu_1(X, /):
    """Y = max(X, 0). NaN stays NaN; the sign of a zero is not specified, here it stays."""
    return np.maximum(zero(X.dtype), X)
