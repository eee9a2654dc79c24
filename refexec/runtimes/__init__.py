"""Other runtimes behind one interface, each in a child process: a model can end the process it runs in.

>>> from refexec.runtimes import runtime
>>> runtime("onnxruntime").run("model.onnx", {"x": x}).values
"""

from __future__ import annotations

from refexec.errors import UnsupportedError
from refexec.runtimes.base import Kernels, Mode, Runtime, RuntimeResult

__all__ = ["RUNTIMES", "Kernels", "Mode", "Runtime", "RuntimeResult", "runtime"]

RUNTIMES = ("onnxruntime", "onnx.reference")


def runtime(name: str | Runtime) -> Runtime:
    """The runtime of that name; the same one each time, so that its process is kept. A Runtime is returned as it is.

    Raises UnsupportedError for an unknown name.
    """
    if isinstance(name, Runtime):
        return name
    if name not in _made:
        _made[name] = _make(name)
    return _made[name]


_made: dict[str, Runtime] = {}


def _make(name: str) -> Runtime:
    if name == "onnxruntime":
        from refexec.runtimes.onnxruntime import OnnxRuntime

        return OnnxRuntime()
    if name == "onnx.reference":
        from refexec.runtimes.reference import OnnxReference

        return OnnxReference()
    raise UnsupportedError(f"no runtime of that name; there are {', '.join(RUNTIMES)}", runtime=name)
