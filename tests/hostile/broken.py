"""One model, or several, for each rule of ``refexec.rules``, each breaking that rule and no other."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper

from tests.hostile.build import adding, delimited, external, function, graph, info, model, node, sparse, tensor

LOCAL = [("", 21), ("local", 1)]
BOOL = info("c", [], TensorProto.BOOL)


def branches(then: list[NodeProto], output: str = "t", inputs: tuple[str, ...] = (), outer: list[NodeProto] | None = None) -> ModelProto:
    """An If whose then_branch has these nodes; ``outer`` nodes stand before it."""
    inner = graph(then, inputs, [output], name="then")
    other = graph([node("Identity", ["x"], ["e"])], [], ["e"], name="else")
    choice = node("If", ["c"], ["y"], name="if1", then_branch=inner, else_branch=other)
    return model(graph([*(outer or []), choice], ["x", BOOL]))


def attribute(**fields: object) -> ModelProto:
    return model([NodeProto(op_type="Softmax", input=["x"], output=["y"], attribute=[AttributeProto(**fields)])])  # type: ignore[arg-type]


def changed(made: ModelProto, change: Callable[[ModelProto], object]) -> ModelProto:
    change(made)
    return made


def good() -> ModelProto:
    return model([node("Relu")])


def calling(body: onnx.FunctionProto) -> ModelProto:
    return model([node("F", domain="local")], LOCAL, [body])


def reference(name: str, kind: int = AttributeProto.INT) -> NodeProto:
    made = node("Softmax", ["a"], ["b"])
    made.attribute.append(AttributeProto(name="axis", ref_attr_name=name, type=kind))  # type: ignore[arg-type]
    return made


# rule -> model that breaks it, and what the message says
BROKEN: list[tuple[str, str, Callable[[], ModelProto | bytes], str]] = [
    ("unknown-field", "after the end", lambda: good().SerializeToString() + delimited(77, b"?"), "ModelProto field 77"),
    ("training-info", "training", lambda: changed(good(), lambda m: m.training_info.add()), "ignored"),
    ("metadata-twice", "model", lambda: changed(good(), lambda m: [m.metadata_props.add(key="k") for _ in "12"]), "model"),
    ("metadata-twice", "graph", lambda: changed(good(), lambda m: [m.graph.metadata_props.add(key="k") for _ in "12"]), "graph 'g'"),
    ("metadata-twice", "node", lambda: changed(good(), lambda m: [m.graph.node[0].metadata_props.add(key="k") for _ in "12"]), "node 0"),
    ("ir-version", "99", lambda: model([node("Relu")], ir_version=99), "ir_version=99"),
    ("opset-missing", "model", lambda: model([node("Relu")], opsets=[]), "model: no operator set"),
    ("opset-missing", "function", lambda: calling(function("F", [node("Relu", ["a"], ["b"])], opsets=[])), "function 'local:F'"),
    ("opset-twice", "same", lambda: model([node("Relu")], [("", 21), ("", 21)]), "imported twice"),
    ("opset-conflict", "differs", lambda: model([node("Relu")], [("ai.onnx", 20), ("", 21)]), "versions=(20, 21)"),
    ("opset-version", "0", lambda: model([node("Relu")], [("", 21), ("com.acme", 0)]), "domain=com.acme, version=0"),
    ("domain-not-imported", "node", lambda: model([node("Scaler", domain="ai.onnx.ml")]), "node 0 (Scaler)"),
    (
        "domain-not-imported",
        "function body",
        lambda: calling(function("F", [node("R", ["a"], ["b"], domain="d")])),
        "function 'local:F', node 0",
    ),
    (
        "function-domain-not-imported",
        "call",
        lambda: model([node("F", domain="local")], functions=[function("F", [node("Relu", ["a"], ["b"])])]),
        "node 0 (F)",
    ),
    ("name-empty", "operator", lambda: model([NodeProto(input=["x"], output=["y"])]), "the operator has no name"),
    ("name-empty", "input", lambda: model(graph([node("Relu")], ["x", ""])), "input 1"),
    ("name-empty", "initializer", lambda: adding(tensor("", [2], raw_data=b"8" * 8)), "initializer 0"),
    ("name-empty", "output", lambda: model(graph([node("Relu")], ["x"], ["y", ""])), "output 1"),
    ("name-empty", "attribute", lambda: attribute(name="", type=2, i=1), "the name of an attribute"),
    ("name-empty", "function", lambda: model([node("Relu")], LOCAL, [function("", [])]), "the name of a function"),
    ("name-text", "operator", lambda: good().SerializeToString().replace(b"Relu", b"\xff\xfe\xfd\xfc"), "not UTF-8"),
    (
        "name-text",
        "dimension",
        lambda: model(graph([node("Relu")], [info("x", ["NNNN"])])).SerializeToString().replace(b"NNNN", b"\xff" * 4),
        "input 0 'x'",
    ),
    (
        "name-text",
        "doc",
        lambda: changed(good(), lambda m: setattr(m, "doc_string", "DDDD")).SerializeToString().replace(b"DDDD", b"\xff" * 4),
        "doc_string",
    ),
    ("name-twice", "inputs", lambda: model(graph([node("Relu")], ["x", "x"])), "an input and input 1"),
    ("name-twice", "one node", lambda: model([node("Split", ["x"], ["y", "y"])]), "node 0 (Split) and node 0 (Split)"),
    (
        "name-twice",
        "in a subgraph",
        lambda: branches([node("Relu", ["x"], ["t"]), node("Relu", ["x"], ["t"])]),
        "node 0 'if1' (If), then_branch",
    ),
    (
        "name-twice",
        "in a function",
        lambda: calling(function("F", [node("Relu", ["a"], ["b"]), node("Relu", ["a"], ["b"])])),
        "function 'local:F'",
    ),
    (
        "name-twice",
        "subgraph input and initializer kinds",
        lambda: adding(sparse=[sparse([0], [2]), sparse([1], [2])]),
        "a sparse initializer and sparse initializer 1",
    ),
    ("node-name-twice", "names", lambda: model([node("Relu", ["x"], ["a"], name="n"), node("Relu", ["a"], name="n")]), "node 1 'n' (Relu)"),
    ("output-twice", "outputs", lambda: model(graph([node("Relu")], ["x"], ["y", "y"])), "'y'"),
    ("use-undefined", "node", lambda: model([node("Add", ["x", "z"], name="n")]), "graph 'g', node 0 'n' (Add): value 'z' is used"),
    ("use-undefined", "output", lambda: model(graph([node("Relu")], ["x"], ["z"])), "outputs"),
    ("use-undefined", "subgraph", lambda: branches([node("Add", ["x", "q"], ["t"])]), "then_branch, node 0 (Add): value 'q'"),
    ("use-undefined", "a function does not see outside", lambda: calling(function("F", [node("Add", ["a", "x"], ["b"])])), "value 'x'"),
    ("use-undefined", "a branch does not see the other", lambda: branches([node("Identity", ["e"], ["t"])]), "value 'e'"),
    (
        "cycle",
        "two",
        lambda: model([node("Add", ["x", "b"], ["y"]), node("Relu", ["y"], ["b"])]),
        "node 0 (Add) -> node 1 (Relu) -> node 0 (Add)",
    ),
    ("cycle", "through a subgraph", lambda: branches([node("Identity", ["y"], ["t"])]), "node 0 'if1' (If) -> node 0 'if1' (If)"),
    ("unsorted", "nodes", lambda: model([node("Relu", ["a"]), node("Relu", ["x"], ["a"])]), "value 'a' is used before node 1 (Relu)"),
    (
        "unsorted",
        "captured later",
        lambda: model(graph([*branches([node("Identity", ["z"], ["t"])]).graph.node, node("Relu", ["x"], ["z"])], ["x", BOOL])),
        "'z'",
    ),
    (
        "shadowing",
        "node output",
        lambda: branches([node("Relu", ["x"], ["h"])], "h", outer=[node("Sigmoid", ["x"], ["h"])]),
        "'h' (node 0 (Relu)) hides",
    ),
    ("shadowing", "input", lambda: branches([node("Relu", ["x"], ["t"])], inputs=("x",)), "'x' (an input) hides"),
    (
        "shadowing-early",
        "both",
        lambda: branches([node("Relu", ["h"], ["t"]), node("Relu", ["x"], ["h"])], outer=[node("Sigmoid", ["x"], ["h"])]),
        "'h'",
    ),
    ("output-from-outside", "branch", lambda: branches([], "x"), "output 'x'"),
    (
        "initializer-not-input",
        "IR 3",
        lambda: changed(adding(tensor("w", [2], raw_data=b"8" * 8)), lambda m: setattr(m, "ir_version", 3)),
        "first=w",
    ),
    ("input-untyped", "input", lambda: model(graph([node("Relu")], [onnx.ValueInfoProto(name="x")])), "input 0 'x'"),
    (
        "attribute-twice",
        "node",
        lambda: changed(model([node("Softmax", axis=0)]), lambda m: m.graph.node[0].attribute.add(name="axis")),
        "attribute 'axis'",
    ),
    ("attribute-type", "undefined", lambda: attribute(name="axis", i=1), "UNDEFINED"),
    ("attribute-no-value", "int", lambda: attribute(name="axis", type=2), "type=INT"),
    ("attribute-no-value", "tensor", lambda: attribute(name="axis", type=4), "type=TENSOR"),
    ("attribute-two-values", "int and ints", lambda: attribute(name="axis", type=2, i=1, ints=[1]), "fields=['i', 'ints']"),
    (
        "attribute-two-values",
        "value and reference",
        lambda: calling(function("F", [changed_reference()], attributes=["p"])),
        "a value and a reference",
    ),
    ("attribute-mismatch", "float for int", lambda: attribute(name="axis", type=2, f=1.0), "type=INT, field=f"),
    ("attribute-mismatch", "graph for graphs", lambda: attribute(name="axis", type=10, g=graph([])), "type=GRAPHS, field=g"),
    ("attribute-reference", "main graph", lambda: attribute(name="axis", type=2, ref_attr_name="p"), "outside a function"),
    ("attribute-reference", "unknown", lambda: calling(function("F", [reference("q")], attributes=["p"])), "attributes=['p']"),
    (
        "attribute-reference",
        "type",
        lambda: calling(function("F", [reference("p")], defaults=[helper.make_attribute("p", 1.0)])),
        "default=FLOAT",
    ),
    ("tensor-two-data", "two typed", lambda: adding(tensor("w", [2], float_data=[1, 2], int32_data=[1])), "float_data and int32_data"),
    (
        "tensor-two-data",
        "empty raw and typed",
        lambda: adding(tensor("w", [2], float_data=[1, 2], raw_data=b"")),
        "float_data and raw_data",
    ),
    ("tensor-dims", "negative", lambda: adding(tensor("w", [2, -1], raw_data=b"")), "dims=[2, -1]"),
    ("tensor-type", "undefined", lambda: adding(tensor("w", [2], elem=0, raw_data=b"")), "initializer 0 'w'"),
    (
        "tensor-segment",
        "segment",
        lambda: adding(tensor("w", [2], raw_data=b"8" * 8, segment=TensorProto.Segment(begin=0, end=1))),
        "segment",
    ),
    ("external-stray", "keys", lambda: adding(changed_stray()), "not EXTERNAL"),
    (
        "external-overlap",
        "half",
        lambda: adding(*(external(n, location="f", offset=o, length="8") for n, o in (("w", "0"), ("v", "4")))),
        "initializer 0 'w'",
    ),
    ("external-sha256", "digest", lambda: adding(external("w", location="f", checksum="sha256:" + "0" * 64)), "location=f"),
    ("external-keys", "unknown", lambda: adding(external("w", location="f", mode="w")), "key=mode"),
    ("external-location", "up", lambda: adding(external("w", location="../f")), "leads upwards"),
    ("external-range", "length", lambda: adding(external("w", location="f", length="9")), "needed=8"),
    ("function-twice", "two", lambda: model([node("Relu")], LOCAL, [function("F", []), function("F", [])]), "'local:F'"),
    ("function-standard", "Relu", lambda: model([node("Relu")], functions=[function("Relu", [], domain="")]), "opset=21"),
    ("function-formal-twice", "inputs", lambda: calling(function("F", [], inputs=["a", "a"])), "two inputs have the name 'a'"),
    (
        "function-formal-twice",
        "attributes",
        lambda: calling(function("F", [], attributes=["p"], defaults=[helper.make_attribute("p", 1)])),
        "two attributes",
    ),
    (
        "function-cycle",
        "itself",
        lambda: calling(function("F", [node("F", ["a"], ["b"], domain="local")])),
        "'local:F' -> function 'local:F'",
    ),
    ("opset-unsupported", "too new", lambda: model([node("Relu")], [("", 9999)]), "9999"),
]


def changed_reference() -> NodeProto:
    made = reference("p")
    made.attribute[0].i = 3
    return made


def changed_stray() -> TensorProto:
    made = external("w", location="f")
    made.data_location = TensorProto.DEFAULT
    made.raw_data = b"8" * 8
    return made
