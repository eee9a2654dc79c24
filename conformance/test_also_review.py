"""Where versions that share one body have different schemas, a reader has said why one body serves both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from conformance import also_review
from conformance.also_review import Difference, differences, problems, reviewed, steps, text
from refexec.registry import entries, operators

Key = tuple[str, int, int, str]
KEY: Key = ("Abs", 6, 13, "doc")


def test_each_difference_has_a_verdict_of_the_texts_as_they_are() -> None:
    assert problems() == []


def test_the_table_is_as_it_is_written() -> None:
    assert also_review.TABLE.read_text(encoding="utf-8") == text()


def lines(
    monkeypatch: pytest.MonkeyPatch,
    found: Callable[[list[Difference]], list[Difference]] = list,
    rows: Callable[[Mapping[Key, Mapping[str, Any]]], Mapping[Key, Mapping[str, Any]]] = dict,
) -> list[str]:
    """What a change of the differences or of the table adds to the problems."""
    before = problems()
    changed, table = found(differences()), rows(reviewed())
    monkeypatch.setattr(also_review, "differences", lambda: changed)
    monkeypatch.setattr(also_review, "reviewed", lambda: table)
    return [line for line in problems() if line not in before]


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_changed_text_is_found(monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    def changed(d: Difference) -> Difference:
        return replace(d, before="Another text.") if side == "before" else replace(d, after="Another text.")

    assert lines(monkeypatch, found=lambda ds: [changed(d) if d.key == KEY else d for d in ds]) == [f"other texts: {KEY}"]


def test_a_missing_row_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines(monkeypatch, rows=lambda rs: {k: r for k, r in rs.items() if k != KEY}) == [f"no row: {KEY}"]


@pytest.mark.parametrize("verdict", ["", " \n"])
def test_an_empty_verdict_is_found(monkeypatch: pytest.MonkeyPatch, verdict: str) -> None:
    assert lines(monkeypatch, rows=lambda rs: {**rs, KEY: {**rs[KEY], "verdict": verdict}}) == [f"no verdict: {KEY}"]


def test_a_stale_row_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines(monkeypatch, found=lambda ds: [d for d in ds if d.key != KEY]) == [f"stale row: {KEY}"]


def test_a_verdict_is_dropped_with_the_text_that_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    row = reviewed()[KEY]
    d = Difference(*KEY, row["before"], row["after"])
    monkeypatch.setattr(also_review, "differences", lambda: [d])
    assert f'verdict = "{row["verdict"]}"' in text()
    monkeypatch.setattr(also_review, "differences", lambda: [replace(d, after="Another text.")])
    assert 'verdict = ""' in text()


def test_every_registered_version_that_shares_a_body_is_compared_with_the_one_before_it() -> None:
    """By the declarations: a body's versions in a row, as ``since`` and ``also`` name them."""
    expected = set()
    for operator in operators().values():
        versions = sorted(e.since for e in entries(operator.function) if (e.domain, e.name) == (operator.domain, operator.name))
        expected |= {(operator.domain, operator.name, *pair) for pair in pairwise(versions)}
    found = list(steps())
    assert len(found) == len(set(found)) > 200
    assert set(found) == expected
