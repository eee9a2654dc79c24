"""Feeds from files and from JSON.

What a file means is decided by its suffix and by the declared type of the input, never by looking at its content:

- ``.npz``: arrays by input name; for one input that one, or the only one. ``.npy``: one array. Nothing is ever unpickled. Types
  that NumPy stores as raw bytes (bfloat16, float8, int4, ...) are read as the declared type.
- ``.pb``: TensorProto, SequenceProto, OptionalProto, MapProto or SparseTensorProto, as the declared type says.
- ``.json``: an object by input name, or for one input its value: nested lists, text, null for an empty optional. "NaN", "Infinity"
  and "-Infinity" are floats where floats are declared.
- a folder of ``input_0.pb``, ``input_1.pb``, ... in the order of the inputs; or one that holds such a ``test_data_set_0``.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from refexec.errors import FeedError, LimitExceeded, RefexecError
from refexec.limits import Limits
from refexec.session import Session
from refexec.tensors import sparse_from_proto, tensor_from_proto
from refexec.types import ElementType, MapType, OptionalType, SequenceType, SparseTensorType, TensorType, ValueType

__all__ = ["declared_type", "parse_feed", "read_feed", "read_feeds"]

Array = np.ndarray[Any, Any]
Proto = TypeVar("Proto")

FILE_SUFFIXES = (".npz", ".npy", ".pb", ".json")
_NAMED_FLOATS = {"nan": math.nan, "infinity": math.inf, "inf": math.inf, "-infinity": -math.inf, "-inf": -math.inf}
_READING_FAILS = (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)


def declared_type(session: Session, name: str) -> ValueType | None:
    """The declared type of an input or of any other value that may be fed. Raises FeedError naming what is near."""
    for info in session.plan.inputs:
        if info.name == name:
            return info.type
    if name in session.plan.slots:
        return session.plan.types.get(name)
    names = [i.name for i in session.inputs]
    near = get_close_matches(name, [*names, *session.plan.slots], n=1)
    raise FeedError(f"the model has no value named {name!r}", **({"nearest": near[0]} if near else {}), inputs=names)


def read_feeds(session: Session, source: str | Path) -> dict[str, Any]:
    """All feeds of a ``.npz`` or ``.json`` file or of a folder; of a ``.npy`` or ``.pb`` file for a model with one input.

    Raises FeedError for content that does not fit, LimitExceeded (``tensor_bytes``, ``file_bytes``), OSError where it cannot be read.
    """
    path = Path(source)
    if path.is_dir():
        return _folder(session, path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        arrays = _npz(path, session.limits)
        try:
            return {name: _restored(array, declared_type(session, name), name) for name, array in arrays.items()}
        except FeedError as error:
            error.add_note(f"all arrays of {path} are feeds; NAME={path} takes one of them")
            raise
    if suffix == ".json":
        found = _json(_content(path, session.limits).decode("utf-8", "replace"), str(path))
        if not isinstance(found, dict):
            raise FeedError(f"{path}: feeds in JSON are an object by input name", seen=type(found).__name__)
        return {name: _from_json(value, declared_type(session, name), name) for name, value in found.items()}
    if suffix in FILE_SUFFIXES:
        if len(session.inputs) != 1:
            raise FeedError(f"{path} holds one value: say for which input", inputs=[i.name for i in session.inputs])
        return {session.inputs[0].name: read_feed(session, session.inputs[0].name, path)}
    raise FeedError(f"{path}: feeds are a folder or a file ending in .npz, .json, .npy or .pb")


def read_feed(session: Session, name: str, path: str | Path) -> Any:
    """The value of one input from a ``.npz``, ``.npy``, ``.pb`` or ``.json`` file. Raises as :func:`read_feeds`."""
    path, declared = Path(path), declared_type(session, name)
    match path.suffix.lower():
        case ".npz":
            arrays = _npz(path, session.limits)
            if name not in arrays and len(arrays) != 1:
                raise FeedError(f"{path} has no array named {name!r}", arrays=list(arrays))
            return _restored(arrays[name] if name in arrays else next(iter(arrays.values())), declared, name)
        case ".npy":
            with path.open("rb") as file:
                return _restored(_npy(file, path.stat().st_size, str(path), session.limits), declared, name)
        case ".pb":
            return _from_bytes(_content(path, session.limits), declared, f"{path}, for input {name!r}")
        case ".json":
            return _from_json(_json(_content(path, session.limits).decode("utf-8", "replace"), str(path)), declared, name)
    raise FeedError(f"{path}: a feed is a file ending in .npz, .npy, .pb or .json", input=name)


def parse_feed(session: Session, name: str, text: str) -> Any:
    """The value of one input: a file when ``text`` ends in .npz, .npy, .pb or .json, else JSON. Raises as :func:`read_feeds`."""
    if text.lower().endswith(FILE_SUFFIXES):
        return read_feed(session, name, text)
    return _from_json(_json(text, f"input {name!r}"), declared_type(session, name), name)


def _content(path: Path, limits: Limits) -> bytes:
    limits.check("file_bytes", path.stat().st_size, f"the file {path}")
    return path.read_bytes()


def _npz(path: Path, limits: Limits) -> dict[str, Array]:
    found: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in found:
                    raise FeedError(f"{path} holds the name {name!r} twice")
                with archive.open(member) as file:
                    found[name] = _npy(file, member.file_size, f"{path}, {name!r}", limits)
    except _READING_FAILS as error:
        raise FeedError(f"{path} is no readable .npz file: {error}") from error
    return found


def _npy(file: IO[bytes], size: int, where: str, limits: Limits) -> Array:
    """An array in NumPy's format: the header is checked before any memory is taken, and nothing is unpickled."""
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise FeedError(f"{where}: version {version[0]}.{version[1]} of the .npy format is for structured arrays")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype.hasobject:
            raise FeedError(f"{where} holds pickled Python objects, which are never loaded; save text as a NumPy text array")
        needed = math.prod(shape) * dtype.itemsize
        if needed > size:
            raise FeedError(f"{where} is cut short", needed=needed, size=size)
        limits.check("tensor_bytes", needed, f"the array in {where}")
        data = file.read(needed)
    except LimitExceeded:
        raise
    except _READING_FAILS as error:
        raise FeedError(f"{where} is no array in NumPy's format: {error}") from error
    if len(data) < needed:
        raise FeedError(f"{where} is cut short", needed=needed, seen=len(data))
    flat: Array = np.frombuffer(bytearray(data), dtype) if dtype.itemsize else np.empty(math.prod(shape), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _restored(array: Array, declared: ValueType | None, name: str) -> Array:
    """NumPy stores types that it does not know as raw bytes; their declared type says what they are."""
    if array.dtype.kind != "V" or array.dtype.names is not None:
        return array
    elem = declared.elem if isinstance(declared, TensorType) else None
    if elem is None or elem.dtype.itemsize != array.dtype.itemsize or elem.dtype.kind in "Oc":
        raise FeedError(f"input {name!r} is stored as raw bytes that its type does not explain", declared=declared, seen=array.dtype.str)
    if elem.bits < 8:
        codes: Array = array.view(np.uint8) & np.uint8((1 << elem.bits) - 1)
        return codes.view(elem.dtype)
    return array.view(elem.dtype)


def _folder(session: Session, path: Path) -> dict[str, Any]:
    files = sorted(path.glob("input_*.pb"), key=_number)
    if not files:
        sets = sorted((p for p in path.glob("test_data_set_*") if p.is_dir()), key=_number)
        if not sets:
            raise FeedError(f"{path} holds neither input_*.pb nor test_data_set_* folders")
        return _folder(session, sets[0])
    infos = session.inputs if len(files) <= len(session.inputs) else session.plan.inputs
    if len(files) > len(infos) or [_number(f) for f in files] != list(range(len(files))):
        raise FeedError(f"{path}: input_0.pb and so on, one for each input", files=[f.name for f in files], inputs=len(infos))
    return {info.name: read_feed(session, info.name, file) for info, file in zip(infos, files, strict=False)}


def _number(path: Path) -> int:
    found = re.search(r"_(\d+)$", path.stem)
    return int(found[1]) if found else -1


def _from_bytes(content: bytes, declared: ValueType | None, where: str) -> Any:
    kinds: dict[type, type[Any]] = {
        SequenceType: onnx.SequenceProto, OptionalType: onnx.OptionalProto, MapType: onnx.MapProto,
        SparseTensorType: onnx.SparseTensorProto,
    }  # fmt: skip
    proto = kinds.get(type(declared), onnx.TensorProto)()
    try:
        proto.ParseFromString(content)
        return _from_proto(proto, declared, where)
    except DecodeError as error:
        raise FeedError(f"{where}: not a {type(proto).__name__}: {error}", declared=declared) from error
    except FeedError:
        raise
    except RefexecError as error:
        raise FeedError(str(error), file_holds=type(proto).__name__) from error


def _from_proto(proto: Any, declared: ValueType | None, where: str) -> Any:
    match declared:
        case SequenceType(inner):
            return [_from_proto(v, inner, f"{where}, item {i}") for i, v in enumerate(_items(proto, inner))]
        case OptionalType(inner):
            if not proto.elem_type:
                return None
            return _from_proto(_member(proto, inner, "value"), inner, where)
        case MapType(key, inner):
            keys = [k.decode() for k in proto.string_keys] if key.kind == "string" else list(proto.keys)
            values = [_from_proto(v, inner, f"{where}, value {i}") for i, v in enumerate(_items(proto.values, inner))]
            if len(keys) != len(values):
                raise FeedError(f"{where}: the map has {len(keys)} keys and {len(values)} values")
            return dict(zip(keys, values, strict=True))
        case SparseTensorType():
            return sparse_from_proto(proto, where)
    return tensor_from_proto(proto, where)


def _items(proto: Any, inner: ValueType) -> Any:
    return _member(proto, inner, "values")


def _member(proto: Any, inner: ValueType, ending: str) -> Any:
    names = {SequenceType: "sequence", OptionalType: "optional", MapType: "map", SparseTensorType: "sparse_tensor"}
    return getattr(proto, f"{names.get(type(inner), 'tensor')}_{ending}")


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        advice = "; text needs quotes inside: '\"text\"'" if re.match(r"\s*[A-Za-z]", text) else ""
        raise FeedError(f"{where}: not JSON, and no file ending in .npz, .npy, .pb or .json: {error}{advice}", text=text) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _from_json(value: Any, declared: ValueType | None, name: str) -> Any:
    match declared:
        case TensorType(elem):
            return _nested(value, _scalar(elem, name))
        case SequenceType(inner) if isinstance(value, list):
            return [_from_json(v, inner, name) for v in value]
        case OptionalType(inner):
            return None if value is None else _from_json(value, inner, name)
        case MapType(key, inner) if isinstance(value, dict):
            return {_key(k, key, name): _from_json(v, inner, name) for k, v in value.items()}
        case None:
            raise FeedError(f"input {name!r} has no declared type: JSON does not say which it is; feed a .npy or .pb file")
    raise FeedError(f"input {name!r}: this JSON does not fit its type", declared=declared, seen=value)


def _key(text: str, key: ElementType, name: str) -> str | int:
    if key.kind == "string":
        return text
    if not re.fullmatch(r"-?\d+", text):
        raise FeedError(f"input {name!r} is a map with whole numbers as keys", seen=text)
    return int(text)


def _scalar(elem: ElementType, name: str) -> Callable[[Any], Any]:
    def convert(item: Any) -> Any:
        if elem.is_float and isinstance(item, str) and item.lower() in _NAMED_FLOATS:
            return _NAMED_FLOATS[item.lower()]
        if isinstance(item, (dict, type(None))) or isinstance(item, str) != (elem.kind == "string"):
            raise FeedError(f"input {name!r}: this is no {elem.name}", seen=item)
        return item

    return convert


def _nested(value: Any, convert: Callable[[Any], Any]) -> Any:
    return [_nested(v, convert) for v in value] if isinstance(value, list) else convert(value)
