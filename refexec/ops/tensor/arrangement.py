"""Tile, ReverseSequence, CenterCropPad: elements repeated, turned round, cut out."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import normalize_axes, normalize_axis, scalar, vector
from refexec.ops.tensor.picked import picked
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.types import MOVED
from refexec.values import zero


@op("Tile", since=6, also=(13,), arithmetic="exact", compare=exact)
def tile_6(input, repeats, /):
    """``input`` repeated ``repeats[i]`` times along each axis i."""
    counts = vector(repeats, "repeats")
    require(len(counts) == input.ndim, "repeats has one number per dimension", repeats=counts, input=input.shape)
    require(min(counts, default=0) >= 0, "repeats are not negative", repeats=counts)
    claim([d * n for d, n in zip(input.shape, counts, strict=True)], input.dtype)
    return np.tile(input, counts)


@lowers(tile_6, types=MOVED, constants=("repeats",))
def lower_tile(attributes, shapes):
    """One call of ``picked``, where nothing is empty; None where the body is to refuse the repeats."""
    counts, shape = vector(attributes["repeats"], "repeats"), shapes[0]
    if len(counts) != len(shape) or min(counts + shape, default=1) <= 0:
        return None
    return Lowered(picked, (0,), {"places": {a: np.arange(shape[a] * n) % shape[a] for a, n in enumerate(counts) if n > 1}})


@op("Tile", since=1, like=tile_6)
def tile_1(input, tiles, axis, /):
    """Before version 6: ``tiles`` times along one axis, both being floats."""
    count, along = scalar(tiles, "tiles"), scalar(axis, "axis")
    require(float(count).is_integer() and float(along).is_integer(), "tiles and axis are whole numbers", tiles=count, axis=along)
    repeats = [1] * input.ndim
    repeats[normalize_axis(int(along), input.ndim)] = int(count)
    return tile_6(input, repeats)


@op("ReverseSequence", since=10, also=(28,), arithmetic="exact", compare=exact)
def reverse_sequence_10(input, sequence_lens, /, *, batch_axis=1, time_axis=0):
    """For each index b of ``batch_axis`` the first ``sequence_lens[b]`` elements of ``time_axis`` in reverse, then the others."""
    require(input.ndim >= 2, "input has rank 2 or more", input=input.shape)
    require({batch_axis, time_axis} == {0, 1}, "batch_axis and time_axis are 0 and 1", batch_axis=batch_axis, time_axis=time_axis)
    batch, steps = input.shape[batch_axis], input.shape[time_axis]
    require(sequence_lens.shape == (batch,), "sequence_lens has one length per batch index", shape=sequence_lens.shape, batch=batch)
    fits = np.all((sequence_lens >= 0) & (sequence_lens <= steps))
    require(fits, "lengths are not negative and at most the size of time_axis", sequence_lens=sequence_lens, size=steps)
    t, b = np.ogrid[:steps, :batch]
    source = np.where(t < sequence_lens, sequence_lens - 1 - t, t)
    by_time = input if time_axis == 0 else input.swapaxes(0, 1)
    Y = by_time[source, b]
    return Y if time_axis == 0 else Y.swapaxes(0, 1)


@op("CenterCropPad", since=18, arithmetic="exact", compare=exact)
def center_crop_pad_18(input_data, shape, /, *, axes=None):
    """The middle of ``input_data``, or zeros (False, "") around it, so that ``axes`` get the sizes ``shape``.

    Of an odd number of elements to remove or to add, the greater half is at the end.
    """
    over = range(input_data.ndim) if axes is None else normalize_axes(axes, input_data.ndim)
    sizes = vector(shape, "shape")
    require(len(sizes) == len(over), "shape has one size per axis", shape=sizes, axes=tuple(over))
    require(min(sizes, default=0) >= 0, "sizes are not negative", shape=sizes)
    result = list(input_data.shape)
    source, target = [slice(None)] * input_data.ndim, [slice(None)] * input_data.ndim
    for axis, size in zip(over, sizes, strict=True):
        has = result[axis]
        cut, added = max(has - size, 0) // 2, max(size - has, 0) // 2
        source[axis] = slice(cut, cut + min(has, size))
        target[axis] = slice(added, added + min(has, size))
        result[axis] = size
    output_data = np.full(claim(result, input_data.dtype), zero(input_data.dtype), input_data.dtype)
    output_data[tuple(target)] = input_data[tuple(source)]
    return output_data
