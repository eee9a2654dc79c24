"""Signatures from onnx.defs, opset limits, digests."""

from __future__ import annotations

import pytest

from refexec import nodes, schema
from refexec.errors import InvalidModel, UnsupportedOperator, UnsupportedOpset
from refexec.types import parse_type
from tests.models import session


def test_a_signature_reads_like_the_specification() -> None:
    conv = schema.signature("", "Conv", 21)
    assert conv.label == "Conv-11"
    assert str(conv).startswith("Conv-11(X: T, W: T, B: T?, *, ")
    assert "group=1" in str(conv)
    assert parse_type("tensor(float)") in conv.variables["T"]
    assert (conv.folder, conv.min_inputs, conv.max_inputs) == ("nn", 2, 3)
    assert schema.signature("ai.onnx.ml", "Scaler", 3).label == "ai.onnx.ml:Scaler-1"


def test_a_float_default_is_shown_in_its_shortest_form() -> None:
    assert "alpha=0.01" in str(schema.signature("", "LeakyRelu", 16))


def test_a_variadic_parameter_stands_for_all_that_follow() -> None:
    concat = schema.signature("", "Concat", 13)
    assert concat.input(7).name == "inputs"
    assert str(concat).startswith("Concat-13(*inputs: T")


@pytest.mark.parametrize(("domain", "version"), [("", 9999), ("", 0), ("", -1), ("ai.onnx.ml", 77)])
def test_an_opset_that_onnx_does_not_define_is_refused(domain: str, version: int) -> None:
    with pytest.raises(UnsupportedOpset, match="defines versions 1 to"):
        schema.signature(domain, "Relu", version)
    schema.check_opset("com.acme", version)  # of other domains nothing is known


def test_an_operator_that_is_not_there_yet_says_where_it_begins() -> None:
    with pytest.raises(UnsupportedOperator, match="first appears in version 20"):
        schema.signature("", "Gelu", 19)
    with pytest.raises(UnsupportedOperator, match="no version of the domain"):
        schema.signature("", "Gelou", 19)


def test_the_default_domain_has_two_spellings() -> None:
    assert schema.normalize_domain("ai.onnx") == ""
    assert schema.normalize_domain("ai.onnx.ml") == "ai.onnx.ml"


def test_a_schema_that_changed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert schema.changed_schemas() == []
    reviewed = dict(schema.reviewed_digests())
    reviewed[":Relu:14"] = "0" * 16
    del reviewed[":Abs:13"]
    reviewed[":Gone:1"] = "1" * 16
    monkeypatch.setattr(schema, "reviewed_digests", lambda: reviewed)
    assert schema.changed_schemas() == [":Abs:13", ":Gone:1", ":Relu:14"]


def test_a_model_that_uses_a_changed_schema_gets_a_diagnostic(monkeypatch: pytest.MonkeyPatch) -> None:
    body = "(float[1] x) => (float[1] y) { y = Relu(x) }"
    assert session(body).diagnostics == []
    monkeypatch.setattr(nodes, "is_reviewed", lambda found: found.name != "Relu")
    (found,) = session(body).diagnostics
    assert (found.rule, found.where) == ("schema-changed", "node main/0:Relu")


def test_a_deprecated_operator_runs_with_a_diagnostic_and_is_refused_when_strict() -> None:
    body = "(float[1, 1, 1, 1] x) => (float[1, 1, 2, 2] y) <float[4] s = {1, 1, 2, 2}> { y = Upsample(x, s) }"
    s = session(body, opset='"" : 10', ir=8)
    assert [d.rule for d in s.diagnostics] == ["deprecated"]
    with pytest.raises(InvalidModel, match="deprecated"):
        session(body, opset='"" : 10', ir=8, strict=True)
