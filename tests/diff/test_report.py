"""The forms of a report: text, JSON, HTML, notebook. Names come from the model and may hold anything."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import onnx
import pytest

from refexec.diff.compare import compare
from refexec.diff.metrics import Difference
from refexec.diff.report import Column, Report
from refexec.diff.verdict import number
from refexec.errors import UnsupportedError
from tests.diff.fakes import Altered
from tests.runtimes.models import parsed

EVIL = "<script>alert(1)</script>\x1b[31m\"'&"


@pytest.fixture(scope="module")
def report() -> Report:
    model = parsed("g (float[2, 3] x) => (float[2, 3] y) { a = Add(x, x) y = Softmax<axis = -1>(a) }")
    return compare(model, {"x": np.ones((2, 3), np.float32)}, Altered(lambda n, v, m: v * np.float32(2) if n == "a" else v))


@pytest.fixture(scope="module")
def evil() -> Report:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", [EVIL], ["y" + EVIL], name=EVIL)], EVIL, [value(EVIL, 1, [2])], [value("y" + EVIL, 1, [2])]
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8, producer_name=EVIL, producer_version=EVIL
    )
    return compare(model, None, Altered(lambda n, v, m: v + 1))


def long(report: Report, count: int) -> Report:
    return replace(report, rows=tuple(replace(report.rows[i % 2], index=i, output=f"v{i}") for i in range(count)), first=count // 4 * 2)


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_text_fits_its_width(report: Report, evil: Report) -> None:
    for one in (report, evil, long(report, 100)):
        for width in (60, 80, 132):
            assert max(map(len, one.to_text(width).splitlines())) <= width


def test_text_starts_with_the_verdict_and_marks_the_first_difference(report: Report) -> None:
    text = report.to_text()
    assert re.sub(r"\s+", " ", text).startswith("altered: diverges first at node 0 (Add-14), output 'a'")
    marked = [line for line in text.splitlines() if line.startswith(">")]
    assert len(marked) == 1
    assert marked[0].split()[1:5] == ["0", "Add-14", "a", "f32[2×3]"]


def test_text_of_a_long_model_leaves_out_what_agrees(report: Report) -> None:
    many = long(report, 4000)
    short = many.to_text(rows=20)
    assert len(short.splitlines()) < 80
    assert f"v{many.first} " in short
    assert "more that agree" in short
    whole = many.to_text(rows=None).split()
    assert {f"v{i}" for i in range(4000)} <= set(whole)


def test_control_characters_reach_no_output(evil: Report) -> None:
    for text in (evil.to_text(), evil.to_html(), evil._repr_html_(), repr(evil)):
        assert "\x1b" not in text


def test_html_escapes_names_and_holds_no_script(evil: Report) -> None:
    for text in (evil.to_html(), evil._repr_html_()):
        assert "<script" not in text.lower()
        assert "script" not in Tags(text).tags
        assert "&lt;script&gt;" in text


def test_html_needs_nothing_else_and_forbids_the_rest(report: Report) -> None:
    page = report.to_html()
    tags = Tags(page)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'") in tags.attributes
    assert not {"link", "img", "iframe", "object", "form"} & set(tags.tags)
    assert not [v for k, v in tags.attributes if k in ("src", "href")]
    assert report.verdict.split("'")[0] in page


def test_html_has_a_row_for_each_value_of_a_long_model(report: Report) -> None:
    page = long(report, 5000).to_html()
    assert page.count("<tr class=") == 5000
    assert len(page) < 5_000_000


def test_the_notebook_form_stays_below_100_kb(report: Report) -> None:
    text = long(replace(report, rows=tuple(replace(r, op="O" * 4000) for r in report.rows)), 5000)._repr_html_()
    assert len(text.encode()) < 100_000
    assert "further rows" in text


def test_json_is_plain_json(report: Report) -> None:
    odd = Column("beyond", Difference(False, 1, 2, math.inf, math.nan, None, (0, 1), (1, 0), ("[0]", "inf", "1")), math.inf)
    changed = replace(report, rows=(replace(report.rows[0], columns={"off": odd}),))
    found = json.loads(json.dumps(changed.to_json(), allow_nan=False))
    assert found["schema"] == "refexec.compare/1"
    assert (found["agrees"], found["outcome"], found["first"]) == (False, "diverge", 0)
    column: dict[str, Any] = found["rows"][0]["columns"]["off"]
    assert (column["ratio"], column["total"]["max_abs"], column["total"]["max_rel"]) == ("inf", "inf", "nan")
    assert column["total"]["nan"] == [0, 1]


def test_json_of_a_real_comparison_has_what_a_reader_needs(report: Report) -> None:
    found = report.to_json()
    assert found["model"]["sha256"]
    assert found["model"]["opsets"] == {"ai.onnx": 17, "local": 1}
    assert found["feeds"] == {"random": False, "seed": None, "inputs": {"x": "float32 2×3"}}
    assert [r["path"] for r in found["rows"]] == ["main/0:Add", "main/1:Softmax"]
    json.dumps(found, allow_nan=False)


def test_without_jinja2_the_error_names_the_extra(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UnsupportedError, match=r"refexec\[report\]"):
        report.to_html()
    assert report.to_text()
    assert report._repr_html_()


def test_numbers_are_short() -> None:
    values = [0.0, 0.25, 12.3456, 0.00012345, 1234567.0, math.inf, math.nan, None]
    assert [number(v, 2) for v in values] == ["0", "0.25", "12", "1.2e-04", "1.2e+06", "inf", "nan", "-"]
