"""Registration: exact keys, deltas, custom operators, overriding standard ones."""

from __future__ import annotations

import numpy as np
import pytest

import refexec
from refexec import registry
from refexec.comparison import exact
from refexec.errors import InvalidModel, RunError, UnsupportedError, UnsupportedOperator
from tests.models import session

X = np.array([1, -2], np.float32)


def test_lookup_is_exact_and_says_what_there_is() -> None:
    assert registry.lookup("", "Relu", 14).name == "Relu"
    with pytest.raises(UnsupportedOperator, match="implemented are versions"):
        registry.lookup("", "Relu", 15)
    with pytest.raises(UnsupportedOperator, match="no version"):
        registry.lookup("", "Nope", 1)


def test_a_delta_inherits_what_it_does_not_say() -> None:
    old, new = registry.lookup("", "Softmax", 11), registry.lookup("", "Softmax", 13)
    assert old.function is not new.function
    assert old.arithmetic == new.arithmetic == "rounded"


def test_a_custom_operator_runs_in_its_newest_version_that_the_import_admits() -> None:
    @refexec.op("Scale", domain="test.registry.versions", since=1)
    def scale_1(X, /, *, factor=2.0):  # type: ignore[no-untyped-def]
        return (X * factor).astype(X.dtype)

    @refexec.op("Scale", domain="test.registry.versions", since=3)
    def scale_3(X, /, *, factor=10.0):  # type: ignore[no-untyped-def]
        return (X * factor).astype(X.dtype)

    for version, factor in ((1, 2), (2, 2), (3, 10), (7, 10)):
        assert refexec.run_op("Scale", X, domain="test.registry.versions", opset=version).tolist() == (X * factor).tolist()
    assert refexec.run_op("Scale", X, domain="test.registry.versions", opset=1, factor=3.0).tolist() == [3, -6]


def test_a_custom_node_is_held_against_the_parameters_of_the_function() -> None:
    @refexec.op("Two", domain="test.registry.parameters", since=1)
    def two(A, B=None, /, *, need, may=1):  # type: ignore[no-untyped-def]
        return A

    opset = '"" : 21, "test.registry.parameters" : 1'
    node = "(float[2] x) => (float[2] y) {{ y = test.registry.parameters.Two {} }}"
    with pytest.raises(InvalidModel, match="no such attribute"):
        session(node.format("<need = 1, nope = 2> (x)"), opset=opset)
    with pytest.raises(InvalidModel, match="requires attributes"):
        session(node.format("(x)"), opset=opset)
    with pytest.raises(InvalidModel, match="1 to 2 inputs"):
        session(node.format("<need = 1> (x, x, x)"), opset=opset)
    with pytest.raises(InvalidModel, match="1 to 2 inputs"):
        session(node.format("<need = 1> ()"), opset=opset)


def test_a_custom_operator_cannot_change_what_others_hold() -> None:
    @refexec.op("Spoil", domain="test.registry.spoil", since=1)
    def spoil(X, /):  # type: ignore[no-untyped-def]
        X += 1
        return X

    with pytest.raises((RunError, refexec.errors.RuleViolation)):
        refexec.run_op("Spoil", X, domain="test.registry.spoil")


def test_the_declared_type_of_a_custom_output_is_a_contract() -> None:
    @refexec.op("Widen", domain="test.registry.contract", since=1)
    def widen(X, /):  # type: ignore[no-untyped-def]
        return X.astype(np.float64)

    opset = '"" : 21, "test.registry.contract" : 1'
    s = session("(float[2] x) => (float[2] y) { y = test.registry.contract.Widen(x) }", opset=opset)
    with pytest.raises(RunError, match="another type"):
        s.run(None, {"x": X})
    s = session("(float[2] x) => (y) { y = test.registry.contract.Widen(x) }", opset=opset)
    assert s.run(None, {"x": X})[0].dtype == np.float64


def test_a_custom_operator_may_return_a_list_for_several_outputs_and_must_return_all_that_are_wanted() -> None:
    @refexec.op("Pair", domain="test.registry.pair", since=1)
    def pair(X, /):  # type: ignore[no-untyped-def]
        return [X, -X]

    a, b = refexec.run_op("Pair", X, domain="test.registry.pair", outputs=2)
    assert (a.tolist(), b.tolist()) == ([1, -2], [-1, 2])
    with pytest.raises(RunError, match="more outputs"):
        refexec.run_op("Pair", X, domain="test.registry.pair", outputs=3)


def test_a_standard_operator_is_replaced_only_in_a_session_that_says_so() -> None:
    @refexec.op("Relu", since=14, compare=exact, arithmetic="exact")
    def doubled(X, /):  # type: ignore[no-untyped-def]
        return X + X

    @refexec.op("Relu", since=14)
    def tripled(X, /):  # type: ignore[no-untyped-def]
        return X * 3

    body = "(float[2] x) => (float[2] y) { y = Relu(x) }"
    assert session(body).run(None, {"x": X})[0].tolist() == [1, 0]
    with pytest.raises(UnsupportedError, match="override=True"):
        session(body, ops=[doubled])
    s = session(body, ops=[doubled], override=True)
    assert s.run(None, {"x": X})[0].tolist() == [2, -4]
    assert [d.rule for d in s.diagnostics] == ["override"]
    assert session(body, ops=[tripled], override=True).run(None, {"x": X})[0].tolist() == [3, -6]
    with pytest.raises(UnsupportedError, match=r"refexec\.op"):
        session(body, ops=[len])


def test_one_key_has_one_body() -> None:
    @refexec.op("Once", domain="test.registry.once", since=1)
    def once(X, /):  # type: ignore[no-untyped-def]
        return X

    with pytest.raises(ValueError, match="already registered"):

        @refexec.op("Once", domain="test.registry.once", since=1)
        def twice(X, /):  # type: ignore[no-untyped-def]
            return X


def test_run_op_takes_the_newest_version_of_a_custom_operator() -> None:
    @refexec.op("Grow", domain="test.registry.newest", since=1)
    def grow_1(X, /):  # type: ignore[no-untyped-def]
        return X + 1

    @refexec.op("Grow", domain="test.registry.newest", since=4)
    def grow_4(X, /, *, by=10.0):  # type: ignore[no-untyped-def]
        return (X + by).astype(X.dtype)

    assert refexec.run_op("Grow", X, domain="test.registry.newest").tolist() == [11, 8]
    assert refexec.run_op("test.registry.newest:Grow", X, by=1.0).tolist() == [2, -1]
    assert refexec.run_op("Grow", X, domain="test.registry.newest", opset=3).tolist() == [2, -1]
    with pytest.raises(TypeError, match="name of an operator"):
        refexec.run_op(grow_4, X)  # type: ignore[arg-type]


def test_a_session_prefers_its_own_operator_but_not_an_older_version_of_it() -> None:
    @refexec.op("Pick", domain="test.registry.pick", since=1)
    def pick_1(X, /):  # type: ignore[no-untyped-def]
        return X * 1

    @refexec.op("Pick", domain="test.registry.pick", since=2)
    def pick_2(X, /):  # type: ignore[no-untyped-def]
        return X * 2

    body = "(float[2] x) => (float[2] y) { y = test.registry.pick.Pick(x) }"
    for version, factor in ((1, 1), (2, 2)):
        s = session(body, opset=f'"" : 21, "test.registry.pick" : {version}', ops=[pick_1])
        assert s.run(None, {"x": X})[0].tolist() == (X * factor).tolist()


@pytest.mark.parametrize("returned", [[1.0, 2.0], None])
def test_what_is_no_value_is_refused(returned: object) -> None:
    name = f"Bad{type(returned).__name__}"

    @refexec.op(name, domain="test.registry.bad", since=1)
    def bad(X, /):  # type: ignore[no-untyped-def]
        return returned

    with pytest.raises(RunError, match="no ONNX value"):
        refexec.run_op(name, X, domain="test.registry.bad")
