"""Whole models at their true sizes, with seeded random weights, as exporters write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.case import Case, Form, Problem
from benchmarks.models.bert import bert
from benchmarks.models.bilstm import bilstm
from benchmarks.models.gpt2 import gpt2
from benchmarks.models.mobilenet import mobilenet
from benchmarks.models.resnet import resnet
from benchmarks.models.unet import unet

__all__ = ["MODELS", "cases"]

MODELS: dict[str, tuple[Callable[..., Problem], Callable[..., Problem]]] = {
    "ResNet-50": (resnet, partial(resnet, image=32, width=8)),
    "MobileNetV2": (mobilenet, partial(mobilenet, image=32, width=0.25)),
    "BERT-base": (bert, partial(bert, length=5, layers=1, width=24, heads=2, words=40, positions=9)),
    "GPT-2 decode": (gpt2, partial(gpt2, past=3, layers=1, width=24, heads=2, words=40, positions=9)),
    "U-Net": (unet, partial(unet, image=32, width=4)),
    "BiLSTM": (bilstm, partial(bilstm, length=4, words=20, embedding=6, hidden=5)),
}
"""By name: the model at its true size, and one so small that a test can run it."""


def cases(batchnorm: bool = False) -> Iterator[Case]:
    """``batchnorm`` keeps the BatchNormalization nodes that exporters fold into the convolutions by default."""
    for name, (build, _) in MODELS.items():
        form = partial(build, batchnorm=True) if batchnorm and build in (resnet, mobilenet, unet) else build
        yield Case(name, name, (Form("model", form),))
