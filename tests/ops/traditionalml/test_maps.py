"""CastMap, DictVectorizer, ZipMap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec import Limits
from refexec.errors import InvalidModel, LimitExceeded, RuleViolation
from tests.ops.traditionalml.models import ml, on_map

FLOATS = {5: 2.5, 0: -1, 2: 7}


def test_a_dense_map_is_ordered_by_its_keys() -> None:
    y = on_map("CastMap", "int64 float", FLOATS)
    assert y.dtype == np.float32 and y.tolist() == [[-1, 7, 2.5]]


def test_a_sparse_map_puts_values_at_their_keys() -> None:
    assert on_map("CastMap", "int64 float", FLOATS, map_form="SPARSE", max_map=7).tolist() == [[-1, 0, 7, 0, 0, 2.5, 0]]
    y = on_map("CastMap", "int64 string", {1: "a"}, map_form="SPARSE", max_map=2, cast_to="TO_STRING")
    assert y.dtype == object and y.tolist() == [["", "a"]]


def test_values_are_cast() -> None:
    y = on_map("CastMap", "int64 float", FLOATS, cast_to="TO_INT64")
    assert y.dtype == np.int64 and y.tolist() == [[-1, 7, 2]]
    assert on_map("CastMap", "int64 float", FLOATS, cast_to="TO_STRING").tolist() == [["-1", "7", "2.5"]]
    assert on_map("CastMap", "int64 string", {1: "2.5", 0: "NaN"}).tolist()[0][1] == 2.5 and math.isnan(
        on_map("CastMap", "int64 string", {0: "NaN"}).item()
    )
    assert on_map("CastMap", "int64 string", {1: "25"}, cast_to="TO_INT64").tolist() == [[25]]


@pytest.mark.parametrize("profile", ["reference", "wide"])
def test_every_profile_takes_maps(profile: str) -> None:
    assert on_map("CastMap", "int64 float", FLOATS, profile=profile).tolist() == [[-1, 7, 2.5]]
    y = on_map("DictVectorizer", "string float", {"a": 0.5}, string_vocabulary=["b", "a"], profile=profile)
    assert y.tolist() == [0, 0.5]
    assert ml("ZipMap", np.array([[1]], np.float32), classlabels_int64s=[3], profile=profile) == [{3: 1}]


@pytest.mark.parametrize("keys", [{-1: 1.0}, {7: 1.0}])
def test_sparse_keys_are_positions(keys: dict[int, Any]) -> None:
    with pytest.raises(RuleViolation, match=r"keys are in \[0, max_map - 1\]"):
        on_map("CastMap", "int64 float", keys, map_form="SPARSE", max_map=7)


def test_cast_map_rules() -> None:
    with pytest.raises(RuleViolation, match="map_form is DENSE or SPARSE"):
        on_map("CastMap", "int64 float", FLOATS, map_form="RAGGED")
    with pytest.raises(RuleViolation, match="cast_to is"):
        on_map("CastMap", "int64 float", FLOATS, cast_to="TO_BOOL")
    with pytest.raises(RuleViolation, match="cast to a number"):
        on_map("CastMap", "int64 string", {0: "x"})
    with pytest.raises(LimitExceeded):
        on_map("CastMap", "int64 float", FLOATS, map_form="SPARSE", max_map=1 << 40)


@pytest.mark.parametrize("value", ["int64", "float32", "float64"])
def test_a_vocabulary_gives_each_key_a_place(value: str) -> None:
    y = on_map("DictVectorizer", f"string {value}", {"a": 4, "c": 8}, string_vocabulary=["a", "c", "b", "z"])
    assert y.dtype == value and y.tolist() == [4, 8, 0, 0]


def test_integer_vocabularies_and_strings() -> None:
    y = on_map("DictVectorizer", "int64 float64", {3: 0.1, 1: 2}, int64_vocabulary=[1, 2, 3])
    assert y.dtype == np.float64 and y.tolist() == [2, 0, 0.1]
    y = on_map("DictVectorizer", "int64 string", {3: "x"}, int64_vocabulary=[1, 3])
    assert y.dtype == object and y.tolist() == ["", "x"]


def test_integers_stay_exact() -> None:
    assert on_map("DictVectorizer", "string int64", {"a": 2**53 + 1}, string_vocabulary=["a"]).tolist() == [2**53 + 1]


def test_vectorizer_rules() -> None:
    both: list[dict[str, Any]] = [{}, {"string_vocabulary": ["a"], "int64_vocabulary": [1]}]
    for attributes in both:
        with pytest.raises(RuleViolation, match="only one vocabulary"):
            on_map("DictVectorizer", "string float", {"a": 1}, **attributes)
    wrong: list[dict[str, Any]] = [{"string_vocabulary": ["b"]}, {"int64_vocabulary": [1]}]
    for attributes in wrong:
        with pytest.raises(RuleViolation, match="in the vocabulary"):
            on_map("DictVectorizer", "string float", {"a": 1}, **attributes)
    with pytest.raises(InvalidModel, match="cannot be map"):
        on_map("DictVectorizer", "int64 int64", {3: 1}, int64_vocabulary=[3])


def test_each_row_becomes_a_map() -> None:
    x = np.array([[0.25, 0.75], [1, 0]], np.float32)
    assert ml("ZipMap", x, classlabels_strings=["no", "yes"]) == [{"no": 0.25, "yes": 0.75}, {"no": 1, "yes": 0}]
    maps = ml("ZipMap", x, classlabels_int64s=[10, -3])
    assert maps == [{10: 0.25, -3: 0.75}, {10: 1, -3: 0}] and maps[0][10].dtype == np.float32


def test_a_vector_is_one_row_and_no_row_gives_no_map() -> None:
    assert ml("ZipMap", np.array([1, 2], np.float32), classlabels_int64s=[0, 1]) == [{0: 1, 1: 2}]
    assert ml("ZipMap", np.zeros((0, 2), np.float32), classlabels_int64s=[0, 1]) == []


def test_zip_map_rules() -> None:
    x = np.zeros((1, 2), np.float32)
    both: list[dict[str, Any]] = [{}, {"classlabels_strings": ["a", "b"], "classlabels_int64s": [1, 2]}]
    for attributes in both:
        with pytest.raises(RuleViolation, match="only one list of class labels"):
            ml("ZipMap", x, **attributes)
    for bad in (x[:, :1], x[None], x[0, 0]):
        with pytest.raises(RuleViolation, match="one column per label"):
            ml("ZipMap", np.asarray(bad), classlabels_int64s=[0, 1])
    with pytest.raises(RuleViolation, match="labels are distinct"):
        ml("ZipMap", x, classlabels_int64s=[1, 1])
    with pytest.raises(LimitExceeded):
        ml("ZipMap", np.zeros((10_000, 4), np.float32), classlabels_int64s=[0, 1, 2, 3], limits=Limits(tensor_bytes=1 << 20))
