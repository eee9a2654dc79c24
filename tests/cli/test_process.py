"""The command line as a process: exit codes, interruption, what it imports, and names that try to reach the terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import refexec
from refexec.cli import VERBS, failures, main
from refexec.cli.saving import save_values, writing
from refexec.errors import RefexecError, UnsupportedType
from refexec.observe.inputs import read_feeds
from refexec.schema import standard_domains
from refexec.types import ELEMENT_TYPES, FLOAT32, INT64, ElementType, MapType, OptionalType, SequenceType, TensorType, ValueType
from tests.cli.conftest import Cli
from tests.imports import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}


def f32(*numbers: float) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.float32)


def process(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "refexec", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=cwd, timeout=120, stdin=subprocess.DEVNULL)


def test_help_names_every_verb_and_imports_none_of_them() -> None:
    code = (
        "import sys, contextlib, io\nfrom refexec.cli import main\nwith contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    main(['--help'], standalone_mode=False)\n"
        "print(out.getvalue())\nprint('LOADED', *(m for m in sys.modules if m.startswith(('refexec.cli.', 'onnx', 'refexec.session'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 0, done.stderr
    text, _, loaded = done.stdout.partition("LOADED")
    assert set(VERBS) <= set(re.findall(r"^  (\w+)  ", text, re.MULTILINE))
    assert set(loaded.split()) <= {"refexec.cli.failures", "refexec.cli.terminal"}
    assert max(map(len, text.splitlines())) <= 80


def test_every_exit_code_of_an_error_is_stated_in_the_help() -> None:
    stated = {int(n) for n in re.findall(r"^  (\d+)  ", str(main.epilog), re.MULTILINE)}
    assert {code for _, code in failures.CODES} | {0, 1, 70, failures.INTERRUPTED, failures.READER_GONE} == stated


def test_every_kind_of_error_has_an_exit_code_of_its_own_branch() -> None:
    def kinds(of: type[RefexecError]) -> list[type[RefexecError]]:
        return [of, *(k for sub in of.__subclasses__() for k in kinds(sub))]

    codes = {k.__name__: failures.exit_code(k("x")) for k in kinds(RefexecError) if k.__module__ == "refexec.errors"}
    assert codes["FeedError"] == 2 and codes["UnsupportedOpset"] == 3 and codes["AmbiguousModel"] == 4 and codes["RuleViolation"] == 4
    assert codes["LimitExceeded"] == 5 and codes["RuntimeUnderTestError"] == 6 and codes["KernelMismatch"] == 70


def test_the_version_and_an_unknown_verb() -> None:
    assert process("--version").stdout.strip() == f"refexec, version {refexec.__version__}"
    unknown = process("rnu")
    assert unknown.returncode == 2 and "No such command 'rnu'" in unknown.stderr


@pytest.mark.parametrize("verb", [v for v in VERBS if v != "fuzz"])  # its own verbs: test_fuzz_and_reduce
def test_each_verb_has_help_within_100_columns_and_prints_its_schema(verb: str, cli: Cli) -> None:
    shown = cli(verb, "--help")
    assert shown.exit_code == 0 and max(map(len, shown.stdout.splitlines())) <= 100
    assert json.loads(cli(verb, "--json-schema").stdout)["title"].startswith(f"refexec {verb}")


def test_an_unforeseen_error_ends_with_70_and_asks_for_a_report(cli: Cli, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr("refexec.session.Session.run", broken)
    found = cli("run", model, "--feed", "x=[1]", "--feed", "z=[1]")
    assert found.exit_code == 70 and "please report it" in found.stderr and "Traceback" not in found.stderr
    assert "Traceback" in cli("run", model, "--feed", "x=[1]", "--feed", "z=[1]", "--debug").stderr


def test_a_file_that_cannot_be_opened_is_named_with_the_reason(cli: Cli) -> None:
    found = cli("run", "absent.onnx")
    assert found.exit_code == 2 and found.stderr.endswith("absent.onnx: No such file or directory\n")


def test_a_fifo_is_no_model_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    done = process("check", tmp_path / "m.onnx")
    assert done.returncode == 4 and "not a regular file" in done.stderr


ENDLESS = """<ir_version: 8, opset_import: ["" : 17]>
endless (int64 most) => (float[1] y) <float[1] start = {0}, bool yes = {1}> {
    y = Loop (most, yes, start) <body = body (int64 i, bool go, float[1] a) => (bool on, float[1] b) { on = Identity(go) b = Neg(a) }>
}
"""


def test_an_interrupt_ends_with_130_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "endless.onnxtxt").write_text(ENDLESS)
    arguments = ["run", "endless.onnxtxt", "--feed", "most=9000000", "-o", "y.npz"]
    child = subprocess.Popen(
        [sys.executable, "-m", "refexec", *arguments],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(3)
    assert child.poll() is None, child.communicate()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err.strip()) == (130, "", "refexec: interrupted")
    assert [p.name for p in tmp_path.iterdir()] == ["endless.onnxtxt"]


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m refexec ops | head -n 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.stdout == "ai.onnx\n" and done.stderr == ""


@pytest.mark.parametrize("existing", [None, "old"])
def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path, existing: str | None) -> None:
    target = tmp_path / "report.html"
    if existing is not None:
        target.write_text(existing)
    with pytest.raises(KeyboardInterrupt), writing(target) as part:
        part.write_text("half of it")
        raise KeyboardInterrupt
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == ({} if existing is None else {"report.html": existing})


def test_an_interrupted_folder_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"a": np.zeros(1, np.float32), "b": np.zeros(1, np.float32)}

    def write(path: Path, content: bytes) -> int:
        if path.name == "output_1.pb":
            raise KeyboardInterrupt
        return path.open("wb").write(content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(KeyboardInterrupt):
        save_values(str(tmp_path / "folder"), values, {})
    assert list(tmp_path.iterdir()) == []


def test_sequences_optionals_and_maps_are_saved_as_onnx_has_them(tmp_path: Path) -> None:
    tensor = TensorType(FLOAT32)
    values = {"s": [f32(1, 2)], "none": None, "some": f32(3), "m": {7: f32(4)}, "empty": []}
    types: dict[str, ValueType | None] = {"s": SequenceType(tensor), "none": OptionalType(tensor), "some": OptionalType(tensor), "m": MapType(INT64, tensor),
             "empty": SequenceType(tensor)}  # fmt: skip
    save_values(str(tmp_path / "out"), values, types)
    data = [(tmp_path / "out" / f"output_{i}.pb").read_bytes() for i in range(5)]
    assert onnx.numpy_helper.to_list(onnx.SequenceProto.FromString(data[0]))[0].tolist() == [1, 2]
    assert onnx.numpy_helper.to_optional(onnx.OptionalProto.FromString(data[1])) is None
    assert np.asarray(onnx.numpy_helper.to_optional(onnx.OptionalProto.FromString(data[2]))).tolist() == [3]
    found = onnx.MapProto.FromString(data[3])
    assert (list(found.keys), found.key_type) == ([7], onnx.TensorProto.INT64)
    assert onnx.SequenceProto.FromString(data[4]).elem_type == onnx.SequenceProto.TENSOR
    with pytest.raises(UnsupportedType, match="tensors only"):
        save_values(str(tmp_path / "out.npz"), values, types)
    with pytest.raises(UnsupportedType, match="NUL"):
        save_values(str(tmp_path / "text.npz"), {"t": np.array(["a\0"], object)}, {})
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("elem", [e for e in ELEMENT_TYPES if e.name != "string"], ids=str)
@pytest.mark.parametrize("suffix", ["npz", "pb"])
def test_every_element_type_is_saved_and_fed_again(tmp_path: Path, elem: ElementType, suffix: str) -> None:
    value = np.array([[0, 1], [1, 0]]).astype(elem.dtype)
    save_values(str(tmp_path / f"x.{suffix}"), {"x": value}, {})
    info = onnx.helper.make_tensor_value_info("x", elem.number, ["N", 2])
    graph = onnx.helper.make_graph([], "the input is the output", [info], [info])
    imports = [onnx.helper.make_opsetid("", standard_domains()[""])]
    session = refexec.Session(onnx.helper.make_model(graph, opset_imports=imports, ir_version=onnx.IR_VERSION))
    (found,) = session.run(None, read_feeds(session, tmp_path / f"x.{suffix}"))
    assert found.dtype == elem.dtype and found.tobytes() == value.tobytes()


HOSTILE = "\x1b[31mred\x1b]0;title\x07\r\nnew \u202eline</td><script>"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A model whose names hold control characters, right-to-left marks and HTML."""
    node = onnx.helper.make_node("Neg", [HOSTILE], ["y" + HOSTILE], name=HOSTILE)
    infos = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [HOSTILE]) for n in (HOSTILE, "y" + HOSTILE)]
    graph = onnx.helper.make_graph([node], HOSTILE, infos[:1], infos[1:])
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8, producer_name=HOSTILE)
    path = tmp_path / "hostile.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.mark.parametrize("json_too", [False, True])
@pytest.mark.parametrize("verb", ["run", "trace", "check", "compare"])
def test_names_from_a_model_reach_the_terminal_escaped(cli: Cli, hostile: Path, verb: str, json_too: bool) -> None:
    more = ["--against", "onnx.reference"] if verb == "compare" else []
    found = cli(verb, hostile, *more, *["--json"] * json_too)
    assert found.exit_code in (0, 6), found.stderr
    for stream in (found.stdout, found.stderr):
        assert not set(stream) & {"\x1b", "\x07", "\r", "\u202e"}


def test_names_from_a_model_are_escaped_in_error_messages(cli: Cli, hostile: Path) -> None:
    found = cli("run", hostile, "--feed", "absent=[1]")
    assert found.exit_code == 2
    assert not set(found.stderr) & {"\x1b", "\x07", "\r", "\u202e"} and "\\x1b[31mred" in found.stderr


def test_hostile_names_survive_in_saved_files(cli: Cli, hostile: Path, tmp_path: Path) -> None:
    name = f"{HOSTILE}=[1]"
    assert cli("run", hostile, "--feed", name, "-o", tmp_path / "y.npz").exit_code == 0
    with np.load(tmp_path / "y.npz") as saved:
        assert {k: v.tolist() for k, v in saved.items()} == {"y" + HOSTILE: [-1]}
