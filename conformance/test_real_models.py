"""Trained models from wheels, on refexec and on onnxruntime; skipped where a wheel is absent. See real_models.py."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from conformance import real_models
from conformance.known import RealModelDifference, real_model_differences
from conformance.quantized_models import RECURRENT, quantized_differences, refusal
from conformance.real_models import CONTRIB, FROM_ONNXRUNTIME, MODELS, RealModel, WheelAbsent, float_measures, folder, measure

needs_onnxruntime = pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed")


def _present(model: RealModel) -> RealModel:
    try:
        content, feeds = model.load(folder())
    except WheelAbsent as absent:
        pytest.skip(f"{absent}; see conformance/README.md")
    assert content
    assert len(feeds) >= 3
    return model


def _ids(models: tuple[RealModel, ...]) -> list[str]:
    return [model.id for model in models]


@needs_onnxruntime
@pytest.mark.parametrize("model", MODELS, ids=_ids(MODELS))
def test_a_float_model_agrees_with_onnxruntime_and_is_no_further_from_exact(model: RealModel) -> None:
    measures = [m for m, _, _ in float_measures(_present(model), folder())]
    assert [f"input {m.input}, {m.output}: {m.problem}" for m in measures if m.problem] == []


@pytest.mark.parametrize("model", CONTRIB, ids=_ids(CONTRIB))
def test_a_model_with_a_contrib_operator_is_refused_by_its_name(model: RealModel) -> None:
    content, _ = _present(model).load(folder())
    said = refusal(content)
    assert said is not None
    assert all(part in said for part in RECURRENT)


@needs_onnxruntime
@pytest.mark.parametrize("model", CONTRIB, ids=_ids(CONTRIB))
def test_quantised_tensors_equal_those_of_onnxruntime(model: RealModel) -> None:
    differences, compared = quantized_differences(_present(model), folder())
    assert differences == []
    assert compared >= 6


def test_a_listed_difference_names_an_existing_model_and_never_lets_refexec_be_further_off_than_onnxruntime() -> None:
    listed = real_model_differences()
    assert {model for model, _, _ in listed} <= set(_ids(MODELS))
    assert all(FROM_ONNXRUNTIME < row.at_most <= 1.01 and 0 < row.refexec <= 1 and len(row.evidence) > 50 for row in listed.values())


# The measure itself can fail -------------------------------------------------------------------------------------------------

MODEL = RealModel("m", "w", "f", lambda _: [], labels=("scores",))
ONE = np.array([[1.0, 0.5]], np.float32)


@pytest.mark.parametrize(
    ("ours", "ort", "wide", "problem"),
    [
        (ONE, ONE, ONE.astype(np.float64), None),
        (ONE + np.float32(2e-5), ONE, ONE.astype(np.float64), "from onnxruntime"),
        (ONE + np.float32(4e-6), ONE, ONE.astype(np.float64), "from wide"),
        (ONE.astype(np.float64), ONE, ONE.astype(np.float64), "onnxruntime has"),
        (np.array([[np.nan, 0.5]], np.float32), ONE, ONE.astype(np.float64), "from onnxruntime"),
        (np.array([1, 2]), np.array([1, 3]), np.array([1, 2]), "other integers"),
        (np.array([[1.0, 1.0 + 2**-20]], np.float32), np.ones((1, 2), np.float32), np.array([[1.0, 1.0 + 2**-21]]), "other labels"),
    ],
)
def test_the_measure_tells_agreement_from_difference(ours: object, ort: object, wide: object, problem: str | None) -> None:
    found = measure(MODEL, 0, "scores", ours, ort, wide).problem
    assert found is None if problem is None else problem in str(found)


@pytest.mark.parametrize(
    ("ours", "ort", "problem"),
    [
        (1 + 2e-6, 1 + 2e-5, None),
        (1 + 2e-6, 1 + 8e-6, "stale row"),
        (1 + 1.2e-5, 1 + 2e-5, "0.5 of onnxruntime's"),
        (1 - 2e-6, 1 + 9e-5, "from onnxruntime"),
        (np.nan, np.nan, "0.5 of onnxruntime's"),
        (np.nan, 1.0, "stale row"),
    ],
)
def test_a_listed_output_is_held_to_its_row(monkeypatch: pytest.MonkeyPatch, ours: float, ort: float, problem: str | None) -> None:
    row = RealModelDifference(at_most=5e-5, refexec=0.5, evidence="")
    monkeypatch.setattr(real_models, "real_model_differences", lambda: {("m", 0, "y"): row})
    found = measure(MODEL, 0, "y", *(np.array([value], np.float64) for value in (ours, ort, 1.0))).problem
    assert found is None if problem is None else problem in str(found)
