"""refexec: the ONNX interpreter to believe when runtimes disagree.

>>> import refexec
>>> session = refexec.Session("model.onnx")
>>> outputs = session.run(None, {"x": x})
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from refexec import errors
from refexec._version import __version__
from refexec.limits import Limits

if TYPE_CHECKING:
    from refexec.diff.compare import compare
    from refexec.loading import load
    from refexec.registry import op
    from refexec.session import Session, run, run_op
    from refexec.teach.explanation import explain

__all__ = ["Limits", "Session", "__version__", "compare", "errors", "explain", "load", "op", "run", "run_op"]

_LAZY = {
    "compare": "refexec.diff.compare",
    "Session": "refexec.session",
    "explain": "refexec.teach.explanation",
    "load": "refexec.loading",
    "op": "refexec.registry",
    "run": "refexec.session",
    "run_op": "refexec.session",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(importlib.import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'refexec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
