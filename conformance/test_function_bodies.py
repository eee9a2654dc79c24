"""Operators against their function bodies, on inputs that Hypothesis draws, in the profile ``wide``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance import function_bodies
from conformance.function_bodies import RANDOM, compared, differences, excused, operators, rows, templates, versions

EXAMPLES = 4


@pytest.mark.parametrize("name", sorted(set(operators()) - RANDOM))
def test_operator_and_body_agree_or_a_row_says_who_is_right(name: str) -> None:
    assert templates(name)
    assert differences(name, EXAMPLES) == []


def test_there_are_49_operators_with_a_body() -> None:
    assert len(operators()) == 49
    assert all(versions(name) for name in operators())


def test_every_row_speaks_of_an_operator_with_a_body_and_says_why() -> None:
    assert {row.operator for row in rows()} <= set(operators())
    assert all(row.prose in ("operator", "body", "neither") and len(row.basis) > 15 for row in rows())


def test_a_wrong_operator_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    template = next(t for t in templates("Relu") if next(iter(t.feeds.values())).dtype == np.float32)
    assert compared(template, template.feeds) is None

    def off_by_a_little(session: Any, feeds: Any) -> Any:
        results = real(session, feeds)
        return [r * (1 + 1e-4) for r in results] if session is template.sessions[0] else results

    real = function_bodies._run
    monkeypatch.setattr(function_bodies, "_run", off_by_a_little)
    assert "operator" in str(compared(template, template.feeds))


def test_a_row_excuses_its_own_operator_and_kind_only() -> None:
    shrink, relu = templates("Shrink")[0], templates("Relu")[0]
    assert excused(shrink, "node /6:Neg of the body of Shrink: cannot be tensor(uint8)")
    assert not excused(relu, "node /6:Neg of the body of Shrink: cannot be tensor(uint8)")
    assert not excused(shrink, "the process died")
    assert not excused(replace(shrink, signature=relu.signature), "output 0: operator 1, body 2")
