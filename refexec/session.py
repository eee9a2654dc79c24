"""A model ready to run: :class:`Session`, and :func:`run`, :func:`run_op` on top of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from refexec import builder, checking, expansion, feeds, loading, pool, primitives, registry
from refexec.attributes import encode
from refexec.collector import collector_paused
from refexec.context import Event, Run
from refexec.errors import FeedError, UnsupportedError, UnsupportedOperator
from refexec.execute import execute
from refexec.layout import copied
from refexec.limits import Budget, Limits, set_active_budget
from refexec.loading import LoadedModel
from refexec.plan import Plan, ValueInfo
from refexec.primitives import Profile
from refexec.proto_types import type_to_proto
from refexec.registry import Key, Operator
from refexec.rules import Diagnostic, Findings
from refexec.schema import normalize_domain, signature, standard_domains
from refexec.tensors import tensor_from_proto
from refexec.types import without_shape
from refexec.values import Sequence as SequenceValue
from refexec.values import to_public, value_type_of

if TYPE_CHECKING:
    from refexec.observe.trace import Trace

__all__ = ["Session", "run", "run_op"]

Feeds = Mapping[str, Any] | Sequence[Any]


class Session:
    """A model, loaded, checked and planned. One Session may be used by several threads at once and after a fork.

    Args:
        model: a path, the bytes of a file, an ``onnx.ModelProto``, or what :func:`refexec.load` returned.
        profile: ``"deterministic"`` (kernels in a fixed order: the same bits everywhere), ``"fast"`` (what changes bits within a bound
            besides), ``"reference"`` (the definitions, each node rounded to its declared type) or ``"wide"`` (narrow floats travel as
            float64). None: the environment variable REFEXEC_PROFILE, else ``"deterministic"``.
        limits: what the model may ask for; ``Limits()`` when None.
        strict: every diagnostic becomes an error.
        threads: how many threads kernels may use, this one included; as many as the process has processors when None. The bits do not
            depend on it.
        verify_kernels: run each kernel's definition beside it and raise KernelMismatch where they differ by more than the kernel's bound.
        seed: of all random operators; None draws one, which ``session.seed`` then tells.
        ops: functions decorated with :func:`refexec.op` that this session prefers over the registered operators.
        override: allow ``ops`` to replace standard operators; each use is a diagnostic.
        expand: True runs the specification's function body in place of each standard operator that has one at the model's opset;
            names (``{"Softmax", "ai.onnx.preview:FlexAttention"}``) do so for these operators.
        format: ``"onnx"``, ``"text"``, ``"json"`` or ``"textproto"`` where the file's name does not say it.
        base_dir: the folder of external data, for models that are not given by path.

    Raises:
        ModelError, UnsupportedError, LimitExceeded: see :mod:`refexec.errors`.
    """

    def __init__(
        self,
        model: Any,
        *,
        profile: str | Profile | None = None,
        limits: Limits | None = None,
        strict: bool = False,
        threads: int | None = None,
        verify_kernels: bool = False,
        seed: int | None = 0,
        ops: Sequence[Callable[..., Any]] = (),
        override: bool = False,
        expand: bool | Collection[str] = False,
        format: str | None = None,
        base_dir: Any = None,
    ) -> None:
        if threads is not None and threads < 1:
            raise UnsupportedError("threads is a number from 1 on", threads=threads)
        self.limits = limits or Limits()
        self.profile = primitives.profile(profile)
        self.strict = strict
        self.threads = threads or pool.most_threads()
        self.verify_kernels = verify_kernels
        self.seed = secrets.randbits(63) if seed is None else int(seed)
        self._ops = tuple(ops)
        self._override = override
        self.expand = _expansion(expand)
        with collector_paused():
            self.model = (
                model if isinstance(model, LoadedModel) else loading.load(model, format=format, limits=self.limits, base_dir=base_dir)
            )
            findings = Findings(strict)
            findings.diagnostics.extend(self.model.diagnostics)
            findings.diagnostics.extend(checking.check(self.model, self.limits, strict))
            registry.load_operators()
            if self.profile.kernels:
                primitives.load_kernels()
            overrides = _overrides(self._ops, override, findings)
            shared = builder.Model(
                self.model.proto, self.limits, self.profile, findings, self.model.external.read, overrides, self.expand, verify_kernels
            )
            self.plan: Plan = builder.build(shared)
            if self.model is not model:
                self.model.release()
        self.diagnostics: list[Diagnostic] = findings.diagnostics

    @property
    def inputs(self) -> tuple[ValueInfo, ...]:
        """Name and type of each input that has no initial value."""
        return tuple(i for i, s in zip(self.plan.inputs, self.plan.input_slots, strict=True) if s not in self.plan.constants)

    @property
    def outputs(self) -> tuple[ValueInfo, ...]:
        """Name and type of each output."""
        return self.plan.outputs

    def run(self, outputs: Sequence[str] | None, feeds: Feeds) -> list[Any]:
        """Run the model once.

        Args:
            outputs: names of the values to return, intermediate ones too; None for the model's outputs.
            feeds: a dict by name, or values in the order of ``inputs``. Intermediate values may be fed: what makes them
                is then not run.

        Returns:
            One value per name: ndarray, list for a sequence, None for an empty optional, dict for a map. They share memory
            with nothing.

        Raises:
            FeedError, RuleViolation, LimitExceeded: see :mod:`refexec.errors`.
        """
        return [v if type(v) is np.ndarray else to_public(v) for v in self._run(outputs, feeds, None)]

    def trace(self, feeds: Feeds, outputs: Sequence[str] | None = None) -> Trace:
        """Run every node and keep all values: see :class:`refexec.observe.trace.Trace`."""
        from refexec.observe.trace import Trace

        return Trace.record(self, feeds, outputs)

    def steps(self, feeds: Feeds, outputs: Sequence[str] | None = None) -> Iterator[Event]:
        """Run node by node: an iterator of events, those of subgraphs and functions included. Closing it ends the run."""
        from refexec.observe.steps import steps

        return steps(self, feeds, outputs)

    def observe(self, feeds: Feeds, observer: Callable[[Event], None], outputs: Sequence[str] | None = None) -> list[Any]:
        """Run every node that can run and call ``observer`` with an event after each. Returns what :meth:`run` returns."""
        return [to_public(v) for v in self._run(outputs, feeds, observer)]

    def _run(self, outputs: Sequence[str] | None, given: Feeds, observer: Callable[[Event], None] | None) -> list[Any]:
        named = given if type(given) is dict else self._named(given)
        if isinstance(outputs, (str, bytes)):
            raise FeedError("outputs are a list of names", seen=outputs)
        plan = self.plan.select(self.plan.output_names if outputs is None else outputs, named, keep=observer is not None)
        with np.errstate(all="ignore"):
            values = feeds.prepare(plan, named, self.profile.wide)
            current = Run(Budget(self.limits), self.seed, observer, self.profile.wide)
            slots = plan.template.copy()
            for slot, value in zip(plan.input_slots, values, strict=True):
                slots[slot] = value
            before = set_active_budget(current.budget), primitives.activate(self.profile), pool.use_threads(self.threads)
            try:
                execute(plan, slots, current)
                return _escaped([slots[s] for s in plan.output_slots], values)
            finally:
                set_active_budget(before[0])
                primitives.activate(before[1])
                pool.use_threads(before[2])

    def _named(self, given: Feeds) -> Mapping[str, Any]:
        if isinstance(given, Mapping):
            return given
        inputs = self.inputs
        if isinstance(given, (str, bytes, np.ndarray)) or len(given) > len(inputs):
            raise FeedError("feeds are a dict by name or one value per input", inputs=[i.name for i in inputs])
        return {info.name: value for info, value in zip(inputs, given, strict=False)}

    def __repr__(self) -> str:
        ins = ", ".join(f"{i.name}: {i.type}" for i in self.inputs)
        outs = ", ".join(f"{o.name}: {o.type}" for o in self.outputs)
        return f"<refexec.Session {self.plan.name or 'model'}({ins}) -> ({outs}), profile {self.profile.name}>"

    def _repr_html_(self) -> str:
        from refexec.observe.display import session_html

        return session_html(self)

    def __reduce__(self) -> Any:
        source = self.model.path if self.model.path is not None else self.model.proto.SerializeToString()
        return _restore, (
            source,
            self.profile.name,
            self.limits,
            self.strict,
            self.threads,
            self.verify_kernels,
            self.seed,
            self._ops,
            self._override,
            self.expand,
            self.model.format,
            self.model.base_dir,
        )


def _restore(
    source: Any,
    profile: str,
    limits: Limits,
    strict: bool,
    threads: int | None,
    verify_kernels: bool,
    seed: int,
    ops: Any,
    override: bool,
    expand: bool | frozenset[str],
    format: str | None,
    base_dir: Any,
) -> Session:
    kind = format if not isinstance(source, bytes) else "onnx"
    return Session(
        source,
        profile=profile,
        limits=limits,
        strict=strict,
        threads=threads,
        verify_kernels=verify_kernels,
        seed=seed,
        ops=ops,
        override=override,
        expand=expand,
        format=kind,
        base_dir=base_dir,
    )


def _expansion(names: bool | Collection[str]) -> bool | frozenset[str]:
    """``expand`` as it is kept. Raises UnsupportedOperator for a name without a function body in any version."""
    if isinstance(names, bool):
        return names
    chosen = frozenset([names] if isinstance(names, str) else names)
    if without := sorted(chosen - expansion.operators_with_bodies()):
        raise UnsupportedOperator("expand names operators that have no function body in any version", seen=without)
    return chosen


def _overrides(functions: Sequence[Callable[..., Any]], override: bool, findings: Findings) -> dict[Key, Operator]:
    chosen: dict[Key, Operator] = {}
    for function in functions:
        entries = registry.entries(function)
        if not entries:
            raise UnsupportedError("ops are functions decorated with refexec.op", seen=getattr(function, "__name__", function))
        for entry in entries:
            if entry.domain in standard_domains():
                if not override:
                    raise UnsupportedError(f"{entry.label} is a standard operator: replacing it needs override=True")
                findings.report("override", f"{entry.label} is replaced by {function.__module__}.{function.__qualname__}", "session")
            chosen[entry.key] = entry
    return chosen


def _escaped(values: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """Values that leave: copied unless they own their memory, may be written and are no feed and no other output."""
    seen = {id(v) for v in given}
    return [_own(v, seen) for v in values]


def _own(value: Any, seen: set[int]) -> Any:
    if isinstance(value, np.ndarray):
        flags = value.flags
        if value.base is not None or not flags.writeable or not flags.owndata or id(value) in seen:
            value = copied(value)
        seen.add(id(value))
        return value
    items = getattr(value, "items", None)
    if isinstance(items, list):
        return type(value)(value.elem_type, [_own(v, seen) for v in items])
    if hasattr(value, "elem_type") and value.value is not None:
        return type(value)(value.elem_type, _own(value.value, seen))
    return value


def run(model: Any, feeds: Feeds, outputs: Sequence[str] | None = None, **options: Any) -> list[Any]:
    """``Session(model, **options).run(outputs, feeds)``."""
    return Session(model, **options).run(outputs, feeds)


def run_op(
    op_type: str,
    *inputs: Any,
    opset: int | None = None,
    domain: str = "",
    outputs: int | None = None,
    profile: str | Profile | None = None,
    seed: int | None = 0,
    ops: Sequence[Callable[..., Any]] = (),
    override: bool = False,
    expand: bool | Collection[str] = False,
    limits: Limits | None = None,
    attributes: Mapping[str, Any] | None = None,
    **more: Any,
) -> Any:
    """Run one operator: ``run_op("Softmax", x, opset=11, axis=1)``.

    Args:
        op_type: the operator's name, ``"com.acme:Scale"`` for one of another domain.
        inputs: arrays, lists (sequences of arrays), dicts (maps), or None for an absent input.
        opset: the opset version to import; the newest of the domain, or of a custom operator, when None.
        domain: the operator's domain.
        outputs: how many outputs to ask for; all that the schema names when None (for a variadic output that is one).
        profile, seed, ops, override, expand, limits: as for :class:`Session`.
        attributes: those whose names are taken above (``seed``, ``domain``); all others are keywords, as in
            ``onnx.helper.make_node``.

    Returns:
        The output, or a tuple of them when there are several.
    """
    if not isinstance(op_type, str):
        raise TypeError(f"run_op takes the name of an operator, not {type(op_type).__name__}")
    if not domain and ":" in op_type:
        domain, op_type = op_type.split(":", 1)
    domain = normalize_domain(domain)
    version = opset if opset is not None else _newest(domain, op_type, ops)
    attributes = {**(attributes or {}), **more}
    formal = signature(domain, op_type, version) if domain in standard_domains() else None
    count = outputs or attributes.get("num_outputs") or (len(formal.outputs) if formal is not None else 1)
    given = {f"in{i}": _public_input(v) for i, v in enumerate(inputs) if v is not None}
    names = [f"in{i}" if v is not None else "" for i, v in enumerate(inputs)]
    results = [f"out{i}" for i in range(count)]
    kinds = {name: a.type for name, a in formal.attributes.items()} if formal is not None else {}
    node = onnx.helper.make_node(op_type, names, results, domain=domain)
    node.attribute.extend(encode(name, value, kinds.get(name, "")) for name, value in attributes.items() if value is not None)
    graph = onnx.helper.make_graph(
        [node], op_type, [onnx.helper.make_value_info(k, type_to_proto(value_type_of(v))) for k, v in given.items()],
        [onnx.ValueInfoProto(name=r) for r in results],
    )  # fmt: skip
    imports = [onnx.helper.make_opsetid(domain, version)]
    if domain and domain in standard_domains():
        imports.append(onnx.helper.make_opsetid("", standard_domains()[""]))
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=onnx.IR_VERSION)
    produced = Session(model, profile=profile, seed=seed, ops=ops, limits=limits, override=override, expand=expand).run(None, given)
    return produced[0] if count == 1 else tuple(produced)


def _newest(domain: str, op_type: str, ops: Sequence[Callable[..., Any]]) -> int:
    """The newest version of a standard domain, or of a custom operator."""
    if domain in standard_domains():
        return standard_domains()[domain]
    own = [e.since for function in ops for e in registry.entries(function) if (e.domain, e.name) == (domain, op_type)]
    return max([*registry.registered_versions(domain, op_type), *own], default=1)


def _public_input(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], (np.ndarray, Mapping)):
        return SequenceValue(without_shape(value_type_of(value[0])), list(value))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, onnx.TensorProto):
        return tensor_from_proto(value, "an input of run_op")
    if isinstance(value, np.ma.MaskedArray):
        raise FeedError("a masked array has no plain values")
    try:
        array = np.asarray(value)
    except ValueError:
        raise FeedError("the nested lists have different lengths") from None
    if array.dtype == object and not all(isinstance(v, str) for v in array.flat):
        raise FeedError("an input of run_op is an array, a number or text", seen=type(value).__name__)
    return array.astype(object) if array.dtype.kind == "U" else array
