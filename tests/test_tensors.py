"""TensorProto and SparseTensorProto: every storage form of every element type, and every broken rule."""

from __future__ import annotations

import itertools
import math
import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper

from refexec.errors import (
    AmbiguousModel,
    ExternalDataError,
    InvalidModel,
    RefexecError,
    RuleViolation,
    UnsupportedError,
    UnsupportedType,
)
from refexec.tensors import packed_bytes, sparse_from_proto, tensor_from_proto, tensor_to_proto
from refexec.types import ELEMENT_TYPES, ElementType, element_type

Array = np.ndarray[Any, Any]
T = TensorProto
NUMBERS = [e for e in ELEMENT_TYPES if e.kind != "string"]
numbers = pytest.mark.parametrize("elem", NUMBERS, ids=str)


def read(proto: TensorProto, **more: Any) -> Array:
    return tensor_from_proto(proto, "initializer 'w'", **more)


def bits_of(array: Array) -> bytes:
    """The bytes, with unused upper bits of a code cleared."""
    bits = element_type(array.dtype).bits
    return bytes(b & ((1 << bits) - 1) for b in array.tobytes()) if bits < 8 else array.tobytes()


def patterns(elem: ElementType, count: int) -> list[int]:
    """Bit patterns of ``elem``, each of ``elem.bits`` bits, with a good mix of zeros and ones."""
    return [(0x9E3779B97F4A7C15F39CC0605CEDC834 * (i + 1) >> 3) & ((1 << elem.bits) - 1) for i in range(count)]


def packed(codes: list[int], bits: int) -> bytes:
    """The elements as one little-endian bit stream, the first in the lowest bits, padded to whole bytes."""
    stream = sum(code << i * bits for i, code in enumerate(codes))
    return stream.to_bytes(-(-len(codes) * bits // 8), "little")


# raw_data


@numbers
@pytest.mark.parametrize("count", range(9))
def test_raw_data_is_a_little_endian_bit_stream(elem: ElementType, count: int) -> None:
    codes = [c & 1 if elem.kind == "bool" else c for c in patterns(elem, count)]
    array = read(T(dims=[count], data_type=elem.number, raw_data=packed(codes, elem.bits)))
    assert array.dtype == elem.dtype
    assert array.shape == (count,)
    assert bits_of(array) == b"".join(c.to_bytes(max(1, elem.bits // 8), "little") for c in codes)


@numbers
@pytest.mark.parametrize("delta", [-1, 1])
def test_raw_data_of_another_length_is_refused(elem: ElementType, delta: int) -> None:
    needed = -(-3 * elem.bits // 8)
    with pytest.raises(InvalidModel, match=rf"raw_data has {needed + delta} bytes, its type and dims need {needed}"):
        read(T(dims=[3], data_type=elem.number, raw_data=bytes(needed + delta)))


@pytest.mark.parametrize(
    "name", ["float32", "int64", "float16", "bfloat16", "int4", "uint2", "float4e2m1", "float6e3m2", "complex64", "bool"]
)
def test_what_onnx_writes_is_read_alike(name: str) -> None:
    elem = element_type(name)
    array = np.array([[0, 1, 0], [1, 1, 0], [1, 0, 1]]).astype(elem.dtype)
    got = read(numpy_helper.from_array(array))
    assert got.shape == (3, 3)
    assert bits_of(got) == bits_of(array)


def test_the_packing_of_float6_by_hand() -> None:
    # 1.0, 7.5, -0.125, 2.0, 0.5 in e2m3: codes 001000 011111 100001 010000 000100
    raw = bytes([0b11_001000, 0b0001_0111, 0b010000_10, 0b00_000100])
    got = read(T(dims=[5], data_type=T.FLOAT6E2M3, raw_data=raw))
    assert got.astype(float).tolist() == [1.0, 7.5, -0.125, 2.0, 0.5]


def test_the_packing_of_int4_and_int2_by_hand() -> None:
    assert read(T(dims=[3], data_type=T.INT4, raw_data=b"\xf1\x08")).astype(int).tolist() == [1, -1, -8]
    assert read(T(dims=[3], data_type=T.UINT4, raw_data=b"\xf1\x08")).astype(int).tolist() == [1, 15, 8]
    assert read(T(dims=[5], data_type=T.INT2, raw_data=b"\xe4\x03")).astype(int).tolist() == [0, 1, -2, -1, -1]
    assert read(T(dims=[5], data_type=T.UINT2, raw_data=b"\xe4\x03")).astype(int).tolist() == [0, 1, 2, 3, 3]


def test_a_bool_byte_other_than_0_and_1_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"raw_data\[1\] is 2, outside 0 to 1"):
        read(T(dims=[2], data_type=T.BOOL, raw_data=b"\x01\x02"))
    with pytest.raises(InvalidModel, match=r"int32_data\[0\] is -1"):
        read(T(dims=[2], data_type=T.BOOL, int32_data=[-1, 0]))


# The typed fields


@pytest.mark.parametrize(
    "elem", [e for e in NUMBERS if (e.is_float and e.bits <= 16) or (e.name.startswith("uint") and e.bits <= 16)], ids=str
)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_int32_data_holds_bit_patterns(elem: ElementType, count: int) -> None:
    codes = patterns(elem, count)
    items = list(packed(codes, elem.bits)) if elem.bits in (2, 4) else codes
    array = read(T(dims=[count], data_type=elem.number, int32_data=items))
    assert bits_of(array) == b"".join(c.to_bytes(max(1, elem.bits // 8), "little") for c in codes)
    assert array.dtype == elem.dtype


def test_int32_data_holds_signed_integers_as_numbers_and_int4_as_packed_bytes() -> None:
    for name in ("INT8", "INT16", "INT32"):
        assert read(T(dims=[3], data_type=getattr(T, name), int32_data=[-128, 0, 127])).tolist() == [-128, 0, 127]
    assert read(T(dims=[3], data_type=T.INT4, int32_data=[0xF1, 0x08])).astype(int).tolist() == [1, -1, -8]
    assert read(T(dims=[2], data_type=T.BOOL, int32_data=[1, 0])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("INT8", -128, 127),
        ("UINT8", 0, 255),
        ("INT16", -32768, 32767),
        ("UINT16", 0, 65535),
        ("BOOL", 0, 1),
        ("FLOAT16", 0, 65535),
        ("BFLOAT16", 0, 65535),
        ("FLOAT8E4M3FN", 0, 255),
        ("FLOAT8E8M0", 0, 255),
        ("FLOAT6E2M3", 0, 63),
        ("FLOAT6E3M2", 0, 63),
        ("INT4", 0, 255),
        ("UINT2", 0, 255),
        ("FLOAT4E2M1", 0, 255),
    ],
)
def test_an_int32_data_item_outside_the_range_of_its_type_is_refused(name: str, low: int, high: int) -> None:
    number = getattr(T, name)
    for value in (low, high):
        assert read(T(dims=[1], data_type=number, int32_data=[value])).shape == (1,)
    for value in (low - 1, high + 1):
        with pytest.raises(InvalidModel, match=rf"int32_data\[0\] is {value}, outside {low} to {high}"):
            read(T(dims=[1], data_type=number, int32_data=[value]))


def test_the_other_typed_fields() -> None:
    assert read(T(dims=[2], data_type=T.FLOAT, float_data=[1.5, -math.inf])).tolist() == [1.5, -math.inf]
    assert read(T(dims=[2], data_type=T.DOUBLE, double_data=[0.1, 2.0])).tolist() == [0.1, 2.0]
    assert read(T(dims=[2], data_type=T.INT64, int64_data=[-(2**63), 2**63 - 1])).tolist() == [-(2**63), 2**63 - 1]
    assert read(T(dims=[1], data_type=T.UINT64, uint64_data=[2**64 - 1])).tolist() == [2**64 - 1]
    assert read(T(dims=[1], data_type=T.UINT32, uint64_data=[2**32 - 1])).tolist() == [2**32 - 1]
    assert read(T(dims=[2], data_type=T.COMPLEX64, float_data=[1, 2, 3, 4])).tolist() == [1 + 2j, 3 + 4j]
    assert read(T(dims=[1], data_type=T.COMPLEX128, double_data=[1, -2])).tolist() == [1 - 2j]


def test_a_uint32_above_its_range_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"uint64_data\[0\] is 4294967296"):
        read(T(dims=[1], data_type=T.UINT32, uint64_data=[2**32]))


@pytest.mark.parametrize(
    ("proto", "text"),
    [
        (T(dims=[2], data_type=T.FLOAT, float_data=[1]), "float_data has 1 items, its type and dims need 2"),
        (T(dims=[1], data_type=T.COMPLEX64, float_data=[1]), "float_data has 1 items, its type and dims need 2"),
        (T(dims=[3], data_type=T.INT4, int32_data=[1, 2, 3]), "int32_data has 3 items, its type and dims need 2"),
        (T(dims=[3], data_type=T.FLOAT6E2M3, int32_data=[1, 2]), "int32_data has 2 items, its type and dims need 3"),
        (T(dims=[0], data_type=T.INT64, int64_data=[1]), "int64_data has 1 items, its type and dims need 0"),
        (T(dims=[], data_type=T.INT64, int64_data=[1, 2]), "int64_data has 2 items, its type and dims need 1"),
        (T(dims=[2], data_type=T.STRING, string_data=[b"a"]), "string_data has 1 items, its type and dims need 2"),
        (T(dims=[2], data_type=T.FLOAT), "the tensor has no data"),
        (T(dims=[], data_type=T.STRING), "the tensor has no data"),
        (T(dims=[1], data_type=T.FLOAT, double_data=[1]), "double_data cannot hold elements of type float32"),
        (T(dims=[1], data_type=T.INT64, int32_data=[1]), "int32_data cannot hold elements of type int64"),
        (T(dims=[1], data_type=T.UINT8, uint64_data=[1]), "uint64_data cannot hold elements of type uint8"),
        (T(dims=[1], data_type=T.STRING, raw_data=b"a"), "raw_data cannot hold elements of type string"),
        (T(dims=[1], data_type=T.STRING, data_location=T.EXTERNAL), "external_data cannot hold elements of type string"),
        (T(dims=[1], data_type=T.INT8, string_data=[b"a"]), "string_data cannot hold elements of type int8"),
        (T(dims=[-1], data_type=T.FLOAT), "a dimension is negative"),
        (T(dims=[2**62, 2], data_type=T.FLOAT), "does not fit in 64 bits"),
        (T(dims=[2**62, 4, 0], data_type=T.FLOAT), "does not fit in 64 bits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_rule_is_an_invalid_model_and_says_where(proto: TensorProto, text: str) -> None:
    with pytest.raises(InvalidModel, match=text) as caught:
        read(proto)
    assert str(caught.value).startswith("initializer 'w': ")


FIELDS: dict[str, Any] = {
    "float_data": [1.0],
    "int32_data": [1],
    "string_data": [b"a"],
    "int64_data": [1],
    "double_data": [1.0],
    "uint64_data": [1],
    "raw_data": b"",
    "data_location": T.EXTERNAL,
}


@pytest.mark.parametrize(("a", "b"), list(itertools.combinations(FIELDS, 2)))
def test_two_data_fields_are_ambiguous_and_both_are_named(a: str, b: str) -> None:
    with pytest.raises(AmbiguousModel) as caught:
        read(T(dims=[1], data_type=T.FLOAT, **{a: FIELDS[a], b: FIELDS[b]}))
    for name in (a, b):
        assert name.replace("data_location", "external_data") in str(caught.value)


@pytest.mark.parametrize("number", [0, 29, 99, -1])
def test_an_unknown_data_type_is_unsupported(number: int) -> None:
    with pytest.raises(UnsupportedType, match=rf"initializer 'w'.*data_type={number}"):
        read(T(dims=[1], data_type=number, raw_data=b"\0\0\0\0"))


def test_what_numpy_or_refexec_cannot_hold_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="rank=65"):
        read(T(dims=[1] * 65, data_type=T.FLOAT, float_data=[1]))
    assert read(T(dims=[1] * 64, data_type=T.FLOAT, float_data=[1])).ndim == 64
    with pytest.raises(UnsupportedError, match="segments"):
        read(T(dims=[1], data_type=T.FLOAT, float_data=[1], segment=T.Segment(begin=0, end=1)))


def test_a_million_huge_dims_are_refused_at_once() -> None:
    with pytest.raises(UnsupportedError, match="rank=1000000"):
        read(T(dims=[2**62] * 1_000_000, data_type=T.FLOAT))


@pytest.mark.parametrize("elem", ELEMENT_TYPES, ids=str)
@pytest.mark.parametrize("dims", [(0,), (2, 0, 3)])
def test_an_empty_tensor_needs_no_data(elem: ElementType, dims: tuple[int, ...]) -> None:
    array = read(T(dims=dims, data_type=elem.number))
    assert (array.shape, array.dtype) == (dims, elem.dtype)
    if elem.kind != "string":
        assert read(T(dims=dims, data_type=elem.number, raw_data=b"")).shape == dims


@pytest.mark.parametrize("elem", ELEMENT_TYPES, ids=str)
def test_every_array_from_a_model_is_read_only_and_native(elem: ElementType) -> None:
    array = read(tensor_to_proto(np.ones((2, 2), elem.dtype) if elem.kind != "string" else np.array([["a", "b"]], object)))
    assert not array.flags.writeable
    assert array.dtype.isnative
    assert array.flags.c_contiguous
    assert array.flags.aligned


def test_typed_fields_give_read_only_arrays_too() -> None:
    for proto in (
        T(dims=[1], data_type=T.FLOAT, float_data=[1]),
        T(dims=[1], data_type=T.INT4, int32_data=[1]),
        T(dims=[1], data_type=T.STRING, string_data=[b"a"]),
        T(dims=[0], data_type=T.FLOAT),
    ):
        assert not read(proto).flags.writeable


# Strings


def test_strings_are_str_in_an_object_array() -> None:
    array = read(T(dims=[2, 2], data_type=T.STRING, string_data=[b"", "ä".encode(), "猫\0".encode(), b"a\nb"]))
    assert array.dtype == object
    assert array.tolist() == [["", "ä"], ["猫\0", "a\nb"]]


@pytest.mark.parametrize("text", [b"\xff", b"ab\xc3", b"\xed\xa0\x80", b"\xc0\x80"])
def test_text_that_is_not_utf8_is_refused_with_its_index(text: bytes) -> None:
    with pytest.raises(InvalidModel, match=r"string_data\[1\] is not UTF-8"):
        read(T(dims=[2], data_type=T.STRING, string_data=[b"ok", text]))


def test_text_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(RuleViolation, match="UTF-8"):
        tensor_to_proto(np.array(["ok", "\ud800"], object))
    with pytest.raises(RuleViolation, match="holds str"):
        tensor_to_proto(np.array([b"bytes"], object))


# External data


def external_proto(elem: ElementType, dims: list[int]) -> TensorProto:
    return T(dims=dims, data_type=elem.number, data_location=T.EXTERNAL)


@numbers
def test_external_bytes_are_read_as_raw_data_is(elem: ElementType) -> None:
    codes = [c & 1 if elem.kind == "bool" else c for c in patterns(elem, 5)]
    raw = packed(codes, elem.bits)
    seen: list[TensorProto] = []
    proto = external_proto(elem, [5])

    def give(p: TensorProto) -> bytes:
        seen.append(p)
        return raw

    assert bits_of(read(proto, external=give)) == bits_of(read(T(dims=[5], data_type=elem.number, raw_data=raw)))
    assert seen == [proto]


def test_external_data_are_not_copied_even_from_a_memory_map(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(struct.pack("<4f", 1, 2, 3, 4))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        array = read(external_proto(element_type("float32"), [2, 2]), external=lambda _: mapped)
        assert array.tolist() == [[1, 2], [3, 4]]
        assert np.shares_memory(array, np.frombuffer(mapped, np.uint8))
        assert not array.flags.writeable
        del array


def test_an_unaligned_buffer_is_copied_so_that_the_array_is_aligned() -> None:
    buffer = memoryview(b"\0" + struct.pack("<3d", 1, 2, 3))[1:]
    array = read(external_proto(element_type("float64"), [3]), external=lambda _: buffer)
    assert array.tolist() == [1, 2, 3]
    assert array.flags.aligned
    assert not array.flags.writeable


def test_external_data_need_a_reader_and_the_right_length() -> None:
    proto = external_proto(element_type("float32"), [2])
    with pytest.raises(InvalidModel, match="stand in another file"):
        read(proto)
    with pytest.raises(ExternalDataError, match="external_data has 9 bytes, its type and dims need 8"):
        read(proto, external=lambda _: bytes(9))


@pytest.mark.parametrize(("name", "size"), [("FLOAT", 20), ("INT4", 3), ("UINT2", 2), ("FLOAT6E2M3", 4), ("COMPLEX128", 80), ("BOOL", 5)])
def test_packed_bytes_is_the_storage_size_rounded_up(name: str, size: int) -> None:
    assert packed_bytes(T(dims=[5], data_type=getattr(T, name)), "w") == size


def test_packed_bytes_refuses_what_has_no_such_size() -> None:
    for proto in (T(dims=[1], data_type=T.STRING), T(dims=[-1], data_type=T.FLOAT), T(dims=[1], data_type=0)):
        with pytest.raises(RefexecError):
            packed_bytes(proto, "w")


# Writing


@pytest.mark.parametrize("elem", ELEMENT_TYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3), (3, 0, 2)])
def test_every_type_and_shape_survives_writing_and_reading(elem: ElementType, shape: tuple[int, ...]) -> None:
    count = math.prod(shape)
    if elem.kind == "string":
        array: Array = np.array([f"é{i}" for i in range(count)], object).reshape(shape)
    else:
        codes = [c & 1 if elem.kind == "bool" else c for c in patterns(elem, count)]
        array = np.frombuffer(b"".join(c.to_bytes(elem.dtype.itemsize, "little") for c in codes) or bytearray(), np.uint8)
        array = array.view(elem.dtype).reshape(shape)
    proto = tensor_to_proto(array, "name")
    again = read(proto)
    assert (proto.name, tuple(proto.dims), proto.data_type) == ("name", shape, elem.number)
    assert (again.shape, again.dtype) == (shape, elem.dtype)
    if elem.kind == "string":
        assert again.tolist() == array.tolist()
    else:
        assert bits_of(again) == bits_of(array)


@numbers
def test_onnx_reads_what_is_written(elem: ElementType) -> None:
    codes = [c & 1 if elem.kind == "bool" else c for c in patterns(elem, 7)]
    array: Array = np.frombuffer(b"".join(c.to_bytes(elem.dtype.itemsize, "little") for c in codes), np.uint8).view(elem.dtype)
    assert bits_of(numpy_helper.to_array(tensor_to_proto(array))) == bits_of(array)


def test_strided_swapped_and_fixed_width_arrays_are_written_by_value() -> None:
    base = np.arange(12, dtype=np.int32).reshape(3, 4)
    for array in (base.T, base[:, ::-2], base.astype(">i4"), np.asfortranarray(base)):
        assert read(tensor_to_proto(array)).tolist() == array.tolist()
    assert read(tensor_to_proto(np.array(["a", "bc"]))).tolist() == ["a", "bc"]
    assert tensor_to_proto(np.array([1, 256], ">i2")).raw_data == b"\x01\x00\x00\x01"


def test_an_array_of_no_onnx_type_is_not_written() -> None:
    with pytest.raises(UnsupportedType):
        tensor_to_proto(np.array(["2020-01-01"], "M8[D]"))


# Sparse tensors


def sparse(values: Any, indices: Any, dims: list[int], dtype: Any = np.float32) -> SparseTensorProto:
    return SparseTensorProto(
        values=tensor_to_proto(np.array(values, dtype)), indices=tensor_to_proto(np.array(indices, np.int64)), dims=dims
    )


def test_both_forms_of_indices_give_the_same_dense_tensor() -> None:
    expected = [[0, 3, 0], [0, 0, 4]]
    for indices in ([1, 5], [[0, 1], [1, 2]]):
        tensor = sparse_from_proto(sparse([3, 4], indices, [2, 3]), "s")
        assert tensor.shape == (2, 3)
        assert tensor.to_dense().tolist() == expected
        assert not tensor.values.flags.writeable


def test_a_sparse_tensor_without_values_is_all_zero() -> None:
    for indices in (np.zeros(0), np.zeros((0, 2))):
        assert sparse_from_proto(sparse([], indices, [1, 2]), "s").to_dense().tolist() == [[0, 0]]
    assert sparse_from_proto(sparse([], np.zeros((0, 2)), [0, 2]), "s").to_dense().shape == (0, 2)


def test_a_sparse_tensor_may_be_far_too_large_to_be_dense() -> None:
    tensor = sparse_from_proto(sparse([1], [[2**31 - 1, 2**31 - 1]], [2**31, 2**31]), "s")
    assert tensor.shape == (2**31, 2**31)


def test_a_sparse_string_tensor_has_empty_text_as_default() -> None:
    assert sparse_from_proto(sparse(["x"], [2], [3], object), "s").to_dense().tolist() == ["", "", "x"]


@pytest.mark.parametrize(
    ("proto", "text"),
    [
        (sparse([1, 2], [5, 1], [6]), r"not ascending, each once, from indices\[0\] to indices\[1\] \(first=5, second=1\)"),
        (sparse([1, 2], [1, 1], [6]), "not ascending"),
        (sparse([1, 2], [[1, 0], [0, 1]], [2, 2]), r"not ascending.*first=\[1, 0\], second=\[0, 1\]"),
        (sparse([1, 2], [[0, 1], [0, 1]], [2, 2]), "not ascending"),
        (sparse([1], [6], [6]), r"indices\[0\] is outside the dims \(index=6, dims=\[6\]\)"),
        (sparse([1], [-1], [6]), "outside the dims"),
        (sparse([1, 2], [[0, 1], [0, 2]], [2, 2]), r"indices\[1\] is outside the dims \(index=\[0, 2\]"),
        (sparse([1], [0], [0]), "outside the dims"),
        (sparse([1, 2], [1], [6]), r"shape \[NNZ\] or \[NNZ, rank\] \(shape=\[1\], nnz=2, rank=1\)"),
        (sparse([1], [[0]], [2, 2]), r"\[NNZ, rank\]"),
        (sparse([1], 0, [2]), r"\[NNZ, rank\]"),
        (sparse([[1]], [0], [2]), r"values of a sparse tensor have the shape \[NNZ\]"),
        (sparse([1], [0], [-2]), "negative"),
        (sparse([1], [0], [2**32, 2**32]), "64 bits"),
        (sparse([1], [0], []), "at least one dimension"),
        (SparseTensorProto(values=tensor_to_proto(np.zeros(1)), dims=[1]), "indices of the sparse tensor is not set"),
        (SparseTensorProto(indices=tensor_to_proto(np.zeros(1, np.int64)), dims=[1]), "values of the sparse tensor is not set"),
        (
            SparseTensorProto(values=T(dims=[1], data_type=T.FLOAT), indices=T(dims=[1], data_type=T.INT64), dims=[1]),
            "s, values: .* no data",
        ),
        (
            SparseTensorProto(values=tensor_to_proto(np.zeros(1)), indices=tensor_to_proto(np.zeros(1, np.int32)), dims=[1]),
            "indices of a sparse tensor are int64",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_sparse_tensor_is_an_invalid_model(proto: SparseTensorProto, text: str) -> None:
    with pytest.raises(InvalidModel, match=text):
        sparse_from_proto(proto, "s")


def test_the_parts_of_a_sparse_tensor_may_be_external() -> None:
    proto = sparse([1], [2], [3])
    proto.values.ClearField("raw_data")
    proto.values.data_location = T.EXTERNAL
    assert sparse_from_proto(proto, "s", lambda _: struct.pack("<f", 7)).to_dense().tolist() == [0, 0, 7]


def test_a_sparse_tensor_of_onnx_helpers_is_read() -> None:
    values = helper.make_tensor("v", T.FLOAT, [2], [1.0, 2.0])
    indices = helper.make_tensor("i", T.INT64, [2], [0, 3])
    assert sparse_from_proto(helper.make_sparse_tensor(values, indices, [4]), "s").to_dense().tolist() == [1, 0, 0, 2]
