"""How types, values and models are shown."""

from __future__ import annotations

import itertools
from html.parser import HTMLParser

import ml_dtypes
import numpy as np
import onnx
import pytest

import refexec
from refexec.observe.display import model_summary, session_html, type_text, value_text
from refexec.types import FLOAT32, INT64, MapType, OptionalType, SequenceType, TensorType, ValueType
from tests.models import session


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (TensorType(FLOAT32), "float32[...]"), (TensorType(INT64, ()), "int64[]"), (TensorType(FLOAT32, ("N", 3, None)), "float32[N, 3, ?]"),
        (SequenceType(TensorType(INT64, (2,))), "seq(int64[2])"), (OptionalType(TensorType(FLOAT32, (1,))), "optional(float32[1])"),
        (MapType(INT64, TensorType(FLOAT32)), "map(int64, float32[...])"), (None, "unknown"),
    ],
)  # fmt: skip
def test_types_are_shown_in_numpys_words(kind: ValueType | None, text: str) -> None:
    assert type_text(kind) == text


def test_narrow_types_are_shown_as_numbers() -> None:
    assert value_text(np.array([1.5, -2], ml_dtypes.bfloat16)) == "[ 1.5, -2. ]"
    assert value_text(np.array([-8, 7], ml_dtypes.int4)) == "[-8,  7]"


def test_long_values_are_abbreviated() -> None:
    assert value_text(np.arange(1000)).count(",") < 10 and "..." in value_text(np.arange(1000))
    assert value_text([np.zeros(1)] * 9).endswith("... 5 more")
    assert value_text({"a": 1.0, "b": 2.0}) == "{a: 1.0, b: 2.0}"


def test_the_summary_counts_operators_and_names_the_types() -> None:
    found = model_summary(session("(float[N] x) => (float[N] y) { a = Neg(x) b = Neg(a) y = Relu(b) }"))
    assert found["operators"] == {"Neg-13": 2, "Relu-14": 1}
    assert (found["nodes"], found["inputs"]) == (3, [{"name": "x", "type": "float32[N]"}])


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert attrs == []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_session_in_a_notebook_escapes_names_and_stays_small() -> None:
    names = [f"<script>alert({k})</script>&\x1b" + "n" * 500 for k in range(2000)]
    nodes = [onnx.helper.make_node("Neg", [a], [b]) for a, b in itertools.pairwise(names)]
    infos = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["N"]) for n in names]
    graph = onnx.helper.make_graph(nodes, "<b>bold", infos[:1], infos[1:])
    s = refexec.Session(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10))
    page = session_html(s)
    assert len(page.encode()) < 100_000
    parser = Text()
    parser.feed(page)
    assert set(parser.tags) == {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td"}
    assert any(t.startswith("<script>alert(0)") for t in parser.texts) and "<b>bold" in parser.texts
    assert "\x1b" not in page and "1950 more" in page
