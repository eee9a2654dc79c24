"""Chains of elementwise steps: each step has the bits of the single operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refexec.kernels.chain import Chain, Input, Result, Step
from refexec.kernels.pointwise import block_of
from refexec.pool import use_threads

Array = np.ndarray[Any, Any]
NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "max": np.maximum, "min": np.minimum,
    "sqrt": np.sqrt, "neg": np.negative, "abs": np.abs, "reciprocal": np.reciprocal,
    "relu": lambda x: np.where(x < 0, x.dtype.type(0), x),  # the sign of a zero stays
}  # fmt: skip
TWO = ("add", "sub", "mul", "div", "max", "min")
EDGES = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan, 1e-40, -3e38, 3e38, 7.0])


def function(name: str, x: Array) -> Array:
    x, y = np.ascontiguousarray(x), np.empty(x.shape, x.dtype)
    block_of(name)(x.reshape(-1), 0, 1, x.reshape(-1), 0, 1, y.reshape(-1), 0, x.size, 0.0, 0.0)
    return y


def expected(steps: list[Step], arrays: list[Array]) -> Array:
    """The steps one by one, in NumPy where they are NumPy's."""
    shape, dtype = np.broadcast_shapes(*[a.shape for a in arrays]), arrays[0].dtype
    found: list[Array] = []
    for step in steps:
        operands = [
            arrays[o.argument] if isinstance(o, Input) else found[o.step] if isinstance(o, Result) else dtype.type(o) for o in step.operands
        ]
        with np.errstate(all="ignore"):
            if step.name in NUMPY:
                y = NUMPY[step.name](*operands)
            elif step.name == "clip":
                low, high = map(dtype.type, step.parameters)
                y = np.where(operands[0] < low, low, operands[0])
                y = np.where(y > high, high, y)
            else:
                y = function(step.name, np.broadcast_to(operands[0], shape))
        found.append(np.broadcast_to(np.asarray(y, dtype), shape))
    return found[-1]


def computed(steps: list[Step], arrays: list[Array]) -> Array:
    bound = Chain(steps).bind([a.shape for a in arrays])
    assert bound is not None
    y = np.empty(bound.shape, arrays[0].dtype)
    bound.run(y, arrays)
    return y


def same_bits(a: Array, b: Array) -> bool:
    """Equal bits; a NaN is a NaN."""
    return a.shape == b.shape and bool(np.all((a == b) & (np.signbit(a) == np.signbit(b)) | (np.isnan(a) & np.isnan(b))))


@st.composite
def programs(draw: Any) -> tuple[list[Step], list[Array]]:
    N = draw(st.sampled_from([1, 3, 16, 37, 700, 1500]))
    shape = (draw(st.integers(0, 5)), N)
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    shapes = [shape, *draw(st.lists(st.sampled_from([shape, (N,), (1, N), (), (1, 1)]), max_size=3))]
    with np.errstate(over="ignore"):
        arrays = [rng.choice(np.concatenate([EDGES, rng.standard_normal(11)]), s).astype(dtype) for s in shapes]
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 6))):
        name = draw(st.sampled_from([*NUMPY, "clip", "erf", "sigmoid", "tanh", "exp"]))
        earlier = [st.integers(0, len(arrays) - 1).map(Input), *([st.integers(0, number - 1).map(Result)] if number else [])]
        numbers = st.sampled_from([0.0, -0.0, 0.5, 3.25, -1.0])
        operands = [draw(st.one_of(*earlier, numbers)) for _ in range(2 if name in TWO else 1)]
        steps.append(Step(name, tuple(operands), (-1.0, 2.5) if name == "clip" else ()))
    return steps, arrays


@settings(deadline=None)  # the first call compiles
@given(programs())
def test_a_chain_has_the_bits_of_its_steps(program: tuple[list[Step], list[Array]]) -> None:
    steps, arrays = program
    assert same_bits(computed(steps, arrays), expected(steps, arrays))


GELU = [
    Step("div", (Input(0), 1.4142135381698608)), Step("erf", (Result(0),)), Step("add", (Result(1), 1.0)),
    Step("mul", (Input(0), Result(2))), Step("mul", (Result(3), 0.5)),
]  # fmt: skip


def test_neither_threads_nor_place_nor_layout_change_a_bit() -> None:
    x = (np.random.default_rng(0).standard_normal((301, 1203)) * 3).astype(np.float32)
    alone = computed(GELU, [x])
    assert same_bits(alone, expected(GELU, [x]))
    before = use_threads(2)
    try:
        assert computed(GELU, [x]).tobytes() == alone.tobytes()
    finally:
        use_threads(before)
    assert computed(GELU, [np.asfortranarray(x)]).tobytes() == alone.tobytes()
    assert computed(GELU, [x[7:9, 3:50]]).tobytes() == alone[7:9, 3:50].tobytes()


def test_arguments_are_not_written_and_may_be_read_only() -> None:
    x, row = np.ones((3, 5), np.float32), np.arange(5, dtype=np.float32)
    x.flags.writeable = row.flags.writeable = False
    steps = [Step("add", (Input(0), Input(1))), Step("relu", (Result(0),)), Step("sub", (Input(1), Result(1)))]
    assert (computed(steps, [x, row]) == -1).all()
    assert (x == 1).all()


def test_shapes_that_are_no_rows_numbers_or_the_whole_are_left_to_others() -> None:
    chain = Chain([Step("add", (Input(0), Input(1)))])
    assert chain.bind([(4, 5), (4, 1)]) is None
    assert chain.bind([(4, 1), (5,)]) is None
    assert Chain([Step("neg", (Input(4),))]).bind([(2,)] * 5) is None
    assert chain.bind([(4, 5), (5,)]) is not None


def test_a_step_that_does_not_exist_or_looks_ahead_is_refused() -> None:
    for step in (Step("gamma", (Input(0),)), Step("neg", (Result(0),))):
        with pytest.raises(ValueError, match="no step"):
            Chain([step])
