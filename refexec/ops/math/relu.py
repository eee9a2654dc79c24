"""Relu."""

import numpy as np

from refexec.comparison import exact
from refexec.ops.math.pointwise import each_element
from refexec.registry import op
from refexec.values import zero


@each_element
@op("Relu", since=1, also=(6, 13, 14), arithmetic="exact", compare=exact)
def relu_1(X, /):
    """Y = max(X, 0). NaN stays NaN; the sign of a zero is not specified, here it stays."""
    return np.where(X < 0, zero(X.dtype), X)
