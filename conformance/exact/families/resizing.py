"""Resize and Upsample.

Scales are such that no rounding of a length changes them, but for half_pixel_symmetric: the text has two readings of the scale otherwise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from conformance.exact.families.resize_rules import Axis, Rules, resized
from conformance.exact.formats import FLOATS, INTEGERS, decode, quantum
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_float, is_integer, usual
from conformance.exact.values import Case, Tensor

OLD = Rules(coordinate="asymmetric", nearest="floor")
"""Before version 11 no text says where a pixel lies; version 11 calls the old rule asymmetric."""
COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
LENGTHS = ((4, 8), (3, 7), (8, 4), (5, 3), (6, 2))


def pixels(type: str, shape: tuple[int, ...], multiple: int = 1) -> Tensor:
    """Distinguishable numbers; integers that are multiples, so that no weighted average of them is rounded."""
    count = math.prod(shape)
    if is_integer(type):
        signed = INTEGERS[type].signed
        return Tensor(type, shape, tuple(multiple * ((7 * i * i + 3 * i) % 5 - (2 if signed else 0)) for i in range(count)))
    if is_float(type):
        return Tensor(type, shape, tuple(Fraction((7 * i * i + 5 * i) % 31 - 14, 2) for i in range(count)))
    return Tensor(type, shape, tuple(usual(type, count)))


def tied(type: str) -> Tensor:
    """Neighbours whose mean is half-way between two numbers of the type, and the largest number twice."""
    one = Fraction(1)
    smallest = Fraction(decode(1, type))
    largest = FLOATS[type].largest
    return Tensor(type, (6,), (one, one + quantum(one, type), one + 2 * quantum(one, type), largest, largest, smallest))


def attributes(rules: Rules, since: int) -> dict[str, Any]:
    """Those that differ from the defaults."""
    found: dict[str, Any] = {"mode": rules.mode}
    if since >= 11:
        found |= {"coordinate_transformation_mode": rules.coordinate, "nearest_mode": rules.nearest}
        found |= {"cubic_coeff_a": float(rules.a)} if rules.a != Fraction(-3, 4) else {}
        found |= {"exclude_outside": 1} if rules.exclude_outside else {}
        found |= {"antialias": 1} if rules.antialias else {}
        found |= {"extrapolation_value": float(rules.extrapolation)} if rules.extrapolation else {}
    return found


def resize(x: Tensor, along: Sequence[Axis], rules: Rules, since: int, t2: str = "float", *, by_scales: bool = False, **more: Any) -> Case:
    """The node, by its scales or its sizes; version 11 has empty tensors for what is not given."""
    named = {n % len(along) for n in more.get("axes", range(len(along)))}
    given = [a for i, a in enumerate(along) if i in named]
    scales = Tensor("float", (len(given),), tuple(a.scale for a in given)) if by_scales else None
    sizes = Tensor("int64", (len(given),), tuple(a.after for a in given)) if not by_scales else None
    roi = None
    if rules.coordinate == "tf_crop_and_resize":
        roi = Tensor(t2, (2 * len(given),), tuple(a.roi[k] for k in (0, 1) for a in given))
    y = resized(x, along, rules)
    if since == 10:
        return Case([x, scales], [y], attributes(rules, since))
    if since == 11:
        roi, scales = roi or Tensor(t2, (0,), ()), scales or Tensor("float", (0,), ())
    inputs = [x, roi, scales] if sizes is None else [x, roi, scales, sizes]
    return Case(inputs, [y], {**attributes(rules, since), **more})


@oracle("Upsample", 1, 7, 9, 10)
def upsample(types: Types, since: int) -> list[Case]:
    """Each pixel floor(i / scale) of the image, or the mean of its two neighbours by their distance from i / scale."""
    t = types["T"]
    modes = ["nearest"] if t in ("bool", "string", "complex64", "complex128") else ["nearest", "linear"]
    wanted = [((1, 1), (Fraction(2), Fraction(3))), ((1, 1), (Fraction(1), Fraction(2)))]
    cases = []
    for mode, (_, scales) in itertools.product(modes, wanted):
        x = pixels(t, (1, 1, 2, 2), 6)
        cases.append(_upsampled(x, (Fraction(1), Fraction(1), *scales), Rules(mode, "asymmetric", "floor"), since))
    ratio = (Fraction(1), Fraction(1), Fraction(1), Fraction(3, 2))
    cases.append(_upsampled(pixels(t, (1, 1, 2, 3)), ratio, OLD, since))
    if since >= 7:
        cases.append(_upsampled(pixels(t, (3,)), (Fraction(3),), OLD, since))
    if is_float(t):
        cases.append(
            _upsampled(Tensor(t, (1, 1, 1, 6), tied(t).values), (Fraction(1),) * 3 + (Fraction(2),), Rules("linear", "asymmetric"), since)
        )
    return cases


def _axes(shape: tuple[int, ...], scales: Sequence[Fraction]) -> list[Axis]:
    return [Axis(n, math.floor(n * s), s) for n, s in zip(shape, scales, strict=True)]


def _upsampled(x: Tensor, scales: Sequence[Fraction], rules: Rules, since: int) -> Case:
    y = resized(x, _axes(x.shape, scales), rules)
    if since == 1:
        name = "bilinear" if rules.mode == "linear" else rules.mode
        return Case([x], [y], {"mode": name, "height_scale": float(scales[2]), "width_scale": float(scales[3])})
    if since == 7:
        return Case([x], [y], {"mode": rules.mode, "scales": [float(s) for s in scales]})
    return Case([x, Tensor("float", (len(scales),), tuple(scales))], [y], {"mode": rules.mode})


@oracle("Resize", 10)
def resize_10(types: Types, since: int) -> list[Case]:
    """Upsample, with scales below 1 as well."""
    t = types["T"]
    both = [(Fraction(2), Fraction(3)), (Fraction(1), Fraction(1, 2)), (Fraction(3, 2), Fraction(1))]
    cases = [resize(pixels(t, (2, 4)), _axes((2, 4), scales), OLD, since, by_scales=True) for scales in both]
    if is_integer(t) or is_float(t):
        halves, linear = ((Fraction(2), Fraction(4)), both[1]), Rules("linear", "asymmetric")
        cases += [resize(pixels(t, (2, 4), 8), _axes((2, 4), scales), linear, since, by_scales=True) for scales in halves]
    if is_float(t):
        cases.append(resize(tied(t), _axes((6,), [Fraction(2)]), Rules("linear", "asymmetric"), since, by_scales=True))
    return cases


@oracle("Resize", 11, 13, 18, 19)
def resize_11(types: Types, since: int) -> list[Case]:
    """The mean of the pixels around x_original, weighted by mode; for other types than float a choice of the rules."""
    if types.tested == "T2":
        return _cropped(types["T1"], types["T2"], since)
    t = types["T1"]
    cases = [
        resize(pixels(t, (n,)), [Axis.to(n, m)], Rules(), since, by_scales=b) for n, m, b in ((2, 4, True), (4, 2, True), (3, 5, False))
    ]
    cases.append(resize(pixels(t, (2, 3)), [Axis.to(2, 4), Axis.to(3, 2)], Rules(nearest="ceil"), since))
    if t in ("complex64", "complex128") or is_integer(t) or is_float(t):
        cases += [resize(pixels(t, (4,), 4), [Axis.to(4, m)], Rules("linear", c), since) for c, m in (("half_pixel", 8), ("asymmetric", 2))]
    if is_integer(t):
        x = Tensor(t, (4,), (32, 96, 64, 32))
        cases.append(resize(x, [Axis.to(4, 8)], Rules("cubic", "asymmetric"), since))
    if is_float(t):
        cases += [resize(pixels(t, (4,)), [Axis.to(4, 8)], Rules("cubic", c), since) for c in ("half_pixel", "asymmetric")]
        cases.append(resize(tied(t), [Axis.to(6, 12)], Rules("linear", "asymmetric"), since))
    return [*cases, *_all_rules(since)] if t == "float" else cases


def _cropped(t1: str, t2: str, since: int) -> list[Case]:
    """tf_crop_and_resize: parts of the image, mirrored parts, and places beyond it."""
    regions = [
        (Fraction(1, 4), Fraction(5, 4)),
        (Fraction(0), Fraction(3, 4)),
        (Fraction(-1, 8), Fraction(7, 8)),
        (Fraction(1), Fraction(0)),
    ]
    rules = [Rules(mode, "tf_crop_and_resize", extrapolation=Fraction(9, 2)) for mode in ("nearest", "linear", "cubic")]
    cases = [resize(pixels(t1, (5,)), [Axis.to(5, m, roi)], r, since, t2) for roi in regions for r in rules for m in (3, 5, 1)]
    two = [Axis.to(3, 2, (Fraction(0), Fraction(1, 2))), Axis.to(5, 3, regions[0])]
    cases += [resize(pixels(t1, (3, 5)), two, r, since, t2) for r in rules]
    scaled = Axis(8, 12, Fraction(2), (Fraction(1, 8), Fraction(7, 8)))  # floor(8 * 3/4 * 2)
    return [*cases, resize(pixels(t1, (8,)), [scaled], rules[1], since, t2, by_scales=True)]


def _all_rules(since: int) -> list[Case]:
    """Each way to find a position with each way to use it, enlarging and reducing; then what a version added."""
    coordinates = COORDINATES + (("tf_half_pixel_for_nn",) if since == 11 else ()) + (("half_pixel_symmetric",) if since >= 19 else ())
    rules = [Rules("nearest", c, n) for c in coordinates for n in NEAREST]
    rules += [Rules("linear", c, exclude_outside=e) for c in coordinates for e in (False, True)]
    rules += [
        Rules("cubic", c, a=a, exclude_outside=e) for c in coordinates for a in (Fraction(-3, 4), Fraction(-1, 2)) for e in (False, True)
    ]
    cases = [resize(pixels("float", (n,)), [Axis.to(n, m)], r, since) for r in rules for n, m in LENGTHS]
    plane = [Axis.to(3, 5), Axis.to(4, 2)]
    cases += [resize(pixels("float", (3, 4)), plane, Rules(mode), since) for mode in ("nearest", "linear", "cubic")]
    one = [Rules(mode, "pytorch_half_pixel") for mode in ("nearest", "linear", "cubic")]
    cases += [resize(pixels("float", (4,)), [Axis.to(4, 1)], r, since) for r in one]
    return [*cases, *(_since_18(since) if since >= 18 else []), *(_symmetric(since) if since >= 19 else [])]


def _since_18(since: int) -> list[Case]:
    """antialias, axes and keep_aspect_ratio_policy."""
    smooth = [
        Rules(m, c, exclude_outside=e, antialias=True)
        for m in ("linear", "cubic")
        for c in ("half_pixel", "asymmetric")
        for e in (False, True)
    ]
    cases = [resize(pixels("float", (n,)), [Axis.to(n, m)], r, since) for r in smooth for n, m in LENGTHS]
    x = pixels("float", (2, 3, 2))
    for axes, lengths in (([1], (2, 6, 2)), ([-1], (2, 3, 4)), ([0, 2], (4, 3, 1)), ([-2, -1], (2, 2, 4))):
        pairs = [Axis.to(n, m) for n, m in zip(x.shape, lengths, strict=True)]
        cases += [resize(x, pairs, Rules(mode), since, axes=axes) for mode in ("nearest", "linear")]
    turned = [Axis.to(2, 4), Axis.to(3, 6)]
    y = resized(pixels("float", (2, 3)), turned, Rules())
    sizes = Tensor("int64", (2,), (6, 4))
    cases.append(Case([pixels("float", (2, 3)), None, None, sizes], [y], {"axes": [1, 0]}))
    return [*cases, *_aspects()]


def _aspects() -> list[Case]:
    """One scale for all axes, the smallest or the largest wanted; lengths are rounded, halves up."""
    found = []
    rules = Rules(coordinate="asymmetric", nearest="ceil")
    for policy, shape, wanted, lengths in (
        ("not_larger", (4, 3), (2, 9), (2, 2)),  # 3 * 1/2 = 1.5
        ("not_larger", (4, 5), (2, 9), (2, 3)),  # 5 * 1/2 = 2.5
        ("not_smaller", (4, 3), (1, 6), (8, 6)),
        ("not_smaller", (2, 4), (1, 1), (1, 2)),
        ("not_larger", (2, 4), (4, 8), (4, 8)),
        ("stretch", (4, 3), (2, 6), (2, 6)),
    ):
        x = pixels("float", shape)
        y = resized(x, [Axis.to(n, m) for n, m in zip(shape, lengths, strict=True)], rules)
        sizes = Tensor("int64", (2,), wanted)
        found.append(Case([x, None, None, sizes], [y], {**attributes(rules, 18), "keep_aspect_ratio_policy": policy}))
    x, y = pixels("float", (2, 4)), resized(pixels("float", (2, 4)), [Axis.to(2, 2), Axis.to(4, 2)], rules)
    sizes = Tensor("int64", (1,), (2,))
    return [*found, Case([x, None, None, sizes], [y], {**attributes(rules, 18), "keep_aspect_ratio_policy": "not_larger", "axes": [1]})]


def _symmetric(since: int) -> list[Case]:
    """A length of 2.5 that becomes 2: the image is moved so that its centre stays."""
    rules = [Rules(mode, "half_pixel_symmetric") for mode in ("nearest", "linear", "cubic")]
    return [
        resize(pixels("float", (n,)), [Axis(n, math.floor(n * s), s)], r, since, by_scales=True)
        for r in rules for n, s in ((4, Fraction(5, 8)), (5, Fraction(3, 2)), (3, Fraction(7, 4)))
    ]  # fmt: skip
