"""Runtimes made for tests: refexec itself, with what a test changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import onnx

from refexec.errors import RuntimeUnderTestError
from refexec.runtimes import Mode, Runtime, RuntimeResult
from refexec.session import Session

Change = Callable[[str, Any, bool], Any]


class Altered(Runtime):
    """Gives refexec's reference results, each passed through ``change(name, value, marked)``; ``marked`` tells whether values
    inside are outputs in this run. ``refuses`` are names that it does not allow as outputs."""

    name: ClassVar[str] = "altered"
    engine: ClassVar[str] = "none"
    package: ClassVar[str] = "numpy"
    modes: ClassVar[tuple[Mode, ...]] = (Mode("off", {}), Mode("on", {}, optimizes=True))

    def __init__(self, change: Change | None = None, *, refuses: Sequence[str] = (), feeds: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.change = change
        self.refuses = refuses
        self.feeds = feeds  # overriding values: the runtime computes on from these
        self.runs = 0

    def run(self, model: Any, feeds: Mapping[str, Any], outputs: Any = None, **options: Any) -> RuntimeResult:
        self.runs += 1
        proto = onnx.load_model_from_string(model)
        names = [o.name for o in proto.graph.output]
        refused = [n for n in names if n in self.refuses]
        if refused:
            raise RuntimeUnderTestError(f"altered refused: {len(refused)} outputs", outcome="refused")
        # Outputs that were marked have no type; the graph's own outputs do.
        marked = any(o.type.WhichOneof("value") is None for o in proto.graph.output)
        values = dict(zip(names, Session(model).run(names, {**feeds, **(self.feeds or {})}), strict=True))
        if self.change is not None:
            values = {n: self.change(n, v, marked) for n, v in values.items()}
        return RuntimeResult(values)
