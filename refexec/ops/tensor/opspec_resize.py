"""Opspecs of Resize and Upsample."""

import numpy as np

from refexec.ops.tensor.opspec_shape import some_axes
from refexec.opspec import Draw, Operand, Out, opspec
from refexec.types import FLOAT32

SCALES = (1.0, 2.0, 1.5, 3.0, 1.25, 0.5, 0.75)
"""Numbers of few bits: a product with a size is exact."""
TRANSFORMATIONS = ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "tf_crop_and_resize")


def interpolates(x: Operand) -> bool:
    """Whether the text says how elements are mixed: not of integers, truth values and strings."""
    return x.elem.kind in ("float", "complex")


def whole(size: int) -> list[float]:
    """The scales that lead to a whole size, for which all readings of the text agree."""
    return [s for s in SCALES if (size * s).is_integer()]


def changing(size: int) -> list[float]:
    """The scales that are 1 or lead to another size: in the text the scale is the ratio of the sizes, in its tests the given number."""
    return [s for s in SCALES if s == 1.0 or int(size * s) != size]


def plain(d: Draw, size: int) -> float:
    """A scale of the versions before 11, which do not say where in the input others look. Upsample does not reduce."""
    return d.pick([s for s in whole(size) if s in (1.0, 2.0, 3.0) or (s == 0.5 and d.signature.name == "Resize")])


@opspec("Upsample", 1)
def upsample_image(d: Draw) -> None:
    x = d.input("T", (4, 4))
    d.attr("mode", ["nearest", "bilinear"] if interpolates(x) else ["nearest"])
    N, C, H, W = x.sizes
    height, width = d.set("height_scale", plain(d, H)), d.set("width_scale", plain(d, W))
    d.emit([x], Out(x.elem, (N, C, int(H * height), int(W * width))))


@opspec("Upsample", 7, 9)
@opspec("Resize", 10)
def resize_by_scales(d: Draw) -> None:
    """The scales are an attribute before version 9. Two axes at most change."""
    x = d.input("T", (1, 4))
    d.attr("mode", ["nearest", "linear"] if interpolates(x) else ["nearest"])
    scales = [1.0] * len(x.sizes)
    for a in d.several(range(len(scales)), 1)[-2:]:
        scales[a] = plain(d, x.sizes[a])
    result = tuple(int(n * s) for n, s in zip(x.sizes, scales, strict=True))
    if d.has("scales"):
        d.set("scales", scales)
    d.emit([x, None if d.has("scales") else d.constant(scales, FLOAT32)], Out(x.elem, result))


def how(d: Draw, x: Operand) -> str:
    """Draw the attributes of the interpolation; the transformation of coordinates is returned."""
    mode = d.attr("mode", ["linear", "cubic", "nearest"] if interpolates(x) else ["nearest"])
    known = [*TRANSFORMATIONS[: 5 if interpolates(x) else 4], *["half_pixel_symmetric"] * (d.since >= 19)]
    transformation = str(d.attr("coordinate_transformation_mode", known + ["tf_half_pixel_for_nn"] * (d.since == 11 and mode == "nearest")))
    if mode == "nearest":
        d.attr("nearest_mode", ["round_prefer_ceil", "floor", "ceil", "round_prefer_floor"])
    else:
        d.attr("exclude_outside", [1, 0])
        d.attr("antialias", [1, 0])
    if mode == "cubic":
        d.attr("cubic_coeff_a", [-0.5, -0.75])
    if transformation == "tf_crop_and_resize":
        d.attr("extrapolation_value", [1.5, -2.0])
    return transformation


@opspec("Resize", 11, 13, 18, 19)
def resize(d: Draw) -> None:
    """The scales or the sizes of all axes, since version 18 of some.

    Where two readings of the text differ none is drawn: with align_corners, and with a policy, the resized sizes are whole before they
    are rounded. onnx's inference leaves out the roi where it knows the scales, and takes sizes of unknown number for none.
    """
    x = d.input("T1", (1, 4))
    rank = len(x.shape)
    transformation = how(d, x)
    axes = d.set("axes", some_axes(d, rank)) if d.has("axes") and d.flag() else range(rank)
    old = [x.sizes[a] for a in axes]
    outer = rank - 2 if rank > 2 and not d.flag() else 0  # so many axes keep their size: those of an image before height and width
    kept = [a % rank < outer for a in axes]
    crop, scales, sizes = transformation == "tf_crop_and_resize", None, None
    roi = spans = None
    if crop or d.flag():
        spans = [d.pick(((0.0, 1.0), *((0.25, 0.75), (0.5, 1.5), (-0.25, 0.75)) * (not k))) for k in kept]
        written = [start for start, _ in spans] + [end for _, end in spans]
        roi = d.constant(np.array(written), d.elem("T2"))
    if d.flag():
        policy = d.attr("keep_aspect_ratio_policy", ["not_larger", "not_smaller", "stretch"][2 * any(kept) :], "stretch")
        new = [n if k else d.pick((n, 2, 4, 1, 3, 5)) for n, k in zip(old, kept, strict=True)]
        asked = new
        if policy != "stretch":
            ratio = d.pick([r for r in SCALES if all(r in whole(n) for n in old)])
            new = [int(n * ratio) for n in old]
            more = [0, *(d.integer(0, 2) for _ in new[1:])]
            asked = [n + m if policy == "not_larger" else max(n - m, 1) for n, m in zip(new, more, strict=True)]
        sizes = d.constant(asked, fed=False)
    else:
        options = whole if transformation == "align_corners" else changing
        factors = [1.0 if k else d.pick(options(n)) for n, k in zip(old, kept, strict=True)]
        extents = [end - start for start, end in spans] if crop and spans else [1.0] * len(old)
        new = [int(n * s * e) for n, s, e in zip(old, factors, extents, strict=True)]
        scales = d.given(factors, FLOAT32) if crop else d.constant(factors, FLOAT32)
    if d.since == 11:
        roi = d.constant(np.zeros(0), d.elem("T2")) if roi is None else roi
        scales = d.constant(np.zeros(0), FLOAT32) if scales is None else scales
    result = list(x.sizes)
    for a, n in zip(axes, new, strict=True):
        result[a] = n
    d.emit([x, roi, scales, sizes], Out(x.elem, tuple(result)))
