"""Optional, OptionalGetElement, OptionalHasElement."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import InvalidModel, RefexecError, RuleViolation
from tests.models import session

X = np.array([1, 2], np.float32)
VERSIONS = pytest.mark.parametrize("opset", [15, 18, 28])


def ran(body: str, opset: int = 18, **feeds: Any) -> list[Any]:
    return session(body, opset=f'"" : {opset}', ir=13).run(None, feeds)


@VERSIONS
def test_an_optional_holds_its_input_and_gives_it_back(opset: int) -> None:
    body = "(float[n] x) => (float[n] y, bool has, optional(float[n]) o) { o = Optional(x) y = OptionalGetElement(o) has = OptionalHasElement(o) }"
    y, has, o = ran(body, opset, x=X)
    assert y.tolist() == o.tolist() == [1, 2]
    assert (has.shape, has.dtype, has.item()) == ((), bool, True)


@VERSIONS
def test_an_optional_of_a_sequence(opset: int) -> None:
    body = "(seq(float[n]) s) => (seq(float[n]) t) { o = Optional(s) t = OptionalGetElement(o) }"
    assert [v.tolist() for v in ran(body, opset, s=[X])[0]] == [[1, 2]]


@VERSIONS
def test_an_empty_optional_has_a_type_and_no_element(opset: int) -> None:
    body = "() => (optional(int64[n]) o, bool has) { o = Optional <type = int64[n]> () has = OptionalHasElement(o) }"
    assert str(session(body, opset=f'"" : {opset}', ir=13).outputs[0].type) == "optional(tensor(int64))"
    assert ran(body, opset)[0] is None and not ran(body, opset)[1]


def test_an_empty_feed_has_no_element() -> None:
    body = "(optional(float[n]) o) => (bool has) { has = OptionalHasElement(o) }"
    assert [ran(body, o=o)[0].item() for o in (None, X)] == [False, True]


@pytest.mark.parametrize("opset", [18, 28])
def test_from_version_18_tensors_and_sequences_count_as_present(opset: int) -> None:
    assert run_op("OptionalGetElement", X, opset=opset).tolist() == [1, 2]
    assert run_op("OptionalHasElement", X, opset=opset) and run_op("OptionalHasElement", [X], opset=opset)
    assert not run_op("OptionalHasElement", opset=opset)
    assert not run_op("OptionalHasElement", None, opset=opset)


def test_version_15_takes_optionals_only() -> None:
    for op in ("OptionalGetElement", "OptionalHasElement"):
        with pytest.raises(InvalidModel, match="cannot be"):
            run_op(op, X, opset=15)


def test_version_28_takes_bfloat16() -> None:
    x = X.astype(ml_dtypes.bfloat16)
    assert run_op("Optional", x, opset=28).dtype == ml_dtypes.bfloat16


def test_the_element_of_an_empty_optional_cannot_be_taken() -> None:
    with pytest.raises(RuleViolation, match="has an element"):
        ran("() => (float[n] y) { o = Optional <type = float[n]> () y = OptionalGetElement(o) }")


def test_an_empty_optional_needs_a_type() -> None:
    with pytest.raises(RefexecError, match="attribute type"):
        run_op("Optional")
