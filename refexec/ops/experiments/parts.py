"""Crop, DynamicSlice."""

from refexec.comparison import exact
from refexec.errors import require
from refexec.ops.tensor.slice_ import slice_10
from refexec.registry import op


@op("Crop", since=1, arithmetic="exact", compare=exact)
def crop_1(input, /, *, border=None, scale=None):
    """The image without ``border`` = (left, top, right, bottom); with ``scale`` = (height, width), so much from its left top on."""
    require(input.ndim == 4, "input is of shape [N, C, H, W]", input=input.shape)
    require(border is not None and len(border) == 4 and min(border) >= 0, "border has four sizes: left, top, right, bottom", border=border)
    left, top, right, bottom = border
    height, width = input.shape[2] - top - bottom, input.shape[3] - left - right
    if scale is not None:
        require(len(scale) == 2, "scale has two sizes: height, width", scale=scale)
        height, width = scale
    fits = 0 <= height <= input.shape[2] - top and 0 <= width <= input.shape[3] - left
    require(fits, "what is kept lies inside the image", input=input.shape, border=border, scale=scale)
    return input[:, :, top : top + height, left : left + width]


@op("DynamicSlice", since=1, arithmetic="exact", compare=exact)
def dynamic_slice_1(data, starts, ends, axes=None, /):
    """Slice before version 10, with starts, ends and axes as inputs."""
    return slice_10(data, starts, ends, axes)
