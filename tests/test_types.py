"""The table of element types and the type strings, against the installed onnx."""

from __future__ import annotations

import pickle
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, TypeProto, helper

from refexec.errors import UnsupportedType
from refexec.types import (
    ELEMENT_TYPES,
    FLOAT32,
    INT64,
    STRING,
    ElementType,
    MapType,
    OptionalType,
    SequenceType,
    SparseTensorType,
    TensorType,
    element_type,
    parse_type,
    type_from_proto,
    without_shape,
)

BY_NAME = pytest.mark.parametrize("elem", ELEMENT_TYPES, ids=str)


def test_the_table_has_every_data_type_of_onnx_but_undefined() -> None:
    assert sorted(e.number for e in ELEMENT_TYPES) == sorted(set(TensorProto.DataType.values()) - {TensorProto.UNDEFINED})


@BY_NAME
def test_a_row_has_the_number_that_onnx_gives_its_name(elem: ElementType) -> None:
    assert TensorProto.DataType.Name(elem.number) == elem.onnx_name.upper()


@BY_NAME
def test_a_row_has_the_dtype_that_onnx_uses(elem: ElementType) -> None:
    assert elem.dtype == helper.tensor_dtype_to_np_dtype(elem.number)


@BY_NAME
def test_the_bits_are_the_ones_in_the_name(elem: ElementType) -> None:
    digits = re.search(r"\d+", elem.name)
    if elem.kind == "string":
        assert elem.bits == 0
    elif elem.kind == "bool":
        assert elem.bits == 8
    else:
        assert digits is not None
        assert elem.bits == int(digits[0])
        assert elem.dtype.itemsize == max(1, elem.bits // 8)


@BY_NAME
def test_an_element_type_is_found_by_number_names_dtype_and_itself(elem: ElementType) -> None:
    keys: list[int | str | np.dtype[np.generic] | ElementType] = [elem.number, elem.name, elem.onnx_name, elem.dtype, elem]
    assert all(element_type(key) is elem for key in keys)


@BY_NAME
def test_an_element_type_survives_pickling_as_the_same_object(elem: ElementType) -> None:
    assert pickle.loads(pickle.dumps(elem)) is elem


def test_byte_order_does_not_change_the_element_type() -> None:
    assert element_type(np.dtype(">f4")) is FLOAT32
    assert element_type(np.dtype("<i8")) is INT64


def test_fixed_width_text_is_string() -> None:
    assert element_type(np.dtype("<U7")) is STRING
    assert element_type(np.dtype("S3")) is STRING


@pytest.mark.parametrize("key", [0, 99, -1, "float31", "", np.dtype("M8[s]"), np.dtype(np.longdouble), np.dtype("V3")])
def test_anything_else_is_no_element_type(key: int | str | np.dtype[np.generic]) -> None:
    if isinstance(key, np.dtype) and key == np.dtype(np.float64):
        pytest.skip("long double is float64 on this machine")
    with pytest.raises(UnsupportedType, match="not an ONNX element type"):
        element_type(key)


def test_kinds_are_disjoint_questions() -> None:
    assert {e.name for e in ELEMENT_TYPES if e.is_integer} == {f"{u}int{b}" for u in ("", "u") for b in (2, 4, 8, 16, 32, 64)}
    assert {e.name for e in ELEMENT_TYPES if not e.is_integer and not e.is_float} == {"bool", "string", "complex64", "complex128"}


def test_every_type_string_of_onnx_reads_and_prints_the_same() -> None:
    texts = {text for schema in onnx.defs.get_all_schemas_with_history() for c in schema.type_constraints for text in c.allowed_type_strs}
    for schema in onnx.defs.get_all_schemas_with_history():
        texts |= {t for p in (*schema.inputs, *schema.outputs) for t in p.types}
    assert len(texts) > 60
    for text in texts:
        shown = str(parse_type(text))
        # map(int64, float) is how some schemas write map(int64,tensor(float)).
        assert shown == text.replace(" ", "") or text.startswith(("map(", "seq(map(")), text
        assert str(parse_type(shown)) == shown


def test_a_nested_type_string_becomes_nested_types() -> None:
    assert parse_type("optional(seq(tensor(string)))") == OptionalType(SequenceType(TensorType(STRING)))
    assert parse_type("seq(map(int64,float))") == SequenceType(MapType(INT64, TensorType(FLOAT32)))
    assert parse_type("sparse_tensor(float)") == SparseTensorType(FLOAT32)


@pytest.mark.parametrize(
    "text", ["", "float", "tensor", "tensor(", "tensor(float", "list(tensor(float))", "tensor(tensor(float))", "seq(float)"]
)
def test_what_is_no_type_string_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedType):
        parse_type(text)


def test_a_type_proto_gives_numbers_symbols_and_unknown_dimensions() -> None:
    proto = helper.make_tensor_type_proto(TensorProto.FLOAT, [2, "N", None, 0])
    assert type_from_proto(proto) == TensorType(FLOAT32, (2, "N", None, 0))


def test_a_type_proto_without_shape_has_unknown_rank_and_an_empty_shape_is_a_scalar() -> None:
    assert type_from_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None)) == TensorType(FLOAT32, None)
    assert type_from_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [])) == TensorType(FLOAT32, ())


def test_nested_type_protos_are_read() -> None:
    tensor = helper.make_tensor_type_proto(TensorProto.INT64, ["N"])
    inner = TensorType(INT64, ("N",))
    assert type_from_proto(helper.make_sequence_type_proto(tensor)) == SequenceType(inner)
    assert type_from_proto(helper.make_optional_type_proto(helper.make_sequence_type_proto(tensor))) == OptionalType(SequenceType(inner))
    assert type_from_proto(helper.make_map_type_proto(TensorProto.STRING, tensor)) == MapType(STRING, inner)
    assert type_from_proto(helper.make_sparse_tensor_type_proto(TensorProto.FLOAT, [3])) == SparseTensorType(FLOAT32, (3,))


def test_an_unset_type_proto_is_refused() -> None:
    with pytest.raises(UnsupportedType, match="not set"):
        type_from_proto(TypeProto())
    with pytest.raises(UnsupportedType):
        type_from_proto(TypeProto(tensor_type=TypeProto.Tensor()))


def test_without_shape_drops_shapes_at_every_depth() -> None:
    shaped = OptionalType(SequenceType(TensorType(FLOAT32, (1, "N"))))
    assert without_shape(shaped) == parse_type("optional(seq(tensor(float)))")
    assert without_shape(MapType(INT64, SparseTensorType(FLOAT32, (2,)))) == MapType(INT64, SparseTensorType(FLOAT32))
