"""A small model in ONNX's text form, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from refexec.cli import main

SCALE_AND_ADD = """<ir_version: 8, opset_import: ["" : 17]>
scale_and_add (float[N] x, float[N] z) => (float[N] y)
<float two = {2}> { doubled = Mul(x, two) y = Add(doubled, z) }
"""

Cli = Callable[..., Result]


@pytest.fixture
def model(tmp_path: Path) -> str:
    """y = 2 * x + z."""
    path = tmp_path / "model.onnxtxt"
    path.write_text(SCALE_AND_ADD)
    return str(path)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Calls the command line at 80 columns; returns exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def call(*arguments: object, input: bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], input=input, prog_name="refexec")

    return call
