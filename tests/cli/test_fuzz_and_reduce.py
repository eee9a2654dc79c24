"""``refexec fuzz`` and ``refexec reduce``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.cli.schemas import validated


@pytest.fixture
def chain(tmp_path: Path) -> str:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[3] x) => (float[3] y) { a = Neg(x) b = Exp(a) c = Sqrt(b) y = Mul(c, c) }'
    )
    onnx.save(model, tmp_path / "chain.onnx")
    return str(tmp_path / "chain.onnx")


@pytest.fixture
def check(tmp_path: Path) -> str:
    """A command that ends with 0 while the model has a Sqrt."""
    script = tmp_path / "check.py"
    script.write_text("import sys, onnx\nsys.exit(not any(n.op_type == 'Sqrt' for n in onnx.load(sys.argv[1]).graph.node))\n")
    return f"{sys.executable} {script}"


def test_reduce_leaves_one_node_with_its_inputs(cli: Any, chain: str, check: str, tmp_path: Path) -> None:
    out = tmp_path / "small"
    found = cli("reduce", chain, "--feed", "x=[1, 2, 3]", "--check", check, "-o", str(out), "--json")
    report = validated(found.stdout, "reduce")
    assert (report["nodes_before"], report["nodes"]) == (4, 1)
    model = onnx.load(out / "model.onnx")
    assert [n.op_type for n in model.graph.node] == ["Sqrt"]
    value = onnx.numpy_helper.to_array(onnx.load_tensor(str(out / "test_data_set_0" / "input_0.pb")))
    assert value.dtype == np.float32


def test_reduce_says_when_the_check_does_not_hold_at_all(cli: Any, chain: str, tmp_path: Path) -> None:
    found = cli("reduce", chain, "--random", "--check", f"{sys.executable} -c 'raise SystemExit(3)'", "-o", str(tmp_path / "small"))
    assert found.exit_code == 2 and "does not end with 0 on the model itself" in found.stderr and not (tmp_path / "small").exists()


def test_reduce_does_not_overwrite(cli: Any, chain: str, check: str, tmp_path: Path) -> None:
    found = cli("reduce", chain, "--random", "--check", check, "-o", str(tmp_path))
    assert found.exit_code == 2 and "not empty" in found.stderr


def test_fuzz_run_and_replay(cli: Any, tmp_path: Path) -> None:
    out = tmp_path / "found"
    found = cli(
        "fuzz",
        "run",
        "--target",
        "onnx.reference",
        "--budget",
        "2s",
        "--out",
        str(out),
        "--seed",
        "1",
        "--ops",
        "Softmax",
        "--opset",
        "9-12",
        "--json",
    )
    report = validated(found.stdout, "fuzz-run")
    assert found.exit_code == 1 and report["models"] >= 25 and report["first_seed"] == 1
    assert {f["signature"].split("-")[0] for f in report["findings"]} == {"Softmax"}
    again = cli("fuzz", "replay", str(out), "--json")
    assert again.exit_code == 1 and all(f["there"] for f in validated(again.stdout, "fuzz-replay")["findings"])


def test_fuzz_run_prints_a_summary_and_ends_with_0_without_findings(cli: Any, tmp_path: Path) -> None:
    found = cli(
        "fuzz", "run", "--target", "transforms", "--budget", "1s", "--out", str(tmp_path / "none"), "--ops", "Relu", "--max-nodes", "3"
    )
    assert found.exit_code == 0 and "nothing found" in found.stdout and "transforms agrees" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--budget", "soon"), "90s, 10m or 2h"),
        (("--opset", "21-13"), "13-21"),
        (("--target", "tensorrt"), "no target 'tensorrt'"),
        (("--jobs", "0"), "--jobs"),
    ],
)
def test_fuzz_run_refuses_what_makes_no_sense(cli: Any, tmp_path: Path, arguments: tuple[str, str], said: str) -> None:
    found = cli("fuzz", "run", "--out", str(tmp_path / "none"), *arguments)
    assert found.exit_code in (2, 3) and said in found.stderr


def test_replay_of_a_folder_without_findings_is_refused(cli: Any, tmp_path: Path) -> None:
    found = cli("fuzz", "replay", str(tmp_path))
    assert found.exit_code == 2 and "holds no finding" in found.stderr


@pytest.mark.parametrize("verb", ["run", "replay"])
def test_each_verb_of_fuzz_has_help_within_100_columns_and_prints_its_schema(cli: Any, verb: str) -> None:
    shown = cli("fuzz", verb, "--help")
    assert shown.exit_code == 0 and max(map(len, shown.stdout.splitlines())) <= 100
    assert json.loads(cli("fuzz", verb, "--json-schema").stdout)["title"].startswith(f"refexec fuzz {verb}")
