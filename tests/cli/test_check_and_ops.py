"""refexec check, ops and doctor."""

from __future__ import annotations

from pathlib import Path

import pytest

import refexec.rules
from tests.cli.conftest import SCALE_AND_ADD, Cli
from tests.cli.schemas import schema, validated, wrong

UNSORTED = """<ir_version: 8, opset_import: ["" : 17]>
unsorted (float[N] x) => (float[N] y) { y = Neg(a) a = Abs(x) }
"""
UNKNOWN = SCALE_AND_ADD.replace("Mul", "Mull")
CYCLE = '<ir_version: 8, opset_import: ["" : 17]> g (float[1] x) => (float[1] y) { y = Add(x, a) a = Neg(y) }'


@pytest.fixture
def write(tmp_path: Path) -> object:
    def write(text: str) -> Path:
        path = tmp_path / "m.onnxtxt"
        path.write_text(text)
        return path

    return write


def test_check_says_what_a_valid_model_is(cli: Cli, model: str) -> None:
    found = cli("check", model)
    assert found.exit_code == 0
    assert found.stdout.startswith("valid: scale_and_add, IR version 8, opsets ai.onnx 17\n2 nodes, 1 initializers, 0 functions\n")
    summary = validated(cli("check", model, "--json").stdout, "check")["model"]
    assert summary["inputs"] == [{"name": "x", "type": "float32[N]"}, {"name": "z", "type": "float32[N]"}]
    assert summary["operators"] == {"Add-14": 1, "Mul-14": 1}


def test_a_diagnostic_is_an_error_when_strict(cli: Cli, write: object) -> None:
    path = write(UNSORTED)  # type: ignore[operator]
    found = validated(cli("check", path, "--json").stdout, "check")
    assert [d["rule"] for d in found["model"]["diagnostics"]] == ["unsorted"]
    strict = cli("check", path, "--strict", "--json")
    assert strict.exit_code == 4
    assert validated(strict.stdout, "check")["error"]["seen"]["rule"] == "unsorted"


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [("", 4, "InvalidModel"), ("nonsense", 4, "InvalidModel"), (CYCLE, 4, "InvalidModel"), (UNKNOWN, 3, "UnsupportedOperator"),
     (SCALE_AND_ADD.replace("17", "9999"), 3, "UnsupportedOpset"), (SCALE_AND_ADD.replace("ir_version: 8", "ir_version: 99"), 3, "UnsupportedOpset")],
    ids=["empty", "nonsense", "cycle", "unknown operator", "opset 9999", "IR 99"],
)  # fmt: skip
def test_a_broken_model_ends_with_the_code_of_its_error(cli: Cli, write: object, text: str, code: int, name: str) -> None:
    path = write(text)  # type: ignore[operator]
    checked = cli("check", path, "--json")
    assert checked.exit_code == code
    found = validated(checked.stdout, "check")
    assert found["valid"] is False and found["error"]["code"] == name
    run = cli("run", path, "--json")
    assert run.exit_code == code
    assert validated(run.stdout, "error")["error"]["code"] == name
    assert run.stderr.startswith("refexec: ")


def test_a_truncated_file_is_an_invalid_model(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(b"\x08\x08:\x7f\x0a")  # a graph of 127 bytes of which one is there
    found = cli("check", path)
    assert found.exit_code == 4 and found.stdout == "" and "Traceback" not in found.stderr


def test_check_prints_every_rule_without_a_model(cli: Cli) -> None:
    found = validated(cli("check", "--rules", "--json").stdout, "check")
    assert [r["id"] for r in found["rules"]] == list(refexec.rules.RULES)
    lines = cli("check", "--rules").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert cli("check").exit_code == 2


def test_ops_lists_every_operator_within_80_columns(cli: Cli) -> None:
    lines = cli("ops").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split() == ["Relu", "14", "13", "6", "1", "exact", "exact"] for line in lines)


def test_ops_with_a_name_shows_its_versions_newest_first(cli: Cli) -> None:
    found = validated(cli("ops", "Softmax", "--json").stdout, "ops")["operators"]
    assert [e["since"] for e in found] == [13, 11, 1]
    text = cli("ops", "Softmax").stdout
    assert text.startswith("Softmax-13(input: T, *, axis=-1) -> output: T\n")
    assert "refexec.ops.math.softmax.softmax_13" in text


@pytest.mark.parametrize(("opset", "since"), [(1, 1), (10, 1), (11, 11), (12, 11), (13, 13), (20, 13)])
def test_ops_with_an_opset_shows_the_version_that_it_means(cli: Cli, opset: int, since: int) -> None:
    found = validated(cli("ops", "Softmax", "--opset", opset, "--json").stdout, "ops")["operators"]
    assert [e["since"] for e in found] == [since]


def test_ops_missing_lists_what_is_not_implemented_only(cli: Cli) -> None:
    found = validated(cli("ops", "--missing", "--json").stdout, "ops")["operators"]
    assert all(not e["implemented"] and e["definition"] is None for e in found)


def test_a_misspelt_operator_is_a_usage_error_with_a_suggestion(cli: Cli) -> None:
    found = cli("ops", "softmx")
    assert found.exit_code == 2 and "did you mean Softmax" in found.stderr
    assert cli("ops", "--domain", "com.nobody").exit_code == 2
    assert cli("ops", "--opset", 9999).exit_code == 3


def test_doctor_names_versions_extras_and_kernels(cli: Cli) -> None:
    called = cli("doctor", "--kernels", "--json")
    found = validated(called.stdout, "doctor")
    assert called.exit_code == (1 if found["problems"] else 0)
    assert found["versions"]["refexec"] == refexec.__version__
    assert {e["extra"] for e in found["extras"]} == {"ort", "report", "text", "image", "fuzz"}
    if found["kernels"] is not None:
        assert "matmul" in {k["primitive"] for k in found["kernels"]}
    assert max(map(len, cli("doctor").stdout.splitlines())) <= 80


def test_the_validator_of_these_tests_finds_faults() -> None:
    rules = schema("ops")["anyOf"][0]
    entry = {"domain": "", "name": "A", "since": True, "implemented": False, "deprecated": False, "arithmetic": "vague", "comparison": None}
    faults = wrong({"schema": "refexec.ops/2", "operators": [entry], "more": 1}, rules, rules)
    assert {f.split(":")[0] for f in faults} == {"$.schema", "$.operators[0]", "$.operators[0].since", "$.operators[0].arithmetic", "$"}
