"""Range."""

import numpy as np

from refexec.comparison import Call, is_float, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import is_integer, scalar
from refexec.registry import op
from refexec.types import element_type
from refexec.values import round_to, smallest_subnormal, unit_roundoff


def repeated_addition(call: Call):
    """Adding delta again and again is off by one roundoff per element; float16 and bfloat16 do so in ``stash_type``."""
    if not is_float(call.elements[0]):
        return (None,)
    dtype = call.elements[0].dtype
    added = element_type(call.attributes["stash_type"]).dtype if dtype.itemsize < 4 and "stash_type" in call.attributes else dtype
    largest = max(abs(float(x.reshape(()))) for x in call.inputs[:2])
    steps = np.arange(call.outputs[0].size)
    return ((steps + 2) * unit_roundoff(added) * largest + unit_roundoff(dtype) * largest + smallest_subnormal(dtype),)


@op("Range", since=27, arithmetic="rounded", compare=rounded(repeated_addition))
def range_27(start, limit, delta, /, *, ctx, stash_type=1):
    """output[i] = start + i * delta for 0 <= i < max(ceil((limit - start) / delta), 0).

    The result is rounded once, which ``stash_type``, the type in which float16 and bfloat16 are added, cannot improve. The
    number of elements is that of operands rounded to their declared type.
    """
    for name, x in (("start", start), ("limit", limit), ("delta", delta)):
        scalar(x, name)
    start, limit, delta = start.reshape(()), limit.reshape(()), delta.reshape(())
    require(delta != 0, "delta is not 0", delta=delta)
    elem = ctx.output_types[0].elem
    if is_integer(start):
        count = -((int(start) - int(limit)) // int(delta))
    else:
        first, last, step = (round_to(x, elem.dtype).astype(np.float64) for x in (start, limit, delta))
        span = last - first
        count = np.ceil(span / step if np.isfinite(span) else last / step - first / step)
        require(np.isfinite(count), "the number of elements is finite", start=first, limit=last, delta=step)
    steps = np.arange(*claim((max(int(count), 0),), elem.dtype))
    return start + steps * delta if elem.is_float else (int(start) + steps * int(delta)).astype(elem.dtype)


@op("Range", since=11, like=range_27)
def range_11(start, limit, delta, /, *, ctx):
    """Before version 27: no float16 and bfloat16."""
    return range_27(start, limit, delta, ctx=ctx)
