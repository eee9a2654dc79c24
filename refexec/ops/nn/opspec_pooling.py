"""Opspecs of pools and of MaxUnpool."""

from math import prod

import numpy as np

from refexec.ops.nn.opspec_windows import image, windows
from refexec.opspec import Draw, Out, opspec
from refexec.types import INT64

POOLS = {
    "AveragePool": (1, 7, 10, 11, 19, 22), "LpPool": (1, 2, 11, 18, 22), "MaxPool": (1, 8, 10, 11, 12, 22),
}  # fmt: skip


def power(d: Draw) -> None:
    """The exponent of a norm: an integer since version 2."""
    d.attr("p", [1, 3, 4] if d.since >= 2 else [1.0, 3.0, 1.5])


def pool(d: Draw) -> None:
    """Of each window the mean, the norm or the maximum, and where the latter stands."""
    x = image(d)
    kernel, output = windows(d, x.sizes[2:], pool=True)
    d.set("kernel_shape", kernel)
    d.attr("count_include_pad", [1, 0])
    d.attr("storage_order", [1, 0])
    power(d)
    shape = (*x.sizes[:2], *output)
    indices = Out(INT64, shape, (0, max(prod(x.sizes) - 1, 0))) if len(d.signature.outputs) > 1 and d.flag() else None
    d.emit([x], Out(x.elem, shape), indices)


for _name, _versions in POOLS.items():
    opspec(_name, *_versions)(pool)


@opspec("GlobalAveragePool", 1, 22)
@opspec("GlobalLpPool", 1, 2, 22)
@opspec("GlobalMaxPool", 1, 22)
def global_pool(d: Draw) -> None:
    x = image(d)
    power(d)
    d.emit([x], Out(x.elem, (*x.sizes[:2], *(1,) * (len(x.sizes) - 2))))


@opspec("MaxUnpool", 9, 11, 22)
def max_unpool(d: Draw) -> None:
    """No index occurs twice; pads leave room for each element, and so does output_shape, which asks for no more than there is."""
    x = d.input("T1", (3, 5), where=lambda v: prod(v.sizes) <= 100)
    strided, padded, asked = d.flag(), d.flag(), d.flag()
    kernel, strides, begins, ends, spatial = [], [], [], [], []
    for size in x.sizes[2:]:
        kernel.append(d.integer(1, 3))
        strides.append(d.integer(1, 3 if len(x.sizes) < 5 else 2) if strided else 1)
        full = (size - 1) * strides[-1] + kernel[-1]
        begins.append(d.integer(0, min(2, full - size)) if padded else 0)
        ends.append(d.integer(0, min(2, full - size - begins[-1])) if padded else 0)
        spatial.append(full - d.integer(0, min(2, full - size)) if asked else full - begins[-1] - ends[-1])
    shape = (*x.sizes[:2], *spatial)
    d.set("kernel_shape", kernel)
    if strided:
        d.set("strides", strides)
    if padded:
        d.set("pads", begins + ends)
    count = prod(x.sizes)
    step = d.integer(1, min(4, prod(shape) // count))
    first = d.integer(0, prod(shape) - 1 - (count - 1) * step)
    places = (first + step * np.arange(count)).reshape(x.sizes)
    indices = d.constant(np.flip(places) if d.flag() else places)
    d.emit([x, indices, d.constant(shape) if asked else None], Out(x.elem, shape))


@opspec("MaxRoiPool", 1, 22)
def max_roi_pool(d: Draw) -> None:
    """Regions lie in X, with corners that are elements once they are scaled."""
    x = d.input("T", (4, 4))
    N, C, height, width = x.sizes
    scale = d.attr("spatial_scale", [0.5, 2.0], 1.0)
    pooled = d.set("pooled_shape", [d.integer(1, 3), d.integer(1, 3)])
    rois = []
    for _ in range(d.integer(1, 3)):
        left, top = d.integer(0, width - 1), d.integer(0, height - 1)
        corners = (left, top, d.integer(left, width - 1), d.integer(top, height - 1))
        rois.append([d.integer(0, N - 1), *(c / scale for c in corners)])
    d.emit([x, d.constant(np.array(rois), x.elem)], Out(x.elem, (len(rois), C, *pooled)))
