"""Functions of one element in kernels: how far from the truth, the special cases, and that neither place nor thread changes a bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refexec.kernels.functions import ULPS
from refexec.kernels.pointwise import GATES, Pointwise
from refexec.ops.math import erf, exponential, exponential_units, gates, rectifiers, sigmoid, trigonometry
from refexec.ops.math.pointwise import pointwise
from refexec.pool import use_threads
from refexec.primitives import PLAIN, PROFILES, activate
from refexec.values import ulp
from tests.models import session

Array = np.ndarray[Any, Any]
FUNCTIONS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "exp": (exponential.exp_1, {}),
    "log": (exponential.log_1, {}),
    "erf": (erf.erf_9, {}),
    "tanh": (trigonometry.tanh_1, {}),
    "sigmoid": (sigmoid.sigmoid_1, {}),
    "gelu": (gates.gelu_20, {"approximate": "none"}),
    "gelu_tanh": (gates.gelu_20, {"approximate": "tanh"}),
    "swish": (gates.swish_24, {"alpha": 1.0}),
    "hard_sigmoid": (gates.hard_sigmoid_1, {"alpha": 0.2, "beta": 0.5}),
    "hard_swish": (gates.hard_swish_14, {}),
    "softsign": (gates.softsign_1, {}),
    "elu": (exponential_units.elu_1, {"alpha": 1.5}),
    "celu": (exponential_units.celu_12, {"alpha": 2.0}),
    "selu": (exponential_units.selu_6, {"alpha": 1.6732631921768188, "gamma": 1.0507010221481323}),
    "softplus": (exponential_units.softplus_1, {}),
    "mish": (exponential_units.mish_18, {}),
    "leaky_relu": (rectifiers.leaky_relu_1, {"alpha": 0.01}),
    "sin": (trigonometry.sin_7, {}),
    "cos": (trigonometry.cos_7, {}),
    "tan": (trigonometry.tan_7, {}),
    "asin": (trigonometry.asin_7, {}),
    "acos": (trigonometry.acos_7, {}),
    "atan": (trigonometry.atan_7, {}),
    "sinh": (trigonometry.sinh_9, {}),
    "cosh": (trigonometry.cosh_9, {}),
    "asinh": (trigonometry.asinh_9, {}),
    "acosh": (trigonometry.acosh_9, {}),
    "atanh": (trigonometry.atanh_9, {}),
}
EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    np.inf,
    -np.inf,
    np.nan,
    1e-40,
    -1e-40,
    88.72,
    88.73,
    -87.4,
    -103.9,
    -104.1,
    709.7,
    710.0,
    -745.1,
    3e38,
    -3e38,
]


def computed(name: str, x: Array) -> Array:
    function, attributes = FUNCTIONS[name]
    y = np.empty(x.shape, x.dtype)
    Pointwise().bind([x.shape], {"function": function, **attributes}, None, PLAIN).run(y, [x], None, None)
    return y


def true(name: str, x: Array) -> Array:
    function, attributes = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        return np.asarray(function(x.astype(np.float64 if x.dtype == np.float32 else np.longdouble), **attributes))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_is_within_the_stated_ulps_of_the_float64_function(name: str) -> None:
    x = np.arange(5, 2**32, 393241, dtype=np.uint32).view(np.float32)
    y, wide = computed(name, x), true(name, x)
    with np.errstate(all="ignore"):
        rounded = wide.astype(np.float32)
    finite = np.isfinite(wide) & np.isfinite(rounded)
    np.testing.assert_array_equal(y[~finite], rounded[~finite])
    assert np.max(np.abs(y[finite] - wide[finite]) / ulp(wide[finite], np.float32)) <= ULPS[name][0]


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - GATES - {"hard_sigmoid"}))
def test_float64_is_within_the_stated_ulps_of_the_long_double_function(name: str) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal(2000) * scale for scale in (1e-3, 1, 10, 300)])
    x = np.abs(x) if name == "log" else x
    y, wide = computed(name, x), true(name, x)
    some = np.abs(wide) > 1e-300  # NaN is left out
    some &= np.abs(wide) < 1e300
    assert np.max(np.abs(y[some] - wide[some]) / ulp(wide[some], np.float64)) <= ULPS[name][1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_cases_are_those_of_the_definition(name: str, dtype: Any) -> None:
    with np.errstate(all="ignore"):
        x = np.array(EDGES, dtype)
        y, expected = computed(name, x), true(name, x).astype(dtype)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(y[~finite], expected[~finite])
    gate = np.abs(x[finite]) * np.finfo(dtype).eps if name in GATES else 0
    assert np.all(np.abs(y[finite] - expected[finite]) <= 4 * ulp(expected[finite], dtype) + gate)
    zero = expected == 0
    if name not in GATES | {"swish", "celu", "selu"}:  # where NumPy leaves the sign of a zero to the type
        assert np.array_equal(np.signbit(y[zero]), np.signbit(expected[zero]))


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(deadline=None)  # the first call compiles
@given(x=hnp.arrays(st.sampled_from([np.float32, np.float64]), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=11),
                    elements=st.floats(width=32)))  # fmt: skip
def test_kernel_and_definition_agree_within_the_bound_for_any_shape(name: str, x: Array) -> None:
    function, attributes = FUNCTIONS[name]
    y, wide = computed(name, x), true(name, x)
    allowed = Pointwise().bound([x.astype(wide.dtype)], {"function": function, **attributes})
    with np.errstate(all="ignore"):
        expected = wide.astype(x.dtype)
        allowed = allowed * np.finfo(x.dtype).eps / 2 + 2 * np.finfo(x.dtype).smallest_subnormal
        assert np.all((np.abs(y - wide) <= allowed) | (y == expected) | (np.isnan(y) & np.isnan(wide)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_neither_threads_nor_place_nor_layout_change_a_bit(name: str) -> None:
    x = (np.random.default_rng(3).standard_normal((601, 523)) * 4).astype(np.float32)
    alone = computed(name, x)
    before = use_threads(2)
    try:
        assert computed(name, x).tobytes() == alone.tobytes()
    finally:
        use_threads(before)
    assert computed(name, x[17:18, 5:8]).tobytes() == alone[17:18, 5:8].tobytes()
    assert computed(name, np.asfortranarray(x)).tobytes() == alone.tobytes()
    assert computed(name, x[::-1]).tobytes() == alone[::-1].tobytes()


def test_an_angle_of_any_size_is_reduced_exactly() -> None:
    """2**1000 modulo 2 pi, from pi to 1200 bits."""
    scale = 1 << 1200

    def arctan(n: int) -> int:
        return sum((-1) ** k * (scale // n ** (2 * k + 1)) // (2 * k + 1) for k in range(600))

    turn = 8 * (4 * arctan(5) - arctan(239))
    rest = (2**1000 * scale) % turn / scale
    x = np.array([2.0**1000, -(2.0**1000), 1.0, np.inf, np.nan])
    assert computed("sin", x)[0] == pytest.approx(math.sin(rest), rel=1e-15)
    assert computed("cos", x)[0] == pytest.approx(math.cos(rest), rel=1e-15)
    assert computed("sin", x)[1] == -computed("sin", x)[0]
    assert np.isnan(computed("tan", x)[3:]).all()


def test_a_session_runs_the_kernel_and_checks_it() -> None:
    body = "(float[N] x) => (float[N] y) { e = Exp(x) t = Tanh(e) s = Sigmoid(t) y = Erf(s) }"
    x = np.linspace(-100, 100, 1001, dtype=np.float32)
    checked = session(body, profile="deterministic", verify_kernels=True).run(None, {"x": x})[0]
    reference = session(body, profile="reference").run(None, {"x": x})[0]
    np.testing.assert_allclose(checked, reference, rtol=1e-6, atol=1e-7)


def test_calling_the_primitive_in_a_profile_with_kernels_runs_the_kernel() -> None:
    x = np.linspace(-3, 3, 100, dtype=np.float16)
    before = activate(PROFILES["deterministic"])
    try:
        y = pointwise(x, function=trigonometry.tanh_1)
    finally:
        activate(before)
    assert np.array_equal(y, np.tanh(x.astype(np.float64)).astype(np.float16))
