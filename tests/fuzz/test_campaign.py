"""Targets, findings and campaigns, with onnx.reference and with a target that is wrong on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from refexec.errors import ContractError, FeedError, UnsupportedError
from refexec.fuzz import findings, targets
from refexec.fuzz.campaign import Campaign
from refexec.fuzz.graph import Options
from refexec.fuzz.targets import Verdict, expected_of, same_but_for_rounding, target
from refexec.opspec import Operand
from refexec.types import FLOAT32, SequenceType, TensorType


def parsed(body: str, opset: int = 17) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> g {body}')


X = np.array([[1, 2, 3]], np.float32)


@pytest.fixture(scope="module")
def reference() -> Any:
    made = target("onnx.reference")
    yield made
    made.close()


def test_a_target_that_is_right_gives_no_verdict(reference: Any) -> None:
    model = parsed("(float[1, 3] x) => (float[1, 3] y) { y = Softmax(x) }")
    expected = expected_of(model, {"x": X})
    assert isinstance(expected, dict) and reference.judge(model, {"x": X}, expected) is None


def test_old_softmax_of_onnx_reference_is_a_wrong_value_at_that_node(reference: Any) -> None:
    model = parsed("(float[1, 2, 3] x) => (float[1, 2, 3] z) { y = Softmax(x) z = Neg(y) }", opset=11)
    feeds = {"x": np.arange(6, dtype=np.float32).reshape(1, 2, 3)}
    expected = expected_of(model, feeds)
    assert isinstance(expected, dict)
    verdict = reference.judge(model, feeds, expected)
    assert (verdict.kind, verdict.operator, verdict.fault) == ("value", "Softmax-11", True)


def test_what_a_runtime_has_no_implementation_of_is_no_fault(reference: Any) -> None:
    model = parsed("(float[1] x) => (float[1] y) { y = Affine(x) }", opset=1)
    verdict = reference.judge(model, {"x": np.ones(1, np.float32)}, {"y": np.ones(1, np.float32)})
    assert (verdict.kind, verdict.fault) == ("unsupported", False)


def test_a_model_that_refexec_refuses_is_its_own_verdict() -> None:
    verdict = expected_of(
        parsed("(float[2] x) => (float[3] y) { s = Constant <value = int64[1] {3}> () y = Reshape(x, s) }"), {"x": np.ones(2, np.float32)}
    )
    assert isinstance(verdict, Verdict) and (verdict.kind, verdict.operator) == ("refused", "Reshape-14")


def test_keys_of_messages_do_not_depend_on_names_and_numbers() -> None:
    a, b = Verdict("refused", "", "cannot reshape 'v12' of 6 elements"), Verdict("refused", "", "cannot reshape 'v3' of 8 elements")
    assert a.key == b.key != Verdict("refused", "", "cannot broadcast 'v3'").key
    assert Verdict("value", "Neg-6", "by 1").key == Verdict("value", "Neg-6", "by 2").key


def test_rounding_is_near_and_what_is_not_rounding_is_not() -> None:
    x = np.array([1, 1e-3, 5], np.float32)
    assert same_but_for_rounding(x, np.nextafter(x, np.float32(9)))
    assert not same_but_for_rounding(x, x + np.float32(1e-3))
    assert not same_but_for_rounding(x, x.astype(np.float64)) and not same_but_for_rounding(x, x[:2])
    assert same_but_for_rounding([np.array([np.nan, np.inf])], [np.array([np.nan, np.inf])])
    assert not same_but_for_rounding(np.array([np.inf]), np.array([1e308]))
    assert not same_but_for_rounding(np.array(["a"], object), np.array(["b"], object))


@pytest.mark.parametrize("name", ["wide", "body", "transforms"])
def test_refexec_agrees_with_itself_on_a_plain_model(name: str) -> None:
    model = parsed("(float[1, 3] x) => (float[1, 3] y) { a = Softmax(x) y = Gelu(a) }", opset=20)
    expected = expected_of(model, {"x": X})
    assert isinstance(expected, dict) and target(name).judge(model, {"x": X}, expected) is None


def test_an_unknown_target_is_named() -> None:
    with pytest.raises(UnsupportedError, match="onnxrutnime"):
        target("onnxrutnime")


class Wrong(targets.Target):
    """Says that every Relu is wrong."""

    name = "wrong"

    def judge(self, model: onnx.ModelProto, feeds: Any, expected: Any) -> Verdict | None:
        return Verdict("value", "Relu", "it is not") if any(n.op_type == "Relu" for n in model.graph.node) else None


def test_a_campaign_saves_findings_that_stand_alone_and_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "found"
    options = Options(ops=("Softmax", "Neg"), opset=(9, 12), max_nodes=5, control_flow=False)
    campaign = Campaign(["onnx.reference"], out, options, seed=3)
    progress = campaign.run(1)
    assert progress.models >= 25 and progress.models % 25 == 0 and not progress.lost
    assert {f["signature"].split("(")[0] for f in progress.findings.values()} >= {"Softmax-1"} or campaign.run(20).findings
    record = next(f for f in campaign.progress.findings.values() if f["signature"].startswith("Softmax"))
    assert (record["nodes"], record["kind"], record["target"]) == (1, "value", "onnx.reference")
    assert any(row in record["known"] for row in ("R01", "R02", "R03", "R04")), record["known"]

    folder = next(p for p in out.iterdir() if p.name.startswith("onnx-reference-Softmax"))
    assert {p.name for p in folder.iterdir()} == {"model.onnx", "model.txt", "test_data_set_0", "repro.py", "finding.json"}
    assert findings.replayed(folder)["there"]
    ran = subprocess.run([sys.executable, "-P", str(folder / "repro.py")], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0 and "expected" in ran.stdout and "got" in ran.stdout, ran.stderr

    again = Campaign(["onnx.reference"], out, options)
    assert (again.next_seed, again.progress.models) == (campaign.next_seed, campaign.progress.models)
    assert again.progress.findings.keys() == campaign.progress.findings.keys()
    assert json.loads((out / "campaign.json").read_text())["schema"] == "refexec.campaign/1"


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FeedError, match="not empty"):
        Campaign(["wide"], tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_signatures_tell_operators_types_attributes_and_kinds_apart() -> None:
    model = parsed("(float16[1] x) => (float16[1] y) { y = LeakyRelu <alpha = 0.5> (x) }")
    assert findings.signature_of(model, "value") == "LeakyRelu-16(float16; alpha) value"
    assert findings.signature_of(model, "refused") == "LeakyRelu-16 refused"
    pooled = parsed('(float[1, 1, 2] x) => (y) { y = MaxPool <kernel_shape = [1], auto_pad = "VALID"> (x) }')
    assert findings.signature_of(pooled, "shape") == "MaxPool-12(float; auto_pad=VALID, kernel_shape) shape"


def test_known_rows_are_those_of_operator_version_and_engine() -> None:
    model = parsed("(float[1, 2] x) => (y) { y = Softmax(x) }", opset=9)
    assert findings.known(model, "onnx.reference") and not findings.known(model, "onnxruntime")
    assert not findings.known(parsed("(float[1, 2] x) => (y) { y = Relu(x) }"), "onnx.reference")


@pytest.mark.parametrize(
    ("target_name", "votes", "blame"),
    [
        ("wide", {}, "refexec"),
        ("onnx.reference", {"onnxruntime": "agrees"}, "onnx.reference"),
        ("onnxruntime", {"onnx.reference": "value"}, "open"),
    ],
)
def test_blame_goes_to_who_is_alone(target_name: str, votes: dict[str, str], blame: str) -> None:
    assert findings.Finding(target_name, "value", "s", "d", 0, 1, b"", {}, {}, votes).blame == blame


def test_known_rows_of_a_body_are_those_of_operator_version_and_what_is_wrong() -> None:
    model = parsed("(float[1] x) => (y) { y = Softplus(x) }", opset=22)
    assert findings.known(model, "body", "output 0: element 0: operator 1000.0, body inf") == ("body of Softplus",)
    assert findings.known(model, "body", "output 0: element 0: operator 1000.0, body 3.0") == ()
    assert findings.known(parsed("(float[1] x) => (y) { y = Elu(x) }"), "body", "body inf") == ()


@pytest.mark.parametrize(
    ("value", "back"), [([np.ones(2, np.float16)], [[1.0, 1.0]]), ([], []), (None, None), ([[np.ones(1, np.int8)]], [[[1]]])]
)
def test_a_finding_whose_model_does_not_declare_its_output_is_saved_with_it(value: Any, back: Any, tmp_path: Path) -> None:
    model = parsed("(x) => (y) { y = Identity(x) }")
    findings.write_model(tmp_path, model, {}, {"y": value})
    proto = (tmp_path / "test_data_set_0" / "output_0.pb").read_bytes()
    if value is None:
        assert not onnx.OptionalProto.FromString(proto).HasField("tensor_value")
    else:
        stored = onnx.numpy_helper.to_list(onnx.SequenceProto.FromString(proto))
        assert [[part.tolist() for part in v] if isinstance(v, list) else v.tolist() for v in stored] == back


def test_an_opspec_that_asks_for_what_a_value_has_not_is_told_so() -> None:
    with pytest.raises(ContractError, match="no tensor"):
        Operand("s", SequenceType(TensorType(FLOAT32))).elem  # noqa: B018
    with pytest.raises(ContractError, match="run time only"):
        Operand("v", TensorType(FLOAT32), (2, None)).sizes  # noqa: B018
