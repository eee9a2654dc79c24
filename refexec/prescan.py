"""A look at the bytes of a model before protobuf parses them: what it would make of them, and whether they are well formed.

Two bytes of a file can become a message of 160 bytes in memory, so the file's size alone bounds nothing. The scan walks the
messages of onnx.proto with an explicit stack, reads no payload, and stops as soon as a limit is passed.
Source: protobuf's "Encoding" page; the fields come from the descriptors of the installed onnx.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import onnx

from refexec.errors import InvalidModel, LimitExceeded
from refexec.limits import Limits

__all__ = ["Scan", "scan_model"]

FIELDS_PER_ITEM = 8  # a field weighs an eighth of a message: nodes have names, inputs and outputs
SKIP, TEXT = 0, 1  # what to do with a known field that is no message
_VARINT, _FIXED64, _BYTES, _GROUP, _END_GROUP, _FIXED32 = range(6)
_SCALAR_WIRE = {1: _FIXED64, 6: _FIXED64, 16: _FIXED64, 2: _FIXED32, 7: _FIXED32, 15: _FIXED32, 9: _BYTES, 12: _BYTES}

Table = dict[int, Any]  # tag (field number << 3 | wire type) -> SKIP, TEXT or the table of the message in it


@dataclass(frozen=True, slots=True)
class Scan:
    """``messages`` and ``fields`` seen, bytes of documentation and metadata, unknown fields as ``"NodeProto field 99"``."""

    messages: int
    fields: int
    metadata_bytes: int
    unknown: tuple[str, ...]


@lru_cache(maxsize=1)
def _tables() -> tuple[Table, dict[int, str]]:
    """The table of ModelProto, and the message name of each table by its id."""
    messages = _reachable(onnx.ModelProto.DESCRIPTOR)
    tables: dict[str, Table] = {name: {} for name in messages}
    for name, message in messages.items():
        table = tables[name]
        for field in message.fields:
            if field.message_type:
                table[field.number << 3 | _BYTES] = tables[field.message_type.full_name]
                continue
            is_text = field.name == "doc_string" or message.name == "StringStringEntryProto"
            table[field.number << 3 | _SCALAR_WIRE.get(field.type, _VARINT)] = TEXT if is_text else SKIP
            if field.is_repeated:
                table[field.number << 3 | _BYTES] = SKIP  # packed
    return tables["onnx.ModelProto"], {id(table): name.removeprefix("onnx.") for name, table in tables.items()}


def _reachable(root: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    waiting = [root]
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            waiting += [field.message_type for field in message.fields if field.message_type]
    return found


def scan_model(data: bytes, limits: Limits) -> Scan:
    """Scan a serialized ModelProto.

    Raises InvalidModel for malformed wire data and LimitExceeded (proto_items, metadata_bytes) as soon as a limit is passed.
    """
    try:
        return _scan(data, limits)
    except IndexError:
        raise InvalidModel("the file is not a protobuf message: it ends inside a field", bytes=len(data)) from None


def _scan(data: bytes, limits: Limits) -> Scan:
    table, names = _tables()
    no_table: Table = {}
    max_items = limits.proto_items
    messages = text = 0
    unknown: dict[tuple[int, int], None] = {}
    pos, end, group = 0, len(data), 0  # group: the field number of the unknown group we are in
    stack: list[tuple[int, Table, int]] = []
    field_counts = itertools.count() if max_items is None else range(max_items * FIELDS_PER_ITEM + 1)
    for fields in field_counts:
        while pos >= end:
            if pos > end or group:
                raise _malformed("a field runs past the end of its message", pos)
            if not stack:
                return Scan(messages, fields, text, tuple(f"{names.get(t, 'group')} field {n}" for t, n in unknown))
            end, table, group = stack.pop()
        tag = data[pos]
        pos += 1
        if tag >= 0x80:
            tag, pos = _varint(data, pos - 1)
        action = table.get(tag)
        if action is None:
            if tag < 8:
                raise _malformed("field number 0", pos)
            if len(unknown) < 16:
                unknown[id(table), tag >> 3] = None
        wire = tag & 7
        if wire == _BYTES:
            size = data[pos]
            pos += 1
            if size >= 0x80:
                size, pos = _varint(data, pos - 1)
            if action.__class__ is dict:
                messages += 1
                if max_items is not None and messages > max_items:
                    raise _too_many("messages", messages, max_items)
                stack.append((end, table, group))
                if pos + size > end:
                    raise _malformed("a message runs past the end of the one around it", pos)
                end, table, group = pos + size, action, 0
                continue
            pos += size
            if action == TEXT:
                text += size
                limits.check("metadata_bytes", text, "the text of documentation and metadata")
        elif wire == _VARINT:
            start = pos
            while data[pos] >= 0x80:
                pos += 1
            pos += 1
            if pos - start > 10:
                raise _malformed("a varint of more than 10 bytes", start)
        elif wire == _FIXED64:
            pos += 8
        elif wire == _FIXED32:
            pos += 4
        elif wire == _GROUP:
            stack.append((end, table, group))
            table, group = no_table, tag >> 3
        elif wire == _END_GROUP and group == tag >> 3:
            end, table, group = stack.pop()
        else:
            raise _malformed("a tag that is none", pos)
    raise _too_many("fields", fields, max_items or 0)


def _varint(data: bytes, pos: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, pos
    raise _malformed("a varint of more than 10 bytes", pos)


def _malformed(what: str, pos: int) -> InvalidModel:
    return InvalidModel(f"the file is not a protobuf message: {what}", byte=pos)


def _too_many(what: str, asked: int, allowed: int) -> LimitExceeded:
    return LimitExceeded(
        f"the number of {what} in the file is above the limit proto_items", limit="proto_items", asked=asked, allowed=allowed
    )
