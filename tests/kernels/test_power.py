"""Powers in kernels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from refexec.kernels.power import Power
from refexec.ops.math.powers import pow_7
from refexec.pool import use_threads
from refexec.primitives import PLAIN
from refexec.values import ulp
from tests.models import session

Array = np.ndarray[Any, Any]
EDGES = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1e30, -1e30, 1e-30, np.inf, -np.inf, np.nan, 16777217.0, 2.5]


def computed(x: Array, y: Array) -> Array:
    z = np.empty(np.broadcast_shapes(x.shape, y.shape), x.dtype)
    Power().bind([x.shape, y.shape], {"function": pow_7}, None, PLAIN).run(z, [x, y], None, None)
    return z


def test_special_cases_are_those_of_c() -> None:
    x, y = np.array(list(itertools.product(EDGES, EDGES)), np.float32).T
    with np.errstate(all="ignore"):
        expected = np.power(x.astype(np.float64), y.astype(np.float64)).astype(np.float32)
    z = computed(x, y)
    np.testing.assert_array_equal(z, expected)
    known = ~np.isnan(expected)
    assert np.array_equal(np.signbit(z[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.5, -1.0, -0.5, 1.7, 25.0])
def test_a_power_is_the_nearest_float32(exponent: float) -> None:
    x = np.exp(np.random.default_rng(0).uniform(-30, 30, 100001)).astype(np.float32)
    with np.errstate(all="ignore"):
        wide = np.power(x.astype(np.float64), float(np.float32(exponent)))
        some = np.abs(wide) < 3e38
    error = np.abs(computed(x, np.array(exponent, np.float32))[some] - wide[some]) / ulp(wide[some], np.float32)
    assert error.max() <= 0.5000001


def test_neither_threads_nor_place_nor_broadcasting_change_a_bit() -> None:
    rng = np.random.default_rng(1)
    x, y = np.abs(rng.standard_normal((400, 503))).astype(np.float32), rng.choice([2.0, 0.5, 1.3], (503,)).astype(np.float32)
    alone = computed(x, y)
    before = use_threads(2)
    try:
        assert computed(x, y).tobytes() == alone.tobytes()
    finally:
        use_threads(before)
    assert computed(x[3:4, 5:7], y[5:7]).tobytes() == alone[3:4, 5:7].tobytes()
    for column in range(3):
        assert computed(x[:, column], y[column]).tobytes() == alone[:, column].tobytes()


@pytest.mark.parametrize("kind", ["int64", "float"])
@pytest.mark.parametrize("exponents", [[2, 3, -1, 0], [16777217, -3, 1, 2]])
def test_a_session_runs_and_checks_every_type_of_exponent(kind: str, exponents: list[int]) -> None:
    body = f"(float[N] x, {kind}[N] y) => (float[N] z) {{ z = Pow(x, y) }}"
    feeds = {"x": np.array([-1.5, 2.5, 3.0, -7.0], np.float32), "y": np.array(exponents, np.float32 if kind == "float" else np.int64)}
    checked = session(body, profile="deterministic", verify_kernels=True).run(None, feeds)[0]
    np.testing.assert_allclose(checked, session(body, profile="reference").run(None, feeds)[0], rtol=1e-7)
