"""SCOREBOARD.md is current in what is cheap to know: versions, bodies, arithmetic, comparisons, counts of tests, hand tests."""

from __future__ import annotations

import re

import onnx

from conformance.backend_suite import Outcome
from conformance.scoreboard import COLUMNS, SCOREBOARD, groups, hand_tests, registration_rows, render, tally

AGAIN = "run `python -m conformance.scoreboard --write`"


def _without_results(text: str) -> list[str]:
    """The lines, without the numbers of passed tests and the column of hand tests, which grows with every test."""
    lines = [re.sub(r"\b\d+/(\d+)\b", r"\1", line) for line in text.splitlines()]
    lines = [re.sub(r"\d+ (of \d+ )?passed", "passed", line) for line in lines]
    return [re.sub(r"[^|]*\|$", "|", line) if line.count("|") == len(COLUMNS) + 1 else line for line in lines]


def test_the_committed_scoreboard_has_the_registered_versions_of_today() -> None:
    committed = SCOREBOARD.read_text(encoding="utf-8")
    assert f"for onnx {onnx.__version__}." in committed, AGAIN
    assert _without_results(committed) == _without_results(render({})), AGAIN


def test_the_scoreboard_is_deterministic() -> None:
    assert render({}) == render({})


def test_a_passed_test_counts_for_the_version_that_its_model_imports() -> None:
    before, after = tally({}), tally({"node/test_relu": Outcome("passed")})
    assert after["", "Relu", 14].passed["backend"] == before["", "Relu", 14].passed["backend"] + 1 == 1


def test_every_node_test_is_counted_once() -> None:
    assert sum(sum(t.found.values()) for t in tally({}).values()) == 1884


def test_a_version_that_shares_a_body_names_the_version_it_was_written_for() -> None:
    assert registration_rows()["", "Conv", 22][1] == "as 1"


def test_every_version_stands_in_one_row_with_those_that_share_its_body() -> None:
    rows = registration_rows()
    found = groups(rows)
    assert sorted(key for versions in found for key in versions) == sorted(rows)
    assert [key[2] for key in next(v for v in found if ("", "Conv", 1) in v)] == [1, 11, 22]


def test_hand_tests_are_found_by_the_operators_they_name() -> None:
    assert all(count > 0 for count in hand_tests().values())
