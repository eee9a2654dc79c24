"""The demo's data: a digit classifier in float32 and in int8, and 20 images that it was not trained on.

``train.py`` made them and says from which data; nothing imports it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MODELS", "Samples", "drawing", "models", "samples"]

MODELS = ("digits-float32.onnx", "digits-int8.onnx")
_INK = " .:-=+*#%@"  # from 0 to 16

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Samples:
    """``pixels`` is float32 [20, 1, 8, 8] from 0 (paper) to 16 (ink), ``labels`` int64 [20], the digit that was written."""

    pixels: Array
    labels: Array


def samples() -> Samples:
    """The shipped images with what they show."""
    with files("refexec.demo").joinpath("samples.npz").open("rb") as file, np.load(file, allow_pickle=False) as found:
        return Samples(found["pixels"], found["labels"])


@contextmanager
def models() -> Iterator[tuple[Path, ...]]:
    """Paths of the models of :data:`MODELS`, while the context lasts."""
    with as_file(files("refexec.demo")) as folder:
        yield tuple(folder / name for name in MODELS)


def drawing(image: Array) -> list[str]:
    """An image of [8, 8] as eight lines of sixteen characters."""
    levels = np.clip(np.rint(image / 16 * (len(_INK) - 1)), 0, len(_INK) - 1).astype(int)
    return ["".join(_INK[level] * 2 for level in row) for row in levels]
