"""Expand."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import broadcast_shape, vector
from refexec.registry import op


@op("Expand", since=8, also=(13,), arithmetic="exact", compare=exact)
def expand_8(input, shape, /):
    """The input broadcast with ``shape``: aligned at the end, a dimension 1 on either side takes the other's size."""
    dims = vector(shape, "shape")
    require(min(dims, default=0) >= 0, "dimensions are not negative", shape=dims)
    return np.broadcast_to(input, claim(broadcast_shape(input.shape, dims), input.dtype))
