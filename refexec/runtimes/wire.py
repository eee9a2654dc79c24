"""Messages between this process and a child: a JSON header and raw bytes. Nothing that is read is ever run.

A message is the length of the header (8 bytes, little-endian), the header, then the blobs, whose lengths the header lists.
Arrays travel one element per ``itemsize`` bytes, types below 8 bits unpacked; strings as a JSON list.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from refexec.errors import UnsupportedType
from refexec.types import STRING, element_type

__all__ = ["Refused", "WireError", "receive", "send"]

_MAX_HEADER = 1 << 28
_NAMED_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class WireError(ValueError):
    """The other side sent what is no message."""


class Refused(Exception):
    """In the child: the runtime does not take the model or the feeds; ``stage`` is "load" or "run"."""

    def __init__(self, stage: str, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.stage = stage


def send(stream: BinaryIO, message: Mapping[str, Any]) -> None:
    """Write one message: a dict of ONNX values, JSON values, bytes, and dicts and lists of these."""
    blobs: list[Any] = []
    content = _encode(message, blobs)
    header = json.dumps({"blobs": [memoryview(b).nbytes for b in blobs], "content": content}).encode()
    stream.write(struct.pack("<Q", len(header)))
    stream.write(header)
    for blob in blobs:
        stream.write(memoryview(blob).cast("B") if memoryview(blob).nbytes else b"")
    stream.flush()


def receive(stream: BinaryIO, max_bytes: int) -> dict[str, Any] | None:
    """Read one message; None at the end of the stream. Raises WireError for what is no message or too long, EOFError inside one."""
    first = stream.read(8)
    if not first:
        return None
    if len(first) < 8:
        raise EOFError
    (length,) = struct.unpack("<Q", first)
    if length > _MAX_HEADER:
        raise WireError(f"a header of {length} bytes")
    try:
        header = json.loads(bytes(_exactly(stream, length)))
        sizes = [int(n) for n in header["blobs"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WireError(f"the header is not readable: {error}") from None
    if min(sizes, default=0) < 0 or sum(sizes) > max_bytes:
        raise WireError(f"an answer of {sum(sizes)} bytes; {max_bytes} are allowed")
    blobs = [_exactly(stream, n) for n in sizes]
    try:
        message: dict[str, Any] = _decode(header["content"], blobs)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, UnsupportedType) as error:
        raise WireError(f"the content is not readable: {error}") from None
    return message


def _exactly(stream: BinaryIO, size: int) -> Any:
    if size < 1 << 16:
        data = stream.read(size)
        if len(data) < size:
            raise EOFError
        return data
    array: Any = np.empty(size, np.uint8)
    view = memoryview(array)
    done = 0
    while done < size:
        count = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        done += count
    return array


def _encode(value: Any, blobs: list[Any]) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {"is": "float", "text": str(value)}
        case bytes() | bytearray():
            blobs.append(value)
            return {"is": "bytes", "blob": len(blobs) - 1}
        case np.generic() | np.ndarray():
            return _encode_array(np.asarray(value), blobs)
        case list() | tuple():
            return [_encode(item, blobs) for item in value]
        case Mapping():
            pairs = [[_encode(k, blobs), _encode(v, blobs)] for k, v in value.items()]
            return {"is": "dict", "items": pairs}
    raise UnsupportedType("a value of this type cannot be sent to another process", type=type(value).__name__)


def _encode_array(array: np.ndarray[Any, Any], blobs: list[Any]) -> Any:
    elem = element_type(array.dtype)
    if elem is STRING:
        data: Any = json.dumps([str(s) for s in array.flat]).encode()
    else:
        data = np.ascontiguousarray(array.astype(elem.dtype, copy=False)).reshape(-1).view(np.uint8)
    blobs.append(data)
    return {"is": "tensor", "elem": elem.number, "shape": list(array.shape), "blob": len(blobs) - 1}


def _decode(value: Any, blobs: list[Any]) -> Any:
    if isinstance(value, list):
        return [_decode(item, blobs) for item in value]
    if not isinstance(value, dict):
        return value
    match value["is"]:
        case "float":
            return _NAMED_FLOATS[value["text"]]
        case "bytes":
            return bytes(blobs[value["blob"]])
        case "dict":
            return {_decode(k, blobs): _decode(v, blobs) for k, v in value["items"]}
        case "tensor":
            return _decode_array(value, blobs[value["blob"]])
    raise ValueError(f"unknown kind {value['is']!r}")


def _decode_array(value: Mapping[str, Any], data: Any) -> np.ndarray[Any, Any]:
    elem = element_type(int(value["elem"]))
    shape = tuple(int(d) for d in value["shape"])
    if elem is STRING:
        items = json.loads(bytes(data))
        array = np.empty(len(items), np.object_)
        array[:] = items
        if not all(isinstance(s, str) for s in items):
            raise ValueError("a string tensor holds text")
        return array.reshape(shape)
    if min(shape, default=0) < 0 or math.prod(shape) * elem.dtype.itemsize != memoryview(data).nbytes:
        raise ValueError(f"{memoryview(data).nbytes} bytes for {elem.name}{list(shape)}")
    flat: np.ndarray[Any, Any] = np.frombuffer(bytearray(data), np.uint8) if isinstance(data, bytes) else data
    if elem.kind == "bool" and flat.size and flat.max() > 1:
        raise ValueError("a bool is 0 or 1")
    return flat.view(elem.dtype).reshape(shape)
