"""What a comparison concludes, on runtimes whose faults are known because the test made them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec.diff.compare import compare
from refexec.diff.report import Report
from refexec.errors import FeedError, RuntimeUnderTestError
from tests.diff.fakes import Altered
from tests.runtimes.models import parsed, with_initializers

GENERATOR = np.random.default_rng(0)
W = GENERATOR.standard_normal((16, 8)).astype(np.float32)
CHAIN = with_initializers(
    parsed("g (float[4, 16] x) => (float[4, 8] y) { m = MatMul(x, w) a = Add(m, m) r = Relu(a) y = Softmax<axis = -1>(r) }"), w=W
)
X = {"x": GENERATOR.standard_normal((4, 16)).astype(np.float32)}


def statuses(report: Report, mode: str = "off") -> dict[str, str]:
    return {row.output: row.columns[mode].status for row in report.rows}


def times(name: str, factor: float) -> Any:
    return lambda n, v, marked: v * np.float32(factor) if n == name else v


def test_equal_values_agree_bit_for_bit() -> None:
    report = compare(CHAIN, X, Altered())
    assert report.agrees
    assert report.verdict == "agree bit for bit in 4 values, optimizations off and on"
    assert set(statuses(report).values()) == {"equal"}
    assert [row.op for row in report.rows] == ["MatMul-13", "Add-14", "Relu-14", "Softmax-13"]


def test_an_error_within_the_bound_agrees_and_its_ratio_is_error_over_bound() -> None:
    report = compare(CHAIN, X, Altered(times("m", 1 + 2**-22)))
    assert statuses(report)["m"] == "within"
    ratio = report.rows[0].columns["off"].ratio
    magnitudes = np.abs(X["x"].astype(float)) @ np.abs(W.astype(float))
    truth = X["x"].astype(float) @ W.astype(float)
    given = (X["x"] @ W).astype(float)  # the bound of a product is (16 + 2) roundoffs of the product of magnitudes
    assert ratio is not None
    assert 0 < ratio < 1
    assert ratio == pytest.approx((np.abs(truth) * 2**-22 / (18 * 2**-24 * magnitudes)).max(), rel=0.5)
    assert np.abs(given - truth).max() < 1e-5


def test_the_first_node_beyond_its_bound_is_named_and_what_follows_is_not_blamed() -> None:
    # The runtime goes on from its own wrong m: each later node is right on its inputs.
    wrong = (X["x"] @ W) * np.float32(1.01)
    runtime = Altered(feeds={"m": wrong})
    report = compare(CHAIN, X, runtime)
    assert not report.agrees
    assert report.outcome == "diverge"
    assert report.first == 0
    assert statuses(report) == {"m": "beyond", "a": "within", "r": "within", "y": "within"}
    assert report.verdict.startswith("diverges first at node 0 (MatMul-13), output 'm': the error of this node alone is ")
    assert report.rows[3].columns["off"].total is not None
    assert report.rows[3].columns["off"].total.unequal > 0


def test_an_exact_operator_must_be_exact() -> None:
    def change(name: str, value: Any, marked: bool) -> Any:
        return np.nextafter(value, np.float32(np.inf)) if name == "a" else value

    report = compare(CHAIN, X, Altered(change))
    assert statuses(report) == {"m": "equal", "a": "beyond", "r": "equal", "y": "equal"}
    assert report.first == 1
    assert "must not" in report.verdict


def test_the_sign_of_a_zero_is_noted_and_agrees() -> None:
    report = compare(CHAIN, X, Altered(lambda n, v, m: np.where(v == 0, np.float32(-0.0), v) if n == "r" else v))
    column = report.rows[2].columns["off"]
    assert (column.status, column.note) == ("within", "the sign of a zero differs")
    assert report.agrees


def test_another_type_and_another_shape_are_named() -> None:
    by_type = compare(CHAIN, X, Altered(lambda n, v, m: v.astype(np.float64) if n == "a" else v))
    assert statuses(by_type)["a"] == "dtype"
    assert "element type is not float32" in by_type.verdict
    by_shape = compare(CHAIN, X, Altered(lambda n, v, m: v[:2] if n == "r" else v))
    assert statuses(by_shape)["r"] == "shape"
    assert by_shape.first == 2


def test_a_difference_with_optimizations_only_is_said_to_be_one() -> None:
    class Optimizing(Altered):
        def run(self, model: Any, feeds: Any, outputs: Any = None, **options: Any) -> Any:
            self.change = times("a", 1.5) if options["options"].get("on") else None
            return super().run(model, feeds, outputs, **options)

        modes = (Altered.modes[0], type(Altered.modes[1])("on", {"on": True}, optimizes=True))

    report = compare(CHAIN, X, Optimizing())
    assert statuses(report, "off")["a"] == "equal"
    assert statuses(report, "on")["a"] == "beyond"
    assert "with optimizations on only" in report.verdict


def test_a_fault_that_marking_hides_shows_in_the_unchanged_model() -> None:
    report = compare(CHAIN, X, Altered(lambda n, v, marked: v if marked else v * np.float32(1.5)))
    assert {row.columns["off"].status for row in report.rows} == {"equal"}
    assert not report.agrees
    assert "a fusion that marking prevents" in report.verdict
    check = report.outputs[0]
    assert (check.marked_equal, check.agrees) == (False, False)
    assert check.distance is not None
    assert check.allowed is not None
    assert check.distance > check.allowed > 0


def test_rounding_that_marking_changes_is_no_fault() -> None:
    report = compare(CHAIN, X, Altered(lambda n, v, marked: v if marked else np.nextafter(v, np.float32(2))))
    assert report.outputs[0].marked_equal is False
    assert report.agrees


def test_values_that_may_not_be_outputs_are_found_by_halving() -> None:
    runtime = Altered(refuses=["a"])
    report = compare(CHAIN, X, runtime)
    assert statuses(report) == {"m": "equal", "a": "missing", "r": "equal", "y": "equal"}
    assert report.agrees
    assert any("not to be made outputs: 1 of 4 values" in note for note in report.notes)


def test_a_node_whose_inputs_are_unseen_is_unchecked_and_its_output_is_judged_by_the_whole_run() -> None:
    report = compare(CHAIN, X, Altered(times("y", 1.5), refuses=["r"]))
    assert statuses(report)["y"] == "unchecked"
    assert not report.agrees
    assert "output 'y'" in report.verdict


def test_when_nothing_can_be_marked_the_outputs_are_compared() -> None:
    report = compare(CHAIN, X, Altered(refuses=["m", "a", "r"]))
    assert statuses(report) == {"m": "missing", "a": "missing", "r": "missing", "y": "equal"}
    assert report.agrees
    assert [m.seen for m in report.modes] == [1, 1]
    assert "missing" in report.to_text()


def test_a_decision_on_a_tie_is_a_tie_and_any_other_one_is_wrong() -> None:
    model = with_initializers(
        parsed("g (float[3] x) => (uint8[3] y) { y = QuantizeLinear(x, s, z) }"), s=np.float32(2), z=np.uint8(0)
    )  # 5 / 2 = 2.5 is half-way between two levels, 6 / 2 is not
    feeds = {"x": np.array([5, 6, 9], np.float32)}
    tie = compare(model, feeds, Altered(lambda n, v, m: v + np.array([1, 0, 0], np.uint8)))
    assert statuses(tie)["y"] == "tie"
    assert tie.agrees
    assert "2 tie" in tie.verdict  # with optimizations off and on
    wrong = compare(model, feeds, Altered(lambda n, v, m: v + np.array([0, 1, 0], np.uint8)))
    assert statuses(wrong)["y"] == "beyond"
    assert not wrong.agrees


LOOP = """g (float[4, 4] x) => (float[4, 4] y) {
  n = Constant<value_int = 3>() c = Constant<value = bool {1}>()
  y = Loop(n, c, x) <body = b (int64 i, bool on, float[4, 4] v) => (bool on2, float[4, 4] w) { on2 = Identity(on) w = MatMul(v, x) }>
}"""
FUNCTION = """g (float[4, 4] x) => (float[4, 4] y) { y = local.F<k = 1>(x) }
<domain: "local", opset_import: ["" : 17]> F<k>(a) => (b) { m = MatMul(a, a) b = Softmax<axis: int = @k>(m) }"""


@pytest.mark.parametrize("text", [LOOP, FUNCTION])
def test_a_node_that_runs_others_is_judged_by_what_rounding_inside_explains(text: str) -> None:
    feeds = {"x": np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)}
    small = compare(parsed(text), feeds, Altered(times("y", 1 + 2**-23)))
    column = small.rows[-1].columns["off"]
    assert (column.status, column.bound) == ("within", "estimate")
    assert column.ratio is not None
    assert 0 < column.ratio < 1
    large = compare(parsed(text), feeds, Altered(times("y", 1.01)))
    assert large.rows[-1].columns["off"].status == "beyond"
    assert "rounding in its inner nodes" in large.verdict


def test_caller_arrays_are_not_written() -> None:
    x = X["x"].copy()
    compare(CHAIN, {"x": x}, Altered())
    assert x.tolist() == X["x"].tolist()


def test_random_feeds_are_said_to_be_random_and_repeat() -> None:
    first, second = compare(CHAIN, None, Altered(), seed=3), compare(CHAIN, None, Altered(), seed=3)
    assert first.feeds["random"] is True
    assert first.feeds["seed"] == 3
    assert any("random" in note for note in first.notes)
    assert first.to_json() == second.to_json()
    assert compare(CHAIN, X, Altered()).feeds["random"] is False


def test_wrong_feeds_are_an_error() -> None:
    for feeds in ({}, {"z": X["x"]}, {"x": X["x"].astype(np.float64)}, [X["x"]]):
        with pytest.raises(FeedError):
            compare(CHAIN, feeds, Altered())  # type: ignore[arg-type]


def test_a_rule_that_only_refexec_finds_broken_is_a_difference() -> None:
    class Lax(Altered):
        def run(self, model: Any, feeds: Any, outputs: Any = None, **options: Any) -> Any:
            from refexec.runtimes import RuntimeResult

            return RuntimeResult({"y": np.zeros(1, np.float32)})

    class Strict(Altered):
        def run(self, model: Any, feeds: Any, outputs: Any = None, **options: Any) -> Any:
            raise RuntimeUnderTestError("strict refused: index out of range", outcome="refused")

    model = parsed("g (float[3] x, int64[1] i) => (float[1] y) { y = Gather(x, i) }")
    feeds = {"x": np.ones(3, np.float32), "i": np.array([5])}
    lax = compare(model, feeds, Lax())
    assert (lax.outcome, lax.rows) == ("diverge", ())
    assert "Gather" in lax.verdict
    both = compare(model, feeds, Strict())
    assert both.agrees
    assert both.verdict.startswith("both refuse")


def test_a_runtime_that_gives_no_answer_is_a_verdict() -> None:
    class Hanging(Altered):
        def run(self, model: Any, feeds: Any, outputs: Any = None, **options: Any) -> Any:
            raise RuntimeUnderTestError("hanging gave no answer within 1 s", outcome="hung")

    report = compare(CHAIN, X, Hanging())
    assert (report.outcome, report.agrees) == ("hung", False)
    assert report.verdict == "no comparison: hanging gave no answer within 1 s"
    assert "no answer within 1 s" in report.to_text()
    assert "no answer within 1 s" in report.to_html()


def test_only_marked_values_that_kill_the_runtime_are_missing() -> None:
    class Fragile(Altered):
        def run(self, model: Any, feeds: Any, outputs: Any = None, **options: Any) -> Any:
            try:
                return super().run(model, feeds, outputs, **options)
            except RuntimeUnderTestError as error:
                raise RuntimeUnderTestError("fragile died", outcome="crashed", signal="SIGSEGV") from error

    runtime = Fragile(refuses=["r"])
    report = compare(CHAIN, X, runtime)
    assert statuses(report) == {"m": "equal", "a": "equal", "r": "missing", "y": "equal"}
    assert runtime.runs <= 2 * 8
