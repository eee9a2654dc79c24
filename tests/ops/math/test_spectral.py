"""HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import LimitExceeded, RuleViolation
from tests.ops.declared import bounds, margin

NAMES = ["HannWindow", "HammingWindow", "BlackmanWindow"]
INT32, DOUBLE, FLOAT16, BFLOAT16 = 6, 11, 10, 16


def integer(value: int) -> np.ndarray:
    return np.array(value, np.int64)


@pytest.mark.parametrize(("name", "ends", "quarter"), [
    ("HannWindow", 0, 0.5), ("HammingWindow", 4 / 46, 25 / 46), ("BlackmanWindow", 0, 0.34),
])  # fmt: skip
def test_a_window_rises_from_its_end_to_1(name: str, ends: float, quarter: float) -> None:
    e, q = np.float32(ends), np.float32(quarter)
    assert run_op(name, integer(4)).tolist() == [e, q, 1, q]
    assert run_op(name, integer(5), periodic=0).tolist() == [e, q, 1, q, e]


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_windows(name: str) -> None:
    assert np.isnan(run_op(name, integer(1), periodic=0)).all()  # 0 / 0
    assert run_op(name, integer(1)).tolist() == run_op(name, integer(2)).tolist()[:1]


@pytest.mark.parametrize(("number", "dtype"), [(DOUBLE, np.float64), (FLOAT16, np.float16), (BFLOAT16, ml_dtypes.bfloat16)])
def test_the_window_has_the_type_asked_for(number: int, dtype: Any) -> None:
    y = run_op("HammingWindow", integer(4), output_datatype=number)
    assert y.dtype == dtype and y.tolist() == np.array([4 / 46, 25 / 46, 1, 25 / 46], dtype).tolist()


@pytest.mark.parametrize("name", NAMES)
def test_integer_windows_are_truncated(name: str) -> None:
    y = run_op(name, np.array(4, np.int32), output_datatype=INT32)
    assert y.dtype == np.int32 and y.tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_below_one_is_refused(size: int) -> None:
    with pytest.raises(RuleViolation, match="size is greater than 0"):
        run_op("HannWindow", integer(size))


def test_a_symmetric_window_of_one_integer_is_refused() -> None:
    with pytest.raises(RuleViolation, match="another size than 1"):
        run_op("HannWindow", integer(1), periodic=0, output_datatype=INT32)


def test_the_size_is_claimed() -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("HannWindow", integer(1 << 40))
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        mel(0, 1 << 40, 8, 0, 1)


def test_the_bound_is_that_of_float32_at_least_as_the_function_body_is_in_float32() -> None:
    assert set(bounds("HannWindow", integer(3), opset=17)[0].tolist()) == {48 * 2.0**-24}
    assert set(bounds("HannWindow", integer(3), opset=17, dtype="float64", output_datatype=DOUBLE)[0].tolist()) == {48 * 2.0**-24}
    assert bounds("HannWindow", integer(3), opset=17, dtype="int32", output_datatype=INT32) == (None,)


def mel(bands: int, length: int, rate: int, lower: float, upper: float, **options: Any) -> Any:
    hertz = [np.array(f, np.float32) for f in (lower, upper)]
    return run_op("MelWeightMatrix", integer(bands), integer(length), integer(rate), *hertz, **options)


def test_triangles_rise_and_fall_between_equal_steps_in_mel() -> None:
    # mel(4000) = 2146.06; 2 bands: steps of 536.52 mel are 0, 426.9, 1114.1, 2220.6 Hz, times 17 / 8000: bins 0, 0, 2, 4
    y = mel(2, 16, 8000, 0, 4000)
    assert y.shape == (9, 2)
    assert y.T.tolist() == [[1, 0.5, 0, 0, 0, 0, 0, 0, 0], [0, 0.5, 1, 0.5, 0, 0, 0, 0, 0]]


def test_every_edge_is_where_the_formula_puts_it() -> None:
    bands, length, rate, lower, upper = 10, 256, 16000, 100.0, 7000.0
    low, high = (2595 * math.log10(1 + f / 700) for f in (lower, upper))
    edges = [math.floor((length + 1) * 700 * (10 ** ((low + i * (high - low) / (bands + 2)) / 2595) - 1) / rate) for i in range(bands + 2)]
    y = mel(bands, length, rate, lower, upper)
    for i in range(bands):
        left, centre, right = edges[i : i + 3]
        column = [0.0] * (length // 2 + 1)
        for j in range(left, right):
            column[j] = (j - left) / (centre - left) if j < centre else (right - j) / (right - centre)
        assert y[:, i].tolist() == np.array(column, np.float32).tolist()


def test_what_lies_above_the_last_bin_is_cut_off() -> None:
    assert mel(3, 4, 8, 0.0, 20.0).shape == (3, 3)


def test_a_matrix_may_have_no_band_and_other_types() -> None:
    assert mel(0, 4, 8, 0.0, 1.0).shape == (3, 0)
    y = mel(2, 16, 8000, 0, 4000, output_datatype=INT32)
    assert y.dtype == np.int32 and y.sum(axis=0).tolist() == [1, 1]
    assert mel(2, 16, 8000, 0, 4000, output_datatype=BFLOAT16).dtype == ml_dtypes.bfloat16


@pytest.mark.parametrize("sizes", [(-1, 4, 8), (1, -1, 8), (1, 4, 0)])
def test_sizes_out_of_range_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(RuleViolation, match="are not negative, sample_rate is positive"):
        mel(*sizes, 0, 1)


@pytest.mark.parametrize("edges", [(-1, 1), (2, 1), (math.nan, 1)])
def test_edges_out_of_order_are_refused(edges: tuple[float, float]) -> None:
    with pytest.raises(RuleViolation, match="0 <= lower_edge_hertz <= upper_edge_hertz"):
        mel(1, 4, 8, *edges)


def test_the_margin_is_the_distance_of_the_nearest_edge_from_a_whole_bin() -> None:
    hertz = [np.array(f, np.float32) for f in (200, 4000)]
    found = margin("MelWeightMatrix", integer(1), integer(15), integer(8000), *hertz, opset=17)
    low, high = (2595 * math.log10(1 + f / 700) for f in (200, 4000))
    edges = [16 * 700 * (10 ** ((low + i * (high - low) / 3) / 2595) - 1) / 8000 for i in range(3)]
    assert found == pytest.approx(min(abs(e - round(e)) for e in edges))
