"""Values as onnx's test data have them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from refexec.errors import UnsupportedType
from refexec.observe.protos import value_to_proto
from refexec.types import parse_type


def test_a_map_of_numbers_is_a_map_proto_with_keys_and_values() -> None:
    made = value_to_proto({3: 1.5, -1: 0.25}, parse_type("map(int64,tensor(float))"), "m")
    assert list(made.keys) == [3, -1]
    assert [onnx.numpy_helper.to_array(t).tolist() for t in made.values.tensor_values] == [1.5, 0.25]
    assert made.values.tensor_values[0].data_type == onnx.TensorProto.FLOAT


def test_an_empty_optional_and_one_of_a_sequence() -> None:
    declared = parse_type("optional(seq(tensor(int64)))")
    assert not value_to_proto(None, declared, "").HasField("sequence_value")
    held = value_to_proto([np.array([1, 2])], declared, "").sequence_value
    assert onnx.numpy_helper.to_array(held.tensor_values[0]).tolist() == [1, 2]


def test_what_is_no_tensor_without_a_declared_type_is_refused() -> None:
    with pytest.raises(UnsupportedType, match="name=y"):
        value_to_proto([1], None, "y")
