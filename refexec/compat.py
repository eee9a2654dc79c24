"""Drop-in classes: onnx's ``ReferenceEvaluator`` and onnxruntime's ``InferenceSession`` with refexec inside.

Signatures and attributes are those of onnx 1.23 and onnxruntime 1.32. What differs on purpose: feeds of a wrong type are
refused, old operator versions mean what they meant, and errors are refexec's.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from refexec import registry
from refexec.context import Event
from refexec.errors import UnsupportedError
from refexec.proto_types import type_to_proto
from refexec.session import Session
from refexec.tensors import tensor_to_proto
from refexec.types import FLOAT32, TensorType, ValueType
from refexec.values import Sequence as SequenceValue
from refexec.values import to_public, value_type_of

__all__ = ["InferenceSession", "ModelMetadata", "NodeArg", "ReferenceEvaluator"]


class ReferenceEvaluator:
    """``onnx.reference.ReferenceEvaluator`` with refexec's operators.

    Args:
        proto: a path, bytes, ModelProto, GraphProto (with ``opsets``), FunctionProto (with ``functions`` it calls) or NodeProto.
        opsets: domain -> version, for a GraphProto.
        functions: FunctionProto or ReferenceEvaluator of functions, for a FunctionProto or GraphProto.
        verbose: from 2 on nodes are printed as they run, from 3 on inputs and results too: their ranges, from 4 on their elements.
        new_ops: subclasses of ``onnx.reference.op_run.OpRun`` with ``op_domain``; they replace operators of the same name.
        check_shape_annotations: accepted; declared types and dimensions of feeds are always checked.
        options: further arguments of :class:`refexec.Session`.
    """

    def __init__(
        self,
        proto: Any,
        opsets: Mapping[str, int] | None = None,
        functions: Sequence[Any] | None = None,
        verbose: int = 0,
        new_ops: Sequence[type] | None = None,
        check_shape_annotations: bool = False,
        **options: Any,
    ) -> None:
        self.check_shape_annotations_ = check_shape_annotations
        self.verbose = verbose
        self._options = {"ops": [_from_class(cls) for cls in _first_of_each(new_ops or ())], "override": bool(new_ops), **options}
        self._sessions: dict[Any, Session] = {}
        self.functions_: dict[tuple[str, str], Any] = {}
        for f in functions or ():
            one = f.proto_ if isinstance(f, ReferenceEvaluator) else f
            if not isinstance(one, onnx.FunctionProto):
                raise TypeError(f"Unexpected type {type(f)!r} for a function.")
            self.functions_[one.domain, one.name] = one
        source = proto
        if isinstance(proto, (str, os.PathLike, bytes)):
            loaded = Session(proto, **self._options)
            self._sessions[()] = loaded
            proto = loaded.model.proto
        if not isinstance(proto, (onnx.ModelProto, onnx.GraphProto, onnx.FunctionProto, onnx.NodeProto)):
            raise TypeError(f"Unexpected type {type(source)} for proto.")
        if isinstance(proto, onnx.ModelProto) and (opsets is not None or functions is not None):
            raise ValueError("opsets and functions must be None if proto is ModelProto.")
        if isinstance(proto, onnx.FunctionProto) and opsets is not None:
            raise ValueError("opsets must be None if proto is FunctionProto.")
        if isinstance(proto, onnx.GraphProto) and not isinstance(opsets, Mapping):
            raise TypeError("opsets must be a dictionary if proto is GraphProto.")
        self.proto_: Any = proto
        self._opsets = _opsets(proto, opsets)
        if isinstance(proto, onnx.ModelProto) and () not in self._sessions:
            self._sessions[()] = Session(proto, **self._options)

    @property
    def _graph(self) -> Any:
        if isinstance(self.proto_, onnx.ModelProto):
            return self.proto_.graph
        return self.proto_ if isinstance(self.proto_, onnx.GraphProto) else None

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [i.name for i in self._graph.input] if self._graph is not None else list(self.proto_.input)

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs."""
        return [o.name for o in self._graph.output] if self._graph is not None else list(self.proto_.output)

    @property
    def input_types(self) -> list[Any] | None:
        """The TypeProto of each input; None for functions and nodes."""
        return [i.type for i in self._graph.input] if self._graph is not None else None

    @property
    def output_types(self) -> list[Any] | None:
        """The TypeProto of each output; None for functions and nodes."""
        return [o.type for o in self._graph.output] if self._graph is not None else None

    @property
    def opsets(self) -> dict[str, int]:
        """domain -> version."""
        return self._opsets

    def run(
        self,
        output_names: Sequence[str] | None,
        feed_inputs: Mapping[str, Any],
        attributes: Mapping[str, Any] | None = None,
        intermediate: bool = False,
        check_shape_annotations: bool | None = None,
    ) -> Any:
        """Execute the model. Returns a list of outputs, or with ``intermediate`` a dict of all values of the main graph.

        ``attributes`` are the attributes of a FunctionProto.
        """
        if isinstance(self.proto_, onnx.FunctionProto) and attributes is None and self.proto_.attribute:
            raise TypeError("attributes is needed to run a FunctionProto that has attributes")
        session = self._session(feed_inputs, attributes or {})
        names = self.output_names if output_names is None else list(output_names)
        feeds = {name: value for name, value in feed_inputs.items() if value is not None}
        if not intermediate and self.verbose < 2:
            return session.run(names, feeds)
        events: list[Event] = []
        if self.verbose >= 3:
            for name, value in feed_inputs.items():
                print(f" +I {name}: {_shown(value, self.verbose)}")

        def observer(event: Event) -> None:
            events.append(event)
            self._print(event)

        outputs = session.observe(feeds, observer, names)
        if not intermediate:
            return outputs
        results: dict[str, Any] = {"": None, **feed_inputs}
        for event in events:
            if event.node.path.count("/") == 1:
                results.update((n, to_public(v)) for n, v in zip(event.node.outputs, event.outputs, strict=False) if n)
        results.update(zip(names, outputs, strict=True))
        return results

    def _print(self, event: Event) -> None:
        if self.verbose >= 2:
            print(f"{event.node.op_type}({', '.join(event.node.inputs)}) -> {', '.join(event.node.outputs)}")
        if self.verbose >= 3:
            for name, value in zip(event.node.outputs, event.outputs, strict=False):
                print(f" + {name}: {_shown(to_public(value), self.verbose)}")

    def _session(self, feeds: Mapping[str, Any], attributes: Mapping[str, Any]) -> Session:
        """The session for these feeds: functions and nodes have no types of their own, so theirs are those of the feeds."""
        if isinstance(self.proto_, onnx.ModelProto):
            return self._sessions[()]
        types = {name: value_type_of(_normalized(value)) for name, value in feeds.items() if value is not None}
        key = (tuple(sorted((n, str(t)) for n, t in types.items())), repr(sorted(attributes.items(), key=lambda kv: kv[0])))
        if key not in self._sessions:
            self._sessions[key] = Session(self._model(types, attributes), **self._options)
        return self._sessions[key]

    def _model(self, types: Mapping[str, ValueType], attributes: Mapping[str, Any]) -> onnx.ModelProto:
        proto, imports = self.proto_, dict(self._opsets)
        functions = list(self.functions_.values())
        if isinstance(proto, onnx.GraphProto):
            graph = proto
        else:
            if isinstance(proto, onnx.FunctionProto):
                if onnx.defs.has(proto.name, proto.domain):  # the body of a standard operator, whose name would mean the operator
                    proto = onnx.FunctionProto.FromString(proto.SerializeToString())
                    proto.domain = "function.body"
                imports.setdefault(proto.domain, 1)
                functions.append(proto)
                node = onnx.helper.make_node(proto.name, proto.input, proto.output, domain=proto.domain, **attributes)
            else:
                node = proto
            inputs = [onnx.ValueInfoProto(name=n, type=type_to_proto(_without_dims(t))) for n, t in types.items()]
            graph = onnx.helper.make_graph([node], node.op_type, inputs, [onnx.ValueInfoProto(name=o) for o in node.output if o])
        for f in functions:
            imports.setdefault(f.domain, 1)
        opset_imports = [onnx.helper.make_opsetid(d, v) for d, v in imports.items()]
        return onnx.helper.make_model(graph, opset_imports=opset_imports, functions=functions, ir_version=onnx.IR_VERSION)

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.input_names)}) -> {', '.join(self.output_names)}"


def _opsets(proto: Any, opsets: Mapping[str, int] | None) -> dict[str, int]:
    if isinstance(proto, onnx.NodeProto):
        return {proto.domain: 1 if proto.domain else onnx.defs.onnx_opset_version()}
    return dict(opsets) if opsets is not None else {o.domain: o.version for o in proto.opset_import}


def _without_dims(value_type: ValueType) -> ValueType:
    return TensorType(value_type.elem) if isinstance(value_type, TensorType) else value_type


def _normalized(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        item = TensorType(FLOAT32) if not value else value_type_of(np.asarray(value[0]))
        return SequenceValue(item, list(value))
    return value if isinstance(value, dict) else np.asarray(value)


def _shown(value: Any, verbose: int) -> str:
    if isinstance(value, np.ndarray):
        kind = f"{value.dtype}:{value.shape}"
        if verbose < 4:
            return f"{kind} in [{value.min()}, {value.max()}]" if value.size else f"{kind} (empty)"
        elements = value.ravel().tolist()
        return f"{kind}:{elements}" if len(elements) <= 5 else f"{kind}:{','.join(map(str, elements[:5]))}..."
    return ", ".join(_shown(v, verbose) for v in value) if isinstance(value, list) else str(value)


def _first_of_each(classes: Sequence[type]) -> list[type]:
    chosen: dict[tuple[str, str], type] = {}
    for cls in classes:
        if not hasattr(cls, "op_domain"):
            raise AttributeError(f"Class {cls} must define attribute 'op_domain'.")
        chosen.setdefault((cls.op_domain, cls.__name__), cls)
    return list(chosen.values())


def _from_class(cls: Any) -> Callable[..., Any]:
    """A subclass of OpRun as a function: its constructor gets a node with the attributes, its ``run`` the inputs."""
    from onnx.reference.op_run import OpRun, OpRunExpand

    if not issubclass(cls, OpRun):
        raise TypeError(f"Class {cls} must inherit from OpRun (in new_ops).")
    if issubclass(cls, OpRunExpand):
        raise UnsupportedError("new_ops cannot ask for the expansion of an operator's function body", seen=cls.__name__)

    def body(*inputs: Any, ctx: Any, **attributes: Any) -> Any:
        names = [f"i{k}" if x is not None else "" for k, x in enumerate(inputs)]
        protos = {k: tensor_to_proto(v) if isinstance(v, np.ndarray) else v for k, v in attributes.items() if v is not None}
        node = onnx.helper.make_node(cls.__name__, names, [f"o{k}" for k in range(ctx.outputs)], domain=cls.op_domain, **protos)
        instance = cls(node, {"log": lambda *_: None, "opsets": {cls.op_domain: 1}, "verbose": 0, "new_ops": None})
        return tuple(instance.run(*[np.asarray(x) if isinstance(x, np.ndarray) else to_public(x) for x in inputs]))

    body.__name__ = body.__qualname__ = cls.__name__
    return registry.op(cls.__name__, domain=cls.op_domain, since=1, globally=False)(body)


@dataclass(frozen=True, slots=True)
class NodeArg:
    """An input or output as onnxruntime describes it: ``type`` is a type string, ``shape`` has ints, symbols or None."""

    name: str
    type: str
    shape: list[Any]


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What ``get_modelmeta`` returns."""

    producer_name: str
    graph_name: str
    domain: str
    description: str
    graph_description: str
    version: int
    custom_metadata_map: dict[str, str] = field(default_factory=dict)


class InferenceSession:
    """``onnxruntime.InferenceSession`` with refexec inside: get_inputs, get_outputs, get_modelmeta, get_providers, run.

    Session, provider and run options are accepted and ignored with one warning. ``options`` go to :class:`refexec.Session`.
    """

    def __init__(
        self, path_or_bytes: Any, sess_options: Any = None, providers: Any = None, provider_options: Any = None, **options: Any
    ) -> None:
        ignored = [n for n, v in (("sess_options", sess_options), ("provider_options", provider_options)) if v is not None]
        ignored += [f"provider {p}" for p in providers or () if p != "CPUExecutionProvider"]
        if ignored:
            warnings.warn(f"refexec runs on the CPU without options; ignored: {', '.join(ignored)}", stacklevel=2)
        self.session = Session(path_or_bytes, **options)

    def get_inputs(self) -> list[NodeArg]:
        """The inputs that must be fed."""
        return [_node_arg(i.name, i.type) for i in self.session.inputs]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs."""
        return [_node_arg(o.name, o.type) for o in self.session.outputs]

    def get_overridable_initializers(self) -> list[NodeArg]:
        """The inputs that have an initial value."""
        own = {i.name for i in self.session.inputs}
        return [_node_arg(i.name, i.type) for i in self.session.plan.inputs if i.name not in own]

    def get_modelmeta(self) -> ModelMetadata:
        """Producer, names, version and metadata of the model."""
        m = self.session.model.proto
        custom = {p.key: p.value for p in m.metadata_props}
        return ModelMetadata(m.producer_name, m.graph.name, m.domain, m.doc_string, m.graph.doc_string, m.model_version, custom)

    def get_providers(self) -> list[str]:
        """Always the CPU."""
        return ["CPUExecutionProvider"]

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: Any = None) -> list[Any]:
        """Compute outputs. As in onnxruntime an empty list of names means all outputs."""
        return self.session.run(output_names or None, input_feed)


def _node_arg(name: str, value_type: ValueType | None) -> NodeArg:
    shape = list(value_type.shape or ()) if isinstance(value_type, TensorType) else []
    return NodeArg(name, "" if value_type is None else str(value_type), shape)
