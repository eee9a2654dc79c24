"""Every value of a model in another runtime: each becomes an output, as far as the runtime allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx

from refexec.errors import RuntimeUnderTestError, UnsupportedError
from refexec.loading import LoadedModel
from refexec.runtimes import Mode, Runtime

__all__ = ["Capture", "capture"]

_MOST_RUNS = 32


@dataclass(slots=True)
class Capture:
    """What a runtime gave in one mode.

    ``plain`` are the outputs of the unchanged model, ``values`` those of the model with marked outputs, intermediate values
    and outputs alike. ``missing`` could not be had. ``error`` is set when the unchanged model itself failed.
    """

    mode: Mode
    options: Mapping[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    error: RuntimeUnderTestError | None = None
    runs: int = 0
    info: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """ "ran", or "refused", "crashed", "hung" for the unchanged model."""
        return "ran" if self.error is None else str(self.error.seen["outcome"])


def capture(
    runtime: Runtime, model: LoadedModel, feeds: Mapping[str, Any], names: Sequence[str], mode: Mode,
    options: Mapping[str, Any] | None = None, timeout: float | None = None,
) -> Capture:  # fmt: skip
    """Run the unchanged model, then the model with ``names`` as further outputs.

    Where the runtime refuses or dies on the marked model, the names are halved until the ones that it does not allow are
    found, in at most 32 runs; what then is still unknown is missing.
    """
    chosen = {**mode.options, **(options or {})}
    found = Capture(mode, chosen)
    content = model.proto.SerializeToString()

    def run(extra: Sequence[str]) -> dict[str, Any]:
        found.runs += 1
        result = runtime.run(_marked(content, extra), feeds, options=chosen, timeout=timeout, base_dir=model.base_dir)
        found.info = result.info
        return result.values

    try:
        found.plain = run(())
    except RuntimeUnderTestError as error:
        found.error = error
        return found
    own = {o.name for o in model.proto.graph.output}
    waiting = [[n for n in names if n not in own]]
    while waiting:
        extra = waiting.pop()
        if not extra:
            continue
        if found.runs >= _MOST_RUNS:
            found.missing += extra
            continue
        try:
            found.values.update(run(extra))
        except (RuntimeUnderTestError, UnsupportedError) as error:
            if error.message not in found.reasons:
                found.reasons.append(error.message)
            if len(extra) == 1 or error.seen.get("outcome") == "hung":
                found.missing += extra
            else:
                middle = len(extra) // 2
                waiting += [extra[middle:], extra[:middle]]
    if not found.values:
        found.values.update(found.plain)
    return found


def _marked(content: bytes, extra: Sequence[str]) -> bytes:
    """A model's bytes with further outputs: protobuf joins messages that follow each other. Their types are left to the
    runtime's inference."""
    if not extra:
        return content
    graph = onnx.GraphProto(output=[onnx.ValueInfoProto(name=n) for n in extra])
    addition: bytes = onnx.ModelProto(graph=graph).SerializeToString()
    return content + addition
