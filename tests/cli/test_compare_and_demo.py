"""refexec compare and refexec demo, with onnxruntime where it is installed and with onnx.reference."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import refexec
from refexec import demo
from tests.cli.conftest import Cli
from tests.cli.schemas import validated

FEEDS = ("--feed", "x=[1, 2.5]", "--feed", "z=[10, -5]")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag not in ("meta", "br", "hr", "link", "line", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in ("line", "circle") or self.open.pop() == tag, f"</{tag}> closes another element"


def balanced(page: str) -> Tags:
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    return parser


@pytest.mark.parametrize("against", ["onnxruntime", "onnx.reference"])
def test_runtimes_that_agree_end_with_0(cli: Cli, tmp_path: Path, against: str) -> None:
    pytest.importorskip("onnx" if against == "onnx.reference" else "onnxruntime")
    path = binary(tmp_path)
    found = cli("compare", path, *FEEDS, "--against", against, "--json")
    assert found.exit_code == 0, found.output
    report = validated(found.stdout, "compare")
    assert report["agrees"] is True and report["against"] == against
    assert [row["output"] for row in report["rows"]] == ["doubled", "y"]
    assert report["drawn"]["random"] is False


def test_random_feeds_are_named_in_the_report(cli: Cli, tmp_path: Path) -> None:
    found = cli("compare", binary(tmp_path), "--dim", "N=3", "--seed", 4, "--against", "onnx.reference", "--json")
    report = validated(found.stdout, "compare")
    assert (report["feeds"]["random"], report["feeds"]["seed"], report["drawn"]["drawn"]) == (True, 4, ["x", "z"])
    assert "RANDOM" in found.stderr


def test_compare_writes_one_html_file(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    page = tmp_path / "report.html"
    assert cli("compare", binary(tmp_path), *FEEDS, "--against", "onnx.reference", "--html", page).exit_code == 0
    tags = balanced(page.read_text("utf-8"))
    assert "script" not in tags.seen and tags.links == []
    assert cli("compare", binary(tmp_path), *FEEDS, "--html", tmp_path / "report.pdf").exit_code == 2


def test_a_runtime_that_refuses_ends_with_6(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    text = '<ir_version: 8, opset_import: ["" : 17]> g (uint16[N] x) => (uint16[N] y) { y = Relu(x) }'
    assert cli("compare", binary(tmp_path, text), "--random").exit_code == 4  # no such Relu: not valid here either
    text = '<ir_version: 10, opset_import: ["" : 21]> g (float16[N] x) => (float16[N] y) { y = Erf(x) }'
    found = cli("compare", binary(tmp_path, text), "--random", "--json")  # onnxruntime's CPU provider has no float16 Erf
    report = validated(found.stdout, "compare")
    assert (report["outcome"], found.exit_code) in (("refused", 6), ("agree", 0)), report["verdict"]


def binary(folder: Path, text: str | None = None) -> Path:
    """onnxruntime reads no text form."""
    from tests.cli.conftest import SCALE_AND_ADD

    path = folder / "model.onnx"
    path.write_bytes(refexec.load((text or SCALE_AND_ADD).encode(), format="text").proto.SerializeToString())
    return path


@pytest.mark.parametrize("against", ["onnxruntime", "onnx.reference"])
def test_the_demo_reads_the_digits_in_both_runtimes(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, against: str) -> None:
    pytest.importorskip("onnx" if against == "onnx.reference" else "onnxruntime")
    monkeypatch.chdir(tmp_path)
    called = cli("demo", "--against", against, "--json")
    assert called.exit_code == 0, called.output
    found = validated(called.stdout, "demo")
    assert [m["name"] for m in found["models"]] == ["digits-float32.onnx", "digits-int8.onnx"]
    for entry in found["models"]:
        assert entry["right"] >= 19 and entry["right_in_runtime"] >= 19  # of 20 that training did not see
        assert entry["comparison"]["agrees"] is True, entry["comparison"]["verdict"]
    assert found["html"] is None or Path(found["html"]) == tmp_path / "refexec-demo.html"


def test_the_demo_prints_within_80_columns_and_says_where_the_report_is(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    page = tmp_path / "here.html"
    found = cli("demo", "-o", page, "--against", "onnx.reference")
    assert found.exit_code == 0
    lines = [line for line in found.stdout.splitlines() if not line.startswith("The report: ")]
    assert max(map(len, lines)) <= 80
    assert f"The report: {os.path.abspath(page)}" in found.stdout
    for part in ("written 0, read 0", "What to look at", "digits-int8.onnx", "QuantizeLinear"):
        assert part in found.stdout
    text = page.read_text("utf-8")
    tags = balanced(text)
    assert "script" not in tags.seen and tags.links == [] and text.count("<h1>") == 3


def test_without_onnxruntime_the_demo_says_that_it_compares_with_onnx_reference(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("refexec.cli.demo.find_spec", lambda name: None)  # jinja2 is absent as well
    found = cli("demo")
    assert found.exit_code == 0
    assert "compares with onnx.reference" in found.stderr.replace("\n      ", " ")
    assert "no HTML report without jinja2" in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_demo_models_are_small_and_the_samples_are_images() -> None:
    with demo.models() as paths:
        assert sum(p.stat().st_size for p in paths) < 200_000
        for path in paths:
            assert path.read_bytes() and refexec.Session(path).diagnostics == []
    data = demo.samples()
    assert data.pixels.shape == (20, 1, 8, 8) and data.labels.shape == (20,)
    assert np.array_equal(data.pixels, np.clip(np.rint(data.pixels), 0, 16))
    assert data.labels.tolist() == [*range(10), *range(10)]


def test_an_image_is_drawn_darker_where_there_is_more_ink() -> None:
    image = np.zeros((8, 8))
    image[1, 2], image[3, 0] = 16, 8
    lines = demo.drawing(image)
    assert [len(line) for line in lines] == [16] * 8
    assert lines[0].strip() == "" and lines[1] == "    @@          " and lines[3].strip() in ("==", "--", "++")
