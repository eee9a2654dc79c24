"""One call or a few of every kernel, with each element type: what every kernel is tried with, under other settings and when it was changed.

``python -m tests.kernels.calls bits`` prints a hash of each result, ``checked`` how many are right: see :func:`tests.kernels.compared.check`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import onnx

from benchmarks.models import MODELS
from refexec import Session
from refexec.attributes import complete, decode
from refexec.primitives import PLAIN, Epilogue, Primitive, load_kernels
from refexec.registry import load_operators, lookup
from refexec.schema import signature
from refexec.types import ElementType, element_type
from refexec.values import round_to
from tests.kernels.compared import check, computed

__all__ = ["Call", "calls"]


@dataclass(frozen=True)
class Call:
    """Arguments of a kernel and what follows it. ``packed`` are the positions of arguments that are constant."""

    name: str
    primitive: Primitive
    arrays: tuple[Any, ...]
    static: dict[str, Any]
    epilogue: Epilogue = PLAIN
    packed: tuple[int, ...] = ()
    bias: Any = None
    residual: Any = None
    profile: str = "deterministic"

    @property
    def more(self) -> dict[str, Any]:
        return {"epilogue": self.epilogue, "packed": self.packed, "bias": self.bias, "residual": self.residual, "profile": self.profile}

    def bits(self) -> str:
        """A hash of the result, in which a NaN is a NaN."""
        with np.errstate(all="ignore"):
            y = computed(self.primitive, self.arrays, self.static, **self.more)
        if element_type(y.dtype).is_float:
            y[np.isnan(y)] = np.nan
        return hashlib.sha256(y.tobytes()).hexdigest()[:16]

    def check(self) -> None:
        try:
            check(self.primitive, self.arrays, self.static, **self.more)
        except Exception as error:
            error.add_note(self.name)
            raise


@dataclass(frozen=True)
class Numbers:
    """Arguments of one element type."""

    element: ElementType
    generator: np.random.Generator = field(default_factory=partial(np.random.default_rng, 5))

    def __call__(self, *shape: int) -> Any:
        if self.element.kind == "float":
            return round_to(self.generator.standard_normal(shape), self.element.dtype)
        return self.generator.integers(0, 2 if self.element.name == "bool" else 100, shape).astype(self.element.dtype)

    def edges(self, count: int) -> Any:
        """Some numbers, in their midst those that are special."""
        x = np.asarray(self(count) * self.element.dtype.type(4))
        special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -3e-42, 88.75, -104.0, 709.75, -745.5, 1e30, -1e30]
        with np.errstate(all="ignore"):
            x[3 : 3 + len(special)] = np.array(special).astype(self.element.dtype)
        return x


def lowered(name: str, version: int, *arrays: Any, attributes: Any = None, **more: Any) -> Callable[[str], Call]:
    """The call that a node becomes."""
    node = onnx.helper.make_node(name, [], [], **(attributes or {}))
    given = decode(node, name, None, lambda label, graph: None, None)
    lowering = lookup("", name, version).lowering
    assert lowering is not None
    made = lowering(complete(given, node, signature("", name, version), name), [None if a is None else a.shape for a in arrays])
    assert made is not None
    return lambda label: Call(label, made.primitive, tuple(made.argument_values(arrays)), dict(made.static), **more)


def _products(x: Numbers) -> Iterator[Any]:
    yield lowered("MatMul", 13, x(150, 261), x(261, 277))
    yield lowered("MatMul", 13, x(7, 300), x(300, 37), packed=(1,), epilogue=Epilogue(1, True, -0.5, 9.0), bias=x(37), residual=x(7, 37))
    yield lowered("MatMul", 13, x(1, 30), x(30, 145))
    yield lowered("MatMul", 13, x(1, 30), x(30, 145), packed=(1,))
    yield lowered("MatMul", 13, x(2, 1, 3, 5), x(3, 5, 18), epilogue=Epilogue(lo=0.0))
    yield lowered("Gemm", 13, x(40, 13), x(35, 40), attributes={"transA": 1, "transB": 1})


def _convolutions(x: Numbers) -> Iterator[Any]:
    bias: dict[str, Any] = {"epilogue": Epilogue(1, True, 0.0, 6.0), "bias": x(7), "residual": x(2, 7, 9, 11)}
    yield lowered("Conv", 22, x(2, 3, 9, 11), x(7, 3, 3, 3), attributes={"pads": [1] * 4}, **bias)
    yield lowered("Conv", 22, x(1, 33, 5, 4), x(19, 33, 3, 3), attributes={"pads": [1] * 4, "strides": [2, 1]})
    yield lowered("Conv", 22, x(1, 30, 9, 9), x(7, 30, 1, 1), packed=(1,))
    yield lowered("Conv", 22, x(2, 6, 12, 9), x(4, 3, 2, 3), attributes={"group": 2, "dilations": [1, 2], "strides": [2, 2]}, packed=(1,))
    yield lowered(
        "Conv", 22, x(1, 5, 12, 21), x(5, 1, 3, 3), attributes={"group": 5, "pads": [1] * 4}, epilogue=Epilogue(1, lo=0.0), bias=x(5)
    )
    yield lowered("Conv", 22, x(1, 9, 11, 13), x(9, 1, 3, 3), attributes={"group": 9, "pads": [1, 1, 0, 0], "strides": [2, 2]})
    yield lowered("Conv", 22, x(2, 2, 150), x(3, 2, 5), attributes={"pads": [4, 0]})
    yield lowered("Conv", 22, x(1, 2, 5, 6, 7), x(3, 2, 2, 3, 2), attributes={"pads": [1, 0, 1, 0, 1, 0]})
    yield lowered(
        "ConvTranspose", 22, x(1, 5, 4, 9), x(5, 3, 3, 3), attributes={"strides": [2, 1]}, epilogue=Epilogue(1, lo=-1.0), bias=x(3)
    )
    yield lowered("ConvTranspose", 22, x(2, 4, 17), x(4, 2, 4), attributes={"group": 2, "dilations": [3], "pads": [2, 1]})


def _fast_convolutions(x: Numbers) -> Iterator[Any]:
    more: dict[str, Any] = {"profile": "fast", "packed": (1,), "attributes": {"pads": [1] * 4}}
    yield lowered(
        "Conv", 22, x(2, 33, 13, 11), x(37, 33, 3, 3), epilogue=Epilogue(1, True, 0.0, 6.0), bias=x(37), residual=x(2, 37, 13, 11), **more
    )
    yield lowered("Conv", 22, x(1, 64, 9, 20), x(64, 32, 3, 3), **more | {"attributes": {"group": 2}})


def _attentions(x: Numbers) -> Iterator[Any]:
    core = _primitive("attention")
    mask = np.where(x.generator.random((1, 1, 7, 33)) < 0.3, -np.inf, 0.0).astype(x.element.dtype)
    for arrays in ((x(1, 4, 7, 16), x(1, 2, 33, 16), x(1, 2, 33, 24), mask), (x(2, 2, 1, 8), x(2, 1, 70, 8), x(2, 1, 70, 9), None),
                   (x(1, 1, 50, 5), x(1, 1, 300, 5), x(1, 1, 300, 16), None)):  # fmt: skip
        yield partial(Call, primitive=core, arrays=arrays, static={"scale": None, "softcap": 0.0})
    yield partial(Call, primitive=core, arrays=(x(1, 1, 5, 8), x(1, 1, 9, 8), x(1, 1, 9, 8), None), static={"scale": 0.5, "softcap": 2.0})


def _recurrences(x: Numbers) -> Iterator[Any]:
    for kind, gates, more in (("RNN", 1, {}), ("GRU", 3, {"linear_before_reset": 1}), ("GRU", 3, {}), ("LSTM", 4, {})):
        half = x.element.dtype.type(0.25)
        inputs = [x(4, 3, 9), half * x(2, gates * 13, 9), half * x(2, gates * 13, 13), x(2, 2 * gates * 13), np.array([4, 1, 2], np.int32)]
        inputs += [x(2, 3, 13), *((x(2, 3, 13), x(2, 3 * 13)) if kind == "LSTM" else ())]
        yield lowered(kind, 22, *inputs, attributes={"hidden_size": 13, "direction": "bidirectional", **more})
    names = ["Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Softsign", "Softplus", "Relu"]
    for first, second in zip(names, names[1:] + names[:1], strict=True):
        yield lowered("RNN", 22, x(2, 1, 3), x(2, 9, 3), x(2, 9, 9),
                      attributes={"hidden_size": 9, "direction": "bidirectional", "activations": [first, second], "clip": 2.0})  # fmt: skip


def _reductions(x: Numbers) -> Iterator[Any]:
    reduce = _primitive("reduce_over")
    shapes: tuple[tuple[Any, ...], ...] = (((5, 201), (1,)), ((70, 37), (0,)), ((3, 67, 9), (1,)), ((6, 5, 20), (0, 2)))
    for how in ("sum", "mean", "prod", "max", "min", "l1", "l2", "sum_square"):
        for shape, axes in shapes:
            yield partial(Call, primitive=reduce, arrays=(x(*shape),), static={"axes": axes, "how": how})
    yield partial(Call, primitive=reduce, arrays=(x(5, 90),), static={"axes": (1,), "how": "sum"}, epilogue=Epilogue(lo=0.0, hi=3.0))


def _normalisations(x: Numbers) -> Iterator[Any]:
    yield lowered("LayerNormalization", 17, x(5, 77), x(77), x(77), attributes={"axis": -1})
    yield lowered("RMSNormalization", 23, x(3, 5, 40), x(40))
    yield lowered("InstanceNormalization", 22, x(2, 3, 5, 7), x(3), x(3))
    yield lowered("GroupNormalization", 21, x(2, 6, 5, 9), x(6), x(6), attributes={"num_groups": 3})
    for shape in ((2, 5, 7, 7), (3, 37)):
        scale = x(shape[1])
        yield lowered("BatchNormalization", 15, x(*shape), scale, x(shape[1]), x(shape[1]), np.abs(scale), epilogue=Epilogue(lo=0.0))
    for op_type in ("Softmax", "LogSoftmax"):
        yield lowered(op_type, 13, x(5, 131), attributes={"axis": 1})
        yield lowered(op_type, 13, x(3, 20, 37), attributes={"axis": 1})
        yield lowered(op_type, 11, x(2, 5, 9), attributes={"axis": 1})


FUNCTIONS: tuple[tuple[str, int], ...] = (
    ("Exp", 13), ("Log", 13), ("Erf", 13), ("Tanh", 13), ("Sigmoid", 13), ("Gelu", 20), ("Swish", 24), ("HardSigmoid", 22), ("HardSwish", 22),
    ("Softsign", 22), ("Elu", 22), ("Celu", 12), ("Selu", 22), ("Softplus", 22), ("Mish", 22), ("LeakyRelu", 16), ("Sin", 22), ("Cos", 22),
    ("Tan", 22), ("Asin", 22), ("Acos", 22), ("Atan", 22), ("Sinh", 22), ("Cosh", 22), ("Asinh", 22), ("Acosh", 22), ("Atanh", 22),
)  # fmt: skip


def _functions(x: Numbers) -> Iterator[Any]:
    for name, version in FUNCTIONS:
        yield lowered(name, version, x.edges(75))
    yield lowered("Gelu", 20, x.edges(75), attributes={"approximate": "tanh"})


def _powers(x: Numbers) -> Iterator[Any]:
    yield lowered("Pow", 15, x.edges(69), np.full((), 3, x.element.dtype))
    yield lowered("Pow", 15, x.edges(69), x(69))
    yield lowered("Pow", 15, x(5, 37), x(37))


def _pools(x: Numbers) -> Iterator[Any]:
    for shape, size, pads in (((2, 3, 9, 35), (3, 2), (1, 0, 1, 1)), ((1, 2, 40), (3,), (1, 1)), ((1, 1, 5, 6, 7), (2, 2, 3), (0,) * 6)):
        for name in ("MaxPool", "AveragePool"):
            attributes = {"kernel_shape": size, "pads": pads, "strides": [2] + [1] * (len(size) - 1), "ceil_mode": 1}
            yield lowered(name, 22, x(*shape), attributes=attributes, epilogue=Epilogue(hi=1.0))


def _movements(x: Numbers) -> Iterator[Any]:
    yield partial(Call, primitive=_primitive("laid_out"), arrays=(x(17, 41).T,), static={})
    yield partial(Call, primitive=_primitive("laid_out"), arrays=(x(5, 3, 17).transpose(1, 0, 2)[:, ::-1],), static={})
    places = {0: np.array([2, 0, -1, 1]), 2: np.array([-1, 0, 0, 8, 3, 4, 5, 6, 7])}
    yield partial(Call, primitive=_primitive("picked"), arrays=(x(3, 5, 9),), static={"places": places, "fill": 1})
    yield partial(Call, primitive=_primitive("picked"), arrays=(x(7, 35),), static={"places": {0: np.array([6, 6, 0, 3])}, "fill": None})


def _mixtures(x: Numbers) -> Iterator[Any]:
    def mixture(axis: int, size: int, results: int, taps: int) -> tuple[int, Any, Any]:
        return axis, x.generator.integers(0, size, (results, taps)), x.generator.standard_normal((results, taps))

    for mixtures in ((mixture(0, 5, 9, 2),), (mixture(1, 9, 21, 4), mixture(0, 5, 11, 2)), (mixture(2, 19, 40, 3),)):
        yield partial(Call, primitive=_primitive("mixed"), arrays=(x(5, 9, 19),), static={"mixtures": mixtures})
    index, weight = x.generator.integers(-1, 30, (2, 4, 21)), x.generator.standard_normal((2, 4, 21))
    yield partial(Call, primitive=_primitive("sampled"), arrays=(x(2, 3, 30), index, weight), static={})


FAMILIES: tuple[Callable[[Numbers], Iterator[Any]], ...] = (
    _products, _convolutions, _fast_convolutions, _attentions, _recurrences, _reductions, _normalisations, _functions, _powers, _pools, _movements, _mixtures,
)  # fmt: skip


def _primitive(name: str) -> Primitive:
    return primitives_with_kernels()[name]


def primitives_with_kernels() -> dict[str, Primitive]:
    """By name."""
    from refexec import primitives

    load_operators()
    load_kernels()
    return {name: found for name, found in primitives._primitives.items() if found.kernels}


def calls() -> Iterator[Call]:
    """All of them."""
    elements = {element for one in primitives_with_kernels().values() for element in one.kernels}
    for element in sorted(elements, key=lambda e: e.name):
        for family in FAMILIES:
            if element.kind != "float" and family is not _movements:
                continue
            for number, make in enumerate(family(Numbers(element))):
                call = make(f"{family.__name__[1:]} {number}, {element.name}")
                if element in (call.primitive.kernels if call.profile != "fast" else call.primitive.fast_kernels):
                    yield call


def of_models() -> Iterator[tuple[str, str]]:
    """Whole models at reduced size, with chains of elementwise steps: the name and a hash of the outputs of each."""
    for name, (_, small) in MODELS.items():
        problem = small()
        found = Session(problem.content, profile="deterministic").run(None, problem.feeds)
        yield f"model {name}", hashlib.sha256(b"".join(y.tobytes() for y in found)).hexdigest()[:16]
    content, feeds = chain()
    yield "chain", hashlib.sha256(Session(content, profile="deterministic").run(None, feeds)[0].tobytes()).hexdigest()[:16]


def chain() -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Elementwise steps that run as one, on tensors large enough for it."""
    body = "{ t = Tanh(x) a = Add(t, r) m = Mul(a, x) s = Sqrt(m) c = Sigmoid(s) d = Div(c, r) y = Sub(d, x) }"
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> m (float[A, B] x, float[B] r) => (float[A, B] y) {body}')
    x = np.random.default_rng(0).uniform(0.1, 2, (61, 203)).astype(np.float32)
    return model, {"x": x, "r": x[0]}


if __name__ == "__main__":
    np.seterr(all="ignore")
    if sys.argv[1:] == ["bits"]:
        print(json.dumps(dict(of_models()) | {call.name: call.bits() for call in calls()}))
    else:
        done = 0
        for one in calls():
            one.check()
            done += 1
        print(done)
