"""RotaryEmbedding."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RuleViolation
from tests.ops.declared import bounds

ANGLES = np.array([[0.0, 0.0], [0.5, 0.25], [1.0, 0.5]])  # per position and pair
COS, SIN = np.cos(ANGLES).astype(np.float32), np.sin(ANGLES).astype(np.float32)
X = np.arange(1, 17, dtype=np.float32).reshape(1, 2, 2, 4)  # batch, heads, tokens, head size
POSITIONS = np.array([[2, 1]])


def turned(x: Any, positions: Any, interleaved: bool) -> Any:
    """Each pair as a complex number times e**(i * angle)."""
    y = np.array(x, np.float64)
    for b, h, s, k in np.ndindex(*x.shape[:3], 2):
        i, j = (2 * k, 2 * k + 1) if interleaved else (k, k + 2)
        z = complex(x[b, h, s, i], x[b, h, s, j]) * complex(float(COS[positions[b, s], k]), float(SIN[positions[b, s], k]))
        y[b, h, s, i], y[b, h, s, j] = z.real, z.imag
    return y


@pytest.mark.parametrize("interleaved", [0, 1])
def test_pairs_turn_by_the_angle_of_their_position(interleaved: int) -> None:
    y = run_op("RotaryEmbedding", X, COS, SIN, POSITIONS, interleaved=interleaved)
    np.testing.assert_allclose(y, turned(X, POSITIONS, bool(interleaved)), rtol=1e-7)


def test_a_quarter_turn() -> None:
    x = np.array([1, 2], np.float32).reshape(1, 1, 1, 2)
    assert run_op("RotaryEmbedding", x, np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1), np.float32)).ravel().tolist() == [-2, 1]


def test_without_positions_there_is_an_angle_per_token() -> None:
    y = run_op("RotaryEmbedding", X, COS[POSITIONS], SIN[POSITIONS])
    assert y.tolist() == run_op("RotaryEmbedding", X, COS, SIN, POSITIONS).tolist()


def test_inputs_of_rank_3_hold_the_heads_side_by_side() -> None:
    x = X.transpose(0, 2, 1, 3).reshape(1, 2, 8)
    y = run_op("RotaryEmbedding", x, COS, SIN, POSITIONS, num_heads=2)
    np.testing.assert_allclose(y.reshape(1, 2, 2, 4).transpose(0, 2, 1, 3), turned(X, POSITIONS, False), rtol=1e-7)


def test_only_the_first_elements_turn_when_so_asked() -> None:
    x = np.concatenate([X, 100 + X], axis=-1)
    y = run_op("RotaryEmbedding", x, COS, SIN, POSITIONS, rotary_embedding_dim=4)
    np.testing.assert_array_equal(y[..., 4:], 100 + X)
    np.testing.assert_allclose(y[..., :4], turned(X, POSITIONS, False), rtol=1e-7)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_narrow_types_are_rounded_once(dtype: Any) -> None:
    x, cos, sin = (v.astype(dtype) for v in (np.array([[[[3, 5]]]]), np.full((1, 1, 1), math.cos(1)), np.full((1, 1, 1), math.sin(1))))
    exact = 3 * float(cos.item()) - 5 * float(sin.item())
    y = run_op("RotaryEmbedding", x, cos, sin)
    assert y.dtype == dtype and y.ravel()[0] == np.array(exact).astype(np.float32).astype(dtype)


def test_plain_float32_products_are_inside_the_declared_bound() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 1, 200, 2)).astype(np.float32)
    angle = rng.uniform(0, 6, (1, 200, 1))
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    a, b, c, s = x[0, 0, :, 0], x[0, 0, :, 1], cos[0, :, 0], sin[0, :, 0]
    plain = np.stack([a * c - b * s, a * s + b * c], axis=-1)
    exact = run_op("RotaryEmbedding", x, cos, sin, profile="wide")
    (bound,) = bounds("RotaryEmbedding", x, cos, sin, opset=23)
    assert 0.1 < (np.abs(plain - exact[0, 0]) / bound[0, 0]).max() < 1


@pytest.mark.parametrize(
    ("inputs", "options", "rule"),
    [
        ([X[0, 0], COS, SIN, POSITIONS], {}, "X is"),
        ([X[0], COS, SIN, POSITIONS], {}, "num_heads is given"),
        ([X[0], COS, SIN, POSITIONS], {"num_heads": 3}, "num_heads divides"),
        ([X[..., :3], COS, SIN, POSITIONS], {}, "an even number of elements"),
        ([X, COS, SIN, POSITIONS], {"rotary_embedding_dim": 6}, "an even number of elements"),
        ([X, COS[None], SIN[None], POSITIONS], {}, "with position_ids a cache is"),
        ([X, COS[:, :1], SIN, POSITIONS], {}, "a cosine and a sine per token"),
        ([X, COS, SIN, np.array([[0, 3]])], {}, "indices are in"),
    ],
)
def test_rules(inputs: list[Any], options: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        run_op("RotaryEmbedding", *inputs, **options)
