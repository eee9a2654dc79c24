"""Messages between processes: what is sent comes back, what is no message is an error."""

from __future__ import annotations

import io
import json
import math
import struct
from typing import Any

import numpy as np
import pytest

from refexec.runtimes.wire import WireError, receive, send
from refexec.types import ELEMENT_TYPES, STRING, ElementType

MOST = 1 << 20


def passed_on(message: dict[str, Any]) -> dict[str, Any]:
    stream = io.BytesIO()
    send(stream, message)
    stream.seek(0)
    found = receive(stream, MOST)
    assert found is not None
    assert stream.read() == b""
    return found


@pytest.mark.parametrize("elem", [e for e in ELEMENT_TYPES if e is not STRING], ids=lambda e: e.name)
def test_each_element_type_keeps_its_bits(elem: ElementType) -> None:
    codes = np.arange(2 if elem.kind == "bool" else 4 if elem.bits < 3 else 16, dtype=np.uint8)
    array = np.repeat(codes, elem.dtype.itemsize).view(elem.dtype) if elem.dtype.itemsize > 1 else codes.view(elem.dtype)
    found = passed_on({"x": array.reshape(2, -1)})["x"]
    assert found.dtype == elem.dtype
    assert found.shape == (2, len(array) // 2)
    assert found.tobytes() == array.tobytes()


def test_strings_keep_every_character() -> None:
    texts = np.array([["", "ü", "a\0b"], ["\n", "𝔸", "\ud800"]], object)
    found = passed_on({"x": texts})["x"]
    assert found.dtype == object
    assert found.tolist() == texts.tolist()


def test_values_of_other_kinds_come_back_equal() -> None:
    message = {"a": [None, True, -(2**70), "text", {"inner": [1.5]}], "b": {1: 2.0, 3: -math.inf}, "c": b"\x00\xff", "d": {"is": "tensor"}}
    assert passed_on(message) == message
    assert math.isnan(passed_on({"x": math.nan})["x"])


def test_empty_and_strided_arrays_keep_their_shape() -> None:
    found = passed_on({"a": np.zeros((0, 3), np.float16), "b": np.arange(6).reshape(2, 3).T, "c": np.array(7)})
    assert found["a"].shape == (0, 3)
    assert found["b"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["c"].shape == ()


def test_headers_and_arrays_above_64_kib_arrive_whole() -> None:
    big = np.arange(100_000, dtype=np.int64)
    found = passed_on({"x": big, "names": ["n" * 1000] * 200})
    assert (found["x"] == big).all()
    assert len(found["names"]) == 200


def test_the_end_of_the_stream_is_none_and_inside_a_message_an_error() -> None:
    assert receive(io.BytesIO(), MOST) is None
    stream = io.BytesIO()
    send(stream, {"x": np.arange(4)})
    whole = stream.getvalue()
    for end in (4, 9, len(whole) - 1):
        with pytest.raises(EOFError):
            receive(io.BytesIO(whole[:end]), MOST)


def forged(header: Any, data: bytes = b"") -> io.BytesIO:
    text = json.dumps(header).encode()
    return io.BytesIO(struct.pack("<Q", len(text)) + text + data)


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"blobs": [-1], "content": {}},
        {"blobs": [MOST + 1], "content": {}},
        {"blobs": [], "content": {"is": "tensor", "elem": 1, "shape": [1], "blob": 0}},
        {"blobs": [4], "content": {"is": "tensor", "elem": 1, "shape": [2], "blob": 0}},
        {"blobs": [4], "content": {"is": "tensor", "elem": 1, "shape": [-1, -1], "blob": 0}},
        {"blobs": [4], "content": {"is": "tensor", "elem": 99, "shape": [1], "blob": 0}},
        {"blobs": [4], "content": {"is": "tensor", "elem": 9, "shape": [4], "blob": 0}},
        {"blobs": [4], "content": {"is": "tensor", "elem": 8, "shape": [1], "blob": 0}},
        {"blobs": [], "content": {"is": "call"}},
    ],
)
def test_a_forged_message_is_refused(header: Any) -> None:
    with pytest.raises(WireError):
        receive(forged(header, b"[42]"), MOST)


def test_a_header_of_absurd_length_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(WireError, match="header"):
        receive(io.BytesIO(struct.pack("<Q", 1 << 60)), MOST)
