"""Softmax and LogSoftmax in kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refexec.kernels.softmax import LogSoftmax, Softmax
from refexec.ops.math.softmax import log_softmax, softmax
from refexec.pool import use_threads
from refexec.primitives import PLAIN, Kernel, Primitive
from refexec.values import widen
from tests.models import session

Array = np.ndarray[Any, Any]
BOTH = [(Softmax, softmax), (LogSoftmax, log_softmax)]
NAN, INF = np.nan, np.inf


def computed(kernel: type[Kernel], x: Array, **static: Any) -> Array:
    y = np.empty(x.shape, x.dtype)
    kernel().bind([x.shape], static, None, PLAIN).run(y, [x], None, None)
    return y


@pytest.mark.parametrize(("kernel", "primitive"), BOTH)
@settings(deadline=None)  # the first call compiles
@given(data=st.data())
def test_kernel_and_definition_agree_within_the_bound(kernel: type[Kernel], primitive: Primitive, data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=35))
    x = data.draw(hnp.arrays(st.sampled_from([np.float32, np.float64]), shape, elements=st.floats(-300, 300, width=32)))
    static = {"axis": data.draw(st.integers(0, len(shape) - 1)), "to_end": data.draw(st.booleans())}
    wide = widen(x)
    allowed = kernel().bound([wide], static) * np.finfo(x.dtype).eps / 2 + 4 * np.finfo(x.dtype).smallest_subnormal
    assert np.all(np.abs(computed(kernel, x, **static) - primitive.definition(wide, **static)) <= allowed)


def test_rows_of_hand_numbers() -> None:
    x = np.array([[0, 0, 0, 0], [np.log(3), 0, -INF, -INF], [1000, 1000, 0, 0], [-1000, -1000, -INF, -1000]], np.float64)
    expected = [[0.25] * 4, [0.75, 0.25, 0, 0], [0.5, 0.5, 0, 0], [1 / 3, 1 / 3, 0, 1 / 3]]
    np.testing.assert_allclose(computed(Softmax, x, axis=1), expected, rtol=4e-16)
    np.testing.assert_allclose(computed(Softmax, x.T.copy(), axis=0).T, expected, rtol=4e-16)


@pytest.mark.parametrize("row", [[NAN, 0, 1], [INF, 0, 1], [-INF, -INF, -INF], [-INF, NAN, -INF], [INF, INF, -INF]])
@pytest.mark.parametrize("kernel", [Softmax, LogSoftmax])
def test_nan_infinity_or_nothing_but_minus_infinity_make_the_row_nan_and_no_other(kernel: type[Kernel], row: list[float]) -> None:
    x = np.zeros((3, 40), np.float32)
    x[1, 20:23] = row
    if not np.isnan(x[1]).any() and not (x[1] == INF).any():
        x[1] = -INF
    for y in (computed(kernel, x, axis=1), computed(kernel, x.T.copy(), axis=0).T):
        assert np.isnan(y[1]).all()
        assert not np.isnan(y[[0, 2]]).any()


def test_the_logarithm_keeps_its_digits_where_softmax_is_almost_one() -> None:
    x = np.array([0.0, -40.0], np.float32)
    assert computed(LogSoftmax, x, axis=0).tolist() == [np.float32(-np.exp(-40.0)), -40.0]
    assert computed(LogSoftmax, np.array([0.0, -300.0], np.float32), axis=0).tolist() == [0.0, -300.0]


def test_small_probabilities_are_rounded_once_below_the_normal_range() -> None:
    x = np.array([0, -95.0, -103.0, -104.5], np.float32)
    y = computed(Softmax, x, axis=0)
    assert y[1:].tolist() == np.exp(x[1:].astype(np.float64)).astype(np.float32).tolist()


@pytest.mark.parametrize("kernel", [Softmax, LogSoftmax])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_neither_threads_nor_place_nor_layout_change_a_bit(kernel: type[Kernel], axis: int) -> None:
    x = (np.random.default_rng(1).standard_normal((37, 61, 530)) * 5).astype(np.float32)
    alone = computed(kernel, x, axis=axis)
    before = use_threads(2)
    try:
        assert computed(kernel, x, axis=axis).tobytes() == alone.tobytes()
    finally:
        use_threads(before)
    assert computed(kernel, np.asfortranarray(x), axis=axis).tobytes() == alone.tobytes()
    part = tuple(slice(None) if a == axis else slice(3, 20) for a in range(3))
    assert computed(kernel, x[part], axis=axis).tobytes() == alone[part].tobytes()


@pytest.mark.parametrize(("opset", "axis"), [(11, 1), (11, 2), (11, -3), (13, 1), (13, -1)])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_every_version_runs_in_the_kernel(op: str, opset: int, axis: int) -> None:
    body = f"(float16[A, B, C] x) => (float16[A, B, C] y) {{ y = {op} <axis = {axis}> (x) }}"
    opsets = f'"" : {opset}'
    x = np.random.default_rng(2).standard_normal((3, 4, 5)).astype(np.float16)
    checked = session(body, opset=opsets, profile="deterministic", verify_kernels=True).run(None, {"x": x})[0]
    np.testing.assert_allclose(checked, session(body, opset=opsets, profile="reference").run(None, {"x": x})[0], rtol=2e-3)
