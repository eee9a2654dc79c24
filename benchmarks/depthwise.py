"""Depthwise convolutions with bias and Relu6, the layers of MobileNetV2."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.case import Case
from benchmarks.conv import Layer

MAPS = ((32, 112, 1), (96, 112, 2), (144, 56, 1), (192, 28, 1), (384, 14, 1), (960, 7, 1))


def cases() -> Iterator[Case]:
    for channels, size, stride in MAPS:
        yield Layer(channels, channels, size, stride=stride, group=channels, six=True).case("depthwise")
    yield Layer(144, 144, 28, kernel=5, group=144, six=True).case("depthwise 5x5")
