"""IsInf, IsNaN."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx.parser
import pytest

from refexec import Session, run_op

INF, NAN = np.inf, np.nan
X = [1, INF, -INF, NAN, -0.0]
FLOAT8 = [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz]


@pytest.mark.parametrize("opset", [10, 20])
@pytest.mark.parametrize(("attributes", "expected"), [
    ({}, [False, True, True, False, False]),
    ({"detect_negative": 0}, [False, True, False, False, False]),
    ({"detect_positive": 0}, [False, False, True, False, False]),
    ({"detect_positive": 0, "detect_negative": 0}, [False] * 5),
])  # fmt: skip
def test_infinities_by_sign(attributes: dict[str, Any], expected: list[bool], opset: int) -> None:
    for dtype in (np.float32, np.float64):
        y = run_op("IsInf", np.array(X, dtype), opset=opset, **attributes)
        assert y.dtype == bool and y.tolist() == expected


@pytest.mark.parametrize("opset", [9, 13, 20])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nan(dtype: Any, opset: int) -> None:
    y = run_op("IsNaN", np.array(X, dtype), opset=opset)
    assert y.dtype == bool and y.tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_types(dtype: Any) -> None:
    assert run_op("IsInf", np.array(X, dtype), opset=20).tolist() == [False, True, True, False, False]
    assert run_op("IsNaN", np.array(X, dtype), opset=20).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("dtype", FLOAT8)
def test_of_the_8_bit_floats_only_e5m2_has_infinities(dtype: Any) -> None:
    has = dtype is ml_dtypes.float8_e5m2
    infinity, negative = (0x7C, 0xFC) if has else (0x40, 0xC0)
    nan = 0x80 if dtype in (FLOAT8[1], FLOAT8[3]) else 0x7F
    x = np.array([0x38, infinity, negative, nan], np.uint8).view(dtype)
    assert run_op("IsInf", x, opset=20).tolist() == [False, has, has, False]
    assert run_op("IsInf", x, opset=20, detect_negative=0).tolist() == [False, has, False, False]
    assert run_op("IsNaN", x, opset=20).tolist() == [False, False, False, True]


def test_a_scalar_and_nothing() -> None:
    assert run_op("IsInf", np.float32(INF), opset=20).tolist() is True
    assert run_op("IsNaN", np.zeros((0, 2), np.float32), opset=20).shape == (0, 2)


@pytest.mark.parametrize("profile", ["reference", "wide"])
def test_an_overflow_of_the_declared_type_is_an_infinity_in_every_profile(profile: str) -> None:
    model = onnx.parser.parse_model("""<ir_version: 10, opset_import: ["": 20]>
        f (float16[2] x) => (bool[2] y) { square = Mul(x, x) y = IsInf(square) }""")
    (y,) = Session(model, profile=profile).run(None, {"x": np.array([300, 2], np.float16)})
    assert y.tolist() == [True, False]


def test_infinities_of_float8e5m2_are_infinite_in_the_wide_profile_too() -> None:
    x = np.array([np.inf, 57344, -np.inf]).astype(ml_dtypes.float8_e5m2)
    for profile in ("reference", "wide"):
        assert run_op("IsInf", x, opset=20, profile=profile).tolist() == [True, False, True]
