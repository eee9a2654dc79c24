"""Loading: formats, limits before anything is parsed, and external data."""

from __future__ import annotations

import gc
import hashlib
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf import json_format, text_format  # type: ignore[import-untyped]

from refexec import loading
from refexec.errors import ExternalDataError, InvalidModel, LimitExceeded, ModelError
from refexec.external import Extent, ExternalData, locate, overlapping
from refexec.limits import Limits
from refexec.loading import SUFFIXES, load
from refexec.prescan import scan_model
from tests.hostile.build import adding, delimited, external, function, graph, info, model, nested, node, sparse, tensor, varint, write
from tests.hostile.cases import EIGHT, chain

TEXT = '<ir_version: 10, opset_import: ["" : 21]>\ng (float[1] x) => (float[1] y) { y = Relu (x) }'


def small() -> onnx.ModelProto:
    return model([node("Relu")])


def as_format(made: onnx.ModelProto, format: str) -> bytes:
    if format == "onnx":
        return bytes(made.SerializeToString())
    if format == "text":
        return TEXT.encode()
    text: str = json_format.MessageToJson(made) if format == "json" else text_format.MessageToString(made)
    return text.encode()


# Sources and formats


@pytest.mark.parametrize("format", ["onnx", "text", "json", "textproto"])
def test_bytes_are_read_in_the_named_format(format: str) -> None:
    loaded = load(as_format(small(), format), format=format)
    assert (loaded.proto.graph.node[0].op_type, loaded.proto.opset_import[0].version) == ("Relu", 21)
    assert (loaded.format, loaded.path, loaded.base_dir, loaded.diagnostics) == (format, None, None, [])


@pytest.mark.parametrize(("suffix", "format"), SUFFIXES.items())
def test_suffix_names_the_format(suffix: str, format: str, tmp_path: Path) -> None:
    path = tmp_path / f"m{suffix}"
    path.write_bytes(as_format(small(), format))
    assert load(path).proto.graph.node[0].op_type == "Relu"


@pytest.mark.parametrize("format", ["text", "json", "textproto"])
def test_content_is_not_guessed(format: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(as_format(small(), format))
    with pytest.raises(InvalidModel):
        load(path)


@pytest.mark.parametrize("format", ["onnx", "text", "json", "textproto"])
@pytest.mark.parametrize("content", [b"\xff\xfe\x00garbage", b"{", b"nonsense", b'"', b"<ir_version: 99999999999999999999>", b"[" * 50])
def test_garbage_is_an_invalid_model_in_every_format(format: str, content: bytes) -> None:
    with pytest.raises(InvalidModel):
        load(content, format=format)


def test_unknown_format_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="format is one of"):
        load(b"x", format="yaml")


def test_str_path_pathlike_and_memoryview_are_sources(tmp_path: Path) -> None:
    path = write(tmp_path, small())
    content = path.read_bytes()
    for source in (str(path), path, content, bytearray(content), memoryview(content)):
        assert load(source).proto == small()
    assert load(path).path == path
    assert load(path).base_dir == str(tmp_path)


def test_relative_path_survives_a_change_of_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.bin").write_bytes(EIGHT)
    write(tmp_path, adding(external("w", location="w.bin")))
    monkeypatch.chdir(tmp_path)
    loaded = load("model.onnx")
    monkeypatch.chdir("/")
    assert bytes(loaded.external.read(loaded.proto.graph.initializer[0])) == EIGHT


def test_a_given_proto_is_not_copied() -> None:
    made = small()
    assert load(made).proto is made


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.onnx")


def test_folder_or_fifo_is_no_model_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(InvalidModel, match="not a regular file"):
            load(path)


def test_error_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel) as caught:
        load(write(tmp_path, b"\x08"))
    assert str(tmp_path / "model.onnx") in caught.value.__notes__[0]


def test_sha256_is_that_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, small())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load(path).sha256 == load(path.read_bytes()).sha256 == digest
    assert load(small()).sha256 == hashlib.sha256(small().SerializeToString(deterministic=True)).hexdigest()


def test_sha256_of_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, small())
    loaded = load(path)
    path.write_bytes(path.read_bytes() + b"\x12\x01a")
    with pytest.raises(ModelError, match="changed"):
        _ = loaded.sha256


# Text formats


@pytest.mark.parametrize("opening", ["seq(", "{", "["])
def test_text_nested_without_end_does_not_reach_the_recursive_parser(opening: str) -> None:
    """onnx.parser overflows the stack of the process at some 10^5 brackets."""
    text = '<ir_version: 10, opset_import: ["" : 21]>\ng (' + opening * 200_000
    with pytest.raises(InvalidModel, match="nested more than 100 deep"):
        load(text.encode(), format="text")


def test_brackets_in_strings_and_comments_of_a_text_do_not_nest() -> None:
    text = TEXT.replace("Relu (x)", f'Relu <note = "{"(" * 300}"> (x)') + "\n# " + "{" * 300
    assert load(text.encode(), format="text").proto.graph.node[0].attribute[0].s == b"(" * 300


def test_text_with_too_many_brackets_is_over_the_limit() -> None:
    with pytest.raises(LimitExceeded, match="proto_items"):
        load(TEXT.encode(), format="text", limits=Limits(proto_items=3))


@pytest.mark.parametrize("format", ["json", "textproto"])
def test_deep_json_and_textproto_are_invalid(format: str) -> None:
    text = {"json": '{"a":' * 99_999, "textproto": "graph { node { attribute { g { " * 20_000}[format]
    with pytest.raises(InvalidModel):
        load(text.encode(), format=format)


def test_textproto_nested_by_angle_brackets_is_invalid() -> None:
    with pytest.raises(InvalidModel):
        load(("graph < node < attribute < g < " * 20_000).encode(), format="textproto")


# Prescan


def count_messages(message: object) -> int:
    """The messages below one, by protobuf's own reflection."""
    total = 0
    for descriptor, value in message.ListFields():  # type: ignore[attr-defined]
        if descriptor.message_type:
            items = value if descriptor.is_repeated else [value]
            total += sum(1 + count_messages(item) for item in items)
    return total


def everything() -> onnx.ModelProto:
    body = function("F", [node("Relu", ["a"], ["b"])], attributes=["p"], defaults=[onnx.helper.make_attribute("q", [1.5, 2.5])])
    made = adding(tensor("w", [2], float_data=[1, 2]), sparse=[sparse([1], [2])])
    made.graph.initializer.append(tensor("v", [2], onnx.TensorProto.DOUBLE, double_data=[1, 2]))
    made.graph.initializer.append(external("u", location="a", offset="3"))
    made.graph.initializer.append(tensor("s", [2], onnx.TensorProto.STRING, string_data=[b"a", b""]))
    made.graph.node.append(nested(3).graph.node[0])
    made.functions.append(body)
    made.metadata_props.add(key="k", value="v")
    made.doc_string = "text"
    made.training_info.add().algorithm.node.add(op_type="Adam")
    return made


def test_prescan_counts_what_protobuf_makes() -> None:
    for made in (small(), everything(), nested(20), chain(50)):
        scan = scan_model(made.SerializeToString(), Limits())
        assert scan.messages == count_messages(made)
        assert scan.unknown == ()


def test_prescan_counts_documentation_and_metadata() -> None:
    assert scan_model(everything().SerializeToString(), Limits()).metadata_bytes == len("textkvlocationaoffset3")


def test_prescan_reads_tags_and_lengths_in_their_long_forms() -> None:
    long_tag = b"\xba\x80\x00" + b"\x82\x80\x80\x00" + b"\x0a\x00"  # field 7 (graph), 2 bytes: one empty node
    assert scan_model(long_tag, Limits()).messages == 2
    assert onnx.ModelProto.FromString(long_tag).graph.node[0].op_type == ""


def test_prescan_steps_over_unknown_fields_of_every_wire_type() -> None:
    fields = [
        varint(900 << 3) + b"\xff\x01",
        varint(901 << 3 | 1) + b"8" * 8,
        varint(902 << 3 | 5) + b"4" * 4,
        delimited(903, b"text"),
        varint(904 << 3 | 3) + delimited(1, b"in a group") + varint(904 << 3 | 4),
    ]
    content = b"".join(fields) + small().SerializeToString()
    scan = scan_model(content, Limits())
    assert [u for u in scan.unknown if u.startswith("ModelProto")] == [f"ModelProto field {n}" for n in range(900, 905)]
    assert onnx.ModelProto.FromString(content).graph.node[0].op_type == "Relu"


@pytest.mark.parametrize(
    "content",
    [
        b"\x3a\x05\x0a\x00",  # a graph that is longer than the file
        b"\x3a\x02\x0a\x05ABCDE",  # a node that is longer than its graph
        b"\x08" + b"\x80" * 10 + b"\x01",  # a varint of 11 bytes
        b"\x00\x00",  # field number 0
        b"\x3a\x02\x08\x80\x01",  # a varint that crosses the end of its message
        b"\xe3\x38",  # a group without end
        b"\xe4\x38",  # the end of no group
        b"\x0e",  # wire type 6
        b"\x0d\x01",  # a fixed32 cut short
        b"\x3a",  # a tag without length
    ],
)
def test_malformed_wire_data_are_invalid_in_prescan_and_in_protobuf(content: bytes) -> None:
    with pytest.raises(InvalidModel, match="not a protobuf message"):
        scan_model(content, Limits())
    with pytest.raises(Exception, match="Error parsing message"):
        onnx.ModelProto.FromString(content)


def test_limits_act_at_their_exact_value() -> None:
    content = everything().SerializeToString()
    scan = scan_model(content, Limits())
    assert scan_model(content, Limits(proto_items=scan.messages)) == scan
    with pytest.raises(LimitExceeded) as caught:
        scan_model(content, Limits(proto_items=scan.messages - 1))
    assert caught.value.seen == {"limit": "proto_items", "asked": scan.messages, "allowed": scan.messages - 1}
    assert load(content, limits=Limits(file_bytes=len(content))).proto.doc_string == "text"
    with pytest.raises(LimitExceeded, match="file_bytes"):
        load(content, limits=Limits(file_bytes=len(content) - 1))


def test_file_above_file_bytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(LimitExceeded, match="file_bytes"):
        load(path)


def test_unknown_fields_of_a_given_proto_are_noted() -> None:
    made = onnx.ModelProto.FromString(small().SerializeToString() + delimited(1000, b"x"))
    (found,) = load(made).diagnostics
    assert (found.rule, "ModelProto field 1000" in found.message) == ("unknown-field", True)


# External data


def resolver(folder: Path, limits: Limits | None = None) -> ExternalData:
    return ExternalData(str(folder), limits or Limits())


def test_external_data_are_a_read_only_mapping_shared_between_calls(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(range(256)) * 1024)
    data = resolver(tmp_path)
    proto = external("w", [16], location="w.bin", offset="4", length="64")
    view = data.read(proto)
    assert view.readonly
    assert bytes(view) == bytes(range(4, 68))
    assert data.read(proto) is view
    array = np.frombuffer(view, np.uint8)
    del view, data
    gc.collect()
    assert array[:3].tolist() == [4, 5, 6]


def test_large_external_file_is_mapped_not_copied(tmp_path: Path) -> None:
    """1 GiB of holes is opened, and the process grows by less than 64 MB."""
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(1 << 30)
    code = """
import re, sys
from refexec.external import ExternalData
from refexec.limits import Limits
from tests.hostile.build import external
peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
before = peak()
view = ExternalData(sys.argv[1], Limits()).read(external("w", [1 << 28], location="w.bin"))
print(len(view), (peak() - before) // 1024)
"""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, capture_output=True, text=True, check=True)
    size, grown = map(int, done.stdout.split())
    assert size == 1 << 30
    assert grown < 64


def test_thousands_of_small_files_hold_no_descriptors(tmp_path: Path) -> None:
    data = resolver(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for i in range(300):
        (tmp_path / f"w{i}").write_bytes(EIGHT)
        data.read(external("w", location=f"w{i}"))
    assert len(os.listdir("/proc/self/fd")) == before


def test_dots_and_double_slashes_in_a_location_name_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.bin").write_bytes(EIGHT)
    data = resolver(tmp_path)
    assert bytes(data.read(external("w", location="./sub//w.bin"))) == EIGHT


def test_empty_tensor_reads_nothing_of_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"")
    assert len(resolver(tmp_path).read(external("w", [0, 3], location="w.bin"))) == 0


@pytest.mark.parametrize(
    ("elem", "count", "size"),
    [(onnx.TensorProto.INT4, 3, 2), (onnx.TensorProto.UINT2, 5, 2), (onnx.TensorProto.FLOAT6E2M3, 4, 3), (onnx.TensorProto.DOUBLE, 3, 24)],
)
def test_length_is_that_of_the_packed_elements(elem: int, count: int, size: int) -> None:
    assert locate(external("w", [count], location="w", elem=elem)).length == size
    with pytest.raises(ExternalDataError, match="not what shape and type need"):
        locate(external("w", [count], location="w", length=str(size + 1), elem=elem))


def test_strings_cannot_be_external() -> None:
    with pytest.raises(ExternalDataError, match="strings"):
        locate(external("w", [1], location="w", elem=onnx.TensorProto.STRING))


def test_model_without_a_folder_asks_for_base_dir(tmp_path: Path) -> None:
    made = adding(external("w", location="w.bin"))
    (tmp_path / "w.bin").write_bytes(EIGHT)
    for source in (made, made.SerializeToString()):
        loaded = load(source)
        with pytest.raises(ExternalDataError, match="pass base_dir"):
            loaded.external.read(made.graph.initializer[0])
        assert bytes(load(source, base_dir=tmp_path).external.read(made.graph.initializer[0])) == EIGHT


def test_external_limits_act_before_anything_is_opened(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(EIGHT)
    proto = external("w", location="a")
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        resolver(tmp_path, Limits(tensor_bytes=7)).read(external("w", location="missing"))
    with pytest.raises(LimitExceeded, match="external_bytes"):
        resolver(tmp_path, Limits(external_bytes=7)).read(external("w", location="missing"))
    counted = resolver(tmp_path, Limits(external_files=1, external_bytes=8))
    counted.read(proto)
    counted.read(proto)
    with pytest.raises(LimitExceeded, match="external_bytes"):
        counted.read(external("w", location="b"))
    few = resolver(tmp_path, Limits(external_files=1))
    few.read(proto)
    with pytest.raises(LimitExceeded, match="external_files"):
        few.read(external("w", location="b"))


def test_checksum_is_that_of_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"before" + EIGHT)
    whole = hashlib.sha1(b"before" + EIGHT).hexdigest().upper()
    keys = [("location", "w.bin"), ("offset", "6"), ("length", "8")]
    assert bytes(resolver(tmp_path).read(external("w", entries=keys, checksum=whole))) == EIGHT
    with pytest.raises(ExternalDataError, match="the file differs"):
        resolver(tmp_path).read(external("w", entries=keys, checksum=hashlib.sha1(EIGHT).hexdigest()))


def test_checksum_counts_for_a_range_already_read_without_one(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(EIGHT)
    data = resolver(tmp_path)
    data.read(external("w", location="w.bin"))
    with pytest.raises(ExternalDataError, match="the file differs"):
        data.read(external("w", location="w.bin", checksum="1" * 40))


def test_pickled_resolver_opens_its_files_again(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(EIGHT)
    data = resolver(tmp_path)
    proto = external("w", location="w.bin")
    data.read(proto)
    assert bytes(pickle.loads(pickle.dumps(data)).read(proto)) == EIGHT


def test_threads_share_one_range(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(1 << 20))
    data = resolver(tmp_path)
    proto = external("w", [1 << 18], location="w.bin")
    views: list[memoryview] = []
    threads = [threading.Thread(target=lambda: views.append(data.read(proto))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(v) for v in views}) == 1


def test_overlapping_finds_each_pair_that_shares_a_part() -> None:
    def at(name: str, offset: int, length: int, file: str = "f") -> tuple[str, Extent]:
        return name, Extent((file,), offset, length, True, "")

    assert overlapping([at("a", 0, 8), at("b", 8, 8), at("same", 8, 8), at("other", 4, 8, "g")]) == []
    assert [(x, y) for x, y, _ in overlapping([at("c", 20, 4), at("a", 0, 30), at("b", 10, 5)])] == [("a", "b"), ("a", "c")]
    assert overlapping([at("a", 0, 8), at("empty", 4, 0)]) == []


def test_dimension_names_and_values_survive(tmp_path: Path) -> None:
    made = model(graph([node("Relu")], [info("x", ["N", 3])]))
    assert load(write(tmp_path, made)).proto == made


def test_a_released_message_is_read_again_from_the_file_or_the_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "RELEASED_FROM", 0)
    for source in (write(tmp_path, small()), small().SerializeToString()):
        loaded = load(source)
        loaded.release()
        assert loaded._proto is None
        assert loaded.proto == small()


def test_a_message_that_cannot_be_read_again_or_is_small_is_not_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(write(tmp_path, small()))
    loaded.release()
    assert loaded._proto is not None
    monkeypatch.setattr(loading, "RELEASED_FROM", 1)
    given = load(small())
    given.release()
    assert given._proto is not None


def test_a_released_message_is_not_read_from_a_file_that_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "RELEASED_FROM", 0)
    path = write(tmp_path, small())
    loaded = load(path)
    loaded.release()
    path.write_bytes(path.read_bytes() + b"\x32\x01x")
    with pytest.raises(ModelError, match="changed after it was loaded"):
        _ = loaded.proto
