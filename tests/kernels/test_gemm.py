"""Matrix products: the order of additions, every size and layout, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from refexec import Session
from tests.kernels.fused import in_order

SIZES = st.sampled_from((0, 1, 2, 3, 5, 6, 7, 8, 15, 16, 17, 31, 33, 64, 65, 150))
DEPTHS = st.sampled_from((0, 1, 2, 15, 16, 255, 256, 257, 600))


def product_model(a: Any, b: Any, constant: bool = False, op_type: str = "MatMul", **attributes: Any) -> onnx.ModelProto:
    kind = helper.np_dtype_to_tensor_dtype(a.dtype)
    inputs = [helper.make_tensor_value_info("a", kind, [None] * a.ndim)]
    if not constant:
        inputs.append(helper.make_tensor_value_info("b", kind, [None] * b.ndim))
    graph = helper.make_graph(
        [helper.make_node(op_type, ["a", "b"], ["y"], **attributes)], "product", inputs, [helper.make_tensor_value_info("y", kind, None)],
        [onnx.numpy_helper.from_array(b, "b")] if constant else [],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def product(a: Any, b: Any, constant: bool = False, threads: int = 1, **more: Any) -> Any:
    feeds = {"a": a} if constant else {"a": a, "b": b}
    model = product_model(a, np.ascontiguousarray(b), constant, **more)
    (y,) = Session(model, profile="deterministic", verify_kernels=True, threads=threads).run(None, feeds)
    return y


def numbers(seed: int, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@settings(max_examples=60, deadline=None)
@given(M=SIZES, K=DEPTHS, N=SIZES, constant=st.booleans(), dtype=st.sampled_from((np.float32, np.float64)), seed=st.integers(0, 99))
def test_products_of_every_size_are_within_the_bound_of_the_definition(
    M: int, K: int, N: int, constant: bool, dtype: Any, seed: int
) -> None:
    a, b = numbers(seed, (M, K), dtype), numbers(seed + 1, (K, N), dtype)
    y = product(a, b, constant)  # verify_kernels raises
    assert (y.shape, y.dtype) == ((M, N), a.dtype)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_an_element_depends_on_its_row_and_column_alone(data: st.DataObject) -> None:
    M, K, N = data.draw(SIZES.filter(bool)), data.draw(DEPTHS), data.draw(SIZES.filter(bool))
    i, j = data.draw(st.integers(0, M - 1)), data.draw(st.integers(0, N - 1))
    a, b = numbers(1, (M, K)), numbers(2, (K, N))
    whole = product(a, b)
    assert product(a, b, constant=True).tobytes() == whole.tobytes()
    assert product(a, b, threads=2).tobytes() == whole.tobytes()
    assert product(a[i : i + 1], b)[0].tobytes() == whole[i].tobytes()
    assert product(a, np.ascontiguousarray(b[:, j : j + 1]))[:, 0].tobytes() == whole[:, j].tobytes()
    assert whole[i, j] == in_order(zip(a[i], b[:, j], strict=True), np.float32)


def test_the_order_is_that_of_fused_multiply_adds_in_blocks_of_256_in_both_types() -> None:
    for dtype in (np.float32, np.float64):
        a, b = numbers(3, (13, 700), dtype), numbers(4, (700, 21), dtype)
        for y in (product(a, b), product(a, b, constant=True)):
            for i, j in ((0, 0), (5, 15), (12, 20), (6, 16)):
                assert y[i, j] == in_order(zip(a[i], b[:, j], strict=True), dtype)


@pytest.mark.parametrize("threads", [1, 2])
def test_big_products_split_over_threads_keep_their_bits(threads: int) -> None:
    a, b = numbers(5, (300, 270)), numbers(6, (270, 333))
    y = product(a, b, threads=threads)
    for i, j in ((0, 0), (149, 166), (299, 332), (150, 256)):
        assert y[i, j] == in_order(zip(a[i], b[:, j], strict=True), np.float32)


def test_transposed_and_sliced_operands_have_the_bits_of_their_copies() -> None:
    a, b = numbers(7, (40, 3, 30)), numbers(8, (3, 50, 30))
    body = (
        "(float[A, B, C] a, float[D, E, F] b) => (y) { p = Transpose<perm=[1, 0, 2]>(a) q = Transpose<perm=[0, 2, 1]>(b) y = MatMul(p, q) }"
    )
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17]> m ' + body)
    (y,) = Session(model, profile="deterministic").run(None, {"a": a, "b": b})
    expected = product(np.ascontiguousarray(a.transpose(1, 0, 2)), np.ascontiguousarray(b.transpose(0, 2, 1)))
    assert y.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 1, 3, 4), (5, 4, 2)),
        ((4,), (3, 4, 2)),
        ((3, 2, 4), (4,)),
        ((1, 2, 4), (6, 4, 3)),
        ((0, 2, 3), (3, 4)),
        ((0,), (0, 3)),
        ((2, 0), (0,)),
    ],
)
def test_stacks_are_broadcast(shapes: Any) -> None:
    a, b = (numbers(i, s) for i, s in enumerate(shapes))
    y = product(a, b)
    assert y.shape == np.matmul(a, b).shape
    assert np.allclose(y, np.matmul(a, b), atol=1e-5)


@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("constant", [False, True])
def test_gemm_transposes_without_changing_bits(transposed: tuple[int, int], constant: bool) -> None:
    a, b = numbers(9, (20, 30)), numbers(10, (30, 18))
    given_a, given_b = a.T.copy() if transposed[0] else a, b.T.copy() if transposed[1] else b
    y = product(given_a, given_b, constant, op_type="Gemm", transA=transposed[0], transB=transposed[1])
    assert y.tobytes() == product(a, b).tobytes()


def test_nan_and_infinity_go_where_they_belong() -> None:
    a, b = numbers(11, (9, 20)), numbers(12, (20, 17))
    a[3, 4], b[5, 6] = np.nan, np.inf
    y = product(a, b)
    assert np.isnan(y[3]).all()
    assert np.isinf(np.delete(y[:, 6], 3)).all()
    assert np.isfinite(np.delete(np.delete(y, 3, 0), 6, 1)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types_add_in_float32_and_round_once(dtype: str) -> None:
    import ml_dtypes

    kind = np.dtype(dtype) if dtype == "float16" else np.dtype(ml_dtypes.bfloat16)
    a, b = numbers(13, (3, 300)).astype(kind), numbers(14, (300, 5)).astype(kind)
    y = product(a, b)
    for i, j in ((0, 0), (2, 4)):
        total = in_order(zip(a[i].astype(np.float32), b[:, j].astype(np.float32), strict=True), np.float32)
        assert y[i, j] == total.astype(kind)
