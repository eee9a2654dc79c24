"""``refexec fuzz triage``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.schemas import validated


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    for i in range(2):
        folder = tmp_path / f"onnxruntime-MaxPool-{i}-with-a-name-that-is-as-long-as-names-of-folders-are"
        folder.mkdir()
        record = {
            "signature": f"ai.onnx.ml:TreeEnsembleRegressor-{i + 1}(float) value", "kind": "value", "target": "onnxruntime", "nodes": 1,
            "known": [], "blame": "open", "votes": {"onnx.reference": "agrees"}, "detail": "3 in place of 2", "seed": 7,
        }  # fmt: skip
        (folder / "finding.json").write_text(json.dumps(record))
    return tmp_path


def test_the_table_fits_80_columns_and_the_report_is_written(cli: Any, campaign: Path) -> None:
    found = cli("fuzz", "triage", str(campaign), "--out", str(campaign / "report.md"))
    assert found.exit_code == 1 and max(map(len, found.stdout.splitlines())) <= 80
    assert "2 findings of 2 causes, 2 without a known row" in found.stderr
    assert (campaign / "report.md").read_text().startswith("# 2 findings of 2 causes")


def test_json_and_a_folder_without_findings(cli: Any, campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    report = validated(cli("fuzz", "triage", str(campaign), "--json").stdout, "fuzz-triage")
    assert [c["operators"] for c in report["causes"]] == ["ai.onnx.ml:TreeEnsembleRegressor-1", "ai.onnx.ml:TreeEnsembleRegressor-2"]
    empty = cli("fuzz", "triage", str(tmp_path_factory.mktemp("none")))
    assert empty.exit_code == 0 and "nothing found" in empty.stdout
