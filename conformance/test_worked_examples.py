"""The examples of ``refexec explain`` against live runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import refexec
from conformance.worked_examples import missing, problems
from refexec.schema import all_signatures
from refexec.teach.examples import Before, all_examples, examples_of

LABELS = {signature.label: key for key, signature in all_signatures().items()}


@pytest.mark.parametrize("label", sorted(LABELS))
def test_every_version_is_explained(label: str) -> None:
    domain, name, since = LABELS[label]
    text = refexec.explain(name, opset=since, domain=domain).text()
    assert text.startswith(f"{label}\n")
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("label", sorted(LABELS))
def test_every_version_has_examples_that_hold_and_show_what_it_changed(label: str) -> None:
    key = LABELS[label]
    assert missing(key) is None
    assert [wrong for example in examples_of(*key) for wrong in problems(example, key[2])] == []


def test_an_example_speaks_of_versions_that_exist() -> None:
    assert all_examples().keys() <= all_signatures().keys()


def test_a_wrong_result_is_found() -> None:
    (example, *_) = (e for e in examples_of("", "Softmax", 13) if e.before is not None and e.before.outputs)
    assert problems(example, 13) == []
    wrong = replace(example, outputs={"y": example.outputs["y"] + np.float32(0.01)})
    assert "the run gives" in problems(wrong, 13)[0]
    as_before = replace(example, before=Before({"y": example.outputs["y"]}, "", ""))
    assert "version 11 gives" in problems(as_before, 13)[0]
    same = replace(example, before=Before({}, "", "no reason"))
    assert "only after a change of class widen" in problems(same, 13)[0]


def test_a_version_that_lacks_its_example_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing(("", "Softmax", 13)) is None
    monkeypatch.setattr("conformance.worked_examples.examples_of", lambda *key: ())
    assert missing(("", "Softmax", 13)) == "no example"
    plain = tuple(replace(e, before=None) for e in examples_of("", "Softmax", 13))
    monkeypatch.setattr("conformance.worked_examples.examples_of", lambda *key: plain)
    assert "begins at this version" in str(missing(("", "Softmax", 13)))
