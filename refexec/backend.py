"""The ``onnx.backend`` interface: ``onnx.backend.test.BackendTest(refexec.backend, __name__)`` runs onnx's own tests here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
from onnx.backend.base import Backend, BackendRep, namedtupledict

from refexec.compat import ReferenceEvaluator
from refexec.errors import UnsupportedError
from refexec.session import Session

__all__ = ["RefexecBackend", "RefexecBackendRep", "is_compatible", "prepare", "run_model", "run_node", "supports_device"]


class RefexecBackendRep(BackendRep):
    """A model that was prepared; ``run`` executes it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Run on a list of inputs in order, a dict by name, or one array."""
        feeds = inputs if isinstance(inputs, (dict, list, tuple)) else [inputs]
        names = [o.name for o in self.session.outputs]
        return namedtupledict("Outputs", names)(*self.session.run(None, feeds))


class RefexecBackend(Backend):
    """refexec as a backend. It runs on the device CPU."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether every operator of the model is implemented."""
        try:
            Session(model)
        except UnsupportedError:
            return False
        return cls.supports_device(device)

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> RefexecBackendRep:
        """Load, check and plan the model. ``kwargs`` go to :class:`refexec.Session`."""
        if not cls.supports_device(device):
            raise UnsupportedError("refexec runs on the CPU", device=device)
        return RefexecBackendRep(Session(model, **kwargs))

    @classmethod
    def run_model(cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[Any, ...]:
        """Prepare and run."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU", outputs_info: Sequence[Any] | None = None, **kwargs: Any
    ) -> tuple[Any, ...]:
        """Run one node. ``opset_version`` among ``kwargs`` chooses the opset; the newest otherwise."""
        version = kwargs.pop("opset_version", None)
        evaluator = ReferenceEvaluator(node, **kwargs)
        if version is not None:
            evaluator.opsets[node.domain] = version
        feeds = inputs if isinstance(inputs, dict) else dict(zip([n for n in node.input if n], inputs, strict=False))
        names = [o for o in node.output if o]
        return namedtupledict("Outputs", names)(*evaluator.run(names, feeds))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Only the CPU."""
        return device.split(":")[0] == "CPU"


is_compatible = RefexecBackend.is_compatible
prepare = RefexecBackend.prepare
run_model = RefexecBackend.run_model
run_node = RefexecBackend.run_node
supports_device = RefexecBackend.supports_device
