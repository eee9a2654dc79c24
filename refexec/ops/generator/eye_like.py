"""EyeLike."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.generator.random_numbers import dtype_or_input
from refexec.registry import op


@op("EyeLike", since=9, also=(22,), arithmetic="exact", compare=exact, result_types=dtype_or_input)
def eye_like_9(input, /, *, ctx, dtype=None, k=0):
    """1 where column - row = ``k``, else 0, in the shape of ``input``, which is a matrix."""
    require(input.ndim == 2, "the input is 2-D", input=input.shape)
    elem = ctx.output_types[0].elem
    return np.eye(*claim(input.shape, elem.dtype), k=k, dtype=elem.dtype)
