"""The primitive protocol: definitions, lowering, call sites, packing, epilogues, kernels."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from refexec import callsite, primitives
from refexec.callsite import CallSite
from refexec.errors import KernelMismatch, RuleViolation, UnsupportedError
from refexec.ops.math.matmul import matmul
from refexec.ops.nn.conv import correlate
from refexec.primitives import PLAIN, Binding, Epilogue, Kernel, Lowered
from refexec.registry import lookup
from refexec.types import FLOAT32, FLOAT64
from tests.models import session

RNG = np.random.default_rng(0)
W = RNG.standard_normal((300, 40)).astype(np.float32)
B = RNG.standard_normal(40).astype(np.float32)
X = RNG.standard_normal((7, 300)).astype(np.float32)
GEMM = "(float[M, 300] x, float[300, 40] w, float[40] b) => (float[M, 40] y) { y = Gemm(x, w, b) }"


def lowering_of(operator: Any) -> Any:
    assert operator.lowering is not None
    return operator.lowering


def test_calling_a_primitive_runs_its_definition() -> None:
    assert matmul(np.eye(2), np.array([[1.0], [2.0]])).tolist() == [[1], [2]]
    assert repr(matmul) == "<primitive matmul>"
    assert matmul.name == "matmul"


@pytest.mark.parametrize(
    ("name", "since", "inputs", "attributes"),
    [
        ("MatMul", 13, (X, W), {}),
        ("Gemm", 13, (X, W, B), {}),
        ("Gemm", 13, (X, W), {}),
        (
            "Conv",
            22,
            (RNG.standard_normal((2, 4, 9, 8)), RNG.standard_normal((6, 2, 3, 2)), RNG.standard_normal(6)),
            {"group": 2, "pads": (1, 0, 2, 1), "strides": (2, 1), "dilations": (1, 2)},
        ),
        ("Conv", 11, (RNG.standard_normal((1, 3, 10)), RNG.standard_normal((2, 3, 4))), {"auto_pad": "SAME_LOWER"}),
    ],
)
def test_a_body_and_its_lowering_give_equal_bits(name: str, since: int, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> None:
    operator = lookup("", name, since)
    inputs = tuple(x.astype(np.float64) for x in inputs)
    full = {p.name: p.default for p in operator.parameters if p.kind is p.KEYWORD_ONLY} | attributes
    site = CallSite(lambda shapes: lowering_of(operator)(full, shapes), None, {})
    lowered = site(inputs, None)
    assert lowered is not None
    assert lowered.tobytes() == np.asarray(operator.function(*inputs, **attributes)).tobytes()


def test_a_node_that_cannot_be_lowered_runs_its_body() -> None:
    gemm = lookup("", "Gemm", 13)
    site = CallSite(lambda shapes: lowering_of(gemm)({"alpha": 2.0, "beta": 1.0, "transA": 0, "transB": 0}, shapes), None, {})
    assert site((X, W, B), None) is None
    assert site.implementation((X.shape, W.shape, B.shape)) == "body"


def test_lowering_holds_the_rules_of_the_body() -> None:
    for body, feeds in (
        (
            "(float[M, N] x, float[K, L] z) => (float y) { y = MatMul(x, z) }",
            {"x": np.ones((2, 3), np.float32), "z": np.ones((2, 3), np.float32)},
        ),
        ("(float[M] x, float[K, L] z) => (float y) { y = Gemm(x, z) }", {"x": np.ones(3, np.float32), "z": np.ones((3, 3), np.float32)}),
        (
            "(float[A, B, C] x, float[M, K, L] z) => (float y) { y = Conv(x, z) }",
            {"x": np.ones((1, 2, 3), np.float32), "z": np.ones((1, 3, 1), np.float32)},
        ),
    ):
        for profile in ("reference", "deterministic", "wide"):
            with pytest.raises(RuleViolation):
                session(body, profile=profile).run(None, feeds)


def test_an_epilogue_adds_bias_and_residual_and_clamps_but_lets_nan_pass() -> None:
    y = np.array([[1.0, np.nan, -5.0]])
    assert Epilogue(axis=1)(y, np.array([1.0, 1, 1]))[0, [0, 2]].tolist() == [2, -4]
    assert Epilogue(axis=0)(y, np.array([10.0]))[0, 0] == 11
    clamped = Epilogue(residual=True, lo=-1.0, hi=1.5)(y, None, y)
    assert clamped[0, [0, 2]].tolist() == [1.5, -1]
    assert np.isnan(clamped[0, 1])
    assert PLAIN(y) is y


class Recording(Kernel):
    """A kernel that counts how it is used and computes by the definition."""

    epilogues = True

    def __init__(self) -> None:
        self.packed: list[dict[int, Any]] = []
        self.bound_shapes: list[Any] = []

    def pack(self, static: Any, constants: Any) -> Any:
        self.packed.append(dict(constants))
        return len(self.packed)

    def bind(self, shapes: Any, static: Any, packed: Any, epilogue: Epilogue) -> Binding:
        self.bound_shapes.append(shapes)

        def run(y: Any, arrays: Any, bias: Any, residual: Any) -> None:
            y[...] = epilogue(correlate.definition(*arrays, **static), bias, residual)

        return Binding((shapes[0][0], shapes[1][0], *static["window"].output), run)


def test_constants_are_packed_once_per_site_bound_once_per_shapes_and_not_used_when_another_value_is_fed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = Recording()
    monkeypatch.setitem(correlate.kernels, FLOAT32, recording)
    s = session(
        "(float[N, 1, L] x) => (float[N, 1, K] y) <float[1, 1, 2] w = {1, 1}, float[1] b = {10}> { y = Conv(x, w, b) }",
        profile="deterministic",
    )
    x = np.array([[[1, 2, 3]]], np.float32)
    for _ in range(3):
        assert s.run(None, {"x": x})[0].tolist() == [[[13, 15]]]
    s.run(None, {"x": x[:, :, :2]})
    assert recording.bound_shapes == [[(1, 1, 3), (1, 1, 2)], [(1, 1, 2), (1, 1, 2)]]
    assert [found.keys() for found in recording.packed] == [{1}]
    fed = s.run(None, {"x": x, "w": np.array([[[2, 0]]], np.float32)})[0]
    assert fed.tolist() == [[[12, 14]]]
    assert recording.packed[-1] == {}


class Wrong(Recording):
    def bind(self, shapes: Any, static: Any, packed: Any, epilogue: Epilogue) -> Binding:
        right = super().bind(shapes, static, packed, epilogue)

        def run(y: Any, arrays: Any, bias: Any, residual: Any) -> None:
            right.run(y, arrays, bias, residual)
            y.flat[-1] *= 1 + 2.0**-20

        return Binding(right.shape, run)

    def bound(self, arrays: Any, static: Any) -> Any:
        return 3 * np.abs(correlate.definition(*arrays, **static))


def test_verify_kernels_raises_where_a_kernel_leaves_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(correlate.kernels, FLOAT32, Wrong())
    body = "(float[N, 1, L] x, float[1, 1, 2] w) => (float[N, 1, K] y) { y = Conv(x, w) }"
    feeds = {"x": np.array([[[1, 2, 3]]], np.float32), "w": np.ones((1, 1, 2), np.float32)}
    assert session(body, profile="deterministic").run(None, feeds)[0].shape == (1, 1, 2)
    with pytest.raises(KernelMismatch, match="Wrong of correlate") as caught:
        session(body, profile="deterministic", verify_kernels=True).run(None, feeds)
    assert caught.value.seen["at"] == (0, 0, 1)


def test_bindings_of_endlessly_varying_shapes_do_not_fill_the_memory() -> None:
    site = CallSite(lambda shapes: Lowered(matmul, (0, 1)), None, {})
    for n in range(1, 3 * callsite.MOST_BINDINGS):
        site((np.ones((1, n)), np.ones((n, 1))), None)
    assert len(site._bindings) <= callsite.MOST_BINDINGS


def test_the_kernel_profile_chooses_by_primitive_and_type_alone() -> None:
    s = session(GEMM, profile="deterministic")
    assert FLOAT32 in matmul.kernels
    assert type(matmul.kernels[FLOAT64]) is type(matmul.kernels[FLOAT32])
    (y,) = s.run(None, {"x": X, "w": W, "b": B})
    exact = X.astype(np.float64) @ W.astype(np.float64) + B
    magnitude = np.abs(X).astype(np.float64) @ np.abs(W) + np.abs(B)
    assert np.all(np.abs(y - exact) <= 302 * 2.0**-24 * magnitude)


def fused(a: float, b: float, c: float) -> float:
    """a * b + c in float32, rounded once: the exact value by fractions."""
    return float(rounded_to_float32(Fraction(a) * Fraction(b) + Fraction(c)))


def rounded_to_float32(x: Fraction) -> np.float32:
    """The nearest float32 of an exact value, ties to even, by its integer arithmetic; normal numbers only."""
    if x == 0:
        return np.float32(0)
    exponent = math.floor(math.log2(abs(x)))
    exponent += (abs(x) >= Fraction(2) ** (exponent + 1)) - (abs(x) < Fraction(2) ** exponent)
    unit = Fraction(2) ** (exponent - 23)
    return np.float32(float(round(x / unit) * unit))


def test_the_matmul_kernel_adds_fused_products_in_order_within_blocks_of_256() -> None:
    (y,) = session(GEMM, profile="deterministic").run(None, {"x": X[:2], "w": W[:, :40], "b": np.zeros(40, np.float32)})
    for i, j in ((0, 0), (1, 17), (0, 39)):
        blocks = []
        for start in (0, 256):
            total = 0.0
            for k in range(start, min(start + 256, 300)):
                total = fused(float(X[i, k]), float(W[k, j]), total)
            blocks.append(np.float32(total))
        assert y[i, j] == blocks[0] + blocks[1]


@pytest.mark.parametrize(
    "shapes",
    [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 1, 4, 3), (5, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 4)), ((1, 1), (1, 17))],
)
def test_the_matmul_kernel_equals_numpy_on_small_integers_for_every_rank(shapes: Any) -> None:
    a, b = (np.arange(np.prod(s), dtype=np.float32).reshape(s) % 7 for s in shapes)
    body = f"(float[{','.join(map(str, shapes[0]))}] a, float[{','.join(map(str, shapes[1]))}] b) => (float y) {{ y = MatMul(a, b) }}"
    (y,) = session(body.replace("(float y)", "(y)"), profile="deterministic").run(None, {"a": a, "b": b})
    assert (y.dtype, y.shape) == (np.float32, np.matmul(a, b).shape)
    assert y.tolist() == np.matmul(a.astype(int), b.astype(int)).tolist()


def test_a_row_alone_has_the_bits_it_has_in_a_batch() -> None:
    s = session(
        "(float[M, 300] x) => (float[M, 40] y) <float[300, 40] w> { y = MatMul(x, w) }".replace(" <float[300, 40] w>", "").replace(
            "(float[M, 300] x)", "(float[M, 300] x, float[300, 40] w)"
        ),
        profile="deterministic",
    )
    (batch,) = s.run(None, {"x": X, "w": W})
    (row,) = s.run(None, {"x": X[3:4], "w": W})
    assert row.tobytes() == batch[3:4].tobytes()


def test_the_kernels_package_refuses_another_import_name() -> None:
    import runpy
    from pathlib import Path

    with pytest.raises(ImportError, match=r"refexec\.kernels"):
        runpy.run_path(str(Path(primitives.__file__).parent.parent / "kernels" / "__init__.py"), run_name="kernels")


def test_a_profile_object_is_taken_as_it_is() -> None:
    assert primitives.profile(primitives.PROFILES["wide"]).wide
    with pytest.raises(UnsupportedError):
        primitives.profile("deterministic?")
