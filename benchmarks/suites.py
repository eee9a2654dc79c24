"""Which suites there are: families of kernels, whole models, trained models out of wheels, and costs, which are no ratios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module

from benchmarks.case import Case, Form, Problem

__all__ = ["COSTS", "FAMILIES", "MODEL_SUITES", "cases", "find"]

FAMILIES = ("gemm", "conv", "depthwise", "attention", "elementwise", "normalization", "movement", "recurrent")
MODEL_SUITES = ("models", "wheels")
COSTS = ("overhead", "cold", "memory", "dynamic")


def cases(suite: str, options: Sequence[str] = ()) -> Iterator[Case]:
    """The cases of a suite. The option "batchnorm" keeps BatchNormalization in the models."""
    if suite == "wheels":
        return _wheels()
    if suite == "models":
        from benchmarks import models

        return models.cases("batchnorm" in options)
    found: Iterator[Case] = import_module(f"benchmarks.{suite}").cases()
    return found


def find(suite: str, case: str, options: Sequence[str] = ()) -> Case:
    return next(c for c in cases(suite, options) if c.name == case)


def _wheels() -> Iterator[Case]:
    """The trained models whose wheels stand in the folder of $REFEXEC_MODELS, each on its first input."""
    from conformance.real_models import MODELS, RealModel, folder

    def build(model: RealModel) -> Problem:
        content, feeds = model.load(folder())
        return Problem(content, feeds[0])

    for model in MODELS:
        if any(folder().glob(f"{model.wheel}-*.whl")):
            yield Case(model.id, "trained models", (Form("model", partial(build, model)),))
