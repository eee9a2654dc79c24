"""Operators by exact key: (domain, op_type, since_version).

A body is registered with :func:`op` for the version that it was written for and, in ``also``, for those later versions that
changed types or wording only. There is no "nearest" version: what is not registered is not supported.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from refexec.comparison import Comparison
from refexec.errors import UnsupportedOperator
from refexec.schema import normalize_domain
from refexec.types import ValueType

__all__ = ["Operator", "entries", "load_operators", "lookup", "lowers", "op", "operators", "registered_versions"]

Arithmetic = Literal["rounded", "exact", "stated"]
ResultTypes = Callable[[Mapping[str, Any], tuple[ValueType | None, ...]], Iterable[ValueType | None]]
GraphAttributes = Callable[[Mapping[str, Any], Callable[..., Any]], Mapping[str, Any]]
Body = TypeVar("Body", bound=Callable[..., Any])
Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One behaviour of an operator, registered for one version.

    ``arithmetic``: *rounded* computes wide and rounds once; *exact* computes in the storage type, which is already right;
    *stated* computes in the type that the specification names, through ``ctx.as_type``.
    """

    domain: str
    name: str
    since: int
    function: Callable[..., Any]
    arithmetic: Arithmetic = "stated"
    comparison: Comparison | None = None
    result_types: ResultTypes | None = None  # for outputs whose type no input fixes
    broadcasts: bool = False  # elementwise over broadcast inputs: the result's size is claimed before the call
    long_double: bool = True  # whether the body can run in long double
    renames: Mapping[str, str] = field(default_factory=dict)  # attribute name -> parameter name
    takes_ctx: bool = False
    lowering: Callable[..., Any] | None = None
    lowered_types: tuple[str, ...] = ()  # the element types that it is for; () for all
    lowered_constants: tuple[str, ...] = ()  # inputs whose values it needs
    lowered_outputs: int = 1  # how many outputs the lowering makes; a node that asks for more runs the body
    body_types: Callable[[tuple[ValueType | None, ...]], Sequence[ValueType | None]] | None = None  # of a subgraph's inputs
    from_graph: GraphAttributes | None = None  # for attributes that name values of the graph around the node

    @property
    def key(self) -> Key:
        return self.domain, self.name, self.since

    @property
    def label(self) -> str:
        return f"{self.domain + ':' if self.domain else ''}{self.name}-{self.since}"

    @property
    def builtin(self) -> bool:
        """Whether it is one of ``refexec.ops``; a custom operator's errors are not refexec's."""
        return self.function.__module__.startswith("refexec.ops.")

    @property
    def parameters(self) -> tuple[inspect.Parameter, ...]:
        """The parameters of the body: inputs positional-only, attributes keyword-only, without ``ctx``."""
        return tuple(p for p in inspect.signature(self.function).parameters.values() if p.name != "ctx")


_operators: dict[Key, Operator] = {}
_ENTRIES = "_refexec_entries"  # the attribute of a body that holds what was registered for it
_STANDARD = ("", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training")
_loading = threading.Lock()
_loaded = False


def op(
    name: str,
    *,
    since: int,
    also: tuple[int, ...] = (),
    domain: str | None = None,
    like: Callable[..., Any] | None = None,
    arithmetic: Arithmetic | None = None,
    compare: Comparison | None = None,
    result_types: ResultTypes | None = None,
    broadcasts: bool | None = None,
    long_double: bool | None = None,
    renames: Mapping[str, str] | None = None,
    body_types: Callable[..., Any] | None = None,
    from_graph: GraphAttributes | None = None,
    globally: bool = True,
) -> Callable[[Body], Body]:
    """Register a function as the body of an operator, and return it unchanged.

    Args:
        name: the operator's name, the schema's for standard operators.
        since: the since_version this body was written for.
        also: later since_versions that mean the same (changes of types or wording only).
        domain: the operator's domain; your own for custom operators.
        like: the body of another version, of which this one is a small delta: what is not said here is as there.
        arithmetic: see :class:`Operator`. Custom operators get their inputs as they are ("stated").
        compare: how results may be compared, from :mod:`refexec.comparison`; None says that nothing is known.
        result_types: ``(attributes, input types) -> output types``, for outputs whose type no input fixes. Without a
            schema and without this, the types are taken from the values that the body returns.
        broadcasts: the body is elementwise over broadcast inputs.
        long_double: False when the body cannot run in long double; the wide profile then stays in float64.
        renames: attributes whose parameter has another name.
        body_types: ``(input types) -> types of the inputs of its subgraphs``, for subgraphs that declare none.
        from_graph: ``(attributes, part) -> attributes``, for attributes that name values of the graph around the node:
            ``part(sources, target)`` is the plan of the nodes that make one value of that graph from others.
        globally: False to register for sessions that name the function only.

    An operator of a standard domain that is defined outside ``refexec.ops`` is not registered globally: a Session uses it
    when it is named in ``Session(ops=[...], override=True)``.

    Raises:
        ValueError: another function is registered for this key.
    """

    def register(function: Body) -> Body:
        model = entries(like)[0] if like is not None else Operator(normalize_domain(domain or ""), name, since, function)
        takes_ctx = "ctx" in inspect.signature(function).parameters
        changes = {
            "arithmetic": arithmetic,
            "comparison": compare,
            "result_types": result_types,
            "broadcasts": broadcasts,
            "long_double": long_double,
            "body_types": body_types,
            "from_graph": from_graph,
        }
        said: dict[str, Any] = {field_name: value for field_name, value in changes.items() if value is not None}
        unlowered: dict[str, Any] = {"lowering": None, "lowered_types": (), "lowered_constants": ()}
        made = [
            replace(
                model, name=name, since=version, function=function, renames=dict(renames or {}), takes_ctx=takes_ctx, **unlowered, **said
            )
            for version in (since, *also)
        ]
        function.__dict__.setdefault(_ENTRIES, []).extend(made)
        if globally and (made[0].domain not in _STANDARD or function.__module__.startswith("refexec.ops.")):
            for entry in made:
                taken = _operators.get(entry.key)
                if taken is not None and not _same_code(taken.function, function):
                    raise ValueError(f"{entry.label} is already registered, by {taken.function.__module__}.{taken.function.__qualname__}")
                _operators[entry.key] = entry
        return function

    return register


def entries(function: Callable[..., Any]) -> list[Operator]:
    """What :func:`op` made of a function, one per version; empty for other functions."""
    return list(getattr(function, _ENTRIES, ()))


def lowers(
    body: Callable[..., Any], *, types: tuple[str, ...] = (), constants: tuple[str, ...] = (), outputs: int = 1
) -> Callable[[Body], Body]:
    """Register a function that turns ``body``'s attributes and static shapes straight into a primitive call.

    The function gets ``(attributes, shapes)`` and returns a :class:`refexec.primitives.Lowered`, or None where the body
    must run.

    Args:
        body: what is lowered.
        types: the element types of the inputs, all of one type, that it is for; in profiles without kernels, and for other types, the
            body runs.
        constants: inputs that it gets with the attributes, under their names; where they are not constant the body runs.
        outputs: how many outputs it makes; a node that asks for more runs the body.
    """

    def register(lowering: Body) -> Body:
        changes: dict[str, Any] = {
            "lowering": lowering, "lowered_types": types, "lowered_constants": constants, "lowered_outputs": outputs,
        }  # fmt: skip
        lowered = [replace(entry, **changes) for entry in entries(body)]
        body.__dict__[_ENTRIES] = lowered
        _operators.update((entry.key, entry) for entry in lowered)
        return lowering

    return register


def load_operators() -> None:
    """Import every module below ``refexec.ops`` but the opspecs, which only the generator needs, once; done by the first Session."""
    global _loaded
    if _loaded:
        return
    with _loading:
        if not _loaded:
            package = importlib.import_module("refexec.ops")
            for module in pkgutil.walk_packages(package.__path__, "refexec.ops."):
                if not module.name.rpartition(".")[2].startswith("opspec_"):
                    importlib.import_module(module.name)
            _loaded = True


def lookup(domain: str, name: str, since: int) -> Operator:
    """The operator registered for exactly this key. Raises UnsupportedOperator."""
    load_operators()
    try:
        return _operators[domain, name, since]
    except KeyError:
        have = registered_versions(domain, name)
        detail = f"implemented are versions {', '.join(map(str, have))}" if have else "no version of it is implemented"
        raise UnsupportedOperator(
            f"operator {domain + ':' if domain else ''}{name}-{since} is not implemented: {detail}",
            domain=domain,
            op_type=name,
            since=since,
        ) from None


def registered_versions(domain: str, name: str) -> list[int]:
    """The versions registered for an operator, ascending: the version table of a domain that onnx.defs does not know."""
    return sorted(since for d, n, since in _operators if (d, n) == (domain, name))


def operators() -> dict[Key, Operator]:
    """All registered operators."""
    load_operators()
    return dict(_operators)


def _same_code(a: Callable[..., Any], b: Callable[..., Any]) -> bool:
    """A module that is imported again registers the same functions again; that is no conflict."""
    return (a.__module__, a.__qualname__) == (b.__module__, b.__qualname__)
