"""Models as users of onnx.reference write them, each with feeds and the outputs worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import onnx

__all__ = ["USAGES", "Usage", "f32", "i64", "parsed", "text"]

Array = np.ndarray[Any, Any]


def f32(value: Any) -> Array:
    return np.array(value, np.float32)


def i64(value: Any) -> Array:
    return np.array(value, np.int64)


def text(value: Any) -> Array:
    return np.array(value, dtype=object)


def bf16(value: Any) -> Array:
    return np.array(value, ml_dtypes.bfloat16)


def parsed(graph: str, opset: int = 21, functions: str = "", domains: str = "") -> onnx.ModelProto:
    """The model of a graph in onnx's text form, its header and the functions it calls."""
    header = f'<ir_version: 10, opset_import: ["" : {opset}{domains}]>'
    return onnx.parser.parse_model(f"{header} main {graph} {functions}")


@dataclass(frozen=True)
class Usage:
    """A model, what it is fed, and what it returns. ``original``: where it is not empty, what onnx.reference does instead."""

    name: str
    model: str
    feeds: dict[str, Any]
    expected: tuple[Any, ...]
    opset: int = 21
    functions: str = ""
    domains: str = ""
    original: str = ""


LOCAL = ', "f" : 1'
LEARNED = ', "ai.onnx.ml" : 3'

USAGES = (
    # Control flow
    Usage("if takes the then branch", """(bool c, float[N] x) => (float[N] y) { y = If (c) <
        then_branch = t () => (float[N] a) { a = Neg(x) }, else_branch = e () => (float[N] b) { b = Add(x, x) }> }""",
        {"c": np.array(True), "x": f32([1, -2])}, (f32([-1, 2]),)),
    Usage("if takes the else branch and captures the outer value", """(bool c, float[N] x) => (float[N] y) { y = If (c) <
        then_branch = t () => (float[N] a) { a = Neg(x) }, else_branch = e () => (float[N] b) { b = Add(x, x) }> }""",
        {"c": np.array(False), "x": f32([1, -2])}, (f32([2, -4]),)),
    Usage("if inside if", """(bool c, bool d, float x) => (float y) { y = If (c) <
        then_branch = t () => (float a) { a = If (d) < then_branch = u () => (float p) { p = Neg(x) },
        else_branch = v () => (float q) { q = Identity(x) }> }, else_branch = e () => (float b) { b = Add(x, x) }> }""",
        {"c": np.array(True), "d": np.array(False), "x": f32(3)}, (f32(3),)),
    Usage("loop carries a sum and scans it", """(int64 n, bool go, int64 s0) => (int64 s, int64[K] all) { s, all = Loop (n, go, s0) <
        body = b (int64 i, bool c, int64 a) => (bool k, int64 t, int64 o) { k = Identity(c) t = Add(a, i) o = Identity(t) }> }""",
        {"n": i64(4), "go": np.array(True), "s0": i64(10)}, (i64(16), i64([10, 11, 13, 16])), original="scanned scalars become a column"),
    Usage("loop ends by its condition", """(bool go, int64 s0) => (int64 s) { s = Loop ( , go, s0) <
        body = b (int64 i, bool c, int64 a) => (bool k, int64 t) { t = Add(a, a) m = Constant <value_int = 100> () k = Less(t, m) }> }""",
        {"go": np.array(True), "s0": i64(3)}, (i64(192),)),
    Usage("loop grows a sequence", """(int64 n, bool go, seq(float[K]) s0, float[K] x) => (seq(float[K]) s) { s = Loop (n, go, s0) <
        body = b (int64 i, bool c, seq(float[K]) a) => (bool k, seq(float[K]) t) { k = Identity(c) t = SequenceInsert(a, x) }> }""",
        {"n": i64(2), "go": np.array(True), "s0": [f32([0])], "x": f32([5])}, ([f32([0]), f32([5]), f32([5])],)),
    Usage("scan sums rows", """(float[2] s0, float[3, 2] x) => (float[2] s, float[3, 2] y) { s, y = Scan (s0, x) <num_scan_inputs = 1,
        body = b (float[2] a, float[2] r) => (float[2] t, float[2] o) { t = Add(a, r) o = Identity(t) }> }""",
        {"s0": f32([0, 0]), "x": f32([[1, 2], [3, 4], [5, 6]])}, (f32([9, 12]), f32([[1, 2], [4, 6], [9, 12]]))),
    Usage("scan backwards along axis 1", """(float s0, float[1, 3] x) => (float s, float[3] y) { s, y = Scan (s0, x) <num_scan_inputs = 1,
        scan_input_axes = [1], scan_input_directions = [1],
        body = b (float a, float[1] r) => (float t, float o) { q = Squeeze(r) u = Add(a, a) t = Add(u, q) o = Identity(t) }> }""",
        {"s0": f32(0), "x": f32([[1, 2, 3]])}, (f32(17), f32([3, 8, 17])), original="is not implemented"),
    # Sequences and optionals
    Usage("sequence map", """(seq(float[N]) s) => (seq(float[N]) t) { t = SequenceMap (s) <
        body = b (float[N] x) => (float[N] y) { y = Add(x, x) }> }""",
        {"s": [f32([1, 2]), f32([3])]}, ([f32([2, 4]), f32([6])],)),
    Usage("sequence construct, insert at the front, length, at", """(float[N] a, float[N] b) => (float[N] x, int64 n) { s = SequenceConstruct(a, b)
        z = Constant <value_int = 0> () t = SequenceInsert(s, b, z) x = SequenceAt(t, z) n = SequenceLength(t) }""",
        {"a": f32([1]), "b": f32([2])}, (f32([2]), i64(3))),
    Usage("split to sequence keeps no dimension, concat stacks it again", """(float[2, 2] x) => (float[4] y) {
        s = SplitToSequence <axis = 0, keepdims = 0> (x) y = ConcatFromSequence <axis = 0> (s) }""",
        {"x": f32([[1, 2], [3, 4]])}, (f32([1, 2, 3, 4]),)),
    Usage("an optional holds its element", """(float[N] x) => (bool h, float[N] y) { o = Optional(x) h = OptionalHasElement(o)
        y = OptionalGetElement(o) }""", {"x": f32([7])}, (np.array(True), f32([7])), original="the element comes back in a list"),
    # Functions
    Usage("a function calls another one", "(float[N] x) => (float[N] y) { y = f.Quad(x) }", {"x": f32([1, 2])}, (f32([4, 8]),), domains=LOCAL,
        functions='''<domain: "f", opset_import: ["" : 21]> Twice (x) => (y) { y = Add(x, x) }
        <domain: "f", opset_import: ["" : 21, "f" : 1]> Quad (x) => (y) { t = f.Twice(x) y = f.Twice(t) }'''),
    Usage("functions stand in any order", "(float[N] x) => (float[N] y) { y = f.Quad(x) }", {"x": f32([1, 2])}, (f32([4, 8]),), domains=LOCAL,
        functions='''<domain: "f", opset_import: ["" : 21, "f" : 1]> Quad (x) => (y) { t = f.Twice(x) y = f.Twice(t) }
        <domain: "f", opset_import: ["" : 21]> Twice (x) => (y) { y = Add(x, x) }''', original="wants the called function first"),
    Usage("an attribute of a function goes to its node", "(float[2, 2] x) => (int64[K] y) { y = f.Total <over = 1> (x) }",
        {"x": f32([[1, 2], [3, 4]])}, (i64([1, 1]),), domains=LOCAL,
        functions='<domain: "f", opset_import: ["" : 21]> Total <over> (x) => (y) { y = ArgMax <axis: int = @over, keepdims = 0> (x) }'),
    Usage("an attribute goes through a function into another one", "(float[2, 2] x) => (int64[K] y) { y = f.Outer <over = 1> (x) }",
        {"x": f32([[1, 2], [4, 3]])}, (i64([1, 0]),), domains=LOCAL,
        functions='''<domain: "f", opset_import: ["" : 21]> Inner <at> (x) => (y) { y = ArgMax <axis: int = @at, keepdims = 0> (x) }
        <domain: "f", opset_import: ["" : 21, "f" : 1]> Outer <over> (x) => (y) { y = f.Inner <at: int = @over> (x) }'''),
    Usage("an attribute of a function goes to LeakyRelu", "(float[N] x) => (float[N] y) { y = f.Leaky <slope = 0.5> (x) }",
        {"x": f32([-4, 4])}, (f32([-2, 4]),), domains=LOCAL, original="knows such attributes of some operators only",
        functions='<domain: "f", opset_import: ["" : 21]> Leaky <slope> (x) => (y) { y = LeakyRelu <alpha: float = @slope> (x) }'),
    Usage("an attribute of a function has a default", "(float[N] x) => (float[N] y) { y = f.Leaky(x) }", {"x": f32([-4, 4])}, (f32([-1, 4]),),
        domains=LOCAL, functions='''<domain: "f", opset_import: ["" : 21]> Leaky <slope: float = 0.25> (x) => (y)
        { y = LeakyRelu <alpha: float = @slope> (x) }''', original="ignores the default"),
    Usage("a function without its last input", "(float[N] x) => (float[N] y) { y = f.Bound(x) }", {"x": f32([-4, 4])}, (f32([-4, 4]),),
        domains=LOCAL, functions='<domain: "f", opset_import: ["" : 21]> Bound (x, low) => (y) { y = Clip(x, low) }', original="asks for all inputs"),
    Usage("names in a function do not meet names outside", "(float[N] x) => (float[N] y) { t = Neg(x) u = f.Twice(x) y = Add(t, u) }",
        {"x": f32([3])}, (f32([3]),), domains=LOCAL, functions='<domain: "f", opset_import: ["" : 21]> Twice (x) => (y) { t = Add(x, x) y = Identity(t) }'),
    Usage("a branch inside a function", "(bool c, float[N] x) => (float[N] y) { y = f.Flip(c, x) }", {"c": np.array(True), "x": f32([3])},
        (f32([-3]),), domains=LOCAL, functions='''<domain: "f", opset_import: ["" : 21]> Flip (c, x) => (y) { y = If (c) <
        then_branch = t () => (a) { a = Neg(x) }, else_branch = e () => (b) { b = Identity(x) }> }'''),
    # Casts and narrow types
    Usage("cast to bfloat16 and back rounds to 8 bits", "(float[N] x) => (float[N] y) { t = Cast <to = 16> (x) y = Cast <to = 1> (t) }",
        {"x": f32([1.00390625, 1.01171875, 256.5])}, (f32([1, 1.015625, 256]),)),
    Usage("bfloat16 is added", "(bfloat16[N] x) => (bfloat16[N] y) { y = Add(x, x) }", {"x": bf16([1.5, -2])}, (bf16([3, -4]),)),
    Usage("cast to float8e4m3fn saturates", "(float[N] x) => (float[N] y) { t = Cast <to = 17> (x) y = Cast <to = 1> (t) }",
        {"x": f32([1.0625, 448, 1000, -1000])}, (f32([1, 448, 448, -448]),)),
    Usage("cast to float8e5m2 without saturation gives infinity", """(float[N] x) => (float[N] y) { t = Cast <to = 19, saturate = 0> (x)
        y = Cast <to = 1> (t) }""", {"x": f32([1.125, 100000])}, (f32([1, np.inf]),)),
    Usage("cast float to integer truncates", "(float[N] x) => (int32[N] y) { y = Cast <to = 6> (x) }",
        {"x": f32([1.9, -1.9])}, (np.array([1, -1], np.int32),)),
    Usage("cast like takes the type of the second input", "(float[N] x, int64[M] t) => (int64[N] y) { y = CastLike(x, t) }",
        {"x": f32([2, 3]), "t": i64([0])}, (i64([2, 3]),)),
    Usage("quantise and dequantise", """(float[N] x, float s, uint8 z) => (uint8[N] q, float[N] y) { q = QuantizeLinear(x, s, z)
        y = DequantizeLinear(q, s, z) }""", {"x": f32([-100, 0, 1, 3]), "s": f32(2), "z": np.array(10, np.uint8)},
        (np.array([0, 10, 10, 12], np.uint8), f32([-20, 0, 0, 4]))),
    # Text
    Usage("strings are joined", "(string[N] a, string[N] b) => (string[N] y) { y = StringConcat(a, b) }",
        {"a": text(["a", "é"]), "b": text(["b", ""])}, (text(["ab", "é"]),)),
    Usage("strings are compared", "(string[N] a, string[N] b) => (bool[N] y) { y = Equal(a, b) }",
        {"a": text(["a", "b"]), "b": text(["a", "c"])}, (np.array([True, False]),)),
    Usage("strings are split", "(string[N] x) => (string[N, K] y, int64[N] n) { y, n = StringSplit <delimiter = \",\"> (x) }",
        {"x": text(["a,b", "c"])}, (text([["a", "b"], ["c", ""]]), i64([2, 1]))),
    Usage("labels are encoded", """(string[N] x) => (int64[N] y) { y = ai.onnx.ml.LabelEncoder
        <keys_strings = ["a", "b"], values_int64s = [5, 6], default_int64 = -1> (x) }""",
        {"x": text(["b", "z", "a"])}, (i64([6, -1, 5]),), domains=LEARNED),
    # Versions of operators
    Usage("softmax before version 13 takes all axes from its own on", "(float[1, 2, 2] x) => (float[1, 2, 2] y) { y = Softmax(x) }",
        {"x": f32(np.zeros((1, 2, 2)))}, (f32(np.full((1, 2, 2), 0.25)),), opset=11, original="knows the newest version only"),
    Usage("softmax from version 13 takes the last axis", "(float[1, 2, 2] x) => (float[1, 2, 2] y) { y = Softmax(x) }",
        {"x": f32(np.zeros((1, 2, 2)))}, (f32(np.full((1, 2, 2), 0.5)),), opset=13),
    Usage("reduce sum had axes as an attribute", "(float[2, 2] x) => (float[2] y) { y = ReduceSum <axes = [1], keepdims = 0> (x) }",
        {"x": f32([[1, 2], [3, 4]])}, (f32([3, 7]),), opset=11),
    Usage("reduce sum has axes as an input", "(float[2, 2] x, int64[1] a) => (float[2] y) { y = ReduceSum <keepdims = 0> (x, a) }",
        {"x": f32([[1, 2], [3, 4]]), "a": i64([0])}, (f32([4, 6]),), opset=13),
    Usage("clip had its bounds as attributes", "(float[N] x) => (float[N] y) { y = Clip <min = 0.0, max = 1.0> (x) }",
        {"x": f32([-2, 0.5, 2])}, (f32([0, 0.5, 1]),), opset=6),
    Usage("clip without a lower bound", "(float[N] x, float h) => (float[N] y) { y = Clip(x, , h) }",
        {"x": f32([-2, 0.5, 2]), "h": f32(1)}, (f32([-2, 0.5, 1]),)),
    # Outputs and initializers
    Usage("only the second output is asked for", "(float[N] x) => (int64[K] i) { k = Constant <value_ints = [1]> () , i = TopK(x, k) }",
        {"x": f32([1, 9, 3])}, (i64([1]),)),
    Usage("an initializer is used", "(float[2] x) => (float[2] y) <float[2] w = {10, 20}> { y = Mul(x, w) }",
        {"x": f32([1, 2])}, (f32([10, 40]),)),
    Usage("a constant of shape", "(int64[1] n) => (float[N] y) { y = ConstantOfShape <value = float[1] {2}> (n) }",
        {"n": i64([2])}, (f32([2, 2]),)),
    Usage("einsum with broadcast", "(float[2, 2] a, float[2] b) => (float[2] y) { y = Einsum <equation = \"ij,j->i\"> (a, b) }",
        {"a": f32([[1, 2], [3, 4]]), "b": f32([1, 10])}, (f32([21, 43]),)),
    Usage("gather and scatter elements", """(float[N] x, int64[M] i) => (float[M] g, float[N] s) { g = Gather(x, i)
        s = ScatterElements(x, i, g) }""", {"x": f32([1, 2, 3]), "i": i64([-1, 0])}, (f32([3, 1]), f32([1, 2, 3]))),
    Usage("convolution with padding", "(float[1, 1, 3] x, float[1, 1, 2] w) => (float[1, 1, 4] y) { y = Conv <pads = [1, 1]> (x, w) }",
        {"x": f32([[[1, 2, 3]]]), "w": f32([[[1, 10]]])}, (f32([[[10, 21, 32, 3]]]),)),
)  # fmt: skip
