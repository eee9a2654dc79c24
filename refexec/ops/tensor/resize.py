"""Resize."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from refexec.comparison import Call, is_float, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import integer_range, is_integer, normalize_axes
from refexec.ops.reduction.over import KERNEL_TYPES
from refexec.ops.tensor.interpolation import Axis, coordinates, nearest, weights
from refexec.ops.tensor.picked import mixed, picked
from refexec.primitives import Lowered
from refexec.registry import lowers, op
from refexec.types import element_type
from refexec.values import smallest_subnormal, unit_roundoff

SINGLE = 2.0**-24


def scaled_length(length: int, scale: float, roi: tuple[float, float]) -> int:
    """floor(length * extent * scale), multiplied in float32 as the schema's shape inference does."""
    extent = np.float32(roi[1]) - np.float32(roi[0])
    size = np.floor(np.float32(length) * extent * np.float32(scale))
    require(0 <= size < 2**63, "a resized dimension is a number that is not negative", size=size, scale=scale, roi=roi)
    return int(size)


def resized_axes(shape, roi=None, scales=None, sizes=None, *, axes=None, policy="stretch", crop=False) -> dict[int, Axis]:
    """How each of ``axes`` changes, from exactly one of ``scales`` and ``sizes``."""
    over = tuple(range(len(shape))) if axes is None else normalize_axes(axes, len(shape))
    scales = None if scales is None or scales.size == 0 else scales
    sizes = None if sizes is None or sizes.size == 0 else sizes
    if not over and scales is None and sizes is None:
        return {}  # a scalar, whose scales or sizes are empty
    require((scales is None) != (sizes is None), "exactly one of scales and sizes is given", scales=scales, sizes=sizes)
    given = sizes if scales is None else scales
    require(given.shape == (len(over),), "there is one scale or size per resized axis", given=given, axes=over)
    spans = {a: (0.0, 1.0) for a in over}
    if crop:
        fits = roi is not None and roi.shape == (2 * len(over),) and np.all(np.isfinite(roi))
        require(fits, "roi has the starts, then the ends of the resized axes, all finite", roi=roi, axes=over)
        spans = {a: (float(roi[i]), float(roi[i + len(over)])) for i, a in enumerate(over)}
    if scales is not None:
        require(np.all(scales > 0), "scales are greater than 0", scales=scales)
        found = [Axis(shape[a], scaled_length(shape[a], float(s), spans[a]), float(s), spans[a]) for a, s in zip(over, scales, strict=True)]
        return dict(zip(over, found, strict=True))
    require(np.all(sizes >= 0), "sizes are not negative", sizes=sizes)
    ratios = [Fraction(int(s), shape[a]) if shape[a] else Fraction(1) for a, s in zip(over, sizes, strict=True)]
    if policy == "stretch":
        return {a: Axis(shape[a], int(s), float(r), spans[a]) for a, s, r in zip(over, sizes, ratios, strict=True)}
    require(policy in ("not_larger", "not_smaller"), "keep_aspect_ratio_policy is stretch, not_larger or not_smaller", policy=policy)
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    return {a: Axis(shape[a], int(shape[a] * ratio + Fraction(1, 2)), float(ratio), spans[a]) for a in over}


def settled(values, dtype):
    """Numbers as an integer dtype: rounded half to even, those beyond its range to its end."""
    low, high = integer_range(element_type(dtype))
    whole = np.rint(values)
    above = whole >= high  # a test and not np.clip, since the greatest int64 is no float64
    return np.where(above, dtype.type(high), np.where(above, 0, np.maximum(whole, low)).astype(dtype))


def resized_bound(X, Y, element, changed, coordinate_transformation_mode, mode, nearest_mode, extrapolation_value=0.0):
    """Values are as inexact as their coordinates, which an implementation rounds to float32 or finer. Where that decides which
    of two elements is the nearest, or whether a coordinate is outside, either is right. So are both readings of
    *align_corners*, with the resized length before and after it was made an integer."""
    if not is_float(element):
        return None
    largest = np.abs(np.where(np.isfinite(X), X, 0)).max(initial=0.0)
    fine = unit_roundoff(element.dtype)
    bound = np.full(Y.shape, 0.0 if mode == "nearest" else 64 * fine * largest + smallest_subnormal(element.dtype))
    crop = coordinate_transformation_mode == "tf_crop_and_resize"
    for a, axis in changed.items():
        if not axis.resized or (axis.length == axis.resized and axis.scale == 1 and not crop):
            continue
        x, column = coordinates(axis, coordinate_transformation_mode), (-1, *(1,) * (Y.ndim - a - 1))
        other = coordinates(replace(axis, scale=axis.resized / axis.length), coordinate_transformation_mode)
        readings = np.abs(x - other) if coordinate_transformation_mode == "align_corners" else np.zeros_like(x)
        size = 8 * (np.abs(x) + axis.length)
        error = SINGLE * size + readings
        if mode == "nearest":
            exact = float(max(axis.scale, 1 / axis.scale)).is_integer()
            single = coordinates(axis, coordinate_transformation_mode, np.float32)
            open_ = nearest(x - error, axis, nearest_mode) != nearest(x + error, axis, nearest_mode)
            open_ &= (single != x) | (readings > 0) | (not exact)
        else:
            bound = bound + 4 * largest * (min(fine, SINGLE) * size + readings).reshape(column)
            open_ = np.zeros(x.shape, bool)
        if crop:
            open_ |= (np.abs(x) < error) | (np.abs(x - (axis.length - 1)) < error)
        bound = np.where(open_.reshape(column), np.abs(Y) + max(largest, abs(extrapolation_value)), bound)
    return bound


def resize_bound(call: Call):
    """The bound of the versions from 11 on."""
    X, roi, scales, sizes = (*call.inputs, None, None, None)[:4]
    given = dict(call.attributes)
    how = {name: given[name] for name in ("coordinate_transformation_mode", "mode", "nearest_mode", "extrapolation_value")}
    crop = how["coordinate_transformation_mode"] == "tf_crop_and_resize"
    policy = given.get("keep_aspect_ratio_policy", "stretch")
    changed = resized_axes(X.shape, roi, scales, sizes, axes=given.get("axes"), policy=policy, crop=crop)
    return (resized_bound(X, call.outputs[0], call.elements[0], changed, **how),)


@op("Resize", since=19, arithmetic="rounded", compare=rounded(resize_bound))
def resize_19(
    X, roi=None, scales=None, sizes=None, /, *, antialias=0, axes=None, coordinate_transformation_mode="half_pixel",
    cubic_coeff_a=-0.75, exclude_outside=0, extrapolation_value=0.0, keep_aspect_ratio_policy="stretch", mode="nearest",
    nearest_mode="round_prefer_floor",
):  # fmt: skip
    """Y at each position mixes the elements of X around the coordinate that the position has in X.

    The coordinate follows from ``coordinate_transformation_mode``, the mixture from ``mode``: the *nearest* element, or a
    *linear* or *cubic* interpolation made on one axis after the other. Where *tf_crop_and_resize* looks outside X, Y is
    ``extrapolation_value``. *align_corners* means the resized length before it was made an integer. An axis that keeps its
    size at scale 1 stays as it is. Integers are rounded half to even and saturate.
    """
    known(coordinate_transformation_mode, "tf_half_pixel_for_nn")
    return resized(
        X, roi, scales, sizes, antialias, axes, coordinate_transformation_mode, cubic_coeff_a, exclude_outside, extrapolation_value,
        keep_aspect_ratio_policy, mode, nearest_mode,
    )  # fmt: skip


def known(mode, *others):
    """Check that the version has a coordinate_transformation_mode; ``others`` are those of other versions."""
    require(mode not in others, "coordinate_transformation_mode exists in this version", mode=mode)


def resized(
    X, roi=None, scales=None, sizes=None, antialias=0, axes=None, coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75,
    exclude_outside=0, extrapolation_value=0.0, keep_aspect_ratio_policy="stretch", mode="nearest", nearest_mode="round_prefer_floor",
):  # fmt: skip
    """Resize of all versions."""
    crop = coordinate_transformation_mode == "tf_crop_and_resize"
    changed = resized_axes(X.shape, roi, scales, sizes, axes=axes, policy=keep_aspect_ratio_policy, crop=crop)
    shape = claim([changed[a].resized if a in changed else d for a, d in enumerate(X.shape)], X.dtype)
    require(mode in ("nearest", "linear", "cubic"), "mode is nearest, linear or cubic", mode=mode)
    number = is_integer(X) or X.dtype.kind in "fc"
    require(number or (mode == "nearest" and not crop), "booleans and strings are moved only", type=X.dtype, mode=mode)
    fill = np.asarray(extrapolation_value)
    require(not (is_integer(X) and np.isnan(fill)), "the extrapolation_value of integers is a number")
    if 0 in shape:
        return np.empty(shape, X.dtype)
    exact = np.result_type(X.real.dtype, np.float64) if number else np.float64
    parts = parts_of(changed, coordinate_transformation_mode, cubic_coeff_a, exclude_outside, antialias, mode, nearest_mode, exact)
    Y = picked(X, places=parts) if mode == "nearest" else mixed(X, mixtures=parts)
    outside = []
    for a, axis in changed.items() if crop else ():
        x = coordinates(axis, coordinate_transformation_mode, exact)
        outside.append((a, (x < 0) | (x > axis.length - 1)))
    for a, mask in outside:
        Y = np.where(mask.reshape(-1, *(1,) * (X.ndim - a - 1)), settled(fill, Y.dtype) if is_integer(Y) else fill.astype(Y.dtype), Y)
    return settled(Y, X.dtype) if is_integer(X) and Y.dtype != X.dtype else Y


def parts_of(changed, coordinate_transformation_mode, cubic_coeff_a, exclude_outside, antialias, mode, nearest_mode, exact=np.float64):
    """The places of ``picked``, or the mixtures of ``mixed``; no tensor on the way exceeds both X and Y."""
    empty = [a for a, axis in changed.items() if axis.length == 0]
    require(not empty, "an axis without elements stays empty", axes=empty)
    crop = coordinate_transformation_mode == "tf_crop_and_resize"
    places, mixtures = {}, []
    for a, axis in sorted(changed.items(), key=lambda item: (item[1].resized / item[1].length, -item[0])):
        if axis.length == axis.resized and axis.scale == 1 and not crop:
            continue
        x = coordinates(axis, coordinate_transformation_mode, exact)
        if mode == "nearest":
            places[a] = nearest(x, axis, nearest_mode)
        else:
            mixtures.append((a, *weights(x, axis, mode, cubic_coeff_a, bool(exclude_outside), bool(antialias))))
    return places if mode == "nearest" else tuple(mixtures)


@op("Resize", since=18, like=resize_19)
def resize_18(X, roi=None, scales=None, sizes=None, /, *, coordinate_transformation_mode="half_pixel", **attributes):
    """Before version 19: no *half_pixel_symmetric*."""
    known(coordinate_transformation_mode, "half_pixel_symmetric", "tf_half_pixel_for_nn")
    return resized(X, roi, scales, sizes, coordinate_transformation_mode=coordinate_transformation_mode, **attributes)


@op("Resize", since=13, like=resize_19)
def resize_13(X, roi=None, scales=None, sizes=None, /, **attributes):
    """Before version 18: over all axes, without antialiasing."""
    return resize_18(X, roi, scales, sizes, **attributes)


@op("Resize", since=11, like=resize_19)
def resize_11(X, roi, scales, sizes=None, /, *, coordinate_transformation_mode="half_pixel", **attributes):
    """Before version 13: roi and scales are required, scales being empty when sizes are given; has *tf_half_pixel_for_nn*."""
    known(coordinate_transformation_mode, "half_pixel_symmetric")
    return resized(X, roi, scales, sizes, coordinate_transformation_mode=coordinate_transformation_mode, **attributes)


NOT_LOWERED = ("tf_crop_and_resize", "half_pixel_symmetric", "tf_half_pixel_for_nn")  # reads roi; not in every version


@lowers(resize_19, types=KERNEL_TYPES, constants=("roi", "scales", "sizes"))
@lowers(resize_18, types=KERNEL_TYPES, constants=("roi", "scales", "sizes"))
@lowers(resize_13, types=KERNEL_TYPES, constants=("roi", "scales", "sizes"))
@lowers(resize_11, types=KERNEL_TYPES, constants=("roi", "scales", "sizes"))
def lower_resize(attributes, shapes):
    """One call of ``picked`` or ``mixed``, where nothing is empty."""
    transformation, mode = attributes["coordinate_transformation_mode"], attributes["mode"]
    if transformation in NOT_LOWERED or mode not in ("nearest", "linear", "cubic"):
        return None
    policy = attributes.get("keep_aspect_ratio_policy", "stretch")
    scales, sizes, axes = (attributes.get(name) for name in ("scales", "sizes", "axes"))
    changed = resized_axes(shapes[0], None, scales, sizes, axes=axes, policy=policy)
    return lowered(shapes[0], changed, transformation, mode, attributes["nearest_mode"], attributes)


def lowered(shape, changed, transformation, mode, nearest_mode, attributes):
    """The call for axes that change so."""
    if 0 in shape or any(axis.resized == 0 for axis in changed.values()):
        return None
    names = ("cubic_coeff_a", "exclude_outside", "antialias")
    parts = parts_of(changed, transformation, *(attributes.get(name, 0) for name in names), mode, nearest_mode)
    if mode == "nearest":
        return Lowered(picked, (0,), {"places": parts})
    return Lowered(mixed, (0,), {"mixtures": parts})


def asymmetric_bound(call: Call):
    """The bound of the versions that have scales only."""
    X, given = call.inputs[0], call.attributes
    in_attributes = given.get("scales", (1, 1, given.get("height_scale"), given.get("width_scale")))
    scales = np.array(in_attributes) if len(call.inputs) == 1 else call.inputs[1]
    changed = resized_axes(X.shape, scales=scales)
    return (resized_bound(X, call.outputs[0], call.elements[0], changed, "asymmetric", given["mode"].removeprefix("bi"), None),)


@op("Resize", since=10, like=resize_19, compare=rounded(asymmetric_bound))
def resize_10(X, scales, /, *, mode="nearest"):
    """Before version 11: coordinates are x / scale. *nearest* takes the element at or below, on a reduced axis at or above: the
    text of this version does not say which, its test of a reduction by 0.6 does."""
    require(mode in ("nearest", "linear"), "before version 11 mode is nearest or linear", mode=mode)
    return resized(X, None, scales, mode=mode, coordinate_transformation_mode="asymmetric", nearest_mode=None)


@lowers(resize_10, types=KERNEL_TYPES, constants=("scales",))
def lower_resize_10(attributes, shapes):
    """The same where there are scales only."""
    mode, changed = attributes["mode"], resized_axes(shapes[0], scales=attributes["scales"])
    return lowered(shapes[0], changed, "asymmetric", mode, None, {}) if mode in ("nearest", "linear") else None
