"""Feeds from files, from JSON and generated ones; broken and hostile files."""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import refexec
from refexec.errors import FeedError, LimitExceeded, UnsupportedError
from refexec.observe.generated import generate
from refexec.observe.inputs import declared_type, parse_feed, read_feed, read_feeds
from tests.models import session

TWO = "(float[N] x, int64[M] i) => (float[N] y, int64[M] j) { y = Neg(x) j = Neg(i) }"


def f32(*numbers: float) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.float32)


def one(elem: int, shape: list[Any] | None = None) -> refexec.Session:
    """A model that returns its only input ``x``."""
    return built(helper.make_tensor_type_proto(elem, ["N"] if shape is None else shape))


def built(kind: onnx.TypeProto) -> refexec.Session:
    infos = [helper.make_value_info(n, kind) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", infos[:1], infos[1:])
    return refexec.Session(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=12))


def tensor_pb(array: np.ndarray) -> bytes:
    return bytes(numpy_helper.from_array(array).SerializeToString())


def npy_header(text: str, major: int = 1) -> bytes:
    body = text.encode() + b"\n"
    return b"\x93NUMPY" + bytes([major, 0]) + struct.pack("<H", len(body)) + body


# files


def test_npz_gives_arrays_by_name_in_any_layout(tmp_path: Path) -> None:
    x, i = np.asfortranarray(f32(1, 2)), np.array([3], ">i8")
    np.savez(tmp_path / "f.npz", x=x, i=i)
    found = read_feeds(session(TWO), tmp_path / "f.npz")
    assert found["x"].tolist() == [1, 2] and found["i"].tolist() == [3]
    y, j = session(TWO).run(None, found)
    assert (y.tolist(), j.tolist()) == ([-1, -2], [-3])


def test_fortran_order_of_a_matrix_is_kept(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)))
    assert read_feed(one(TensorProto.FLOAT, [2, 3]), "x", tmp_path / "f.npy").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_one_input_can_be_taken_from_a_npz_with_more_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", x=f32(1), labels=np.array([7], np.int64))
    with pytest.raises(FeedError, match="no value named 'labels'") as caught:
        read_feeds(one(TensorProto.FLOAT), tmp_path / "f.npz")
    assert "takes one of them" in caught.value.__notes__[0]
    assert parse_feed(one(TensorProto.FLOAT), "x", str(tmp_path / "f.npz")).tolist() == [1]
    with pytest.raises(FeedError, match="no array named 'i'"):
        read_feed(session(TWO), "i", tmp_path / "f.npz")


@pytest.mark.parametrize("elem", ["bfloat16", "float8_e4m3fn", "int4", "uint4"])
def test_types_that_numpy_stores_as_raw_bytes_are_read_as_declared(tmp_path: Path, elem: str) -> None:
    dtype = np.dtype(getattr(ml_dtypes, elem))
    numbers = [0, 1, 2, 3] if elem[0] == "u" else [-2, -1, 0, 3]
    np.savez(tmp_path / "f.npz", x=np.array(numbers).astype(dtype))
    number = refexec.types.element_type(dtype).number
    array = read_feeds(one(number), tmp_path / "f.npz")["x"]
    assert array.dtype == dtype and array.astype(np.float64).tolist() == numbers
    with pytest.raises(FeedError, match="raw bytes"):
        read_feeds(one(TensorProto.INT64), tmp_path / "f.npz")


def test_text_arrays_are_fed_as_strings(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.array(["a", "bc"]))
    s = one(TensorProto.STRING)
    assert s.run(None, {"x": read_feed(s, "x", tmp_path / "f.npy")})[0].tolist() == ["a", "bc"]


def test_pickled_arrays_are_refused_without_being_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return Path(tmp_path / "owned").touch, ()

    np.save(tmp_path / "f.npy", np.array([Bomb()], object), allow_pickle=True)
    np.savez(tmp_path / "f.npz", x=np.array([Bomb()], object))
    for name in ("f.npy", "f.npz"):
        with pytest.raises(FeedError, match="never loaded"):
            read_feeds(one(TensorProto.FLOAT), tmp_path / name)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("f.npy", b"", "no array in NumPy's format"),
        ("f.npy", b"\x93NUMPY\x01\x00", "no array in NumPy's format"),
        ("f.npy", npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000,), }") + b"\0" * 8, "cut short"),
        ("f.npy", npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), "cut short|no array"),
        ("f.npy", npy_header("__import__('os')"), "no array in NumPy's format"),
        ("f.npy", b"\x93NUMPY\x03\x00\x02\x00\x00\x00{}", "structured"),
        ("f.npz", b"PK\x03\x04 no zip", "no readable .npz"),
        ("f.npz", b"", "no readable .npz"),
        ("f.pb", b"\xff\xff\xff", "not a TensorProto"),
        ("f.pb", b"", "data_type"),
        ("f.pb", tensor_pb(f32(1))[:-2], "TensorProto"),
        ("f.json", b"{", "not JSON"),
        ("f.json", b"[1]", "an object by input name"),
        ("f.json", b'{"x": [1], "x": [2]}', "twice"),
        ("f.json", b"[" * 100_000, "not JSON"),
        ("f.csv", b"1,2", "ending in .npz"),
    ],
)  # fmt: skip
def test_a_broken_file_is_a_feed_error(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FeedError, match=words):
        read_feeds(one(TensorProto.FLOAT), tmp_path / name)


def test_a_name_that_is_twice_in_a_npz_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, f32(1))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
        archive.writestr("x.npy", buffer.getvalue())
    with pytest.raises(FeedError, match="twice"):
        read_feeds(one(TensorProto.FLOAT), tmp_path / "f.npz")


def test_a_large_array_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "f.npz", x=np.zeros(1_000_000, np.float32))
    limits = refexec.Limits(tensor_bytes=1000)
    proto = one(TensorProto.FLOAT).model.proto
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        read_feeds(refexec.Session(proto, limits=limits), tmp_path / "f.npz")
    with pytest.raises(LimitExceeded, match="file_bytes"):
        (tmp_path / "f.pb").write_bytes(b"\0" * 2000)
        read_feeds(refexec.Session(proto, limits=refexec.Limits(file_bytes=1000)), tmp_path / "f.pb")


def test_a_folder_gives_the_inputs_in_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "test_data_set_0"
    folder.mkdir()
    (folder / "input_0.pb").write_bytes(tensor_pb(f32(5)))
    (folder / "input_1.pb").write_bytes(tensor_pb(np.array([6, 7], np.int64)))
    for place in (folder, tmp_path):  # the set itself, and the folder of a backend test
        found = read_feeds(session(TWO), place)
        assert (found["x"].tolist(), found["i"].tolist()) == ([5], [6, 7])
    (folder / "input_1.pb").rename(folder / "input_2.pb")
    with pytest.raises(FeedError, match="one for each input"):
        read_feeds(session(TWO), folder)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(FeedError, match="neither input"):
        read_feeds(session(TWO), tmp_path / "nothing")


def test_eleven_inputs_are_not_sorted_as_text(tmp_path: Path) -> None:
    names = [f"x{k}" for k in range(11)]
    s = session(f"({', '.join(f'float[1] {n}' for n in names)}) => (float[1] y) {{ y = Sum({', '.join(names)}) }}")
    for k in range(11):
        (tmp_path / f"input_{k}.pb").write_bytes(tensor_pb(f32(k)))
    assert [v.tolist() for v in read_feeds(s, tmp_path).values()] == [[k] for k in range(11)]


def test_sequences_and_optionals_are_read_by_their_declared_type(tmp_path: Path) -> None:
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, ["N"])
    arrays = [f32(1, 2), f32(3)]
    (tmp_path / "s.pb").write_bytes(numpy_helper.from_list(arrays).SerializeToString())
    s = built(helper.make_sequence_type_proto(tensor))
    assert [v.tolist() for v in s.run(None, read_feeds(s, tmp_path / "s.pb"))[0]] == [[1, 2], [3]]
    o = built(helper.make_optional_type_proto(tensor))
    for value, expected in ((f32(4), [4]), (None, None)):
        (tmp_path / "o.pb").write_bytes(
            numpy_helper.from_optional(value, dtype=onnx.OptionalProto.TENSOR).SerializeToString() if value is not None else b""
        )
        (found,) = o.run(None, read_feeds(o, tmp_path / "o.pb"))
        assert (None if found is None else found.tolist()) == expected
    assert o.run(None, {"x": parse_feed(o, "x", "null")}) == [None]
    assert [v.tolist() for v in s.run(None, {"x": parse_feed(s, "x", "[[1], [2, 3]]")})[0]] == [[1], [2, 3]]


# JSON


def test_json_takes_the_declared_type() -> None:
    found = session(TWO)
    feeds = {"x": parse_feed(found, "x", '[1, 2.5, "-Infinity"]'), "i": parse_feed(found, "i", "[9223372036854775807]")}
    y, j = found.run(None, feeds)
    assert y.dtype == np.float32 and y.tolist() == [-1, -2.5, math.inf]
    assert j.tolist() == [-(2**63 - 1)]


def test_json_files_hold_all_inputs_or_one(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text(json.dumps({"x": [1], "i": [2]}))
    (tmp_path / "one.json").write_text("[1, 2]")
    assert read_feeds(session(TWO), tmp_path / "all.json") == {"x": [1], "i": [2]}
    assert read_feed(session(TWO), "i", tmp_path / "one.json") == [1, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [("[1.5]", "cannot be int64"), ("[9223372036854775808]", "cannot be|out of the range"), ('["1"]', "no int64"), ("[null]", "no int64"),
     ("[[1], 2]", "different lengths"), ("word", "text needs quotes"), ('{"a": 1}', "no int64")],
)  # fmt: skip
def test_json_that_does_not_fit_is_a_feed_error(text: str, words: str) -> None:
    found = session(TWO)
    with pytest.raises(FeedError, match=words):
        found.run(None, {"x": f32(1), "i": parse_feed(found, "i", text)})


def test_an_unknown_name_is_a_feed_error_that_names_the_nearest() -> None:
    with pytest.raises(FeedError) as caught:
        declared_type(session("(float[N] pixels) => (float[N] y) { y = Neg(pixels) }"), "pixel")
    assert caught.value.seen["nearest"] == "pixels"


# generated


def test_generated_feeds_repeat_with_their_seed_and_differ_between_seeds() -> None:
    first, again, other = (generate(session(TWO), seed=s, dims={"N": 5}) for s in (1, 1, 2))
    assert np.array_equal(first.feeds["x"], again.feeds["x"]) and not np.array_equal(first.feeds["x"], other.feeds["x"])
    assert first.feeds["x"].shape == (5,) and first.feeds["i"].shape == (1,)
    assert first.sizes == {"M": 1} and "M=1" in first.note() and "RANDOM" in first.note()
    assert first.to_json()["shapes"] == {"x": "float32[5]", "i": "int64[1]"}


def test_what_is_given_is_kept_and_fixes_the_size_of_its_symbols() -> None:
    s = session("(float[N] x, float[N] z) => (float[N] y) { y = Add(x, z) }")
    given = f32(1, 2, 3)
    for value in (given, given.tolist()):
        made = generate(s, {"x": value})
        assert made.feeds["x"] is value and made.feeds["z"].shape == (3,) and made.drawn == ("z",)
    assert generate(s, {"x": given, "z": given}).to_json()["random"] is False


def test_ranges_hold_and_their_names_are_checked() -> None:
    made = generate(session(TWO), ranges={"x": (10, 11), "i": (5, 6)}, dims={"N": 100, "M": 100})
    assert made.feeds["x"].min() >= 10 and made.feeds["x"].max() <= 11
    assert set(made.feeds["i"].tolist()) == {5, 6}
    with pytest.raises(FeedError, match="not drawn"):
        generate(session(TWO), {"x": f32(1)}, ranges={"x": (0, 1)})
    with pytest.raises(FeedError, match="no input has a dimension 'K'"):
        generate(session(TWO), dims={"K": 2})


def test_generated_feeds_stay_within_the_limits() -> None:
    s = refexec.Session(one(TensorProto.FLOAT, ["N", 1000]).model.proto, limits=refexec.Limits(tensor_bytes=1_000_000))
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        generate(s, dims={"N": 1_000_000_000})
    with pytest.raises(LimitExceeded, match="tensor_bytes"):
        generate(s, dims={"x": (10**9, 1000)})


def test_an_input_without_rank_needs_its_shape() -> None:
    s = built(helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    with pytest.raises(UnsupportedError, match="rank"):
        generate(s)
    assert generate(s, dims={"x": (2, 3)}).feeds["x"].shape == (2, 3)
