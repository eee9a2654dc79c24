"""The committed scoreboard is current in what is cheap to know, and says what its data say."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import onnx
import pytest

from conformance.cases import load_cases
from conformance.evidence import WITHOUT_MODEL, Evidence, origin, resolved
from conformance.scoreboard import DATA, REGISTRATION, SCOREBOARD, registration, render, spec_revision
from refexec.schema import all_signatures

AGAIN = "run `python -m conformance.scoreboard --write`"


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def test_the_committed_data_have_the_registered_versions_of_today(data: dict[str, Any]) -> None:
    committed = [{name: row[name] for name in REGISTRATION} for row in data["versions"]]
    assert committed == list(registration().values()), AGAIN
    assert (data["onnx"], data["spec_revision"]) == (onnx.__version__, spec_revision()), AGAIN


def test_the_text_is_made_of_the_data(data: dict[str, Any]) -> None:
    assert SCOREBOARD.read_text(encoding="utf-8") == render(data), AGAIN


def test_nothing_on_the_scoreboard_is_contradicted(data: dict[str, Any]) -> None:
    assert [row["name"] for row in data["versions"] if row["wrong"] or row["undecided"]] == []


def test_every_node_test_is_counted_for_the_version_that_its_model_imports(data: dict[str, Any]) -> None:
    counted = Counter((resolved(case), origin(case)) for case in load_cases("node"))
    assert sum(counted.values()) == 1884
    found = {(_key(row), o): n for row in data["versions"] for o, n in row["found"].items()}
    assert found == dict(counted)


def _key(row: dict[str, Any]) -> tuple[str, str, int]:
    return "" if row["domain"] == "ai.onnx" else row["domain"], row["name"], row["since"]


def test_the_versions_without_a_model_exist() -> None:
    assert set(all_signatures()) >= WITHOUT_MODEL
    assert len(all_signatures()) - len(WITHOUT_MODEL) == 652


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        (Evidence(), False),
        (Evidence(contract=9), False),
        (Evidence(exact=1), True),
        (Evidence(exact=1, wrong=1), False),
        (Evidence(runtime=1), True),
        (Evidence(runtime=1, undecided=1), False),
        (Evidence(hand=1), True),
        (Evidence(body_templates=1), True),
        (Evidence(passed=Counter(circular=3)), False),
        (Evidence(passed=Counter(backend=1)), True),
    ],
)
def test_a_version_is_right_by_something_other_than_its_contract(entry: Evidence, right: bool) -> None:
    assert entry.right is right
