"""How models and values are shown: types in NumPy's words, values abbreviated, and a notebook's view of a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from refexec.errors import shown
from refexec.plan import ValueInfo
from refexec.schema import normalize_domain
from refexec.types import MapType, OptionalType, SequenceType, TensorType, ValueType

if TYPE_CHECKING:
    from refexec.session import Session

__all__ = ["model_summary", "session_html", "type_text", "value_text"]

SHOWN_VALUES = 50  # inputs, outputs, operators and diagnostics of one table; a page stays below 100 KB


def type_text(declared: ValueType | None) -> str:
    """``float32[N, 3]``, ``seq(int64[?])``: element types by NumPy's names, unknown sizes as ``?``, unknown rank as ``[...]``."""
    match declared:
        case None:
            return "unknown"
        case TensorType(elem, None):
            return f"{elem.name}[...]"
        case TensorType(elem, shape):
            return f"{elem.name}[{', '.join('?' if d is None else shown(str(d), 40) for d in shape or ())}]"
        case SequenceType(inner):
            return f"seq({type_text(inner)})"
        case OptionalType(inner):
            return f"optional({type_text(inner)})"
        case MapType(key, inner):
            return f"map({key.name}, {type_text(inner)})"
    return str(declared)


def value_text(value: Any, width: int = 80, threshold: int = 60) -> str:
    """A value as a reader wants to see it: arrays of more than ``threshold`` elements abbreviated, lines of ``width`` characters."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "V" or value.dtype.name in ("int2", "int4", "uint2", "uint4"):
            value = value.astype(np.float32 if "float" in value.dtype.name else np.int8)
        return np.array2string(value, max_line_width=width, threshold=threshold, separator=", ", precision=6)
    if isinstance(value, list):
        items = [value_text(v, width - 4, threshold) for v in value[:4]]
        more = f"\n  ... {len(value) - 4} more" if len(value) > 4 else ""
        return f"{len(value)} items" + "".join(f"\n  {item}".replace("\n", "\n  ") for item in items) + more
    if isinstance(value, dict):
        pairs = [f"{shown(k, 40)}: {value_text(v, width, threshold)}" for k, v in list(value.items())[:threshold]]
        return "{" + ", ".join(pairs) + (", ..." if len(value) > threshold else "") + "}"
    return shown(value, 1000)


def model_summary(session: Session) -> dict[str, Any]:
    """What a model is, as JSON values: name, versions, inputs and outputs with types, how often each operator occurs, diagnostics."""
    proto = session.model.proto
    counts = Counter(step.node.label for step in session.plan.steps)
    return {
        "name": proto.graph.name,
        "producer": f"{proto.producer_name} {proto.producer_version}".strip(),
        "ir_version": int(proto.ir_version),
        "opsets": {normalize_domain(o.domain) or "ai.onnx": int(o.version) for o in proto.opset_import},
        "inputs": _infos(session.inputs),
        "outputs": _infos(session.outputs),
        "nodes": len(session.plan.steps),
        "operators": dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        "functions": len(proto.functions),
        "initializers": len(proto.graph.initializer) + len(proto.graph.sparse_initializer),
        "diagnostics": [d.to_json() for d in session.diagnostics],
    }


def session_html(session: Session) -> str:
    """The summary as an HTML fragment for notebooks, below 100 KB. Names come from the model and are escaped."""
    found = model_summary(session)
    opsets = ", ".join(f"{shown(d, 60)} {v}" for d, v in list(found["opsets"].items())[:SHOWN_VALUES])
    facts = f"{found['nodes']} nodes, {found['initializers']} initializers, IR version {found['ir_version']}, opsets: {opsets}"
    parts = [
        f"<p><b>{escape(shown(found['name'] or 'model', 120))}</b> in refexec, profile {escape(session.profile.name)}</p>",
        f"<p>{escape(facts)}</p>",
        _table(("", "name", "type"), [("input", i["name"], i["type"]) for i in found["inputs"]]
               + [("output", o["name"], o["type"]) for o in found["outputs"]]),
        _table(("operator", "nodes"), list(found["operators"].items())),
        _table(("rule", "where", "what"), [(d["rule"], d["where"], d["message"]) for d in found["diagnostics"]]),
    ]  # fmt: skip
    return f"<div>{''.join(parts)}</div>"


def _infos(infos: Iterable[ValueInfo]) -> list[dict[str, str]]:
    return [{"name": i.name, "type": type_text(i.type)} for i in infos]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    cells = "".join("<tr>" + "".join(f"<td>{escape(shown(str(c), 120))}</td>" for c in row) + "</tr>" for row in rows[:SHOWN_VALUES])
    more = f"<p>{len(rows) - SHOWN_VALUES} more</p>" if len(rows) > SHOWN_VALUES else ""
    return f"<table><thead><tr>{''.join(f'<th>{h}</th>' for h in head)}</tr></thead><tbody>{cells}</tbody></table>{more}"
