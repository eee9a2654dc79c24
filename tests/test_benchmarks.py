"""The benchmarks: their arithmetic on made-up samples, their models at small sizes, and what they say of slower kernels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import refexec
from benchmarks import __main__ as program
from benchmarks import results, sections, suites
from benchmarks.case import Case, Form, Problem, simple
from benchmarks.contenders import BASE, CONTENDERS, chosen
from benchmarks.costs import Cost
from benchmarks.dynamic import changing_against_static, compiled_signatures
from benchmarks.models import MODELS
from benchmarks.processes import Remote
from benchmarks.report import best, cells, geometric_mean, ratio, slower, summaries
from benchmarks.targets import TARGETS, Target, slow_cases
from benchmarks.timing import Effort, Timer, figures, interleave

SMALL = [pytest.param(small, id=name) for name, (_, small) in MODELS.items()]


class Clock:
    """Time that only passes by calls of ``work``."""

    def __init__(self, seconds: float) -> None:
        self.now, self.calls, self.seconds = 0.0, 0, seconds

    def __call__(self) -> float:
        return self.now

    def work(self) -> None:
        self.now += self.seconds
        self.calls += 1


def row(case: str, group: str, **medians: float | dict[str, float]) -> dict[str, Any]:
    times = {
        name.replace("_", "."): {form: {"median": m, "best": m, "spread": 0.05, "samples": 15} for form, m in value.items()}
        for name, given in medians.items()
        for value in ([given] if isinstance(given, dict) else [{"op": given}])
    }
    return {"case": case, "group": group, "times": times, "failed": {}, "activity": {"load before": 0.1, "load after": 0.2, "stolen": 0.0}}


def section(*rows: dict[str, Any], suite: str = "gemm", threads: int = 1) -> dict[str, Any]:
    made = {"made": "2024-01-01 00:00 UTC", "machine": {"cpu": "abacus"}, "quick": False, "threads": threads, "suite": suite}
    return made | {"activity": {"load before": 0.0, "load after": 0.0, "stolen": 0.0}, "rows": list(rows)}


def test_figures_are_median_least_and_half_the_width_of_the_middle_half() -> None:
    seen = figures([5.0, 1.0, 2.0, 4.0, 3.0])
    assert (seen.median, seen.best, seen.samples) == (3.0, 1.0, 5)
    assert seen.spread == pytest.approx((4 - 2) / 2 / 3)
    assert figures([2.0]).spread == 0


def test_a_share_of_a_chain_scales_the_times_and_not_the_spread() -> None:
    assert (
        figures([6.0, 6.0]).scaled(1 / 6).median == pytest.approx(1)
        and figures([1.0, 3.0]).scaled(0.5).spread == figures([1.0, 3.0]).spread
    )


def test_a_sample_of_a_short_call_lasts_long_enough_and_is_given_per_call() -> None:
    clock = Clock(0.5)
    timer = Timer(clock.work, Effort(rounds=2, least=1, warm=2, sample=10.0, seconds=1e9), clock)
    tried = 2 + 1 + 10 + 20
    assert clock.calls == tried
    timer.take()
    assert clock.calls == tried + 1 + 20  # one to fill the caches
    assert timer.samples == [0.5] and timer.more()
    timer.take()
    assert not timer.more()


def test_a_first_call_that_compiles_does_not_make_samples_short() -> None:
    clock = Clock(100.0)

    def call() -> None:
        clock.work()
        clock.seconds = 0.5

    timer = Timer(call, Effort(warm=1, sample=2.0, seconds=5.0), clock)
    calls = clock.calls
    timer.take()
    assert clock.calls == calls + 1 + 4 and timer.samples == [0.5]


def test_a_long_call_gets_its_least_number_of_samples() -> None:
    clock = Clock(7.0)
    timer = Timer(clock.work, Effort(rounds=15, least=3, warm=1, sample=1.0, seconds=5.0), clock)
    while timer.more():
        timer.take()
    assert clock.calls == 2 + 3 and timer.samples == [7.0] * 3


def test_contenders_take_turns_until_each_has_had_its_time() -> None:
    log: list[str] = []

    def logged(name: str, rounds: int) -> Timer:
        return Timer(lambda: log.append(name), Effort(rounds=rounds, least=1, warm=0, sample=0, seconds=1e9), Clock(0))

    interleave({"a": logged("a", 3), "b": logged("b", 3), "c": logged("c", 1)})
    assert sorted(log[:3]) == ["a", "b", "c"] and sorted(log[3:5]) == sorted(log[5:]) == ["a", "b"]


def test_a_contender_that_fails_while_it_is_sampled_leaves_the_others_their_turns() -> None:
    good = Timer(lambda: None, Effort(rounds=3, least=1, warm=0, sample=0, seconds=1e9), Clock(0))
    bad = Timer(lambda: 1 // 0, Effort(rounds=3, least=1, warm=0, sample=0, seconds=1e9), Clock(0))
    failed = interleave({"good": good, "bad": bad})
    assert len(good.samples) == 3 and list(failed) == ["bad"] and isinstance(failed["bad"], ZeroDivisionError)


def test_a_ratio_above_one_is_faster_than_onnxruntime() -> None:
    assert ratio(row("x", "g", deterministic=2.0, onnxruntime=3.0), "deterministic") == 1.5
    assert ratio(row("x", "g", onnxruntime=3.0), "deterministic") is None
    assert ratio(row("x", "g", deterministic=1.0), "deterministic") is None


def test_of_several_forms_each_contender_has_its_own_fastest() -> None:
    seen = row("x", "g", deterministic={"one": 2.0, "chain": 3.0}, onnxruntime={"one": 4.0, "chain": 1.0})
    assert best(seen, "deterministic")["median"] == 2.0  # type: ignore[index]
    assert ratio(seen, "deterministic") == 0.5


def test_groups_have_the_geometric_mean_and_name_the_worst_case() -> None:
    rows = [row("a", "g", fast=1.0, onnxruntime=4.0), row("b", "g", fast=4.0, onnxruntime=1.0), row("c", "h", fast=2.0, onnxruntime=1.0)]
    seen = summaries(rows, "fast")
    assert seen["g"].mean == pytest.approx(1) and (seen["g"].worst, seen["g"].where, seen["g"].count) == (0.25, "b", 2)
    assert seen["h"].mean == 0.5
    assert geometric_mean([2, 8]) == pytest.approx(4)


def test_a_contender_without_a_base_shows_its_time_and_one_that_failed_says_so() -> None:
    seen = row("x", "g", deterministic=5e-6) | {"failed": {BASE: "not implemented"}}
    assert cells(seen, ["deterministic", "fast", BASE])[:4] == ["x", "-", "5 us", ""]
    assert cells(seen | {"failed": {"fast": "no"}}, ["fast", BASE])[2] == "failed"


def test_kernels_show_the_ratio_of_medians_and_of_best_samples() -> None:
    seen = row("x", "g", deterministic=2e-6, numpy=4e-6, onnxruntime=1e-6)
    seen["times"]["deterministic"]["op"]["best"] = 1e-6
    assert cells(seen, ["deterministic", BASE, "numpy"]) == ["x", "1", "0.50 (1.00)", "0.25", "5%", "0.2"]


def test_compare_names_the_family_that_became_slower() -> None:
    old = {
        "gemm": section(row("a", "constant", deterministic=1.0, onnxruntime=1.0), row("b", "dynamic", deterministic=1.0, onnxruntime=1.0))
    }
    new = {
        "gemm": section(row("a", "constant", deterministic=1.0, onnxruntime=1.0), row("b", "dynamic", deterministic=2.0, onnxruntime=1.0))
    }
    (text,) = slower(old, new)
    assert "dynamic in deterministic is at 0.50" in text and "constant" not in text
    assert slower(new, old) == [] == slower(old, old)


def test_compare_does_not_see_a_slower_machine_nor_cases_that_only_one_file_has() -> None:
    old = {"gemm": section(row("a", "g", fast=1.0, onnxruntime=1.0), row("gone", "g", fast=1.0, onnxruntime=9.0))}
    new = {"gemm": section(row("a", "g", fast=3.0, onnxruntime=3.0), row("new", "g", fast=9.0, onnxruntime=1.0)), "conv": section()}
    assert slower(old, new) == []


def test_a_target_is_reached_by_the_geometric_mean_of_its_groups_alone() -> None:
    target = Target("t", ("gemm",), ("g",), 0.9, 1.0)
    rows = [
        row("a", "g", deterministic=1.0, onnxruntime=2.0),
        row("b", "g", deterministic=1.0, onnxruntime=0.5),
        row("c", "h", deterministic=9.0, onnxruntime=1.0),
    ]
    assert target.judge({"gemm 1 thread": section(*rows)}).text == "reached: 1.00 of 0.9"
    assert target.judge({"gemm 1 thread": section(rows[1])}).text == "not reached: 0.50 of 0.9"
    assert target.judge({"gemm 2 threads": section(*rows)}).text == "not measured"


def test_cases_under_the_floor_or_slower_than_their_definition_are_named() -> None:
    rows = [
        row("a", "Gemm", deterministic=9.0, onnxruntime=1.0),
        row("b", "GEMM constant B", deterministic=5.0, onnxruntime=1.0, definitions=4.0),
    ]
    assert slow_cases({"gemm 1 thread": section(*rows)}) == ["gemm: b is at 0.20 of onnxruntime", "gemm: b is at 0.80 of its definition"]


@pytest.mark.parametrize("suite", [*suites.FAMILIES, "models"])
def test_every_target_names_groups_that_its_suites_have_and_case_names_are_unique(suite: str) -> None:
    cases = list(suites.cases(suite))
    assert len({case.name for case in cases}) == len(cases)
    groups = {case.group for case in cases}
    for target in (t for t in TARGETS if t.suites == (suite,)):
        assert set(target.groups) <= groups


def test_the_page_says_what_is_reached_and_of_how_much() -> None:
    rows = [
        row("64", "GEMM constant B", deterministic=2.0, onnxruntime=1.0),
        row("65", "GEMM constant B", deterministic=2.0, onnxruntime=1.0),
    ]
    cost = Cost("memory", 2.0, "x", 1.5, {"MB": 3.0})
    costs = {"machine": {"cpu": "abacus"}, "costs": [cost.to_json()]}
    page = results.render({"gemm 1 thread": section(*rows), "memory 1 thread": costs})
    assert "not reached: 0.50 of 0.9" in page and "not reached: 2.00 of 1.5" in page
    assert "Machine: cpu abacus." in page and "not measured" in page and "0.50 (worst 0.50, 64)" in page


def test_writing_renews_the_measured_suites_and_keeps_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "DATA", tmp_path / "results.json")
    monkeypatch.setattr(results, "PAGE", tmp_path / "RESULTS.md")
    results.write({"gemm": section(row("old", "g", fast=1.0)), "conv": section(row("kept", "g", fast=1.0), suite="conv")})
    results.write({"gemm": section(row("new", "g", fast=1.0))})
    stored = json.loads((tmp_path / "results.json").read_text())
    assert [stored[key]["rows"][0]["case"] for key in ("gemm", "conv")] == ["new", "kept"]
    assert (tmp_path / "RESULTS.md").read_text() == results.render(stored)
    assert list(stored) == ["gemm", "conv"] and "kept" in results.render(stored)


def test_the_committed_page_is_that_of_the_committed_figures() -> None:
    assert results.PAGE.read_text("utf-8") == results.render(json.loads(results.DATA.read_text("utf-8")))


@pytest.mark.parametrize("build", SMALL)
def test_every_model_is_valid_and_runs_in_its_small_size(build: Any) -> None:
    problem = build()
    onnx.checker.check_model(onnx.load_from_string(problem.content), full_check=True)
    outputs = refexec.Session(problem.content, profile="reference").run(None, problem.feeds)
    assert all(np.isfinite(y).all() and y.std() > 1e-3 for y in outputs)


@pytest.mark.parametrize(
    ("name", "batchnorm", "parameters"),
    [("ResNet-50", False, 25_557_032 - 26_560), ("MobileNetV2", False, 3_504_872 - 17_056), ("MobileNetV2", True, 3_504_872 + 2 * 17_056)],
)
def test_models_have_the_published_number_of_parameters(name: str, batchnorm: bool, parameters: int) -> None:
    """Those of torchvision. A folded batch normalisation leaves one number per channel of its two; with its statistics it has four."""
    assert _weights(MODELS[name][0](batchnorm=batchnorm).content) == parameters


def _weights(content: bytes) -> int:
    return sum(int(np.prod(t.dims)) for t in onnx.load_from_string(content).graph.initializer if len(t.dims) > 0)


@pytest.mark.parametrize("name", ["ResNet-50", "BERT-base"])
def test_models_for_changing_shapes_run_at_shapes_they_were_not_built_with(name: str) -> None:
    problem = MODELS[name][1](dynamic=True)
    session = refexec.Session(problem.content, profile="reference")
    twice = {k: np.concatenate([v, v]) for k, v in problem.feeds.items()}
    for one, two in zip(session.run(None, problem.feeds), session.run(None, twice), strict=True):
        np.testing.assert_allclose(two, np.concatenate([one, one]), rtol=1e-5, atol=1e-6)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One suite with two small cases."""
    x = np.arange(6, dtype=np.float32)

    def broken() -> Problem:
        return Problem(b"not a model", {})

    cases = [
        Case("relu", "g", (Form("op", simple("Relu", {"x": x}, numpy=lambda v: np.maximum(v, 0))),)),
        Case("broken", "g", (Form("op", broken),)),
    ]
    monkeypatch.setattr(suites, "cases", lambda suite, options=(): iter(cases))
    yield


@pytest.mark.usefixtures("tiny")
def test_a_contender_that_fails_is_recorded_and_ends_nothing() -> None:
    found = sections.run("tiny", [CONTENDERS["definitions"], CONTENDERS["numpy"]], quick=True)
    good, bad = found["rows"]
    assert set(good["times"]) == {"definitions", "numpy"} and good["failed"] == {}
    assert good["times"]["numpy"]["op"]["median"] > 0
    assert bad["times"] == {} and "InvalidModel" in bad["failed"]["definitions"]
    json.dumps(found)


def test_a_contender_in_its_own_process_samples_on_demand_and_reports_failures() -> None:
    remote = Remote("numpy", 2)
    try:
        assert remote.start("gemm", "64x64x64 constant", "MatMul", quick=True)
        interleave({"numpy": remote})
        assert 2 <= len(remote.samples) <= 5 and all(s > 0 for s in remote.samples)
        assert not remote.start("normalization", "RMSNormalization 128x768", "op", quick=True)
        with pytest.raises(RuntimeError, match="StopIteration"):
            remote.start("gemm", "no such case", "MatMul", quick=True)
    finally:
        remote.close()


def test_a_quick_run_leaves_only_kernels_and_onnxruntime_and_a_profile_leaves_the_other_out() -> None:
    assert {c.name for c in chosen(quick=True)} == {"deterministic", "fast", BASE}
    assert {c.name for c in chosen("fast")} == set(CONTENDERS) - {"deterministic"}


def test_shapes_that_change_are_measured_against_the_same_shapes_again() -> None:
    seen: list[int] = []
    assert changing_against_static(lambda given: seen.append(given["x"]), [{"x": 1}, {"x": 2}]) > 0
    assert seen == [1, 2, *[1] * 5, *[2] * 5]
    assert compiled_signatures() >= 0


def test_the_program_refuses_unknown_names_and_writes_whole_suites_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        program.main(["resnet-51"])
    assert program.main(["resnet-50", "--write"]) == 2
    assert "whole suites" in capsys.readouterr().err
