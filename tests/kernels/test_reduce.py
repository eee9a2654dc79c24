"""Reductions in kernels: right, in the stated order, and the same bits wherever and however they run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec.ops.reduction.over import reduce_over
from refexec.primitives import Epilogue
from refexec.types import element_type
from refexec.values import round_to
from tests.kernels.compared import check, computed
from tests.models import session

Array = np.ndarray[Any, Any]
HOW = ("sum", "mean", "prod", "max", "min", "l1", "l2", "sum_square")
LANES = {"float32": 8, "float64": 4}


def reduced(x: Array, axes: tuple[int, ...], how: str, keepdims: bool = True) -> Array:
    """What the kernel makes of ``x``."""
    y: Array = computed(reduce_over, [x], {"axes": axes, "how": how, "keepdims": keepdims})
    return y


def noise(shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    return round_to(np.random.default_rng(sum(shape) + len(shape)).standard_normal(shape), dtype)


sizes = st.sampled_from([0, 1, 2, 3, 5, 7, 8, 9, 31, 33, 64, 65, 130])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Array, tuple[int, ...], str, bool]:
    shape = draw(st.lists(sizes, max_size=4).filter(lambda s: np.prod(s) < 20_000))
    axes = tuple(axis for axis in range(len(shape)) if draw(st.booleans()))
    dtype = draw(st.sampled_from(["float32", "float64", "float16", "bfloat16"]))
    x = noise(tuple(shape), element_type(dtype).dtype)
    return x, axes, draw(st.sampled_from(HOW)), draw(st.booleans())


@settings(deadline=None, max_examples=120)
@given(cases())
def test_the_kernel_is_near_the_definition_and_depends_on_nothing_else(case: tuple[Array, tuple[int, ...], str, bool]) -> None:
    x, axes, how, keepdims = case
    check(reduce_over, [x], {"axes": axes, "how": how, "keepdims": keepdims})


@pytest.mark.parametrize("n", [1, 7, 8, 63, 64, 65, 100, 1000, 4097])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_small_integers_are_exact(n: int, dtype: str) -> None:
    x = np.arange(3 * n, dtype=dtype).reshape(3, n) % 11 - 5
    assert reduced(x, (1,), "sum", False).tolist() == [sum(int(v) for v in row) for row in x]
    assert reduced(np.ascontiguousarray(x.T), (0,), "sum", False).tolist() == [sum(int(v) for v in row) for row in x]
    assert reduced(x, (0, 1), "sum_square", False).item() == sum(int(v) ** 2 for v in x.flat)
    assert reduced(x, (1,), "l1", False).tolist() == [sum(abs(int(v)) for v in row) for row in x]
    assert reduced(x, (1,), "max", False).tolist() == [max(row) for row in x.tolist()]
    assert reduced(x, (0,), "min", False).tolist() == [min(column) for column in x.T.tolist()]


def test_products_of_powers_of_two_are_exact() -> None:
    x = np.full((2, 77), 2.0, np.float32)
    x[0, 5::2] = 0.5
    x[1, 3:] = 1
    assert reduced(x, (1,), "prod", False).tolist() == [2.0**5, 8]
    assert reduced(x.T.copy(), (0,), "prod", False).tolist() == [2.0**5, 8]


def sum_in_the_stated_order(x: Array) -> Any:
    """Element k goes to lane k modulo L; eight elements of a lane at a time in a tree of halves; then a tree of the lanes."""
    L = LANES[str(x.dtype)]

    def tree(terms: list[Any]) -> Any:
        while len(terms) > 1:
            half = len(terms) // 2
            terms = [a + b for a, b in zip(terms[:half], terms[half:], strict=True)]
        return terms[0]

    lanes = []
    blocks = len(x) // (8 * L)
    for lane in range(L):
        total = x.dtype.type(-0.0)
        for block in range(blocks):
            total = total + tree([x[block * 8 * L + lane + i * L] for i in range(8)])
        for k in range(blocks * 8 * L + lane, len(x), L):
            total = total + x[k]
        lanes.append(total)
    return tree(lanes)


@pytest.mark.parametrize("n", [1, 5, 8, 31, 32, 63, 64, 65, 200, 1001])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_and_columns_are_summed_in_the_stated_order(n: int, dtype: str) -> None:
    x = noise((3, n), dtype)
    expected = [sum_in_the_stated_order(row) for row in x]
    assert reduced(x, (1,), "sum", False).tolist() == expected
    assert reduced(np.ascontiguousarray(x.T), (0,), "sum", False).tolist() == expected
    middle = np.repeat(x[:, :, None], 37, axis=2)
    assert (reduced(middle, (1,), "sum", False) == np.array(expected, dtype)[:, None]).all()


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(
    ("shape", "axes"), [((64, 700), (1,)), ((70, 640), (0,)), ((9, 130, 52), (1,)), ((3, 70, 600), (1,)), ((6, 40, 70), (0, 2))]
)
def test_bits_do_not_depend_on_threads_or_memory_layout(how: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    y = check(reduce_over, [noise(shape)], {"axes": axes, "how": how})
    frozen = noise(shape)
    frozen.flags.writeable = False
    assert reduced(frozen, axes, how).tobytes() == y.tobytes()


def test_a_result_does_not_depend_on_its_place_in_the_batch() -> None:
    x = noise((9, 131, 45))
    for axes in ((1,), (2,), (1, 2)):
        whole = reduced(x, axes, "sum")
        for i in (0, 4, 8):
            assert reduced(x[i : i + 1], axes, "sum").tobytes() == whole[i : i + 1].tobytes()


@pytest.mark.parametrize("shape", [(3, 70), (70, 3), (200, 9)])
@pytest.mark.parametrize("axis", [0, 1])
def test_nan_is_found_wherever_it_stands_and_infinities_stay(shape: tuple[int, int], axis: int) -> None:
    for at in np.ndindex(*shape):
        x = noise(shape)
        x[at] = np.nan
        for how in ("max", "min"):
            y = reduced(x, (axis,), how, False)
            assert np.flatnonzero(np.isnan(y)).tolist() == [at[1 - axis]]
    x = noise(shape)
    x[1, 1], x[0, 0] = np.inf, -np.inf
    assert np.array_equal(reduced(x, (axis,), "max", False), x.max(axis=axis))
    assert np.array_equal(reduced(x, (axis,), "min", False), x.min(axis=axis))


def test_over_no_element_there_is_the_neutral_value() -> None:
    x = np.zeros((2, 0), np.float32)
    found = {how: reduced(x, (1,), how, False).tolist() for how in HOW}
    assert np.isnan(found.pop("mean")).all()
    assert found == {
        "sum": [0, 0], "prod": [1, 1], "max": [-np.inf] * 2, "min": [np.inf] * 2, "l1": [0, 0], "l2": [0, 0], "sum_square": [0, 0],
    }  # fmt: skip
    assert reduced(x, (0,), "sum").shape == (1, 0)


def test_what_is_out_of_range_in_between_is_not_in_the_result_nor_in_another_one() -> None:
    x = np.array([[3e38, 3e38, -3e38, -3e38], [1, 2, 3, 4]], np.float32)
    assert reduced(x, (1,), "sum", False).tolist() == [0, 10]
    assert reduced(np.abs(x), (1,), "mean", False).tolist() == [np.float32(3e38), 2.5]
    y = reduced(x / np.float32(6), (1,), "l2", False)
    assert y[0] == np.float32(1e38)
    assert y[1].tobytes() == reduced(x[1:] / np.float32(6), (1,), "l2", False).tobytes()
    assert reduced(np.array([3e-30, 4e-30], np.float32), (0,), "l2", False) == pytest.approx(5e-30, rel=1e-7)
    assert reduced(np.array([1e-30, 2e-30, 4e30, 1e30], np.float32), (0,), "prod", False) == pytest.approx(8, rel=1e-6)
    assert reduced(np.array([1e30, 1e30, -0.0], np.float32), (0,), "prod", False).tobytes() == np.float32(-0.0).tobytes()


def test_what_follows_is_done_to_the_result() -> None:
    body = "(float[2, 2] x, float[2] z) => (float y) <int64[1] axes = {1}> { t = ReduceSum<keepdims=0>(x, axes) s = Add(t, z) y = Relu(s) }"
    feeds = {"x": np.array([[1, 2], [3, -9]], np.float32), "z": np.array([10, 1], np.float32)}
    assert session(body, profile="deterministic", verify_kernels=True).run(None, feeds)[0].tolist() == [13, 0]
    follow = Epilogue(lo=0.0, hi=12.0)
    assert computed(reduce_over, [feeds["x"] * 5], {"axes": (1,), "how": "sum", "keepdims": False}, epilogue=follow).tolist() == [12, 0]


def test_axes_that_are_constant_are_lowered_and_others_run_the_body() -> None:
    body = "(float[N, 3] x) => (float y) <int64[1] axes = {1}> { y = ReduceSum<keepdims=0>(x, axes) }"
    x = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    s = session(body, profile="deterministic", verify_kernels=True)
    for _ in range(2):
        assert s.run(None, {"x": x})[0].tolist() == [6, 15]
    assert s.run(None, {"x": x, "axes": np.array([0])})[0].tolist() == [5, 7, 9]
    late = session("(float[N, 3] x, int64[1] axes) => (float y) { y = ReduceSum<keepdims=0>(x, axes) }", profile="deterministic")
    assert late.run(None, {"x": x, "axes": np.array([-1])})[0].tolist() == [6, 15]


@pytest.mark.parametrize(
    "name", ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"]
)
@pytest.mark.parametrize("opset", [9, 12, 22])
@pytest.mark.parametrize("type_", ["float", "double", "float16", "int32"])
def test_profiles_agree_on_every_version_and_type(name: str, opset: int, type_: str) -> None:
    given_as_input = opset >= (13 if name == "ReduceSum" else 18)
    axes = "<int64[2] axes = {0, 2}>" if given_as_input else ""
    call = f"{name}(x, axes)" if given_as_input else f"{name}<axes=[0, 2]>(x)"
    body = f"({type_}[A, B, C] x) => ({type_} y) {axes} {{ y = {call} }}"
    x = (np.arange(60).reshape(3, 4, 5) % 7 - 3).astype({"float": "float32", "double": "float64"}.get(type_, type_))
    options: dict[str, Any] = {"opset": f'"" : {opset}'}
    reference = session(body, profile="reference", **options).run(None, {"x": x})[0]
    y = session(body, profile="deterministic", verify_kernels=True, **options).run(None, {"x": x})[0]
    assert y.dtype == reference.dtype
    np.testing.assert_allclose(y, reference, rtol=2e-3 if type_ == "float16" else 1e-6)
