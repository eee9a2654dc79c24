"""``refexec.explain`` and ``refexec explain``."""

from __future__ import annotations

import pytest

import refexec
from refexec.errors import UnsupportedOperator, UnsupportedOpset
from refexec.schema import all_signatures
from refexec.teach.changes import bumps, changes


def test_an_opset_between_two_versions_means_the_older_one() -> None:
    found = refexec.explain("Softmax", opset=12)
    assert found.label == "Softmax-11"
    assert "opset 12 means version 11" in found.text()


def test_without_an_opset_the_newest_version_is_explained() -> None:
    assert refexec.explain("Softmax").label == "Softmax-13"


def test_a_name_that_one_domain_has_needs_no_domain() -> None:
    assert refexec.explain("Scaler").label == refexec.explain("ai.onnx.ml:Scaler").label == "ai.onnx.ml:Scaler-1"


def test_the_signature_names_types_options_and_defaults() -> None:
    text = refexec.explain("Clip", opset=13).text()
    assert "- input min: T, optional" in text
    assert "tensor(uint64)" in text
    assert "- attribute axis: INT, default -1" in refexec.explain("Softmax", opset=13).text()


def test_the_definition_is_the_source_of_the_function_and_what_it_is_built_on() -> None:
    names = [d.name for d in refexec.explain("Softmax", opset=11).definitions]
    assert names[:2] == ["softmax_1", "softmax"]
    source = refexec.explain("Softmax", opset=11).definitions[0]
    assert source.file == "refexec/ops/math/softmax.py"
    assert "return softmax(input, axis=first_axis(axis, input.ndim), to_end=True)" in source.source


def test_the_rules_are_those_that_the_definition_checks() -> None:
    assert "axis is in [-rank, rank - 1]" in refexec.explain("Softmax", opset=13).rules


def test_the_versions_say_what_changed() -> None:
    found = {change.since: change for change in refexec.explain("Softmax").history}
    assert found[13].kind == "semantic"
    assert "attribute axis=-1, was axis=1" in found[13].details
    assert [c.kind for c in refexec.explain("Softmax").history] == ["first", "widen", "semantic"]


def test_a_version_that_means_something_else_shows_an_input_on_which_it_differs() -> None:
    text = refexec.explain("Softmax", opset=13).text()
    assert "version 13: y = float[1,2,2] {0.5, 0.5, 0.5, 0.5}" in text
    assert "version 11: y = float[1,2,2] {0.25, 0.25, 0.25, 0.25}" in text


def test_the_known_differences_of_the_version_are_shown() -> None:
    assert "R04" in [d.id for d in refexec.explain("Softmax", opset=11).differences]
    assert "R04" not in [d.id for d in refexec.explain("Softmax", opset=13).differences]


def test_the_notebook_form_is_html_without_raw_angle_brackets_of_the_source() -> None:
    html = refexec.explain("Softmax", opset=11)._repr_html_()
    assert "<pre>" in html
    assert "Softmax &lt;axis = 1&gt; (x)" in html


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for name in ("Softmax", "Conv", "Attention", "LSTM"):
        assert max(map(len, refexec.explain(name).text(width).splitlines())) <= width


@pytest.mark.parametrize(
    ("name", "opset", "domain", "error"),
    [
        ("Softmacks", None, "", UnsupportedOperator),
        ("GroupNormalization", 3, "", UnsupportedOperator),
        ("Softmax", 9999, "", UnsupportedOpset),
        ("Anything", None, "com.acme", UnsupportedOperator),
    ],
)
def test_what_the_standard_does_not_have_is_refused(name: str, opset: int | None, domain: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        refexec.explain(name, opset=opset, domain=domain)


def test_changes_between_schemas() -> None:
    squeeze = {v: s for (d, n, v), s in all_signatures().items() if n == "Squeeze"}
    assert changes(squeeze[11], squeeze[13])[:2] == ["new input axes", "attribute axes is gone"]
    assert bumps()["", "Squeeze", 13] == "rebind"
