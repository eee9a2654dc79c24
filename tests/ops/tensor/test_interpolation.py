"""Resize in all modes against the formulas of the specification written out element by element, and against onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import onnx
import pytest

from conformance.ort_child import run_onnxruntime
from refexec import run_op
from tests.ops.declared import bounds
from tests.ops.tensor.scalar_resize import NEAREST, resize

F = np.float32
X = np.random.default_rng(5).standard_normal((5, 7)).astype(F)
COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize")
SCALES = [(2.0, 1.5), (0.6, 3.0), (0.5, 0.4), (1.0, 0.2)]
MODES: list[dict[str, Any]] = [
    *({"mode": "nearest", "nearest_mode": n} for n in NEAREST),
    {"mode": "linear"},
    {"mode": "linear", "exclude_outside": 1},
    {"mode": "linear", "antialias": 1},
    {"mode": "cubic"},
    {"mode": "cubic", "cubic_coeff_a": -0.5},
    {"mode": "cubic", "exclude_outside": 1},
    {"mode": "cubic", "antialias": 1},
    {"mode": "cubic", "antialias": 1, "exclude_outside": 1},
]
ROI = np.array([0.0, 0.25, 0.75, 1.25], F)


def names(value: Any) -> str:
    return " ".join(str(v) for v in value.values()) if isinstance(value, dict) else str(value)


def by_formula(coordinate: str, mode: dict[str, Any], scales: Any, sizes: Any) -> Any:
    return resize(
        X.astype(float), scales, sizes,
        coordinate=coordinate, mode=mode["mode"], nearest=mode.get("nearest_mode", ""), a=mode.get("cubic_coeff_a", -0.75),
        exclude=bool(mode.get("exclude_outside")), antialias=bool(mode.get("antialias")), roi=[(0.0, 0.75), (0.25, 1.25)], extrapolation=-8.0,
    )  # fmt: skip


@pytest.mark.parametrize("mode", MODES, ids=names)
@pytest.mark.parametrize("coordinate", COORDINATES)
@pytest.mark.parametrize("scales", SCALES, ids=names)
def test_scales(coordinate: str, mode: dict[str, Any], scales: tuple[float, float]) -> None:
    given = np.array(scales, F)
    crop = coordinate == "tf_crop_and_resize"
    extents = (0.75, 1.0) if crop else (1.0, 1.0)
    sizes = [int(np.floor(F(d) * F(e) * s)) for d, e, s in zip(X.shape, extents, given, strict=True)]
    attributes = {"coordinate_transformation_mode": coordinate, "extrapolation_value": -8.0, **mode}
    y = run_op("Resize", X, ROI if crop else None, given, **attributes)
    assert y.shape == tuple(sizes) and np.allclose(y, by_formula(coordinate, mode, given.astype(float), sizes), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mode", MODES, ids=names)
@pytest.mark.parametrize("coordinate", COORDINATES)
@pytest.mark.parametrize("sizes", [(3, 10), (8, 2), (1, 1)], ids=names)
def test_sizes(coordinate: str, mode: dict[str, Any], sizes: tuple[int, int]) -> None:
    attributes = {"coordinate_transformation_mode": coordinate, "extrapolation_value": -8.0, **mode}
    y = run_op("Resize", X, ROI if coordinate == "tf_crop_and_resize" else None, None, np.array(sizes), **attributes)
    scales = [n / d for n, d in zip(sizes, X.shape, strict=True)]
    assert np.allclose(y, by_formula(coordinate, mode, scales, sizes), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mode", MODES[:6], ids=names)
def test_version_11_half_pixels_for_nearest_neighbours(mode: dict[str, Any]) -> None:
    attributes = {"coordinate_transformation_mode": "tf_half_pixel_for_nn", **{k: v for k, v in mode.items() if k != "antialias"}}
    y = run_op("Resize", X, np.zeros(0, F), np.array([2, 0.5], F), opset=11, **attributes)
    assert np.allclose(y, by_formula("tf_half_pixel_for_nn", mode, (2.0, 0.5), (10, 3)), rtol=1e-6, atol=1e-6)


# onnxruntime -----------------------------------------------------------------------------------------------------------------


def cases() -> Iterator[tuple[int, dict[str, Any], Any, Any, Any]]:
    """Version, attributes, roi, scales, sizes. onnxruntime makes a cropped result as large as if nothing were cropped, so that
    crops have sizes; and takes the integer length for align_corners, which the bound allows for."""
    image = [np.array([1, 1, *s], F) for s in SCALES]
    mode: dict[str, Any]
    for opset, coordinate, mode in product((11, 13, 18, 19), (*COORDINATES, "tf_half_pixel_for_nn"), MODES):
        old = opset < 18 and "antialias" in mode
        missing = (coordinate == "half_pixel_symmetric" and opset < 19) or (coordinate == "tf_half_pixel_for_nn" and opset > 11)
        unlike = mode["mode"] == "linear" and "exclude_outside" in mode  # onnxruntime refuses it
        antialias = "antialias" in mode and (coordinate != "half_pixel" or "exclude_outside" in mode)
        if not (old or missing or unlike or antialias):
            crop = coordinate == "tf_crop_and_resize"
            attributes = {"coordinate_transformation_mode": coordinate, "extrapolation_value": -8.0, **mode}
            for scales in () if crop else image:
                yield opset, attributes, None, scales, None
            roi = np.array([0, 0, 0, 0.25, 1, 1, 0.75, 1.25], F) if crop else None
            yield opset, attributes, roi, None, np.array([1, 1, 3, 10])


def model(opset: int, chosen: list[Any]) -> tuple[bytes, dict[str, Any]]:
    """One model of all cases of a version: ``y<i>`` is the result of case i."""
    helper, feeds, nodes, inputs = onnx.helper, {"X": X[None, None]}, [], [onnx.helper.make_tensor_value_info("X", 1, [1, 1, 5, 7])]
    for i, (attributes, *operands) in enumerate(chosen):
        given = [np.zeros(0, F) if v is None and opset == 11 and k < 2 else v for k, v in enumerate(operands)]
        listed = [f"i{i}_{k}" if v is not None else "" for k, v in enumerate(given)]
        for name, v in zip(listed, given, strict=True):
            if v is not None:
                feeds[name] = v
                inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape))
        nodes.append(helper.make_node("Resize", ["X", *listed], [f"y{i}"], **attributes))
    outputs = [helper.make_tensor_value_info(f"y{i}", 1, None) for i in range(len(chosen))]
    graph = helper.make_graph(nodes, "resize", inputs, outputs)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return made.SerializeToString(), feeds


@pytest.mark.parametrize("opset", [11, 13, 18, 19])
def test_onnxruntime_stays_within_the_declared_bound(opset: int) -> None:
    pytest.importorskip("onnxruntime")
    chosen = [case[1:] for case in cases() if case[0] == opset]
    bytes_, feeds = model(opset, chosen)
    (theirs,), _ = run_onnxruntime(bytes_, [feeds])
    wrong = []
    for i, (attributes, *operands) in enumerate(chosen):
        given = [np.zeros(0, F) if v is None and opset == 11 and k < 2 else v for k, v in enumerate(operands)]
        ours = run_op("Resize", X[None, None], *given, opset=opset, **attributes)
        (bound,) = bounds("Resize", X[None, None], *given, opset=opset, **attributes)
        y = theirs[f"y{i}"]
        if y.shape != ours.shape or not np.all(np.abs(y - ours) <= 2 * bound):
            wrong.append((attributes, operands, float(np.abs(y - ours).max()) if y.shape == ours.shape else (y.shape, ours.shape)))
    assert len(chosen) > 100 and wrong == []


# The bound -------------------------------------------------------------------------------------------------------------------


def test_a_nearest_element_may_differ_only_where_rounding_decides() -> None:
    x = np.arange(7, dtype=F)
    (bound,) = bounds("Resize", x, None, np.array([2], F), opset=19, mode="nearest")
    assert not bound.any()
    # Coordinates i / 0.6 with the float32 next to 0.6: 0, 1.67, 3.33, 5 less a little. Only the last is undecided.
    attributes: dict[str, Any] = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    (bound,) = bounds("Resize", x, None, np.array([0.6], F), opset=19, **attributes)
    assert (bound > 0).tolist() == [False, False, False, True]


def test_an_interpolation_may_differ_by_little_but_at_the_border_of_a_crop() -> None:
    x = np.arange(7, dtype=F)
    (bound,) = bounds("Resize", x, None, np.array([3], F), opset=19, mode="linear")
    assert 0 < bound.max() < 1e-3
    crop: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 50.0}
    (bound,) = bounds("Resize", x, np.array([0.1, 1.0], F), None, np.array([5]), opset=19, **crop)
    assert (bound > 50).tolist() == [False, False, False, False, True]


def test_integers_have_no_bound() -> None:
    assert bounds("Resize", np.arange(3), None, np.array([2], F), opset=19, dtype="int64", mode="nearest") == (None,)
