"""Findings put together by cause."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from refexec.fuzz.triage import causes, markdown, read


def record(signature: str, nodes: int = 1, target: str = "onnxruntime", **others: Any) -> dict[str, Any]:
    plain = {"known": [], "blame": target, "votes": {"onnx.reference": "agrees"}, "detail": "a | b", "seed": 7, "folder": f"f{nodes}"}
    return {"signature": signature, "kind": signature.split()[-1], "target": target, "nodes": nodes, **plain, **others}


def test_types_and_attributes_are_one_cause_and_versions_kinds_and_targets_are_not() -> None:
    found = causes([
        record("Clip-6(float16; max) value", 2), record("Clip-6(float) value", 1), record("Clip-6(float) nan"), record("Clip-11(float) value"),
        record("Clip-6(float) value", target="onnx.reference"), record("Clip-6 refused"),
    ])  # fmt: skip
    first = found[0]
    assert (first.operators, first.kind, first.target, len(first.findings)) == ("Clip-6", "value", "onnxruntime", 2)
    assert len(found) == 5 and first.nodes == 1 and first.folder == "f1"


def test_a_finding_of_several_nodes_has_all_their_operators() -> None:
    assert causes([record("Add-14 Clip-13(float; to) value", 2)])[0].operators == "Add-14 Clip-13"


def test_causes_without_a_row_come_first_and_then_those_met_most() -> None:
    found = causes([
        record("A-1(float) value", known=["R01"]), record("A-1(int8) value"), record("B-1(float) value"), record("C-1(float) value"),
        record("C-1(int8) value"),
    ])  # fmt: skip
    assert [(c.operators, c.known) for c in found] == [("C-1", ()), ("B-1", ()), ("A-1", ("R01",))]


def test_blame_is_open_where_findings_differ() -> None:
    assert causes([record("A-1(float) value"), record("A-1(int8) value", blame="open")])[0].blame == "open"


def test_a_report_has_a_line_for_each_cause_and_a_link_to_each_finding() -> None:
    text = markdown(causes([record("Clip-6(float) value", known=["O12"]), record("Det-11 refused", 2)]))
    assert text.startswith("# 2 findings of 2 causes\n")
    assert "| Det-11 | refused | onnxruntime | onnxruntime | 1 | 2 | new | onnx.reference agrees |" in text
    assert "> a | b" in text and "- `Clip-6(float) value`: [f1](f1/model.txt), seed 7" in text


def test_records_are_read_with_their_folders(tmp_path: Path) -> None:
    (tmp_path / "a-finding").mkdir()
    (tmp_path / "a-finding" / "finding.json").write_text(json.dumps(record("A-1(float) value", folder="elsewhere")))
    assert [r["folder"] for r in read(tmp_path)] == ["a-finding"]
