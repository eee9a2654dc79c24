"""Hostile and odd models, in rows: how each is built, and what must happen.

A case builds its model in an empty folder and returns what is to be loaded. ``error`` is the error's class, None when the
model is good; ``says`` stands in the message; ``rule`` is a diagnostic of a good model. ``by_plan`` cases look right until the
model is planned; all others must fail in loading or checking.
"""

from __future__ import annotations

import hashlib
import os
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper

from refexec.errors import (
    AmbiguousModel,
    ExternalDataError,
    InvalidModel,
    LimitExceeded,
    RefexecError,
    UnsupportedError,
    UnsupportedOpset,
    UnsupportedType,
)
from refexec.limits import Limits
from tests.hostile.build import (
    adding,
    delimited,
    external,
    function,
    graph,
    info,
    model,
    nested,
    node,
    sparse,
    tensor,
    write,
)

Built = ModelProto | bytes | Path
EIGHT = struct.pack("<2f", 10.0, 20.0)  # the data of a float tensor of shape [2]


@dataclass(frozen=True)
class Case:
    row: int
    name: str
    build: Callable[[Path], Built]
    error: type[RefexecError] | None = None
    says: str = ""
    rule: str = ""
    by_plan: bool = False
    limits: Limits | None = None

    @property
    def id(self) -> str:
        return f"{self.row:02}-{self.name.replace(' ', '-')}"


def _plain(made: ModelProto | bytes) -> Callable[[Path], Built]:
    return lambda folder: made


def _file(made: Callable[[], ModelProto | bytes]) -> Callable[[Path], Built]:
    return lambda folder: write(folder, made())


def good() -> ModelProto:
    return model([node("Relu")])


def files_cases() -> Iterator[Case]:
    """Rows 01 to 04: the file as bytes."""
    serialized = good().SerializeToString()
    yield Case(1, "empty file", _file(lambda: b""), InvalidModel, "empty")
    yield Case(1, "truncated", _plain(serialized[:40]), InvalidModel, "not a protobuf message")
    yield Case(1, "random bytes", _plain(random.Random(1).randbytes(4096)), InvalidModel)
    yield Case(1, "no graph", _plain(b"\x08\x0a"), InvalidModel, "no graph")
    yield Case(
        2, "2M empty nodes", _file(lambda: b"\x08\x0a" + delimited(7, delimited(1, b"")[:2] * 2_000_000)), LimitExceeded, "proto_items"
    )
    yield Case(
        2, "2M empty initializers", _file(lambda: b"\x08\x0a" + delimited(7, delimited(5, b"") * 2_000_000)), LimitExceeded, "proto_items"
    )
    yield Case(
        2, "10M empty names", _file(lambda: delimited(7, delimited(1, delimited(1, b"") * 10_000_000))), LimitExceeded, "proto_items"
    )
    unknown = serialized + delimited(1000, b"x" * 50)
    yield Case(3, "unknown trailing field", _plain(unknown), rule="unknown-field")
    inside = b"\x08\x0a" + delimited(8, b"\x10\x15") + delimited(7, good().graph.SerializeToString() + delimited(500, b"x"))
    yield Case(3, "unknown field inside", _plain(inside), rule="unknown-field")
    yield Case(4, "30 nested subgraphs", _file(lambda: nested(30).SerializeToString()))
    yield Case(4, "40 nested subgraphs", lambda folder: _deep_file(folder, 40), InvalidModel)
    yield Case(4, "300 nested subgraphs", lambda folder: _deep_file(folder, 300), InvalidModel)
    yield Case(4, "200 nested subgraphs in memory", lambda folder: _deep_in_memory(200), LimitExceeded, "subgraph_depth")


def _deep_file(folder: Path, depth: int) -> Path:
    """Built from bytes: protobuf itself refuses to serialize so deep a message."""
    content = delimited(1, delimited(4, b"Relu"))
    for _ in range(depth):
        attribute = delimited(1, b"body") + b"\xa0\x01\x05" + delimited(6, content)
        content = delimited(1, delimited(4, b"Loop") + delimited(5, attribute))
    return write(folder, b"\x08\x0a" + delimited(7, content))


def _deep_in_memory(depth: int) -> ModelProto:
    """Grown in place: protobuf refuses to copy so deep a message."""
    made = model(graph([]))
    inner = made.graph
    for _ in range(depth):
        inner.node.add(op_type="Loop").attribute.add(name="body", type=AttributeProto.GRAPH)
        inner = inner.node[0].attribute[0].g
        inner.name = "body"
    return made


def _imports(*opsets: tuple[str, int]) -> Callable[[Path], Built]:
    return _plain(model([node("Relu")], opsets=opsets))


def version_cases() -> Iterator[Case]:
    """Rows 06 to 10: versions, domains and functions."""
    yield Case(6, "opset 9999", _imports(("", 9999)), UnsupportedOpset, "9999")
    yield Case(6, "opset 0", _imports(("", 0)), UnsupportedOpset, "version 0")
    yield Case(6, "opset -1", _imports(("", -1)), UnsupportedOpset, "-1")
    yield Case(6, "opset 0 of another domain", _imports(("", 21), ("com.acme", 0)), InvalidModel, "below 1")
    yield Case(6, "opset missing", _imports(), InvalidModel, "no operator set")
    yield Case(6, "opset twice", _imports(("", 21), ("", 20)), AmbiguousModel, "imported twice")
    for version in (99, 0, 1 << 31, 2):
        yield Case(7, f"IR {version}", _plain(model([node("Relu")], ir_version=version)), UnsupportedOpset, str(version))
    no_version = good()
    no_version.ClearField("ir_version")
    yield Case(7, "IR missing", _plain(no_version), UnsupportedOpset, "ir_version=none")
    yield Case(8, "two spellings, two versions", _imports(("", 21), ("ai.onnx", 5)), AmbiguousModel, "(21, 5)")
    yield Case(8, "two spellings, one version", _imports(("", 21), ("ai.onnx", 21)), rule="opset-twice")
    evil = model([node("Exec", domain="com.evil", code="import os")], opsets=[("", 21), ("com.evil", 1)])
    yield Case(9, "com.evil Exec", _plain(evil), UnsupportedError, "Exec", by_plan=True)
    python = node("PyOp", domain="com.microsoft", module="os", class_name="system", compute="system")
    yield Case(9, "PyOp", _plain(model([python], opsets=[("", 21), ("com.microsoft", 1)])), UnsupportedError, "PyOp", by_plan=True)
    for domain in ("", "ai.onnx"):
        relu = function("Relu", [node("Sigmoid", ["a"], ["b"])], domain=domain, opsets=[("", 21)])
        name = f"function named Relu in {domain!r}"
        yield Case(10, name, _plain(model([node("Relu")], functions=[relu])), AmbiguousModel, "standard operator")


def _attribute(**fields: Any) -> Callable[[Path], Built]:
    return _plain(model([NodeProto(op_type="Softmax", input=["x"], output=["y"], attribute=[AttributeProto(**fields)])]))


def structure_cases() -> Iterator[Case]:
    """Rows 11 and 12: attributes and names."""
    FLOAT, INT = AttributeProto.FLOAT, AttributeProto.INT
    twice = model([node("Softmax", axis=0)])
    twice.graph.node[0].attribute.append(helper.make_attribute("axis", -1))
    same = [function("F", [node("Sigmoid", ["a"], ["b"])]), function("F", [node("Relu", ["a"], ["b"])])]
    calls = model([node("F", domain="local")], opsets=[("", 21), ("local", 1)], functions=same)
    yield Case(11, "function twice", _plain(calls), AmbiguousModel, "two functions")
    yield Case(11, "attribute twice", _plain(twice), AmbiguousModel, "attribute 'axis': the node has this attribute twice")
    yield Case(11, "attribute with two values", _attribute(name="axis", type=INT, f=1.0, i=0), AmbiguousModel, "two values")
    yield Case(11, "attribute type undefined", _attribute(name="axis", i=0), InvalidModel, "UNDEFINED")
    yield Case(11, "attribute without value", _attribute(name="axis", type=INT), InvalidModel, "no value")
    yield Case(11, "attribute of another type", _attribute(name="axis", type=FLOAT, i=0), AmbiguousModel, "not of the attribute's type")
    yield Case(11, "unknown attribute", _attribute(name="beta", type=FLOAT, f=1.0), InvalidModel, "beta", by_plan=True)
    yield Case(11, "float where the schema says int", _attribute(name="axis", type=FLOAT, f=0.0), InvalidModel, "axis", by_plan=True)
    one = tensor("w", [2], float_data=[1, 2])
    yield Case(12, "initializer twice", _plain(adding(one, one)), AmbiguousModel, "initializer 0 and initializer 1")
    both = adding(one, sparse=[sparse([0], [2])])
    yield Case(12, "initializer dense and sparse", _plain(both), AmbiguousModel, "initializer 0 and sparse initializer 0")
    shadowed = model(graph([node("Relu", ["x"], ["w"]), node("Relu", ["w"])], initializers=[one]))
    yield Case(12, "output is initializer", _plain(shadowed), AmbiguousModel, "initializer 0 and node 0 (Relu)")
    yield Case(12, "output is input", _plain(model([node("Relu", ["x"], ["x"]), node("Relu")])), AmbiguousModel, "an input and node 0")
    yield Case(12, "output twice", _plain(model([node("Relu"), node("Sigmoid")])), AmbiguousModel, "node 0 (Relu) and node 1 (Sigmoid)")
    circle = model([node("Add", ["x", "b"], ["a"], name="p"), node("Relu", ["a"], ["b"], name="q"), node("Sigmoid", ["b"])])
    yield Case(12, "cycle", _plain(circle), InvalidModel, "node 0 'p' (Add) -> node 1 'q' (Relu) -> node 0 'p' (Add)")
    yield Case(12, "node uses itself", _plain(model([node("Add", ["x", "y"], ["y"])])), InvalidModel, "node 0 (Add) -> node 0 (Add)")
    yield Case(12, "use before definition", _plain(model([node("Relu", ["a"], ["y"]), node("Sigmoid", ["x"], ["a"])])), rule="unsorted")
    yield Case(12, "never defined", _plain(model([node("Relu", ["nothing"])])), InvalidModel, "nothing defines it")


NASTY = "a\x1b[31m\x07\0../<script>alert(1)</script>[red]\u202egnp"


def text_cases() -> Iterator[Case]:
    """Rows 13 and 14: names and documentation."""
    yield Case(13, "nasty names", _plain(model(graph([node("Relu", [NASTY], ["y"], name=NASTY)], [NASTY]))))
    missing = model([node("Relu", [NASTY], name=NASTY)])
    yield Case(13, "nasty name in an error", _plain(missing), InvalidModel, r"a\x1b[31m\x07\x00../<script>alert(1)</script>[red]\u202egnp")
    yield Case(13, "name of 1 MB", _plain(model([node("Relu", name="n" * 1_000_000)])), LimitExceeded, "name_bytes")
    not_utf8 = good().SerializeToString().replace(b"Relu", b"R\xff\xfeu")
    yield Case(13, "name that is not UTF-8", _plain(not_utf8), InvalidModel, "not UTF-8")
    yield Case(14, "100 MB doc_string", _file(_long_doc), LimitExceeded, "metadata_bytes")
    yield Case(14, "100 MB metadata", _file(_long_metadata), LimitExceeded, "metadata_bytes")
    yield Case(14, "100 MB in 2000 nodes", _file(_long_everywhere), LimitExceeded, "metadata_bytes")
    yield Case(14, "100 MB in memory", lambda folder: ModelProto.FromString(_long_doc()), LimitExceeded, "metadata_bytes")
    bomb = good()
    bomb.graph.node[0].metadata_props.add(key="pkg.torch.onnx.stack_trace", value="(" * 1_000_000 + ")" * 1_000_000)
    yield Case(14, "metadata that is no literal", _plain(bomb))
    keys = good()
    for value in "12":
        keys.metadata_props.add(key="k", value=value)
    yield Case(14, "metadata key twice", _plain(keys), AmbiguousModel, "metadata key")


def _long_doc() -> bytes:
    return bytes(good().SerializeToString()) + delimited(6, b"d" * 100_000_000)


def _long_metadata() -> bytes:
    return bytes(good().SerializeToString()) + delimited(14, delimited(1, b"k") + delimited(2, b"v" * 100_000_000))


def _long_everywhere() -> bytes:
    return b"\x08\x0a" + delimited(7, delimited(1, delimited(6, b"d" * 50_000)) * 2000)


def data_cases() -> Iterator[Case]:
    """Rows 15 to 19: tensors in the file."""
    kind = TensorProto
    for dims in ([-1], [1 << 32, 1 << 32], [1 << 62, 4], [0, 1 << 62]):
        yield Case(15, f"dims {dims}", _plain(adding(tensor(dims=dims, raw_data=b""))), InvalidModel, "dims")
    yield Case(15, "dims [0, 2^32]", _plain(adding(tensor("v", [0, 1 << 32], raw_data=b""), tensor("w", [2], raw_data=EIGHT))))
    yield Case(15, "dims 2^40 without data", _plain(adding(tensor(dims=[1 << 40], raw_data=b""))), LimitExceeded, "tensor_bytes")
    yield Case(15, "rank 65", _plain(adding(tensor(dims=[1] * 65, raw_data=b"1234"))), LimitExceeded, "rank")
    for size in (7, 6, 9, 0):
        yield Case(
            16, f"raw_data of {size} bytes", _plain(adding(tensor(dims=[2], raw_data=b"12345678x"[:size]))), InvalidModel, "8", by_plan=True
        )
    int4 = adding(tensor(dims=[3], elem=kind.INT4, raw_data=b"1"), shape=[3])
    yield Case(16, "int4 payload short", _plain(int4), InvalidModel, "2", by_plan=True)
    yield Case(16, "dtype 777", _plain(adding(tensor(dims=[2], elem=777, raw_data=EIGHT))), UnsupportedType, "777")
    yield Case(16, "dtype undefined", _plain(adding(tensor(dims=[2], elem=0, raw_data=EIGHT))), InvalidModel, "UNDEFINED")
    double = tensor("w", [2], raw_data=EIGHT, float_data=[1.0, 2.0])
    constant = node("Constant", [], ["c"], value=double)
    yield Case(17, "typed and raw in an initializer", _plain(adding(double)), AmbiguousModel, "float_data and raw_data")
    yield Case(
        17, "typed and raw in a Constant", _plain(model([constant, node("Sigmoid", ["c"])])), AmbiguousModel, "float_data and raw_data"
    )
    default = function("F", [node("Sigmoid", ["a"], ["b"])], attributes=[], defaults=[helper.make_attribute("v", double)])
    call = [node("F", domain="local")]
    imports = [("", 21), ("local", 1)]
    yield Case(
        17, "typed and raw in a function default", _plain(model(call, imports, [default])), AmbiguousModel, "default of attribute 'v'"
    )
    body = function("F", [constant, node("Sigmoid", ["c"], ["b"])])
    yield Case(17, "typed and raw in a function body", _plain(model(call, imports, [body])), AmbiguousModel, "function 'local:F'")
    then = graph([node("Identity", ["w"], ["t"])], [], ["t"], [double])
    other = graph([node("Identity", ["x"], ["e"])], [], ["e"])
    branching = graph([node("If", ["c"], then_branch=then, else_branch=other)], ["x", info("c", [], kind.BOOL)])
    yield Case(17, "typed and raw in a subgraph", _plain(model(branching)), AmbiguousModel, "then_branch")
    two = sparse([0, 1], values=double)
    yield Case(17, "typed and raw in sparse values", _plain(adding(sparse=[two], shape=[4])), AmbiguousModel, "values")
    also_external = external("w", [2], location="w.bin")
    also_external.raw_data = EIGHT
    yield Case(17, "raw and external", _plain(adding(also_external)), AmbiguousModel, "raw_data and external_data")
    for name, indices in (("index is the size", [4]), ("index -1", [-1]), ("unsorted", [2, 1]), ("index twice", [1, 1])):
        yield Case(18, f"sparse {name}", _plain(adding(sparse=[sparse(indices)], shape=[4])), InvalidModel, "indices")
    yield Case(
        18, "sparse 2-D index outside", _plain(adding(sparse=[sparse([1, 2], [2, 2], [1, 2])], shape=[2, 2])), InvalidModel, "indices"
    )
    yield Case(18, "sparse 2-D", _plain(adding(sparse=[sparse([0, 1, 1, 0], [2, 2], [2, 2])], shape=[2, 2])))
    huge = adding(sparse=[sparse([5], [10**12])], shape=[10**12])
    yield Case(18, "sparse of 10^12", _plain(huge), LimitExceeded, "tensor_bytes", by_plan=True)
    for name, text in (("not UTF-8", b"\xff"), ("a lone surrogate", b"\xed\xa0\x80")):
        bad = model(
            graph([node("Identity", ["w"])], [], [info("y", [1], kind.STRING)], [tensor("w", [1], kind.STRING, string_data=[text])])
        )
        yield Case(19, f"string is {name}", _plain(bad), InvalidModel, "UTF-8", by_plan=True)
    long = tensor("w", [100], kind.STRING, string_data=[b"s" * 100] * 100)
    text_model = model(graph([node("Identity", ["w"])], [], [info("y", [100], kind.STRING)], [long]))
    yield Case(
        19, "10 kB of strings where 1 kB is allowed", _plain(text_model), LimitExceeded, "string_bytes", limits=Limits(string_bytes=1000)
    )


def _beside(setup: Callable[[Path], object] = lambda folder: None, dims: tuple[int, ...] = (2,), **keys: str) -> Callable[[Path], Built]:
    """y = x + w with w in the file that ``keys`` names; ``w.bin`` holds it, ``outside.bin`` stands above the model's folder."""

    def build(folder: Path) -> Path:
        home = folder / "home"
        home.mkdir()
        (home / "w.bin").write_bytes(EIGHT)
        (folder / "outside.bin").write_bytes(EIGHT)
        setup(home)
        entries = {"location": "w.bin", **keys}
        return write(home, adding(external("w", dims, entries.items()), shape=dims))

    return build


def _links(kind: str) -> Callable[[Path], object]:
    def setup(home: Path) -> None:
        trap = home / "trap"
        if kind == "link":
            trap.symlink_to("../outside.bin")
        elif kind == "folder link":
            trap.symlink_to("..")
        elif kind == "hard link":
            os.link(home.parent / "outside.bin", trap)
        elif kind == "fifo":
            os.mkfifo(trap)
        elif kind == "folder":
            trap.mkdir()
        elif kind == "device link":
            trap.symlink_to("/dev/zero")

    return setup


def external_cases() -> Iterator[Case]:
    """Rows 20 to 27: tensors in other files."""
    upwards = ("../outside.bin", "a/../../outside.bin", "./../outside.bin", "..")
    foreign = ("/etc/passwd", "C:\\w.bin", "C:w.bin", "\\\\srv\\w.bin", "a\\b", "w\0.bin")
    for location in (*upwards, *foreign, "", "w.bin/", "."):
        yield Case(20, f"location {location!r}", _beside(location=location), ExternalDataError, "the location")
    yield Case(21, "link", _beside(_links("link"), location="trap"), ExternalDataError, "symbolic link")
    yield Case(21, "link on the way", _beside(_links("folder link"), location="trap/outside.bin"), ExternalDataError, "symbolic link")
    yield Case(21, "hard link", _beside(_links("hard link"), location="trap"), ExternalDataError, "2 names")
    yield Case(21, "FIFO", _beside(_links("fifo"), location="trap"), ExternalDataError, "not a regular file")
    yield Case(21, "folder", _beside(_links("folder"), location="trap"), ExternalDataError, "not a regular file")
    yield Case(21, "link to a device", _beside(_links("device link"), location="trap"), ExternalDataError, "symbolic link")
    yield Case(21, "missing", _beside(location="none.bin"), ExternalDataError, "No such file")
    yield Case(21, "a file as folder", _beside(location="w.bin/x"), ExternalDataError, "not a folder")
    yield Case(21, "name of 5000 characters", _beside(location="n" * 5000), ExternalDataError, "cannot be opened")
    for value in ("-1", "9223372036854775808", "1e9", " 4", "4 ", "+4", "0x4", "", "\u0664", "4_0"):
        yield Case(22, f"offset {value!r}", _beside(offset=value), ExternalDataError, "offset is not a decimal")
        yield Case(22, f"length {value!r}", _beside(length=value), ExternalDataError, "length is not a decimal")
    yield Case(22, "offset past the end", _beside(offset="8"), ExternalDataError, "not in the file")
    yield Case(22, "offset far past the end", _beside(offset="9223372036854775807"), ExternalDataError, "not in the file")
    yield Case(22, "length is not what dims need", _beside(length="4"), ExternalDataError, "not what shape and type need")
    yield Case(22, "dims need more than the file has", _beside(dims=(3,)), ExternalDataError, "not in the file")
    yield Case(22, "no length and a longer file", _beside(dims=(1,)), ExternalDataError, "the file goes on")
    yield Case(22, "right", _beside(offset="0", length="8"))
    yield Case(23, "the model file", _beside(location="model.onnx", length="8"), ExternalDataError, "the model file itself")
    yield Case(23, "ranges overlap", _overlap, rule="external-overlap")
    sha1, sha256 = hashlib.sha1(EIGHT).hexdigest(), hashlib.sha256(EIGHT).hexdigest()
    yield Case(24, "wrong SHA-1", _beside(checksum="0" * 40), ExternalDataError, "the file differs")
    yield Case(24, "wrong SHA-256", _beside(checksum="sha256:" + "0" * 64), ExternalDataError, "the file differs")
    yield Case(24, "no digest at all", _beside(checksum="yes"), ExternalDataError, "40 hex digits")
    yield Case(24, "right SHA-1", _beside(checksum=sha1))
    yield Case(24, "right SHA-256", _beside(checksum=f"sha256:{sha256}"), rule="external-sha256")
    yield Case(25, "key __class__", _beside(__class__="dict"), ExternalDataError, "unknown key")
    yield Case(25, "key basepath", _beside(basepath="/"), ExternalDataError, "unknown key")
    yield Case(25, "location twice", _twice, ExternalDataError, "twice")
    yield Case(25, "no location", lambda folder: write(folder, adding(external(length="8"))), ExternalDataError, "no location")
    yield Case(25, "an address in memory", _beside(location="*/_ORT_MEM_ADDR_/*", offset="4096"), ExternalDataError, "address in memory")
    yield Case(26, "escaping from a function body", _placed("function", "../outside.bin"), ExternalDataError, "leads upwards")
    yield Case(26, "escaping from a subgraph", _placed("subgraph", "../outside.bin"), ExternalDataError, "leads upwards")
    yield Case(26, "escaping from sparse values", _placed("sparse", "../outside.bin"), ExternalDataError, "leads upwards")
    yield Case(26, "linked from a function body", _placed("function", "trap"), ExternalDataError, "symbolic link", by_plan=True)
    yield Case(26, "linked from a subgraph", _placed("subgraph", "trap"), ExternalDataError, "symbolic link", by_plan=True)
    yield Case(26, "linked from sparse values", _placed("sparse", "trap"), ExternalDataError, "symbolic link")
    for place in ("function", "subgraph", "sparse"):
        yield Case(26, f"right in a {place}", _placed(place, "w.bin"))
    yield Case(27, "256 GiB", _sparse_file, LimitExceeded, "tensor_bytes")
    yield Case(27, "256 GiB in 64 tensors", _sparse_file_parts, LimitExceeded, "external_bytes")


def _overlap(folder: Path) -> Path:
    (folder / "w.bin").write_bytes(EIGHT + b"\0" * 8)
    parts = [external(name, [2], location="w.bin", offset=offset, length="8") for name, offset in (("v", "0"), ("w", "4"))]
    return write(folder, adding(*parts))


def _twice(folder: Path) -> Path:
    (folder / "w.bin").write_bytes(EIGHT)
    return write(folder, adding(external(entries=[("location", "w.bin"), ("location", "w.bin")])))


def _placed(place: str, location: str) -> Callable[[Path], Built]:
    """External data that are not an initializer of the main graph."""

    def build(folder: Path) -> Path:
        home = folder / "home"
        home.mkdir()
        (home / "w.bin").write_bytes(EIGHT)
        (folder / "outside.bin").write_bytes(EIGHT)
        (home / "trap").symlink_to("../outside.bin")
        data = external("w", [2], location=location)
        constant = node("Constant", [], ["w"], value=data)
        if place == "function":
            body = function("F", [constant, node("Add", ["a", "w"], ["b"])])
            frame = graph([node("F", domain="local")], [info("x", [2])], [info("y", [2])])
            return write(home, model(frame, [("", 21), ("local", 1)], [body]))
        if place == "subgraph":
            then = graph([constant, node("Add", ["x", "w"], ["t"])], [], [info("t", [2])])
            other = graph([node("Sigmoid", ["x"], ["e"])], [], [info("e", [2])])
            choice = graph(
                [node("If", ["c"], then_branch=then, else_branch=other)],
                [info("x", [2]), info("c", [], TensorProto.BOOL)],
                [info("y", [2])],
            )
            return write(home, model(choice))
        return write(home, adding(sparse=[sparse([0, 1], [2], values=data)]))

    return build


def _sparse_file(folder: Path) -> Path:
    with (folder / "w.bin").open("wb") as file:
        file.truncate(256 << 30)
    return write(folder, adding(external("w", [64 << 30], location="w.bin", length=str(256 << 30)), shape=[64 << 30]))


def _sparse_file_parts(folder: Path) -> Path:
    with (folder / "w.bin").open("wb") as file:
        file.truncate(256 << 30)
    parts = [external("w" if i == 0 else f"w{i}", [1 << 30], location="w.bin", offset=str(i << 32), length=str(1 << 32)) for i in range(64)]
    return write(folder, adding(*parts, shape=[1 << 30]))


def chain(length: int) -> ModelProto:
    """Row 05: 1 - x, again and again."""
    nodes = [node("Sub", ["one", f"x{i}"], [f"x{i + 1}"]) for i in range(length)]
    return model(graph(nodes, ["x0"], [f"x{length}"], [tensor("one", [1], float_data=[1.0])]))


def function_cases() -> Iterator[Case]:
    """Calls that expand without end, counted without expanding (rows 38 and 39)."""
    imports = [("", 21), ("local", 1)]
    doubling = [function(f"F{i}", _calls(i, 2)) for i in range(30)]
    doubling.append(function("F30", [node("Sigmoid", ["a"], ["b"])]))
    yield Case(
        38, "30 functions called twice each", _plain(model([node("F0", domain="local")], imports, doubling)), LimitExceeded, "inlined_nodes"
    )
    itself = function("F", [node("F", ["a"], ["b"], domain="local")])
    yield Case(39, "function calls itself", _plain(model([node("F", domain="local")], imports, [itself])), InvalidModel, "in a circle")
    then = graph([node("F", ["a"], ["t"], domain="local")], [], ["t"])
    other = graph([node("Sigmoid", ["a"], ["e"])], [], ["e"])
    through = [
        function("F", [node("G", ["a"], ["b"], domain="local")]),
        function("G", [node("Cast", ["a"], ["c"], to=9), node("If", ["c"], ["b"], then_branch=then, else_branch=other)]),
    ]
    calls = model([node("F", domain="local")], imports, through)
    yield Case(
        39, "two functions call each other through If", _plain(calls), InvalidModel, "'local:F' -> function 'local:G' -> function 'local:F'"
    )
    deep = [function(f"F{i}", _calls(i, 1)) for i in range(200)]
    deep.append(function("F200", [node("Sigmoid", ["a"], ["b"])]))
    yield Case(39, "200 functions deep", _plain(model([node("F0", domain="local")], imports, deep)), LimitExceeded, "call_depth")
    many = [function(f"F{i}", [node("Sigmoid", ["a"], ["b"])]) for i in range(10_001)]
    yield Case(39, "10001 functions", _plain(model([node("Sigmoid")], imports, many)), LimitExceeded, "functions")


def _calls(level: int, count: int) -> list[NodeProto]:
    names = ["a", *(f"m{i}" for i in range(count - 1)), "b"]
    return [node(f"F{level + 1}", [names[i]], [names[i + 1]], domain="local") for i in range(count)]


CASES: tuple[Case, ...] = (
    *files_cases(),
    *version_cases(),
    *structure_cases(),
    *text_cases(),
    *data_cases(),
    *external_cases(),
    *function_cases(),
)
