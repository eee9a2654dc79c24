"""onnx.reference as a runtime, in a child process as well."""

from __future__ import annotations

from typing import ClassVar

from refexec.runtimes.base import Runtime

__all__ = ["OnnxReference"]


class OnnxReference(Runtime):
    """``onnx.reference.ReferenceEvaluator``. It has no options."""

    name: ClassVar[str] = "onnx.reference"
    engine: ClassVar[str] = "reference"
    package: ClassVar[str] = "onnx"
