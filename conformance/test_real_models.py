"""Trained models from wheels, on refexec and on onnxruntime; skipped where a wheel is absent. See real_models.py."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from conformance.known import onnxruntime_off
from conformance.quantized_models import RECURRENT, quantized_differences, refusal
from conformance.real_models import CONTRIB, MODELS, RealModel, WheelAbsent, float_measures, folder, measure

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


def test_a_listed_output_names_an_existing_model() -> None:
    assert {model for model, _, _ in onnxruntime_off()} <= set(_ids(MODELS))


def test_where_onnxruntime_is_off_refexec_must_be_nearer_to_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.real_models.onnxruntime_off", lambda: {("m", 0, "scores")})
    wide = ONE.astype(np.float64)
    assert measure(MODEL, 0, "scores", ONE, ONE + np.float32(1e-3), wide).problem is None
    assert "from wide" in str(measure(MODEL, 0, "scores", ONE + np.float32(2e-3), ONE + np.float32(1e-3), wide).problem)
    assert "from onnxruntime" in str(measure(MODEL, 1, "scores", ONE, ONE + np.float32(1e-3), wide).problem)


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
