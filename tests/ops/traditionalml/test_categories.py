"""CategoryMapper, LabelEncoder, OneHotEncoder."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import Limits
from refexec.errors import LimitExceeded, RuleViolation
from tests.ops.traditionalml.models import ml


def texts(*values: Any) -> np.ndarray:
    return np.array(values, object)


WORDS = texts(["b", "a"], ["é", "b"])


def test_the_mapper_goes_both_ways() -> None:
    y = ml("CategoryMapper", WORDS, cats_int64s=[7, 8], cats_strings=["a", "b"])
    assert y.dtype == np.int64 and y.tolist() == [[8, 7], [-1, 8]]
    y = ml("CategoryMapper", np.array([8, 9]), cats_int64s=[7, 8], cats_strings=["a", "b"], default_string="?")
    assert y.dtype == object and y.tolist() == ["b", "?"]
    assert ml("CategoryMapper", WORDS, cats_int64s=[7, 8], cats_strings=["a", "b"], default_int64=0).tolist() == [[8, 7], [0, 8]]
    assert ml("CategoryMapper", np.array(1)).item() == "_Unused"


def test_keys_and_values_have_one_length() -> None:
    with pytest.raises(RuleViolation, match="one length"):
        ml("CategoryMapper", WORDS, cats_int64s=[7], cats_strings=["a", "b"])


def test_version_1_of_the_encoder_indexes_one_list() -> None:
    y = ml("LabelEncoder", WORDS, opset=1, classes_strings=["a", "b"])
    assert y.dtype == np.int64 and y.tolist() == [[1, 0], [-1, 1]]
    y = ml("LabelEncoder", np.array([0, 1, 2, -1]), opset=1, classes_strings=["a", "b"], default_string="?")
    assert y.tolist() == ["a", "b", "?", "?"]


ENCODED = [
    ({"keys_strings": ["a", "b"]}, WORDS, [[1, 0], [2, 1]]),
    ({"keys_int64s": [3, 5]}, np.array([5, 3, 4]), [1, 0, 2]),
    ({"keys_floats": [0.5, 2]}, np.array([2, 0.5, 1], np.float32), [1, 0, 2]),
]
VALUES: list[tuple[dict[str, Any], Any, list[Any]]] = [
    ({"values_strings": ["x", "y"]}, object, ["x", "y", "_Unused"]),
    ({"values_strings": ["x", "y"], "default_string": "?"}, object, ["x", "y", "?"]),
    ({"values_int64s": [10, 20]}, np.int64, [10, 20, -1]),
    ({"values_int64s": [10, 20], "default_int64": 5}, np.int64, [10, 20, 5]),
    ({"values_floats": [0.25, 4]}, np.float32, [0.25, 4, 0]),
    ({"values_floats": [0.25, 4], "default_float": 0.5}, np.float32, [0.25, 4, 0.5]),
]


@pytest.mark.parametrize("opset", [2, 3, 4, 5])
@pytest.mark.parametrize(("keys", "x", "at"), ENCODED)
@pytest.mark.parametrize(("values", "dtype", "table"), VALUES)
def test_keys_become_values_and_others_the_default(
    opset: int, keys: dict[str, Any], x: Any, at: Any, values: dict[str, Any], dtype: Any, table: list[Any]
) -> None:
    y = ml("LabelEncoder", x, opset=opset, **keys, **values)
    assert y.dtype == dtype and y.tolist() == np.array(table, dtype)[np.array(at)].tolist()


def test_the_default_float_is_minus_zero() -> None:
    assert math.copysign(1, ml("LabelEncoder", np.array([1]), keys_int64s=[0], values_floats=[1]).item()) == -1


@pytest.mark.parametrize("keys", [np.int16, np.int32, np.float64, np.int64])
@pytest.mark.parametrize(("values", "default"), [(np.int16, -1), (np.float64, 0), (np.int32, -1)])
def test_keys_and_values_may_be_tensors(keys: Any, values: Any, default: int) -> None:
    own = {"keys_tensor": np.array([1, 2], keys), "values_tensor": np.array([7, 8], values)}
    y = ml("LabelEncoder", np.array([[2, 3]], keys), opset=4, **own)
    assert y.dtype == values and y.tolist() == [[8, default]]
    y = ml("LabelEncoder", np.array([[2, 3]], keys), opset=4, default_tensor=np.array([5], values), **own)
    assert y.tolist() == [[8, 5]]


def test_string_tensors() -> None:
    own = {"keys_tensor": texts("a", "b"), "values_tensor": texts("x", "y")}
    assert ml("LabelEncoder", WORDS, opset=4, **own).tolist() == [["y", "x"], ["_Unused", "y"]]
    assert ml("LabelEncoder", WORDS, opset=4, default_tensor=texts(""), **own).tolist() == [["y", "x"], ["", "y"]]


OTHER_NAN = np.array([0x7FC00001], np.uint32).view(np.float32)


def test_from_version_4_on_every_nan_matches_a_key_nan() -> None:
    x = np.concatenate([OTHER_NAN, np.array([math.nan, -math.nan, -0.0], np.float32)])
    y = ml("LabelEncoder", x, opset=4, keys_floats=[math.nan, 0.0], values_int64s=[1, 2])
    assert y.tolist() == [1, 1, 1, 2]


def test_in_version_2_floats_match_bit_by_bit() -> None:
    x = np.concatenate([OTHER_NAN, np.array([math.nan, -0.0, 0.0], np.float32)])
    y = ml("LabelEncoder", x, opset=2, keys_floats=[math.nan, 0.0], values_int64s=[1, 2])
    assert y.tolist() == [-1, 1, -1, 2]


@pytest.mark.parametrize("opset", [2, 4])
def test_of_equal_keys_the_last_counts(opset: int) -> None:
    assert ml("LabelEncoder", np.array([1]), opset=opset, keys_int64s=[1, 1], values_int64s=[5, 6]).item() == 6


@pytest.mark.parametrize("profile", ["reference", "wide"])
def test_float_keys_are_found_in_every_profile(profile: str) -> None:
    x = np.array([0.1, 0.3], np.float32)
    y = ml("LabelEncoder", x, opset=4, profile=profile, keys_floats=[0.1, 0.2], values_floats=[0.5, 1])
    assert y.tolist() == [0.5, 0]


@pytest.mark.parametrize("opset", [2, 4])
@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        ({"values_int64s": [1]}, "only one of keys"),
        ({"keys_int64s": [1], "keys_floats": [1], "values_int64s": [1]}, "only one of keys"),
        ({"keys_int64s": [1], "values_int64s": [1], "values_strings": ["a"]}, "only one of values"),
        ({"keys_int64s": [1]}, "only one of values"),
        ({"keys_floats": [1], "values_int64s": [1]}, "keys have the type of the input"),
        ({"keys_int64s": [1], "values_int64s": [1, 2]}, "one length"),
    ],
)
def test_encoder_rules(opset: int, attributes: dict[str, Any], rule: str) -> None:
    with pytest.raises(RuleViolation, match=rule):
        ml("LabelEncoder", np.array([1]), opset=opset, **attributes)


@pytest.mark.parametrize("default", [np.array([1, 2]), np.array([1.0])])
def test_the_default_tensor_is_one_value_of_the_type_of_the_values(default: Any) -> None:
    with pytest.raises(RuleViolation, match="default_tensor is one value"):
        ml("LabelEncoder", np.array([1]), opset=4, keys_int64s=[1], values_tensor=np.array([1]), default_tensor=default)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32, np.float64])
def test_one_hot_numbers(dtype: Any) -> None:
    y = ml("OneHotEncoder", np.array([[4, 1], [3, 0]], dtype), cats_int64s=[0, 1, 4])
    assert y.dtype == np.float32 and y.tolist() == [[[0, 0, 1], [0, 1, 0]], [[0, 0, 0], [1, 0, 0]]]


def test_one_hot_floats_lose_their_fraction() -> None:
    x = np.array([1.9, -0.5, math.nan, math.inf], np.float32)
    assert ml("OneHotEncoder", x, cats_int64s=[0, 1]).tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]


def test_one_hot_strings_and_scalars() -> None:
    assert ml("OneHotEncoder", texts("b", "c"), cats_strings=["a", "b"]).tolist() == [[0, 1], [0, 0]]
    assert ml("OneHotEncoder", np.array(1), cats_int64s=[0, 1]).tolist() == [0, 1]
    assert ml("OneHotEncoder", np.zeros((0, 2), np.int64), cats_int64s=[0, 1]).shape == (0, 2, 2)
    assert ml("OneHotEncoder", np.array([1]), cats_int64s=[0, 1], zeros=0).tolist() == [[0, 1]]


def test_one_hot_rules() -> None:
    with pytest.raises(RuleViolation, match="every element is a category"):
        ml("OneHotEncoder", np.array([0, 5]), cats_int64s=[0], zeros=0)
    both: list[dict[str, Any]] = [{}, {"cats_int64s": [1], "cats_strings": ["a"]}]
    for attributes in both:
        with pytest.raises(RuleViolation, match="only one of cats"):
            ml("OneHotEncoder", np.array([1]), **attributes)
    with pytest.raises(RuleViolation, match="strings are looked up"):
        ml("OneHotEncoder", np.array([1]), cats_strings=["a"])
    with pytest.raises(LimitExceeded):
        ml("OneHotEncoder", np.zeros(1000, np.int64), cats_int64s=list(range(1000)), limits=Limits(tensor_bytes=1 << 20))
