"""DFT, STFT."""

from __future__ import annotations

import cmath
import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import LimitExceeded, RuleViolation
from tests.ops.declared import bounds

RAMP = np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1)


def integer(value: int) -> np.ndarray:
    return np.array(value, np.int64)


def by_definition(x: list[complex], sign: int = -1, length: int | None = None) -> list[complex]:
    n = len(x) if length is None else length
    padded = (list(x) + [0] * n)[:n]
    return [sum(v * cmath.exp(sign * 2j * math.pi * k * i / n) for i, v in enumerate(padded)) for k in range(n)]


def numbers(pairs: np.ndarray) -> list[complex]:
    return [complex(float(p[0]), float(p[1])) for p in pairs.reshape(-1, 2)]


def pairs(*values: complex) -> np.ndarray:
    return np.array([[v.real, v.imag] for v in values], np.float32)[np.newaxis]


@pytest.mark.parametrize(("opset", "how"), [(17, {}), (17, {"axis": 1}), (19, {"axis": -2}), (20, {})])
def test_the_transform_of_a_ramp(opset: int, how: dict[str, Any]) -> None:
    y = run_op("DFT", RAMP, opset=opset, **how)
    assert y.shape == (1, 4, 2) and numbers(y) == [10, -2 + 2j, -2, -2 - 2j]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 12])
def test_any_length_agrees_with_the_definition(n: int) -> None:
    x = [complex(i * i % 7 - 3, (3 * i) % 5 - 2) for i in range(n)]
    assert numbers(run_op("DFT", pairs(*x), opset=20)) == pytest.approx(by_definition(x), abs=1e-5)
    assert numbers(run_op("DFT", pairs(*x), opset=20, inverse=1)) == pytest.approx([v / n for v in by_definition(x, 1)], abs=1e-5)


def test_the_axis_is_the_last_of_the_signal_by_default_from_20_on_and_the_first_before() -> None:
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    first = [[[3, 0], [5, 0], [7, 0]], [[-3, 0], [-3, 0], [-3, 0]]]
    assert run_op("DFT", x, opset=17)[0].tolist() == first
    assert run_op("DFT", x, None, integer(1), opset=20)[0].tolist() == first
    assert run_op("DFT", x, None, integer(-3), opset=20)[0].tolist() == first
    assert numbers(run_op("DFT", x, opset=20)[0, 0]) == pytest.approx(by_definition([0, 1, 2]), abs=1e-6)


@pytest.mark.parametrize("length", [2, 4, 7])
def test_a_signal_is_cut_or_padded_to_the_length_of_the_transform(length: int) -> None:
    y = run_op("DFT", RAMP, integer(length))
    assert numbers(y) == pytest.approx(by_definition([1, 2, 3, 4], length=length), abs=1e-5)


def test_a_onesided_transform_has_the_first_half_of_a_real_signal() -> None:
    y = run_op("DFT", RAMP, onesided=1)
    assert numbers(y) == [10, -2 + 2j, -2]
    assert run_op("DFT", RAMP[:, :3], onesided=1).shape == (1, 2, 2)


def test_a_onesided_inverse_gives_the_real_signal() -> None:
    half = pairs(10, -2 + 2j, -2)
    y = run_op("DFT", half, onesided=1, inverse=1)
    assert y.shape == (1, 4, 1) and y.ravel().tolist() == [1, 2, 3, 4]
    assert run_op("DFT", half, integer(5), onesided=1, inverse=1, opset=20).shape == (1, 5, 1)


def test_an_inverse_of_a_real_signal_is_complex() -> None:
    assert numbers(run_op("DFT", RAMP, inverse=1)) == [2.5, -0.5 - 0.5j, -0.5, -0.5 + 0.5j]


@pytest.mark.parametrize("inverse", [0, 1])
@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_the_spectrum_of_a_real_signal_is_conjugate_symmetric(n: int, inverse: int) -> None:
    x = [1, 4.5, -1.25, 1.1, 6, -3.5][:n]
    y = numbers(run_op("DFT", np.array(x, np.float32).reshape(1, n, 1), inverse=inverse))
    exact = by_definition([complex(v) for v in x], 1 if inverse else -1)
    assert y == pytest.approx([v / n if inverse else v for v in exact], abs=1e-5)
    assert y == [v.conjugate() for v in [y[0], *y[:0:-1]]]  # so y[0] is real, and y[3] of six


def test_an_infinite_part_does_not_spoil_the_other() -> None:
    y = run_op("DFT", pairs(complex(1, math.inf)))
    assert y.ravel().tolist() == [1, math.inf]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_every_float_type_is_transformed(dtype: Any) -> None:
    y = run_op("DFT", RAMP.astype(dtype))
    assert y.dtype == dtype and numbers(y) == [10, -2 + 2j, -2, -2 - 2j]


def test_the_length_is_claimed_before_the_transform() -> None:
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("DFT", RAMP, integer(1 << 40))
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        run_op("DFT", RAMP[:0], integer(1 << 40))


@pytest.mark.parametrize(("inputs", "attributes", "rule"), [
    ((RAMP, None, integer(2)), {}, "axis is not the last one"),
    ((RAMP, None, integer(-1)), {}, "axis is not the last one"),
    ((RAMP, None, integer(3)), {}, "axis is in"),
    ((RAMP, integer(0)), {}, "length of the transform is 1 or more"),
    ((RAMP[:, :1].repeat(2, -1),), {"onesided": 1, "inverse": 1}, "length of the transform is 1 or more"),
    ((RAMP.repeat(3, -1),), {}, "last dimension has size 1"),
    ((RAMP,), {"onesided": 1, "inverse": 1}, "onesided inverse transform has a complex input"),
    ((RAMP.repeat(2, -1),), {"onesided": 1}, "onesided transform has a real input"),
])  # fmt: skip
def test_rules_of_the_transform(inputs: Any, attributes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("DFT", *inputs, opset=20, **attributes)


def test_the_bound_of_the_transform_grows_with_length_and_magnitude() -> None:
    (plain,) = bounds("DFT", RAMP, opset=17)
    (inverse,) = bounds("DFT", RAMP, None, integer(1), opset=20, inverse=1)
    u = 2.0**-24
    assert np.unique(plain) == pytest.approx([8 * 8 * u * 20]) and np.unique(inverse) == pytest.approx([8 * 8 * u * 5])


SIGNAL = np.arange(1, 7, dtype=np.float32).reshape(1, 6, 1)


def test_frames_are_steps_apart_and_transformed_each() -> None:
    y = run_op("STFT", SIGNAL, integer(2), None, integer(2))
    assert y.shape == (1, 3, 2, 2)
    assert numbers(y) == [3, -1, 7, -1, 11, -1]


def test_a_window_weighs_each_frame_and_gives_its_length() -> None:
    window = np.array([1, 0.5, 0], np.float32)
    y = run_op("STFT", SIGNAL, integer(3), window, onesided=0)
    expected = by_definition([1, 1, 0]) + by_definition([4, 2.5, 0])
    assert y.shape == (1, 2, 3, 2) and numbers(y) == pytest.approx(expected, abs=1e-6)
    assert run_op("STFT", SIGNAL, integer(3), window, integer(3), onesided=0).tolist() == y.tolist()


def test_a_frame_is_the_whole_signal_by_default() -> None:
    y = run_op("STFT", SIGNAL, integer(1))
    assert y.shape == (1, 1, 4, 2) and numbers(y) == pytest.approx(by_definition([1, 2, 3, 4, 5, 6])[:4], abs=1e-5)


def test_a_complex_signal_has_all_frequencies() -> None:
    x = pairs(1j, 2, 3j)
    assert numbers(run_op("STFT", x, integer(1), None, integer(2), onesided=0)) == [2 + 1j, -2 + 1j, 2 + 3j, 2 - 3j]


def test_what_does_not_fill_a_frame_is_left_out() -> None:
    assert run_op("STFT", SIGNAL, integer(4), None, integer(3)).shape == (1, 1, 2, 2)


@pytest.mark.parametrize(("inputs", "rule"), [
    ((SIGNAL[0], integer(1)), "signal is"),
    ((SIGNAL, integer(0)), "frame_step is 1 or more"),
    ((SIGNAL, integer(1), None, integer(7)), "fits in the signal"),
    ((SIGNAL, integer(1), None, integer(0)), "fits in the signal"),
    ((SIGNAL, integer(1), np.ones(3, np.float32), integer(2)), "window is a vector of frame_length elements"),
    ((SIGNAL.repeat(2, -1), integer(1)), "onesided transform has a real input"),
])  # fmt: skip
def test_rules_of_the_short_time_transform(inputs: Any, rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("STFT", *inputs)


def test_the_bound_of_the_short_time_transform_is_that_of_a_frame() -> None:
    u = 2.0**-24
    (bound,) = bounds("STFT", SIGNAL, integer(2), np.array([0.5, -2], np.float32), opset=17)
    assert bound.shape == (1, 3, 2, 2) and np.unique(bound) == pytest.approx([8 * 6 * u * 6 * 2 * 2])
    (bound,) = bounds("STFT", SIGNAL, integer(2), None, integer(2), opset=17)
    assert np.unique(bound) == pytest.approx([8 * 6 * u * 6 * 2])
