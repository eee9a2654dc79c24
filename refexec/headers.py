"""Facts that tensors, attributes, texts and types state about themselves, checked without reading any data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import onnx

from refexec.errors import UnsupportedType
from refexec.external import Extent, ExternalData, is_external, locate
from refexec.limits import Limits
from refexec.rules import Findings, violation
from refexec.scopes import quoted
from refexec.tensors import sparse_from_proto
from refexec.types import element_type

__all__ = ["Headers"]

TYPED_FIELDS = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
ATTRIBUTE_FIELDS = {
    "f": 1, "i": 2, "s": 3, "t": 4, "g": 5, "floats": 6, "ints": 7, "strings": 8, "tensors": 9, "graphs": 10,
    "sparse_tensor": 11, "sparse_tensors": 12, "tp": 13, "type_protos": 14,
}  # fmt: skip
_FIELD_OF_TYPE = {number: name for name, number in ATTRIBUTE_FIELDS.items()}
_SINGLE = {1, 2, 3, 4, 5, 11, 13}
_TYPE_NAMES = {number: name for name, number in onnx.AttributeProto.AttributeType.items()}


class Headers:
    """The checks of one model. ``where`` is anything whose ``str`` names the place; it is spelled out only in messages."""

    def __init__(self, limits: Limits, findings: Findings, external: ExternalData) -> None:
        self.limits = limits
        self.findings = findings
        self.external = external
        self.extents: list[tuple[str, Extent]] = []
        self.text_bytes = 0
        # Compared first, so that no message is put together for what is within the limits.
        self.long_name = math.inf if limits.name_bytes is None else limits.name_bytes // 4  # UTF-8 has at most 4 bytes a character
        self.large_tensor = math.inf if limits.tensor_bytes is None else limits.tensor_bytes
        self.long_strings = math.inf if limits.string_bytes is None else limits.string_bytes
        self.high_rank = math.inf if limits.rank is None else limits.rank

    def name(self, name: str, where: object, what: str = "a name", empty: bool = True) -> None:
        """A name is UTF-8, not longer than the limit, and not empty unless it may be."""
        if name.__class__ is not str:  # what protobuf gives for a string field that is not UTF-8
            raise violation("name-text", f"{what} is not UTF-8", where, found=name)
        if len(name) > self.long_name:
            self.limits.check("name_bytes", len(name.encode()), f"{where}: {what} {quoted(name)}")
        if not name and not empty:
            raise violation("name-empty", f"{what} is empty", where)

    def text(self, text: str, where: object, what: str = "doc_string") -> None:
        """Documentation and metadata are UTF-8, and together not longer than the limit."""
        if text.__class__ is not str:
            raise violation("name-text", f"{what} is not UTF-8", where, found=text)
        self.text_bytes += len(text) if text.isascii() else len(text.encode())
        self.limits.check("metadata_bytes", self.text_bytes, "the text of documentation and metadata")

    def metadata(self, entries: Iterable[Any], where: object) -> None:
        """Metadata keys are distinct."""
        seen: dict[str, str] = {}
        for entry in entries:
            self.text(entry.key, where, "a metadata key")
            self.text(entry.value, where, "a metadata value")
            if entry.key in seen:
                raise violation(
                    "metadata-twice", "a metadata key is there twice", where, key=entry.key, values=(seen[entry.key], entry.value)
                )
            seen[entry.key] = entry.value

    def documented(self, message: Any, where: object) -> None:
        """The doc_string and metadata_props of a graph, node, function, tensor or value."""
        if message.doc_string:
            self.text(message.doc_string, where)
        if message.metadata_props:
            self.metadata(message.metadata_props, where)

    def value_info(self, value: onnx.ValueInfoProto, where: object) -> None:
        """A value's name, and the names in its type."""
        self.name(value.name, where, "the name of a value", empty=False)
        if value.doc_string or value.metadata_props:
            self.documented(value, where)
        self.type(value.type, where)

    def type(self, proto: Any, where: object) -> None:
        """The dimension names of a type, at any depth of sequences, optionals and maps."""
        while (which := proto.WhichOneof("value")) is not None:
            proto = getattr(proto, which)
            if which in ("tensor_type", "sparse_tensor_type"):
                for dim in proto.shape.dim:
                    self.name(dim.dim_param, where, "the name of a dimension")
                return
            if which == "opaque_type":
                return
            proto = proto.value_type if which == "map_type" else proto.elem_type

    def tensor(self, tensor: onnx.TensorProto, where: object) -> None:
        """Element type, dimensions, one data field, and what external data say of themselves."""
        self.name(tensor.name, where, "the name of a tensor")
        self.documented(tensor, where)
        if tensor.data_type == onnx.TensorProto.UNDEFINED:
            raise violation("tensor-type", "data_type is UNDEFINED", where)
        try:
            elem = element_type(tensor.data_type)
        except UnsupportedType:
            raise UnsupportedType(f"{where}: no such element type in onnx {onnx.__version__}", data_type=tensor.data_type) from None
        dims = tuple(tensor.dims)
        self.dims(dims, where, elem.dtype.itemsize)
        size = (math.prod(dims) * elem.bits + 7) // 8
        if size > self.large_tensor:
            self.limits.check("tensor_bytes", size, f"{where}: a tensor of shape {list(dims)[:8]}")
        if tensor.string_data and tensor.ByteSize() > self.long_strings:
            self.limits.check("string_bytes", sum(map(len, tensor.string_data)), f"{where}: the text of a tensor")
        if tensor.HasField("segment"):
            raise violation("tensor-segment", "the tensor is one segment of a larger one", where)
        fields = [name for name in TYPED_FIELDS if getattr(tensor, name)]
        if tensor.HasField("raw_data"):
            fields.append("raw_data")
        if is_external(tensor):
            fields.append("external_data")
        if len(fields) > 1:
            raise violation("tensor-two-data", f"two data fields are set: {' and '.join(fields)}", where, tensor=tensor.name)
        if is_external(tensor):
            extent = locate(tensor, str(where))
            self.extents.append((str(where), extent))
            if extent.checksum.startswith("sha256:"):
                self.findings.report("external-sha256", "the checksum is a SHA-256 digest; it is verified", where, location=extent.location)
        elif tensor.external_data:
            keys = [entry.key for entry in tensor.external_data][:8]
            self.findings.report("external-stray", "external_data is set, data_location is not EXTERNAL; ignored", where, keys=keys)

    def dims(self, dims: tuple[int, ...], where: object, itemsize: int = 1) -> None:
        """Dimensions are not negative, and their strides fit 64 bits, those of an empty tensor too."""
        if len(dims) > self.high_rank:
            self.limits.check("rank", len(dims), f"{where}: the rank of a tensor")
        if any(d < 0 for d in dims):
            raise violation("tensor-dims", "a dimension is negative", where, dims=list(dims))
        if math.prod(d for d in dims if d) * itemsize >= 1 << 63:
            raise violation("tensor-dims", "the size of the tensor does not fit in 64 bits", where, dims=list(dims))

    def sparse(self, sparse: onnx.SparseTensorProto, where: object) -> None:
        """A sparse tensor's parts, and its indices, which are read."""
        self.tensor(sparse.values, f"{where}, values")
        self.tensor(sparse.indices, f"{where}, indices")
        self.dims(tuple(sparse.dims), where)
        sparse_from_proto(sparse, str(where), self.external.read)

    def attribute(self, attribute: onnx.AttributeProto, where: object, formal: dict[str, int] | None) -> None:
        """One attribute of a node or function default. ``formal``: attribute names of the function around (0: of any type), or None."""
        self.name(attribute.name, where, "the name of an attribute", empty=False)
        fields = {d.name: value for d, value in attribute.ListFields() if d.name in ATTRIBUTE_FIELDS}
        kind = attribute.type
        if kind not in _FIELD_OF_TYPE:
            raise violation("attribute-type", "the type of the attribute is UNDEFINED", where, fields=list(fields))
        if len(fields) > 1:
            raise violation("attribute-two-values", "the attribute has two values", where, type=_TYPE_NAMES[kind], fields=list(fields))
        if attribute.ref_attr_name:
            self._reference(attribute, where, formal, fields)
            return
        if not fields:
            if kind in _SINGLE:
                raise violation("attribute-no-value", "the attribute has no value", where, type=_TYPE_NAMES[kind])
            return
        ((field, value),) = fields.items()
        if field != _FIELD_OF_TYPE[kind]:
            raise violation("attribute-mismatch", "the value is not of the attribute's type", where, type=_TYPE_NAMES[kind], field=field)
        if attribute.doc_string:
            self.text(attribute.doc_string, where)
        match field:
            case "t":
                self.tensor(value, where)
            case "tensors":
                for index, tensor in enumerate(value):
                    self.tensor(tensor, f"{where}, [{index}]")
            case "sparse_tensor":
                self.sparse(value, where)
            case "sparse_tensors":
                for index, sparse in enumerate(value):
                    self.sparse(sparse, f"{where}, [{index}]")
            case "tp":
                self.type(value, where)
            case "type_protos":
                for proto in value:
                    self.type(proto, where)

    def _reference(self, attribute: onnx.AttributeProto, where: object, formal: dict[str, int] | None, fields: dict[str, Any]) -> None:
        name = attribute.ref_attr_name
        self.name(name, where, "ref_attr_name")
        if formal is None:
            raise violation("attribute-reference", "ref_attr_name is set outside a function", where, ref_attr_name=name)
        if fields:
            raise violation(
                "attribute-two-values", "the attribute has a value and a reference", where, ref_attr_name=name, fields=list(fields)
            )
        if name not in formal:
            raise violation("attribute-reference", "the function has no such attribute", where, ref_attr_name=name, attributes=list(formal))
        if formal[name] not in (0, attribute.type):
            stated, default = _TYPE_NAMES[attribute.type], _TYPE_NAMES[formal[name]]
            raise violation("attribute-reference", "the types differ", where, ref_attr_name=name, type=stated, default=default)
