"""Operators that were experimental in onnx 1.0 to 1.4: numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from refexec import Session, run_op
from refexec.errors import InvalidModel, RuleViolation, UnsupportedOperator

IMAGE = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("Affine", {"alpha": 2.0, "beta": 1.0}, [-3.0, 1.0, 5.0]),
        ("Affine", {}, [-2.0, 0.0, 2.0]),
        ("Scale", {"scale": 0.5}, [-1.0, 0.0, 1.0]),
        ("Scale", {}, [-2.0, 0.0, 2.0]),
        ("ScaledTanh", {"alpha": 3.0, "beta": 0.5}, [-2.284782, 0.0, 2.284782]),  # 3 * tanh(1) = 3 * 0.7615942
        ("ParametricSoftplus", {"alpha": 2.0, "beta": 0.5}, [0.6265234, 1.386294, 2.626523]),  # 2 * ln(exp(1) + 1) = 2.626523
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_elementwise(name: str, attributes: dict[str, Any], expected: list[float], dtype: Any) -> None:
    y = run_op(name, np.array([-2, 0, 2], dtype), opset=7, **attributes)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected, rtol=1e-3 if dtype == np.float16 else 1e-6)


def test_softplus_of_a_large_number_is_finite() -> None:
    assert run_op("ParametricSoftplus", np.array([1000], np.float32), opset=7, alpha=2.0, beta=1.5).tolist() == [3000]


@pytest.mark.parametrize("name", ["ScaledTanh", "ParametricSoftplus"])
def test_alpha_and_beta_have_no_default(name: str) -> None:
    with pytest.raises(RuleViolation, match="alpha and beta are given"):
        run_op(name, np.array([1], np.float32), opset=7, alpha=1.0)


def test_an_image_is_scaled_and_gets_the_bias_of_its_channel() -> None:
    x = np.array([1, 2, 3, 4], np.float32).reshape(1, 2, 1, 2)
    assert run_op("ImageScaler", x, opset=7, scale=2.0, bias=[10.0, 20.0]).ravel().tolist() == [12, 14, 26, 28]
    assert run_op("ImageScaler", x, opset=7, scale=2.0).ravel().tolist() == [2, 4, 6, 8]
    with pytest.raises(RuleViolation, match="one number per channel"):
        run_op("ImageScaler", x, opset=7, bias=[1.0])
    with pytest.raises(RuleViolation, match="N, C, H, W"):
        run_op("ImageScaler", x[0], opset=7)


def test_a_border_is_cut_off() -> None:
    assert run_op("Crop", IMAGE, opset=7, border=[0, 1, 2, 1]).tolist() == [[[[4, 5]]]]
    assert run_op("Crop", IMAGE, opset=7, border=[1, 1, 0, 0], scale=[2, 2]).tolist() == [[[[5, 6], [9, 10]]]]
    assert run_op("Crop", IMAGE, opset=7, border=[2, 0, 2, 0]).shape == (1, 1, 3, 0)


@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        ({}, "border has four sizes"),
        ({"border": [0, -1, 0, 0]}, "border has four sizes"),
        ({"border": [0, 0, 0, 0], "scale": [2]}, "scale has two sizes"),
        ({"border": [0, 2, 0, 2]}, "lies inside the image"),
        ({"border": [1, 0, 0, 0], "scale": [3, 4]}, "lies inside the image"),
    ],
)
def test_a_crop_beyond_the_image_is_refused(attributes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("Crop", IMAGE, opset=7, **attributes)


def test_an_image_has_four_dimensions_to_crop() -> None:
    with pytest.raises(RuleViolation, match="N, C, H, W"):
        run_op("Crop", IMAGE[0], opset=7, border=[0, 0, 0, 0])


def test_a_slice_with_bounds_as_inputs() -> None:
    x = np.arange(9).reshape(3, 3)
    one, three = np.array([1], np.int32), np.array([3], np.int32)
    assert run_op("DynamicSlice", x, one, three, opset=1).tolist() == [[3, 4, 5], [6, 7, 8]]
    assert run_op("DynamicSlice", x, one, three, np.array([-1], np.int32), opset=1).tolist() == [[1, 2], [4, 5], [7, 8]]


def scale_model() -> onnx.ModelProto:
    return onnx.parser.parse_model('<ir_version: 3, opset_import: ["": 7]> g (float[1] x) => (float[1] y) { y = Scale <scale = 2.0> (x) }')


def test_an_experimental_operator_is_a_diagnostic_and_an_error_when_strict() -> None:
    session = Session(scale_model())
    assert [d.rule for d in session.diagnostics] == ["experimental"]
    assert session.run(None, {"x": np.array([3], np.float32)})[0].tolist() == [6]
    with pytest.raises(InvalidModel, match="was experimental"):
        Session(scale_model(), strict=True)


def test_an_attribute_that_it_never_had_is_refused() -> None:
    with pytest.raises(InvalidModel, match="no attribute 'gamma'"):
        run_op("Scale", np.array([1], np.float32), opset=7, gamma=1.0)


def test_other_removed_operators_stay_unknown() -> None:
    with pytest.raises(UnsupportedOperator, match="no version of the domain has it"):
        run_op("ATen", np.array([1], np.float32), opset=7)
