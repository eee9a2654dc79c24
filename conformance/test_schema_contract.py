"""Every registered operator keeps the contract of its schema, and every current operator is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance import contract, digests
from conformance.known import unsupported
from refexec import comparison
from refexec.registry import Key, Operator, operators
from refexec.schema import all_signatures, signature, standard_domains

STANDARD = {key: entry for key, entry in operators().items() if key[0] in standard_domains()}
EXPERIMENTAL = {key: entry for key, entry in STANDARD.items() if signature(*key).experimental}
REGISTERED = {key: entry for key, entry in STANDARD.items() if key not in EXPERIMENTAL}
LABELS = [entry.label for entry in REGISTERED.values()]


@pytest.mark.parametrize("key", REGISTERED, ids=LABELS)
def test_registered_version(key: Key) -> None:
    assert key in all_signatures(), "onnx defines no such version"
    assert contract.operator_problems(REGISTERED[key], all_signatures()[key]) == []


@pytest.mark.parametrize("key", EXPERIMENTAL, ids=[entry.label for entry in EXPERIMENTAL.values()])
def test_experimental_operator(key: Key) -> None:
    assert key not in all_signatures(), "the standard has it now"
    assert contract.operator_problems(EXPERIMENTAL[key], signature(*key)) == []


def test_a_body_is_shared_only_by_versions_that_mean_the_same() -> None:
    assert contract.also_problems(REGISTERED) == []


def test_every_operator_declares_its_arithmetic_and_its_comparison() -> None:
    assert contract.declaration_problems() == []


def test_the_table_of_version_bumps_has_every_schema_once() -> None:
    assert set(contract.bumps()) == set(all_signatures())


def test_the_schemas_are_the_reviewed_ones() -> None:
    assert digests.changes() == []


def test_every_current_operator_is_registered_or_listed_as_unsupported() -> None:
    current = {(domain, name, since) for (domain, name), since in contract.current_operators().items()}
    missing, listed = current - set(REGISTERED), unsupported()
    assert sorted(missing - set(listed)) == [], "not registered and not listed in unsupported.toml"
    assert sorted(set(listed) - missing) == [], "stale rows of unsupported.toml"
    assert all(reason.strip() for reason in listed.values())


# The checks themselves can fail ----------------------------------------------------------------------------------------------


def problems(function: Any, name: str = "LeakyRelu", since: int = 16, **options: Any) -> list[str]:
    entry = Operator("", name, since, function, options.pop("arithmetic", "rounded"), comparison.exact, **options)
    schema = signature("", name, since)
    return contract.signature_problems(entry, schema) + contract.type_problems(entry, schema)


def test_a_right_signature_has_no_problem() -> None:
    def leaky_relu(X: Any, /, *, ctx: Any, alpha: float = 0.01) -> None: ...

    assert problems(leaky_relu) == []


def test_an_adapter_may_pass_attributes_on() -> None:
    def leaky_relu(X: Any, /, **attributes: Any) -> None: ...

    assert problems(leaky_relu) == []


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, /, *, alpha=0.01: x, "are not the schema's"),
        (lambda X, *, alpha=0.01: X, "positional-only"),
        (lambda X, /, *, alpha=0.02: X, "has the default"),
        (lambda X, /, *, alpha: X, "has the default"),
        (lambda X, /: X, "'alpha' is missing"),
        (lambda X, /, *, alpha=0.01, beta=1: X, "no attribute 'beta'"),
        (lambda *X, alpha=0.01: X, "is required, the parameter is"),
    ],
)
def test_a_wrong_signature_is_found(function: Any, words: str) -> None:
    assert any(words in problem for problem in problems(function))


def test_an_optional_input_needs_the_default_none() -> None:
    assert any("needs the default None" in p for p in problems(lambda input, min, max=None, /: input, "Clip", 13))


def test_an_attribute_without_default_in_the_schema_is_none() -> None:
    assert any("None, not ()" in p for p in problems(lambda data, /, *, perm=(): data, "Transpose", 25))


def test_a_required_attribute_has_no_default() -> None:
    assert any("required attribute 'axis'" in p for p in problems(lambda *inputs, axis=0: inputs, "Concat", 13))


def test_an_output_without_a_type_needs_result_types() -> None:
    assert any("result_types is needed" in p for p in problems(lambda input, /, *, value=None: input, "ConstantOfShape", 9))


def test_indices_are_never_rounded() -> None:
    def arg_max(data: Any, /, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> None: ...

    assert problems(arg_max, "ArgMax", 13, arithmetic="exact") == []
    assert any("not rounded" in p for p in problems(arg_max, "ArgMax", 13))


def test_a_body_shared_across_a_change_of_meaning_is_found() -> None:
    def softmax(input: Any, /, *, axis: int = -1) -> None: ...

    shared = {("", "Softmax", v): Operator("", "Softmax", v, softmax, "rounded", comparison.exact) for v in (11, 13)}
    assert contract.also_problems(shared) == ["Softmax-13 shares the body of version 11, but is a change of class 'semantic'"]


def test_a_version_left_out_between_two_others_is_found() -> None:
    def absolute(X: Any, /) -> None: ...

    shared = {("", "Abs", v): Operator("", "Abs", v, absolute, "exact", comparison.exact) for v in (1, 13)}
    assert contract.also_problems(shared) == ["Abs-6 has another body than version 1 before it and version 13 after it"]


def test_an_undeclared_comparison_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('@op("Abs", since=13, arithmetic="exact")\ndef abs_13(X, /): ...\n', encoding="utf-8")
    assert contract.declaration_problems(tmp_path) == ["a.py:1: op() does not declare 'compare'"]


def test_float_defaults_are_compared_as_float32() -> None:
    schema = signature("", "LeakyRelu", 16)
    assert np.float64(schema.attributes["alpha"].default) != 0.01  # the schema holds the float32 next to 0.01
    assert problems(lambda X, /, *, alpha=0.01: X) == []
