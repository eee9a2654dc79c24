"""Tensor data in files beside a model, read so that a hostile model reaches no other file.

The path is opened component by component beneath the model's folder, no link is followed on the way, and what was opened is
looked at again through its descriptor: there is no moment between check and use. Data are mapped read-only, never copied when
they are large. As with every mapping, a process that shortens the file while it is in use makes the next access fatal.
Source: onnx.proto (TensorProto.external_data), docs/ExternalData.md.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import stat
import sys
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import onnx

from refexec.errors import ExternalDataError, UnsupportedType, shown
from refexec.limits import Limits
from refexec.rules import violation
from refexec.types import element_type

__all__ = ["Extent", "ExternalData", "is_external", "locate", "overlapping"]

KEYS = ("location", "offset", "length", "checksum")
MAPPED_FROM = 64 << 10  # smaller files are read: a mapping holds a descriptor, and a model may have thousands of small files
_DECIMAL = re.compile(r"[0-9]{1,19}", re.ASCII)
_DIGEST = re.compile(r"(?:sha256:[0-9a-fA-F]{64}|[0-9a-fA-F]{40})", re.ASCII)
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NOCTTY", 0)


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a tensor's bytes stand: path components below the model's folder, and a byte range."""

    parts: tuple[str, ...]
    offset: int
    length: int  # exactly what the tensor's shape and type need
    states_length: bool
    checksum: str  # as written, or ""

    @property
    def location(self) -> str:
        return "/".join(self.parts)


def is_external(tensor: onnx.TensorProto) -> bool:
    """Whether the tensor's data stand in another file."""
    return tensor.data_location == onnx.TensorProto.EXTERNAL


def locate(tensor: onnx.TensorProto, where: str = "") -> Extent:
    """Read and check what an external tensor says of its data, without touching a file. Raises ExternalDataError."""
    where = where or f"tensor '{shown(tensor.name)}'"
    entries: dict[str, str] = {}
    for entry in tensor.external_data:
        key, value = entry.key, entry.value
        if key not in KEYS:
            raise violation("external-keys", "unknown key", where, key=key, known=", ".join(KEYS))
        if key in entries:
            raise violation("external-keys", "a key is there twice", where, key=key, values=(entries[key], value))
        if not isinstance(value, str):
            raise violation("external-keys", "a value is not UTF-8", where, key=key)
        entries[key] = value
    if "location" not in entries:
        raise violation("external-keys", "there is no location", where, keys=list(entries))
    needed = _needed_bytes(tensor, where)
    offset = _decimal(entries, "offset", 0, where)
    length = _decimal(entries, "length", needed, where)
    if length != needed:
        shape = list(tensor.dims)
        raise violation("external-range", "the length is not what shape and type need", where, length=length, needed=needed, shape=shape)
    checksum = entries.get("checksum", "")
    if "checksum" in entries and not _DIGEST.fullmatch(checksum):
        raise violation("external-checksum", "neither 40 hex digits nor 'sha256:' and 64", where, checksum=checksum)
    return Extent(_components(entries["location"], where), offset, length, "length" in entries, checksum)


def _needed_bytes(tensor: onnx.TensorProto, where: str) -> int:
    try:
        elem = element_type(tensor.data_type)
    except UnsupportedType as error:
        error.add_note(where)
        raise
    if elem.kind == "string":
        raise violation("external-range", "strings cannot stand in external data", where)
    count = 1
    for dim in tensor.dims:
        if dim < 0:
            raise violation("tensor-dims", "a dimension is negative", where, dims=list(tensor.dims))
        count *= dim
    return (count * elem.bits + 7) // 8


def _decimal(entries: dict[str, str], key: str, default: int, where: str) -> int:
    text = entries.get(key)
    if text is None:
        return default
    if not _DECIMAL.fullmatch(text) or int(text) >= 1 << 63:
        raise violation("external-range", f"{key} is not a decimal number below 2^63", where, **{key: text})
    return int(text)


def _components(location: str, where: str) -> tuple[str, ...]:
    reason = None
    if not location:
        reason = "the location is empty"
    elif "_ORT_MEM_ADDR_" in location:
        reason = "the location is an address in memory"
    elif "\0" in location or "\\" in location or re.match(r"[A-Za-z]:", location):
        reason = "the location is not a POSIX path (NUL, backslash or drive letter)"
    elif location.startswith("/"):
        reason = "the location is an absolute path"
    elif ".." in location.split("/"):
        reason = "the location leads upwards"
    elif location.endswith("/"):
        reason = "the location is a folder"
    parts = tuple(part for part in location.split("/") if part not in ("", "."))
    if reason or not parts:
        raise violation("external-location", reason or "the location is a folder", where, location=location)
    return parts


@dataclass
class _File:
    content: mmap.mmap | bytes
    size: int
    digests: dict[str, str] = field(default_factory=dict)


class ExternalData:
    """Resolves the external tensors of one model.

    ``base_dir`` is the folder that all locations are relative to, None when the model came without one.
    ``model_file`` is (device, inode) of the model's own file, which is never read as data.
    """

    def __init__(self, base_dir: str | None, limits: Limits, model_file: tuple[int, int] | None = None) -> None:
        self.base_dir = base_dir
        self.limits = limits
        self.model_file = model_file
        self._files: dict[tuple[str, ...], _File] = {}
        self._ranges: dict[tuple[tuple[str, ...], int, int], memoryview] = {}
        self._bytes = 0
        self._lock = RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Mappings are not pickled: the files are opened again when needed."""
        return {"base_dir": self.base_dir, "limits": self.limits, "model_file": self.model_file}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def read(self, tensor: onnx.TensorProto) -> memoryview:
        """The bytes of an external tensor: read-only, exactly as many as its shape and type need, shared between calls.

        Raises ExternalDataError, and LimitExceeded before anything is opened or mapped.
        """
        where = f"tensor '{shown(tensor.name)}'"
        extent = locate(tensor, where)
        self.limits.check("tensor_bytes", extent.length, where)
        with self._lock:
            key = (extent.parts, extent.offset, extent.length)
            if key not in self._ranges:
                self.limits.check("external_bytes", self._bytes + extent.length, f"the external data with {where}")
                self._ranges[key] = self._range(extent, where)
                self._bytes += extent.length
            if extent.checksum:
                self._verify(extent, where)
            return self._ranges[key]

    def _range(self, extent: Extent, where: str) -> memoryview:
        file = self._file(extent, where)
        stop = extent.offset + extent.length
        if stop > file.size or (not extent.states_length and stop != file.size):
            message = "the range is not in the file" if stop > file.size else "no length is given, and the file goes on after the tensor"
            seen = {"offset": extent.offset, "length": extent.length, "file_bytes": file.size}
            raise violation("external-range", message, where, location=extent.location, **seen)
        return memoryview(file.content)[extent.offset : stop]

    def _verify(self, extent: Extent, where: str) -> None:
        file = self._file(extent, where)
        algorithm = "sha256" if extent.checksum.startswith("sha256:") else "sha1"
        if algorithm not in file.digests:
            file.digests[algorithm] = hashlib.new(algorithm, file.content, usedforsecurity=False).hexdigest()
        stated = extent.checksum.removeprefix("sha256:").lower()
        if stated != file.digests[algorithm]:
            found = file.digests[algorithm]
            raise violation("external-checksum", "the file differs", where, location=extent.location, stated=stated, **{algorithm: found})

    def _file(self, extent: Extent, where: str) -> _File:
        if extent.parts not in self._files:
            self.limits.check("external_files", len(self._files) + 1, "the number of external data files")
            try:
                self._files[extent.parts] = self._open(extent, where)
            except (OSError, ValueError) as error:  # ValueError: a name that the file system cannot hold
                reason = getattr(error, "strerror", None) or str(error)
                raise violation(
                    "external-file", f"cannot be opened: {reason}", where, location=extent.location, folder=self.base_dir
                ) from error
        return self._files[extent.parts]

    def _open(self, extent: Extent, where: str) -> _File:
        if self.base_dir is None:
            raise ExternalDataError(
                f"{where} has its data in another file, and this model came without a folder: pass base_dir", location=extent.location
            )
        if os.open not in os.supports_dir_fd or not hasattr(os, "O_NOFOLLOW"):
            raise ExternalDataError(
                "this platform cannot open a file beneath a folder safely: external data are not read", platform=sys.platform
            )
        folder = os.open(self.base_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in extent.parts[:-1]:
                self._refuse(os.stat(part, dir_fd=folder, follow_symlinks=False), stat.S_ISDIR, "a folder", extent, where)
                inner = os.open(part, _FOLDER_FLAGS, dir_fd=folder)
                os.close(folder)
                folder = inner
            name = extent.parts[-1]
            # A device is not even opened; the descriptor is what counts, because the name may mean another file by then.
            self._refuse(os.stat(name, dir_fd=folder, follow_symlinks=False), stat.S_ISREG, "a regular file", extent, where)
            descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
        finally:
            os.close(folder)
        try:
            status = os.fstat(descriptor)
            self._refuse(status, stat.S_ISREG, "a regular file", extent, where)
            return _File(_content(descriptor, status.st_size), status.st_size)
        finally:
            os.close(descriptor)

    def _refuse(self, status: os.stat_result, wanted: Any, kind: str, extent: Extent, where: str) -> None:
        reason = None
        if stat.S_ISLNK(status.st_mode):
            reason = "a symbolic link is on the way"
        elif not wanted(status.st_mode):
            reason = f"not {kind}"
        elif stat.S_ISREG(status.st_mode) and status.st_nlink != 1:
            reason = f"the file has {status.st_nlink} names (hard links); a copy of it would be read"
        elif (status.st_dev, status.st_ino) == self.model_file:
            reason = "the location is the model file itself"
        if reason:
            raise violation("external-file", reason, where, location=extent.location, folder=self.base_dir)


def _content(descriptor: int, size: int) -> mmap.mmap | bytes:
    if size >= MAPPED_FROM:
        return mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
    content = b""
    while len(content) < size:
        piece = os.pread(descriptor, size - len(content), len(content))
        if not piece:
            raise OSError("the file became shorter while it was read")
        content += piece
    return content


def overlapping(extents: list[tuple[str, Extent]]) -> list[tuple[str, str, Extent]]:
    """Pairs of neighbouring tensors that share some bytes of a file but not all: (where, where, extent of the second)."""
    found = []
    ordered = sorted(extents, key=lambda e: (e[1].parts, e[1].offset, e[1].length))
    furthest: tuple[str, Extent] | None = None
    for where, extent in ordered:
        if furthest and furthest[1].parts == extent.parts:
            before = furthest[1]
            same = (before.offset, before.length) == (extent.offset, extent.length)
            if extent.length and not same and extent.offset < before.offset + before.length:
                found.append((furthest[0], where, extent))
            if extent.offset + extent.length <= before.offset + before.length:
                continue
        furthest = (where, extent)
    return found
