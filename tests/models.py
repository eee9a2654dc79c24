"""Small models for tests, in ONNX's text form."""

from __future__ import annotations

from typing import Any

import refexec


def session(body: str, *, opset: str = '"" : 21', ir: int = 10, functions: str = "", **options: Any) -> refexec.Session:
    """A Session on ``main (inputs) => (outputs) { nodes }``; ``body`` begins at the inputs."""
    text = f"<ir_version: {ir}, opset_import: [{opset}]>\nmain {body}\n{functions}"
    return refexec.Session(text.encode(), format="text", **options)
