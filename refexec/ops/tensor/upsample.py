"""Upsample: Resize of the first opsets."""

import numpy as np

from refexec.errors import require
from refexec.ops.reduction.over import KERNEL_TYPES
from refexec.ops.tensor.resize import lower_resize_10, resize_10
from refexec.registry import lowers, op


@op("Upsample", since=9, like=resize_10)
def upsample_9(X, scales, /, *, mode="nearest"):
    """X enlarged by ``scales``, one per axis: as Resize-10, at coordinates x / scale, *nearest* taking the element at or below."""
    require(np.all(scales >= 1), "scales are at least 1", scales=scales)
    return resize_10(X, scales, mode=mode)


@op("Upsample", since=10, like=upsample_9)
def upsample_10(X, scales, /, *, mode="nearest"):
    """Deprecated: Resize takes its place."""
    return upsample_9(X, scales, mode=mode)


@lowers(upsample_9, types=KERNEL_TYPES, constants=("scales",))
@lowers(upsample_10, types=KERNEL_TYPES, constants=("scales",))
def lower_upsample(attributes, shapes):
    """As Resize-10; None where the body is to refuse a scale."""
    return lower_resize_10(attributes, shapes) if np.all(attributes["scales"] >= 1) else None


@op("Upsample", since=7, like=upsample_9)
def upsample_7(X, /, *, mode="nearest", scales):
    """Before version 9: the scales are an attribute."""
    return upsample_9(X, np.array(scales, np.float32), mode=mode)


@op("Upsample", since=1, like=upsample_9)
def upsample_1(X, /, *, height_scale, mode="nearest", width_scale):
    """Before version 7: of images (N, C, H, W), and *linear* is called *bilinear*."""
    require(X.ndim == 4, "X is (N, C, H, W)", X=X.shape)
    require(mode in ("nearest", "bilinear"), "mode is nearest or bilinear", mode=mode)
    return upsample_7(X, mode=mode.removeprefix("bi"), scales=(1, 1, height_scale, width_scale))
