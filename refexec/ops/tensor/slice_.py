"""Slice."""

from refexec.comparison import exact
from refexec.errors import require
from refexec.ops.common import normalize_axes, vector
from refexec.registry import op


@op("Slice", since=10, also=(11, 13), arithmetic="exact", compare=exact)
def slice_10(data, starts, ends, axes=None, steps=None, /):
    """On each of ``axes`` the elements start, start + step, ... before end. Negative starts and ends count from the end;
    both are then clamped: to [0, d] for a positive step, starts to [0, d - 1] and ends to [-1, d - 1] for a negative one."""
    starts, ends = vector(starts, "starts"), vector(ends, "ends")
    count = len(starts)
    axes = range(count) if axes is None else vector(axes, "axes")
    steps = (1,) * count if steps is None else vector(steps, "steps")
    require(
        len(ends) == len(axes) == len(steps) == count,
        "starts, ends, axes and steps have one length",
        starts=starts,
        ends=ends,
        axes=axes,
        steps=steps,
    )
    require(0 not in steps, "steps are not 0", steps=steps)
    taken = [slice(None)] * data.ndim
    for axis, start, end, step in zip(normalize_axes(axes, data.ndim), starts, ends, steps, strict=True):
        taken[axis] = clamped(start, end, step, data.shape[axis])
    return data[tuple(taken)]


def clamped(start: int, end: int, step: int, size: int) -> slice:
    start = start + size if start < 0 else start
    end = end + size if end < 0 else end
    if step > 0:
        return slice(min(max(start, 0), size), min(max(end, 0), size), step)
    start, end = min(max(start, 0), size - 1), min(max(end, -1), size - 1)
    if start <= end or size == 0:
        return slice(0, 0)
    return slice(start, None if end == -1 else end, max(step, -size))


@op("Slice", since=1, like=slice_10)
def slice_1(data, /, *, axes=None, ends, starts):
    """Before version 10: starts, ends and axes are attributes and the step is 1."""
    return slice_10(data, starts, ends, axes)
