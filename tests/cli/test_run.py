"""refexec run and refexec trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import refexec
from tests.cli.conftest import Cli
from tests.cli.schemas import validated

FEEDS = ("--feed", "x=[1, 2.5]", "--feed", "z=[10, -5]")  # y = 2 * x + z = [12, 0]


def f32(*numbers: float) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.float32)


def test_run_prints_the_outputs_and_nothing_else(cli: Cli, model: str) -> None:
    found = cli("run", model, *FEEDS)
    assert found.exit_code == 0
    assert found.stdout == "y: float32[2], from 0 to 12\n  [12.,  0.]\n"
    assert found.stderr == ""


def test_run_in_json_has_the_values(cli: Cli, model: str) -> None:
    found = validated(cli("run", model, *FEEDS, "--json").stdout, "run")
    assert found["outputs"] == [
        {"name": "y", "type": "float32", "shape": [2], "min": 0.0, "max": 12.0, "nan": 0, "inf": 0, "value": [12.0, 0.0]}
    ]
    assert found["feeds"]["random"] is False and found["saved"] is None


def test_numbers_that_json_lacks_are_text_both_ways(cli: Cli, model: str) -> None:
    found = cli("run", model, "--feed", 'x=["NaN", "Infinity", "-Infinity"]', "--feed", "z=[0, 0, 0]", "--json")
    (y,) = validated(found.stdout, "run")["outputs"]
    assert (y["value"], y["nan"], y["inf"], y["min"]) == (["nan", "inf", "-inf"], 1, 2, None)


def test_any_value_of_the_graph_can_be_asked_for_and_fed(cli: Cli, model: str) -> None:
    found = validated(cli("run", model, *FEEDS, "--output", "doubled", "--output", "y", "--json").stdout, "run")
    assert [(o["name"], o["value"]) for o in found["outputs"]] == [("doubled", [2.0, 5.0]), ("y", [12.0, 0.0])]
    fed = validated(cli("run", model, *FEEDS, "--feed", "doubled=[100, 200]", "--json").stdout, "run")
    assert fed["outputs"][0]["value"] == [110.0, 195.0]


def test_without_feeds_the_inputs_are_random_and_it_says_so(cli: Cli, model: str) -> None:
    found = cli("run", model, "--dim", "N=3", "--seed", 5)
    assert found.exit_code == 0
    assert "these inputs are RANDOM (seed 5)" in found.stderr
    assert "RANDOM" not in cli("run", model, "--dim", "N=3", "--quiet").stderr
    again = validated(cli("run", model, "--dim", "N=3", "--seed", 5, "--json").stdout, "run")
    assert again["feeds"]["random"] is True and again["feeds"]["seed"] == 5
    assert again["feeds"]["drawn"] == ["x", "z"] and again["outputs"][0]["shape"] == [3]


def test_random_feeds_stay_in_their_range_and_fill_up_what_is_given(cli: Cli, model: str) -> None:
    arguments = ("run", model, "--feed", "z=[0, 0, 0, 0]", "--range", "x=5:6", "--random", "--json")
    (y,) = validated(cli(*arguments).stdout, "run")["outputs"]
    assert y["shape"] == [4] and 10 <= y["min"] <= y["max"] <= 12  # the size of N is that of z; y = 2 * x


def test_a_missing_feed_is_not_made_up_when_others_are_given(cli: Cli, model: str) -> None:
    found = cli("run", model, "--feed", "x=[1]")
    assert found.exit_code == 2
    assert "a feed is missing" in found.stderr and "['z']" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--feed", "x=[1", "--feed", "z=[1]"), 2, "not JSON"),
        (("--feed", "x=[[1], [2, 3]]", "--random"), 2, "different lengths"),
        (("--feed", 'x=["a"]', "--random"), 2, "this is no float32"),
        (("--feed", "x=[[1]]", "--feed", "z=[1]"), 2, "another rank"),
        (("--feed", "x=[1, 2]", "--feed", "z=[1]"), 2, "cannot be 2 and 1"),
        (("--feed", "x=[1]", "--feed", "x=[2]", "--random"), 2, "twice"),
        (("--feed", "x"), 2, "is not NAME=FILE"),
        (("--feed", "xx=[1]"), 2, "no value named 'xx'"),
        (("--feed", "x=absent.npy"), 2, "No such file"),
        (("--feeds", "absent.npz"), 2, "No such file"),
        (("--range", "x=2:1"), 2, "the smaller first"),
        (("--range", "y=0:1"), 2, "not drawn"),
        (("--dim", "M=2"), 2, "no input has a dimension 'M'"),
        (("--dim", "N=-2"), 2, "is not NAME=SIZE"),
        (("--output", "nothing"), 2, "nothing"),
        (("--limit", "steps=1"), 5, "limit steps"),
        (("--limit", "tensor_bytes=1000", "--dim", "N=1000"), 5, "tensor_bytes"),
        (("--limit", "wings=2"), 2, "is not NAME=VALUE"),
        (("-o", "result.txt"), 2, ".npz, .npy or .pb"),
        (("-o", "absent/result.npz"), 2, "does not exist"),
        (("--profile", "double"), 2, "double"),
    ],
)
def test_what_cannot_be_run_ends_with_its_code_and_one_block(
    cli: Cli, model: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    found = cli("run", model, *arguments)
    assert found.exit_code == code, found.stderr
    assert words in found.stderr.replace("\n  ", " ").replace("\n    ", " ")
    assert "Traceback" not in found.stderr and found.stdout == ""


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".pb", ""])
def test_saved_outputs_hold_the_values(cli: Cli, model: str, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"result{suffix}"
    assert cli("run", model, *FEEDS, "-o", target).exit_code == 0
    if suffix == ".npz":
        with np.load(target, allow_pickle=False) as loaded:
            y = loaded["y"]
    elif suffix == ".npy":
        y = np.load(target, allow_pickle=False)
    else:
        proto = onnx.TensorProto.FromString((target if suffix else target / "output_0.pb").read_bytes())
        assert proto.name == "y"
        y = onnx.numpy_helper.to_array(proto)
    assert y.dtype == np.float32 and y.tolist() == [12, 0]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted({"model.onnxtxt", target.name})


def test_saved_values_can_be_fed_again(cli: Cli, model: str, tmp_path: Path) -> None:
    saved = tmp_path / "v.npz"
    assert cli("run", model, *FEEDS, "--output", "x", "--output", "z", "-o", saved).exit_code == 0
    found = validated(cli("run", model, "--feeds", saved, "--json").stdout, "run")
    assert found["outputs"][0]["value"] == [12.0, 0.0]


def test_a_model_may_come_from_standard_input(cli: Cli, model: str) -> None:
    found = cli("run", "-", "--format", "text", *FEEDS, input=Path(model).read_bytes())
    assert (found.exit_code, found.stdout.splitlines()[0]) == (0, "y: float32[2], from 0 to 12")


def test_the_wide_profile_keeps_what_float32_loses(cli: Cli, model: str) -> None:
    arguments = ("run", model, "--feed", "x=[16777216]", "--feed", "z=[1]", "--json")  # 2**25 + 1 needs 26 bits
    assert validated(cli(*arguments).stdout, "run")["outputs"][0]["value"] == [33554432.0]
    assert validated(cli(*arguments, "--profile", "wide").stdout, "run")["outputs"][0]["value"] == [33554433.0]


def test_trace_prints_each_node_within_80_columns(cli: Cli, model: str) -> None:
    lines = cli("trace", model, *FEEDS).stdout.splitlines()
    assert [line.split()[:3] for line in lines[2:]] == [["0", "Mul-14", "doubled"], ["1", "Add-14", "y"]]
    assert "2 .. 5" in lines[2] and max(map(len, lines)) <= 80


def test_trace_filters_by_operator_and_by_name(cli: Cli, model: str) -> None:
    for choice in (("--op", "Add"), ("--op", "Add-14"), ("--node", "y"), ("--node", "*1:Add")):
        found = validated(cli("trace", model, *FEEDS, *choice, "--json").stdout, "trace")
        assert [row["output"] for row in found["rows"]] == ["y"], choice
        assert found["steps"] == 2
    assert cli("trace", model, *FEEDS, "--op", "Conv").stdout == "none of 2 nodes fits\n"


def test_trace_saves_every_value(cli: Cli, model: str, tmp_path: Path) -> None:
    assert cli("trace", model, *FEEDS, "-o", tmp_path / "t.npz").exit_code == 0
    with np.load(tmp_path / "t.npz") as saved:
        assert {k: v.tolist() for k, v in saved.items()} == {"doubled": [2, 5], "y": [12, 0]}


def test_the_command_line_and_the_session_agree(cli: Cli, model: str) -> None:
    (expected,) = refexec.Session(model).run(None, {"x": f32(0.1, 7), "z": f32(3, 1e-8)})
    found = validated(cli("run", model, "--feed", "x=[0.1, 7]", "--feed", "z=[3, 1e-8]", "--json").stdout, "run")
    assert np.array_equal(f32(*found["outputs"][0]["value"]), expected)
