"""Small pieces that hostile models are made of. Everything is built, no file is stored."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    SparseTensorProto,
    StringStringEntryProto,
    TensorProto,
    ValueInfoProto,
    helper,
)

FLOAT = TensorProto.FLOAT


def info(name: str, shape: Iterable[int | str | None] | None = (1,), elem: int = FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, elem, None if shape is None else list(shape))


def node(
    op: str, inputs: Iterable[str] = ("x",), outputs: Iterable[str] = ("y",), domain: str = "", name: str = "", **attributes: Any
) -> NodeProto:
    return helper.make_node(op, list(inputs), list(outputs), name=name, domain=domain, **attributes)


def graph(
    nodes: Iterable[NodeProto],
    inputs: Iterable[str | ValueInfoProto] = ("x",),
    outputs: Iterable[str | ValueInfoProto] = ("y",),
    initializers: Iterable[TensorProto] = (),
    sparse: Iterable[SparseTensorProto] = (),
    name: str = "g",
) -> GraphProto:
    ins = [info(i) if isinstance(i, str) else i for i in inputs]
    outs = [info(o) if isinstance(o, str) else o for o in outputs]
    return helper.make_graph(list(nodes), name, ins, outs, list(initializers), sparse_initializer=list(sparse))


def model(
    content: GraphProto | Iterable[NodeProto],
    opsets: Iterable[tuple[str, int]] = (("", 21),),
    functions: Iterable[FunctionProto] = (),
    ir_version: int = 10,
) -> ModelProto:
    content = content if isinstance(content, GraphProto) else graph(content)
    made = ModelProto(ir_version=ir_version, graph=content, functions=functions)
    for domain, version in opsets:
        made.opset_import.add(domain=domain, version=version)
    return made


def function(
    name: str,
    nodes: Iterable[NodeProto],
    inputs: Iterable[str] = ("a",),
    outputs: Iterable[str] = ("b",),
    domain: str = "local",
    opsets: Iterable[tuple[str, int]] = (("", 21), ("local", 1)),
    attributes: Iterable[str] = (),
    defaults: Iterable[AttributeProto] = (),
) -> FunctionProto:
    imports = [helper.make_opsetid(d, v) for d, v in opsets]
    return helper.make_function(domain, name, list(inputs), list(outputs), list(nodes), imports, list(attributes), list(defaults))


def tensor(name: str = "w", dims: Iterable[int] = (1,), elem: int = FLOAT, **fields: Any) -> TensorProto:
    """``tensor("w", [2], raw_data=b"...")``: exactly the fields that are given."""
    return TensorProto(name=name, dims=list(dims), data_type=elem, **fields)


def external(
    name: str = "w", dims: Iterable[int] = (2,), entries: Iterable[tuple[str, str]] = (), elem: int = FLOAT, **more: str
) -> TensorProto:
    """A tensor with data_location EXTERNAL and these keys, in this order."""
    pairs = [StringStringEntryProto(key=k, value=v) for k, v in [*entries, *more.items()]]
    return TensorProto(name=name, dims=list(dims), data_type=elem, data_location=TensorProto.EXTERNAL, external_data=pairs)


def sparse(
    indices: Iterable[int], dims: Iterable[int] = (4,), index_dims: Iterable[int] | None = None, values: TensorProto | None = None
) -> SparseTensorProto:
    listed = list(indices)
    at = [len(listed)] if index_dims is None else list(index_dims)
    content = tensor("w", [at[0]], float_data=[1.0] * at[0]) if values is None else values
    return SparseTensorProto(values=content, indices=tensor("", at, TensorProto.INT64, int64_data=listed), dims=list(dims))


def adding(*initializers: TensorProto, shape: Iterable[int] = (2,), **more: Any) -> ModelProto:
    """y = x + w, with the given initializers."""
    sizes = list(shape)
    return model(graph([node("Add", ["x", "w"])], [info("x", sizes)], [info("y", sizes)], initializers, **more))


def nested(depth: int) -> ModelProto:
    """``depth`` Ifs in each other."""
    inner = graph([node("Identity", ["x"], ["y0"])], [], ["y0"])
    for level in range(1, depth + 1):
        inner = graph([node("If", ["c"], [f"y{level}"], then_branch=inner, else_branch=_leaf(level))], [], [f"y{level}"])
    top = graph(list(inner.node), ["x", info("c", [], TensorProto.BOOL)], [f"y{depth}"])
    return model(top)


def _leaf(level: int) -> GraphProto:
    return graph([node("Identity", ["x"], [f"z{level}"])], [], [f"z{level}"])


def delimited(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write(folder: Path, made: ModelProto | bytes, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return path
