"""From an operator, its attributes and its types to what a step calls.

Around the body stand, in this order: size claim for broadcasts, widening or narrowing of the inputs as the operator's
arithmetic and the profile demand, rounding of the outputs, and the contract: each output has its declared type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from math import prod
from typing import Any

import numpy as np

from refexec.callsite import CallSite
from refexec.context import Context, Run
from refexec.errors import ContractError, RefexecError, RuleViolation, RunError, UnsupportedType, require
from refexec.limits import FREE_BYTES, active_budget, claim
from refexec.primitives import Profile
from refexec.registry import Operator
from refexec.types import OptionalType, SequenceType, TensorType, ValueType, element_type
from refexec.values import Optional as OptionalValue
from refexec.values import Sequence as SequenceValue
from refexec.values import round_quietly, wide_dtype, widen

__all__ = ["Bound", "bind", "settle"]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a step calls. ``single`` and ``dtype`` are set on the short way: one tensor output and nothing from the run."""

    call: Callable[[Run, Sequence[Any]], tuple[Any, ...]]
    output_types: tuple[ValueType | None, ...]
    single: Callable[..., Any] | None = None
    dtype: np.dtype[Any] | None = None
    settle: Callable[[Any], Any] | None = None  # of the short way: the contract for what is not plainly right
    builtin: bool = True  # the operator is one of refexec.ops
    margin: Callable[[Run, Sequence[Any], Sequence[Any]], Any] | None = None  # of operators that decide
    site: CallSite | None = None  # of a lowered node
    operator: Operator | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def bind(
    operator: Operator,
    attributes: Mapping[str, Any],
    graphs: Mapping[str, Any],
    input_types: Sequence[ValueType | None],
    output_types: tuple[ValueType | None, ...],
    wanted: tuple[bool, ...],
    profile: Profile,
    path: str,
    site: CallSite | None = None,
) -> Bound:
    """Make the callable of one step.

    Args:
        operator: what to run.
        attributes: its attributes but for graphs, defaults included.
        graphs: name of a graph attribute -> ``(run, values) -> callable``, bound to the run at each call.
        input_types: the declared types of the actual inputs; ``output_types`` of the outputs. Values beyond the inputs are
            what the graphs capture; the body does not see them.
        wanted: which outputs the node asks for.
        profile: decides about widening.
        path: the node's path, the key of its random numbers.
        site: a lowered primitive call to try first.
    """
    keywords = _differing({operator.renames.get(name, name): value for name, value in attributes.items()}, operator.function)
    body: Callable[..., Any] = partial(operator.function, **keywords) if keywords else operator.function
    convert = _input_conversion(operator, input_types, profile)
    finish = tuple(_finisher(operator, t, profile) for t in output_types)
    arity = len(input_types)
    stays_wide = profile.wide and not discretises(operator)

    def evaluate(run: Run, values: Sequence[Any]) -> Any:
        arguments = values[:arity] if convert is None else convert(values[:arity])
        if not operator.builtin:
            arguments = [read_only(x) for x in arguments]
        extra = {name: make(run, values) for name, make in graphs.items()}
        if operator.takes_ctx:
            extra["ctx"] = Context(run, path, wanted, stays_wide, output_types)
        if operator.broadcasts:
            claim_broadcast(arguments)
        return body(*arguments, **extra)

    alone = wanted == (True,) and not profile.wide and isinstance(output_types[0], TensorType)
    one = output_types[0].elem.dtype if alone else None  # type: ignore[union-attr]

    def call(run: Run, values: Sequence[Any]) -> tuple[Any, ...]:
        result = site(values[:arity], convert) if site is not None else None
        if result is None:
            result = evaluate(run, values)
        elif type(result) is np.ndarray and result.dtype is one:
            return (result,)
        several = isinstance(result, tuple) or (isinstance(result, list) and (len(wanted) > 1 or bool(graphs)))
        results = tuple(result) if several else (result,)
        if len(results) < len(wanted):
            if any(wanted[len(results) :]):
                fault = ContractError if operator.builtin and not graphs else RuleViolation
                raise fault("the node asks for more outputs than the operator has here", asks=len(wanted), has=len(results))
            results += (None,) * (len(wanted) - len(results))
        return tuple(f(r) if asked else None for f, r, asked in zip(finish, results, wanted, strict=False))

    if operator.takes_ctx or graphs or not operator.builtin or wanted != (True,) or not isinstance(output_types[0], TensorType):
        return Bound(call, output_types)
    declared = output_types[0].elem.dtype
    dtype = wide_dtype(declared) if profile.wide else declared
    if site is not None:

        def single(*values: Any) -> Any:
            result = site(values, convert)
            return result if result is not None else finish[0](body(*(values if convert is None else convert(values))))

        return Bound(call, output_types, single, dtype, finish[0])
    return Bound(call, output_types, _single(operator, body, convert, finish[0]), dtype, finish[0])


def _differing(keywords: dict[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    """The keywords without numbers and words that are the function's own defaults: a call without keywords is the faster one."""
    own = getattr(function, "__kwdefaults__", None) or {}
    return {k: v for k, v in keywords.items() if type(v) not in (int, str) or type(own.get(k)) is not type(v) or own[k] != v}


def _single(operator: Operator, body: Callable[..., Any], convert: Any, finish: Callable[[Any], Any]) -> Callable[..., Any]:
    if operator.broadcasts:
        inner = body

        def body(*arguments: Any) -> Any:
            if arguments[0].shape != arguments[-1].shape or len(arguments) > 2:
                claim_broadcast(arguments)
            return inner(*arguments)

    if convert is None and operator.arithmetic != "rounded":
        return body
    if convert is None:
        return lambda *values: finish(body(*values))
    return lambda *values: finish(body(*convert(values)))


def claim_broadcast(arrays: Sequence[Any]) -> None:
    """Check that shapes broadcast together, and claim the result when it is larger than 64 KiB."""
    shapes = tuple([x.shape for x in arrays if x is not None])
    shape = broadcast(shapes)
    size = prod(shape) * max([x.dtype.itemsize for x in arrays if x is not None])
    if size == 0 or (size > FREE_BYTES and not active_budget().has_room(size)):
        claim(shape, max((x.dtype for x in arrays if x is not None), key=lambda d: d.itemsize))


@lru_cache(4096)
def broadcast(shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    """The shape that these have together. Raises RuleViolation when they do not fit."""
    rank = max(map(len, shapes))
    columns = list(zip(*((1,) * (rank - len(s)) + s for s in shapes), strict=True))
    full = tuple(next((d for d in column if d != 1), 1) for column in columns)
    fits = all(d in (1, f) for column, f in zip(columns, full, strict=True) for d in column)
    require(fits, "the shapes of the inputs broadcast together: aligned at the end, each dimension is equal or 1", shapes=list(shapes))
    return full


def _input_conversion(
    operator: Operator, types: Sequence[ValueType | None], profile: Profile
) -> Callable[[Sequence[Any]], list[Any]] | None:
    """How inputs are changed before the body sees them; None when they are not."""
    one: Callable[[Any, ValueType | None], Any]
    if profile.wide and (discretises(operator) or not operator.builtin):  # a custom body's result has a type by its dtype
        one = _narrow
    elif profile.wide and not operator.long_double:
        one = _double
    elif not profile.wide and operator.arithmetic == "rounded":
        one = _widen
    else:
        return None
    touched = [i for i, t in enumerate(types) if t is None or _holds_inexact(t)]
    if not touched:
        return None

    def convert(values: Sequence[Any]) -> list[Any]:
        changed = list(values)
        for i in touched:
            if changed[i] is not None:
                changed[i] = one(changed[i], types[i])
        return changed

    return convert


def discretises(operator: Operator) -> bool:
    """Whether the operator decides (levels, indices, truth values): in the wide profile it sees rounded values."""
    return operator.comparison is not None and operator.comparison.kind == "discrete"


def _holds_inexact(value_type: ValueType) -> bool:
    match value_type:
        case TensorType(elem):
            return elem.kind in ("float", "complex")
        case SequenceType(inner) | OptionalType(inner):
            return _holds_inexact(inner)
    return False


def _widen(value: Any, value_type: ValueType | None) -> Any:
    """Float tensors of 32 bits and below as float64; float64 itself has nothing wider in this profile."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fcV" and value.dtype not in (np.float64, np.complex128):
        return widen(value)
    return value


def _narrow(value: Any, value_type: ValueType | None) -> Any:
    if isinstance(value, np.ndarray) and isinstance(value_type, TensorType) and value_type.elem.kind in ("float", "complex"):
        return _to_declared(value, value_type.elem)
    return value


def _double(value: Any, value_type: ValueType | None) -> Any:
    if isinstance(value, np.ndarray) and value.dtype in (np.longdouble, np.clongdouble):
        return value.astype(np.float64 if value.dtype == np.longdouble else np.complex128)
    return value


def _to_declared(value: np.ndarray[Any, Any], elem: Any) -> np.ndarray[Any, Any]:
    return round_quietly(value, elem.dtype) if elem.kind == "float" else value.astype(elem.dtype)


def _finisher(operator: Operator, value_type: ValueType | None, profile: Profile) -> Callable[[Any], Any]:
    """What is done with one output of the body: rounding where the body computed wide, then the contract."""
    rounds = operator.arithmetic == "rounded" and not profile.wide and isinstance(value_type, TensorType)
    elem = value_type.elem if isinstance(value_type, TensorType) else None
    rounds = rounds and elem is not None and elem.kind in ("float", "complex")

    def finish(value: Any) -> Any:
        if isinstance(value, tuple) and value:  # the short way: a body with optional outputs, of which the node lists the first
            value = value[0]
        if rounds and elem is not None and isinstance(value, (np.ndarray, np.generic)) and value.dtype != elem.dtype:
            value = _to_declared(np.asarray(value), elem)
        return settle(value, value_type, profile.wide, operator.label, ContractError if operator.builtin else RunError)

    return finish


def read_only(x: Any) -> Any:
    """A view that cannot be written: a custom operator must not change what others hold."""
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def settle(value: Any, value_type: ValueType | None, wide: bool, label: str, fault: type[RefexecError] = ContractError) -> Any:
    """``value`` as a value of its declared type; in the wide profile floats of the declared type become wide.

    Raises ``fault`` when it is of another type: ContractError for refexec's own bodies.
    """
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if value_type is None:
        return _settle_unknown(value, wide, label, fault)
    if isinstance(value_type, TensorType):
        if not isinstance(value, np.ndarray):
            raise fault(f"{label} returned no tensor", declared=str(value_type), seen=type(value).__name__)
        declared = value_type.elem.dtype
        if wide and value.dtype == declared:
            return widen(value)
        if wide and value_type.elem.is_float and value.dtype in (np.float64, np.longdouble):
            return value.astype(wide_dtype(declared), copy=False)
        if value.dtype != (wide_dtype(declared) if wide else declared):
            raise fault(f"{label} returned a tensor of another type", declared=str(value_type), seen=value.dtype)
        return value
    if isinstance(value_type, SequenceType):
        if not isinstance(value, SequenceValue):
            raise fault(f"{label} returned no sequence", declared=str(value_type), seen=type(value).__name__)
        active_budget().limits.check("sequence_len", len(value.items), "the length of a sequence")
        items = [settle(item, value_type.elem, wide, label, fault) for item in value.items] if wide else value.items
        return SequenceValue(value_type.elem, items) if wide else value
    if isinstance(value_type, OptionalType):
        if not isinstance(value, OptionalValue):
            raise fault(f"{label} returned no optional", declared=str(value_type), seen=type(value).__name__)
        inner = value.value
        return OptionalValue(value_type.elem, None if inner is None else settle(inner, value_type.elem, wide, label, fault))
    return value


def _settle_unknown(value: Any, wide: bool, label: str, fault: type[RefexecError]) -> Any:
    """A value whose type nothing declares: it must be one of ONNX. In the wide profile, custom bodies return declared types,
    others have wide floats already."""
    if isinstance(value, (bool, int, float, complex, str)):
        value = np.asarray(value, dtype=object if isinstance(value, str) else None)
    if value is None or isinstance(value, list):
        raise fault(f"{label} returned no ONNX value: an array, or a tuple of one per output", seen=type(value).__name__)
    if not isinstance(value, np.ndarray):
        return value
    if wide and value.dtype in (np.longdouble, np.clongdouble):
        return value
    try:
        declared = element_type(value.dtype)
    except UnsupportedType:
        raise fault(f"{label} returned an array of a type that ONNX does not have", seen=value.dtype) from None
    value = value.astype(declared.dtype, copy=False)
    return widen(value) if wide and (fault is RunError or declared.name != "float64") else value
