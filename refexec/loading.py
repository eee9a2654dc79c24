"""From a path, bytes or ModelProto to a parsed model, its folder, and what was noticed on the way.

Formats other than ONNX's binary one are read only when named, by ``format`` or by the file's suffix; content is never guessed.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import onnx
from google.protobuf import json_format, text_format  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from google.protobuf.unknown_fields import UnknownFieldSet  # type: ignore[import-untyped]

from refexec.errors import InvalidModel, ModelError
from refexec.external import ExternalData
from refexec.limits import Limits
from refexec.prescan import scan_model
from refexec.rules import Diagnostic, Findings, violation

__all__ = ["Format", "LoadedModel", "Source", "load"]

Format = Literal["onnx", "text", "json", "textproto"]
Source = str | os.PathLike[str] | bytes | bytearray | memoryview | onnx.ModelProto

SUFFIXES: dict[str, Format] = {
    ".onnxtxt": "text", ".onnxtext": "text", ".json": "json", ".onnxjson": "json",
    ".textproto": "textproto", ".txtpb": "textproto", ".prototxt": "textproto", ".pbtxt": "textproto",
}  # fmt: skip
RELEASED_FROM = 32 << 20  # bytes of a file whose message is not held once the plan is made
MAX_NESTING = 100  # protobuf's own limit; the text parsers recurse and must not see more
_NESTING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|#[^\n]*|[(\[{}\])]', re.DOTALL)  # strings and comments are stepped over
_PARSER_ERRORS = (DecodeError, RuntimeError, ValueError, IndexError, OverflowError, TypeError, RecursionError)


@dataclass
class LoadedModel:
    """A parsed model. ``base_dir`` is where external data are looked for; ``diagnostics`` are the loader's own.

    A ModelProto given by the caller is used as it is, not copied: do not change it afterwards.
    """

    _proto: onnx.ModelProto | None = field(repr=False)
    external: ExternalData
    format: Format = "onnx"
    path: Path | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _content: bytes | None = field(default=None, repr=False)
    _version: tuple[int, ...] = field(default=(), repr=False)
    _sha256: str | None = field(default=None, repr=False)
    _size: int = field(default=0, repr=False)  # of the file or the bytes

    @property
    def proto(self) -> onnx.ModelProto:
        """The parsed message. Raises ModelError when it was released and the file is no longer the one that was loaded."""
        if self._proto is None:
            self._proto, _ = _parse(self._bytes(), self.format, Limits.none())  # within the limits once, and the same bytes
        return self._proto

    def release(self) -> None:
        """Let go of a large message that can be read again: of a file, or of bytes that are held."""
        if self._size >= RELEASED_FROM:
            self._proto = None

    def _bytes(self) -> bytes:
        if self._content is not None:
            return self._content
        if self.path is None:
            raise ModelError("a model that was given parsed has no bytes")
        content, status = _read(self.path, Limits.none())
        if _file_version(status) != self._version:
            raise ModelError("the file changed after it was loaded", path=self.path)
        return content

    @property
    def base_dir(self) -> str | None:
        return self.external.base_dir

    @property
    def sha256(self) -> str:
        """Hex digest of the file's bytes, or of the deterministic serialization of a given ModelProto; made when first asked for.

        Raises ModelError when the file is no longer the one that was loaded.
        """
        if self._sha256 is None:
            if self.path is not None:
                with self.path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256")
                    if _file_version(os.fstat(file.fileno())) != self._version:
                        raise ModelError("the file changed after it was loaded", path=self.path)
            else:
                content = self.proto.SerializeToString(deterministic=True) if self._content is None else self._content
                digest = hashlib.sha256(content)
            self._sha256 = digest.hexdigest()
        return self._sha256


def load(
    source: Source,
    *,
    format: str | None = None,
    limits: Limits | None = None,
    base_dir: str | os.PathLike[str] | None = None,
) -> LoadedModel:
    """Read a model from a path, from bytes, or take a ModelProto. Nothing is run, and no external data are read yet.

    ``format`` is "onnx" (protobuf, the default), "text" (ONNX's text form), "json" or "textproto"; a file may name it by its
    suffix. ``base_dir`` is the folder of external data, for a path the file's own folder unless given.

    Raises InvalidModel when the content is no model, LimitExceeded (file_bytes, proto_items, metadata_bytes) before it is parsed,
    and OSError when the path itself cannot be read.
    """
    limits = limits or Limits.default()
    named = None if format is None else _format(format)
    folder = None if base_dir is None else os.path.abspath(base_dir)
    if isinstance(source, onnx.ModelProto):
        diagnostics = _unknown_fields(source)
        _require_graph(source)
        return LoadedModel(source, ExternalData(folder, limits), diagnostics=diagnostics)
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
        limits.check("file_bytes", len(content), "the model")
        kind = named or "onnx"
        proto, diagnostics = _parse(content, kind, limits)
        return LoadedModel(proto, ExternalData(folder, limits), kind, diagnostics=diagnostics, _content=content, _size=len(content))
    path = Path(os.path.abspath(source))
    kind = named or SUFFIXES.get(path.suffix.lower(), "onnx")
    content, status = _read(path, limits)
    try:
        proto, diagnostics = _parse(content, kind, limits)
    except ModelError as error:
        error.add_note(f"file {path}")
        raise
    external = ExternalData(str(path.parent) if folder is None else folder, limits, (status.st_dev, status.st_ino))
    return LoadedModel(proto, external, kind, path, diagnostics, _version=_file_version(status), _size=len(content))


def _format(name: str) -> Format:
    for known in get_args(Format):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise ValueError(f"format is one of {', '.join(get_args(Format))}, not {name!r}")


def _read(path: Path, limits: Limits) -> tuple[bytes, os.stat_result]:
    # O_NONBLOCK: opening a FIFO must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InvalidModel("not a regular file", path=path)
        limits.check("file_bytes", status.st_size, f"the file {path}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(status.st_size + 1)
    finally:
        os.close(descriptor)
    if len(content) != status.st_size:
        raise InvalidModel("the file changed while it was read", path=path)
    return content, status


def _file_version(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _parse(content: bytes, format: Format, limits: Limits) -> tuple[onnx.ModelProto, list[Diagnostic]]:
    if not content:
        raise InvalidModel("the file is empty")
    if format == "onnx":
        proto, diagnostics = _parse_binary(content, limits)
    else:
        proto, diagnostics = _parse_text(content, format, limits), []
    _require_graph(proto)
    return proto, diagnostics


def _parse_binary(content: bytes, limits: Limits) -> tuple[onnx.ModelProto, list[Diagnostic]]:
    scan = scan_model(content, limits)
    try:
        proto = onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise InvalidModel("the file is not an ONNX model, or nests its messages too deeply", reason=error) from error
    findings = Findings()
    for unknown in scan.unknown:
        findings.report("unknown-field", f"{unknown} is not known to onnx {onnx.__version__}; it is ignored")
    return proto, findings.diagnostics


def _parse_text(content: bytes, format: Format, limits: Limits) -> onnx.ModelProto:
    # Every message takes one of these characters at least, in each of the three forms.
    items = sum(map(content.count, (b"{", b"(", b"<")))
    limits.check("proto_items", items, "the number of opening brackets in the file")
    _check_nesting(content)
    parse: Any = {
        "text": onnx.parser.parse_model,
        "json": lambda text: json_format.Parse(text, onnx.ModelProto(), max_recursion_depth=MAX_NESTING),
        "textproto": lambda text: text_format.Parse(text, onnx.ModelProto()),
    }[format]
    errors = (*_PARSER_ERRORS, onnx.parser.ParseError, json_format.ParseError, text_format.ParseError)
    try:
        proto: onnx.ModelProto = parse(content.decode())
    except errors as error:
        raise InvalidModel(f"the file is not a model in the format {format}", reason=error) from error
    return proto


def _check_nesting(content: bytes) -> None:
    depth = 0
    for match in _NESTING.finditer(content):
        first = match.group()[0]
        if first in b"([{":
            depth += 1
            if depth > MAX_NESTING:
                raise InvalidModel(f"brackets are nested more than {MAX_NESTING} deep", byte=match.start())
        elif first in b")]}":
            depth -= 1


def _unknown_fields(proto: onnx.ModelProto) -> list[Diagnostic]:
    findings = Findings()
    for message in (proto, proto.graph):
        for number in dict.fromkeys(unknown.field_number for unknown in UnknownFieldSet(message)):
            name = message.DESCRIPTOR.name
            findings.report("unknown-field", f"{name} field {number} is not known to onnx {onnx.__version__}; it is ignored")
    return findings.diagnostics


def _require_graph(proto: onnx.ModelProto) -> None:
    if not proto.HasField("graph"):
        raise violation("no-graph", "there is no graph", fields=[descriptor.name for descriptor, _ in proto.ListFields()])
