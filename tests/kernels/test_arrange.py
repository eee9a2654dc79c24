"""Views copied to row-major memory."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec.layout import laid_out
from tests.kernels.compared import check, computed
from tests.models import session

TYPES = [np.float32, np.float64, np.int8, np.uint16, np.int32, np.int64, np.bool_, ml_dtypes.bfloat16]


def numbered(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_view_is_copied_element_by_element(data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, 4))
    shape = tuple(data.draw(st.lists(st.sampled_from([0, 1, 2, 7, 8, 9, 16, 19, 33]), min_size=rank, max_size=rank)))
    x = numbered(shape, data.draw(st.sampled_from(TYPES))).transpose(data.draw(st.permutations(range(rank))))
    for axis in range(rank):
        step = data.draw(st.sampled_from([1, 1, 2, -1]))
        x = x[(slice(None),) * axis + (slice(None, None, step),)]
    y = check(laid_out, [x], {})
    assert y.flags.c_contiguous
    assert y.tolist() == x.tolist()


@pytest.mark.parametrize("shape", [(8, 8), (17, 40), (768, 24), (3, 16, 9), (2, 9, 5, 12)])
def test_a_transposed_matrix_has_rows_and_columns_exchanged_bit_by_bit(shape: tuple[int, ...]) -> None:
    bits = np.random.default_rng(1).integers(0, 2**32, shape, dtype=np.uint64).astype(np.uint32)
    y = computed(laid_out, [bits.view(np.float32).swapaxes(-1, -2)], {})
    for index in np.ndindex(*shape):
        assert y.view(np.uint32)[*index[:-2], index[-1], index[-2]] == bits[index]


def test_a_broadcast_tensor_and_a_column_of_a_matrix_are_copied() -> None:
    assert check(laid_out, [np.broadcast_to(np.arange(8.0), (9, 8)).T], {}).tolist() == [[i] * 9 for i in range(8)]
    assert check(laid_out, [np.arange(12.0).reshape(3, 4)[:, 1]], {}).tolist() == [1, 5, 9]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("(float[8, 12] x) => (float[12, 8] y) { y = Transpose (x) }", lambda x: x.T),
        ("(float[8, 12] x) => (float[K] y) <int64[1] s = {-1}> { t = Transpose (x) y = Reshape (t, s) }", lambda x: x.T.reshape(-1)),
        (
            "(float[8, 12] x) => (float[A, B, C, D] y) <int64[4] s = {1, 8, 3, 4}> { t = Reshape (x, s) y = DepthToSpace <blocksize = 2> (t) }",
            lambda x: x.reshape(2, 2, 2, 3, 4).transpose(2, 3, 0, 4, 1).reshape(1, 2, 6, 8),
        ),
    ],
)
def test_outputs_own_their_memory_in_row_major_order(body: str, expected: Any) -> None:
    x = np.arange(96, dtype=np.float32).reshape(8, 12)
    for profile in ("reference", "deterministic"):
        (y,) = session(body, profile=profile).run(None, {"x": x})
        assert y.flags.c_contiguous
        assert y.flags.owndata
        assert y.tolist() == expected(x).tolist()
