"""refexec explain, and refexec ops --known."""

from __future__ import annotations

from tests.cli.conftest import Cli
from tests.cli.schemas import validated


def test_the_command_prints_text_and_json(cli: Cli) -> None:
    found = cli("explain", "Softmax", "--opset", "11")
    assert found.exit_code == 0
    assert found.stdout.startswith("Softmax-11\n")
    assert max(map(len, found.stdout.splitlines())) <= 80
    value = validated(cli("explain", "Softmax", "--opset", "11", "--json").stdout, "explain")
    assert value["since"] == 11
    assert {"y": "float[1,2,2] {0.25, 0.25, 0.25, 0.25}"} in [example["outputs"] for example in value["examples"]]


def test_the_command_suggests_a_name(cli: Cli) -> None:
    found = cli("explain", "Sofmax")
    assert found.exit_code == 2
    assert "did you mean Softmax" in found.stderr


def test_an_operator_that_was_experimental_is_explained(cli: Cli) -> None:
    found = cli("explain", "Affine")
    assert found.exit_code == 0
    assert found.stdout.startswith("Affine-1\nexperiments; experimental in onnx 1.0 to 1.4, then removed\n")
    assert "Versions" not in found.stdout and "Worked examples" not in found.stdout
    assert validated(cli("explain", "Affine", "--json").stdout, "explain")["versions"] == []


def test_the_known_differences_are_listed_by_ops(cli: Cli) -> None:
    found = cli("ops", "Softmax", "--known")
    assert found.stdout.startswith("Softmax 1, 11\n- R04: ")
    assert max(map(len, found.stdout.splitlines())) <= 80
    value = validated(cli("ops", "--known", "--json").stdout, "ops")
    assert {"R04", "cast-nan-to-float4"} <= {row["id"] for row in value["differences"]}
