"""Every type that a schema allows against exact arithmetic that owes nothing to refexec."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.exact import reals
from conformance.exact.formats import FLOATS, INF, NAN, decode, encode, round_to, wrap
from conformance.exact.registry import oracles
from conformance.exact.values import DTYPES, Any_, Case, Seq, Tensor, array, difference
from conformance.instances import Instance, cases, instances, problem
from refexec.schema import all_signatures

EXACT = Path(__file__).parent / "exact"
PARTS = 16


@pytest.mark.parametrize("part", range(PARTS))
def test_every_instance_with_an_oracle_has_the_exact_value(part: int) -> None:
    chosen = [i for k, i in enumerate(instances()) if k % PARTS == part]
    problems = [f"{i}: {wrong}" for i in chosen for case in cases(i) if (wrong := problem(i, case))]
    assert problems == []


def test_an_oracle_speaks_of_versions_that_exist() -> None:
    assert oracles().keys() <= all_signatures().keys()


def test_the_oracles_import_nothing_of_refexec() -> None:
    allowed = {"__future__", "collections", "conformance", "dataclasses", "decimal", "fractions", "functools", "importlib", "itertools", "math",
               "ml_dtypes", "numpy", "onnx", "pkgutil", "re", "struct", "typing", "zlib", "operator", "string"}  # fmt: skip
    for path in EXACT.rglob("*.py"):
        for item in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [a.name for a in item.names]
                if isinstance(item, ast.Import)
                else [item.module or ""]
                if isinstance(item, ast.ImportFrom)
                else []
            )
            for name in names:
                assert name.split(".")[0] in allowed, f"{path.name} imports {name}"
                assert not name.startswith("conformance") or name.startswith("conformance.exact"), f"{path.name} imports {name}"
                assert name != "onnx.reference" and not name.startswith("onnx.reference."), f"{path.name} imports {name}"


def test_a_wrong_expected_value_is_found() -> None:
    relu = next(i for i in instances() if i.signature.label == "Relu-14" and i.type == "float16")
    (case,) = cases(relu)
    assert problem(relu, case) is None
    (y,) = case.outputs
    assert isinstance(y, Tensor)
    wrong = Tensor(y.type, y.shape, (y.values[0] + Fraction(1, 2**10), *y.values[1:]))
    assert "element 0" in str(problem(relu, replace(case, outputs=[wrong])))
    assert "got float16" in str(problem(relu, replace(case, outputs=[Tensor("float", y.shape, y.values)])))


def test_a_case_that_does_not_use_its_type_is_found() -> None:
    relu = next(i for i in instances() if i.signature.label == "Relu-14" and i.type == "float16")
    other = next(i for i in instances() if i.signature.label == "Relu-14" and i.type == "float")
    assert "does not use the type" in str(problem(Instance(relu.signature, relu.variable, "double"), cases(other)[0]))


# The arithmetic itself -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, f in FLOATS.items() if f.bits == 8 and n in DTYPES])
def test_eight_bit_formats_agree_with_ml_dtypes_at_every_bit_pattern(name: str) -> None:
    found = np.arange(256, dtype=np.uint8).view(DTYPES[name]).astype(np.float64)
    assert [repr(float(decode(b, name))) for b in range(256)] == [repr(float(v)) for v in found]


@pytest.mark.parametrize("name", ["float6e2m3", "float6e3m2", "float4e2m1"])
def test_smaller_formats_agree_with_ml_dtypes_at_every_bit_pattern(name: str) -> None:
    count = 1 << FLOATS[name].bits
    found = np.arange(count, dtype=np.uint8).view(DTYPES[name]).astype(np.float64)
    assert [repr(float(decode(b, name))) for b in range(count)] == [repr(float(v)) for v in found]


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_every_finite_half_number_is_encoded_as_it_was_decoded(name: str) -> None:
    for bits in range(0, 1 << 16, 7):
        value = decode(bits, name)
        if value == value:
            assert encode(value, name) == bits


@pytest.mark.parametrize(
    ("value", "name", "nearest"),
    [
        (Fraction(2049), "float16", 2048),  # half-way, to the even mantissa
        (Fraction(2051), "float16", 2052),
        (Fraction(65519), "float16", 65504),
        (Fraction(65520), "float16", INF),
        (Fraction(1, 2**25), "float16", 0),
        (Fraction(3, 2**25), "float16", Fraction(1, 2**23)),
        (Fraction(464), "float8e4m3fn", 448),
        (Fraction(465), "float8e4m3fn", NAN),
        (Fraction(100), "float4e2m1", 6),
        (Fraction(2**24 + 1), "float", 2**24),
    ],
)
def test_rounding_by_hand(value: Fraction, name: str, nearest: Any) -> None:
    assert repr(round_to(value, name)) == repr(nearest if isinstance(nearest, float) else Fraction(nearest))


def test_saturation_and_wrapping_by_hand() -> None:
    assert round_to(Fraction(1000), "float8e4m3fn", saturate=True) == 448
    assert round_to(-INF, "float8e5m2", saturate=True) == -57344
    assert (wrap(200, "int8"), wrap(-1, "uint4"), wrap(2, "int2")) == (-56, 15, -2)


@pytest.mark.parametrize("name", ["sin", "cos", "atan", "exp", "sinh", "cosh", "tanh", "erf"])
def test_real_functions_agree_with_libm_to_its_last_digits(name: str) -> None:
    for x in (-3.0, -0.1, 1e-7, 0.5, 2.5, 20.0):
        assert float(getattr(reals, name)(Fraction(x))) == pytest.approx(getattr(math, name)(x), rel=4e-16)


def test_an_input_that_its_type_does_not_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="not of tensor"):
        Case([Tensor("float16", (1,), (Fraction(1, 3),))], [])
    with pytest.raises(ValueError, match="not all of int4"):
        array(Tensor("int4", (1,), (8,)))


def test_comparison_demands_the_nearest_number_and_allows_stated_units() -> None:
    third = Tensor("float", (1,), (Fraction(1, 3),))
    near = np.array([1 / 3], np.float32)
    assert difference(third, near) is None
    off = np.nextafter(near, np.float32(1))
    assert "element 0" in str(difference(third, off))
    assert difference(third, off, 2) is None
    assert difference(Tensor("float", (1,), (NAN,)), np.array([np.nan], np.float32)) is None
    assert difference(Tensor("float", (1,), (INF,)), np.array([3e38], np.float32)) is not None
    assert difference(Any_("float", (1,)), near) is None
    assert difference(Seq("tensor(float)", (third,)), [near]) is None
    assert difference(Seq("tensor(float)", (third,)), [near, near]) is not None


def test_four_units_are_allowed_for_double() -> None:
    third = Tensor("double", (1,), (Fraction(1, 3),))
    step = float(np.spacing(1 / 3))
    assert difference(third, np.array([1 / 3 + 3 * step])) is None
    assert difference(third, np.array([1 / 3 + 6 * step])) is not None
