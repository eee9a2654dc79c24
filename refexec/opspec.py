"""How to draw a valid node of an operator: ``@opspec("Softmax", 1, 11, 13)`` in a module ``opspec_*`` beside the operators.

An opspec gets a :class:`Draw`, takes its operands and attributes from it, and ends with :meth:`Draw.emit`, where it states the types and
shapes of the results: they follow from the text of the version, not from onnx's inference, which is checked against them. All that is
drawn comes from integers, of which 0 (or the lowest) is the simplest: so a shrinker that lowers integers simplifies nodes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar

import numpy as np

from refexec.errors import ContractError
from refexec.schema import Signature, signature
from refexec.types import ELEMENT_TYPES, INT64, ElementType, OptionalType, SequenceType, TensorType, ValueType, element_type

__all__ = ["Draw", "Items", "Operand", "Out", "Scope", "Span", "broadcast", "copied", "opspec", "opspecs", "out"]

Shape = tuple[int | None, ...]
Items = tuple[Any, ...]
"""Of a sequence or an optional: the shape of each tensor in it, the items of each sequence; of a map: its keys."""
Span = tuple[float, float]
"""The least and the greatest number that a tensor may hold."""
DIMS = (1, 2, 3, 2, 4, 1, 5, 3)
EMPTY = (*DIMS, 0)
Key = tuple[str, str, int]
Spec = Callable[["Draw"], None]
Item = TypeVar("Item")


@dataclass(slots=True, eq=False)
class Operand:
    """A value that a node may take: ``type`` without shape; ``shape`` has None for a size known at run time only."""

    name: str
    type: ValueType
    shape: Shape = ()
    span: Span | None = None  # where all numbers lie; None: nothing is known
    items: Items | None = None  # of what is no tensor; None: nothing is known

    @property
    def elem(self) -> ElementType:
        """The element type of a tensor."""
        if not isinstance(self.type, TensorType):
            raise ContractError("an opspec asks for the element type of what is no tensor", name=self.name, type=str(self.type))
        return self.type.elem

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, which is all known."""
        if None in self.shape:
            raise ContractError("an opspec asks for sizes that are known at run time only", name=self.name, shape=self.shape)
        return self.shape  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Out:
    """What a result is."""

    type: ElementType | ValueType
    shape: Shape = ()
    span: Span | None = None
    items: Items | None = None


def out(type: ValueType, content: Items) -> Out:
    """What has this shape if it is a tensor, else these items."""
    return Out(type, content) if isinstance(type, TensorType) else Out(type, items=content)


class Scope(Protocol):
    """Where nodes go: the main graph, the body of a control flow operator, or a function."""

    opset: int  # of ai.onnx

    def choose(self, low: int, high: int) -> int: ...

    def visible(self) -> Sequence[Operand]:
        """The values that a node may take here, oldest first."""

    def fresh(self, type: ValueType, content: Items, span: Span | None) -> Operand:
        """A new input or constant of this shape with drawn numbers; what is no tensor is an input, and has items."""

    def constant(self, value: np.ndarray[Any, Any], span: Span | None = None, fed: bool = True) -> Operand:
        """A new operand that has this value; it is an input of the model only if ``fed``."""

    def given(self, value: Any, type: ValueType) -> Operand:
        """A new input with this value."""

    def array(self, elem: ElementType, shape: tuple[int, ...], span: Span | None) -> np.ndarray[Any, Any]:
        """Drawn numbers."""

    def guarded(self, value: Operand, span: Span) -> Operand | None:
        """A tensor with all its numbers brought into the span by nodes; None where that is not asked for, or not possible."""

    def body(
        self, inputs: Sequence[Out], results: Sequence[Out | None], size: int, decides: bool, declares: bool, among: Collection[ValueType]
    ) -> tuple[Any, list[Operand]]:
        """A graph attribute of up to ``size`` nodes with formal inputs; if it ``declares`` them the shapes of its results stand in it.

        Its results are of the type and shape asked for, or where None any value of a type ``among`` these. Where the first one is the
        condition of a loop (as is the second input), ``decides`` makes it any truth value in place of the one that came in.
        """

    def emit(
        self, signature: Signature, inputs: Sequence[Operand | None], outputs: Sequence[Out | None], attributes: dict[str, Any]
    ) -> list[Operand]: ...

    def elements(self, found: Signature, variable: str) -> tuple[ElementType, ...]:
        """The element types of a type variable that the options admit; where they admit none, all that the schema has."""


_specs: dict[Key, Spec] = {}


def opspec(name: str, *versions: int, domain: str = "") -> Callable[[Spec], Spec]:
    """Declare how nodes of an operator are drawn at these since_versions."""

    def declare(function: Spec) -> Spec:
        for version in versions:
            if (domain, name, version) in _specs:
                raise ValueError(f"two opspecs for {name}-{version}")
            _specs[domain, name, version] = function
        return function

    return declare


@cache
def opspecs() -> dict[Key, Spec]:
    """All of them, by (domain, operator, since_version)."""
    package = importlib.import_module("refexec.ops")
    for module in pkgutil.walk_packages(package.__path__, "refexec.ops."):
        if module.name.rpartition(".")[2].startswith("opspec_"):
            importlib.import_module(module.name)
    return _specs


_ORDER = [element_type(n) for n in ("float32", "int64", "bool", "float64", "int32")]
"""The simplest types first."""


@cache
def elements(signature: Signature, variable: str) -> tuple[ElementType, ...]:
    """The element types of tensors, and of sequences and optionals of them, that a type variable, or a parameter's type string, admits;
    the simplest first."""
    types = signature.variables.get(variable) or next(p.types for p in (*signature.inputs, *signature.outputs) if p.type_str == variable)
    found = {t.elem for t in map(innermost, types) if isinstance(t, TensorType)}
    return tuple(e for e in (*_ORDER, *(e for e in ELEMENT_TYPES if e not in _ORDER)) if e in found)


def innermost(type: ValueType) -> ValueType:
    while isinstance(type, SequenceType | OptionalType):
        type = type.elem
    return type


class Draw:
    """One node in the making."""

    def __init__(self, scope: Scope, signature: Signature) -> None:
        self.scope = scope
        self.signature = signature
        self.since = signature.since
        self.attributes: dict[str, Any] = {}

    # --- choices ---

    def integer(self, low: int, high: int) -> int:
        return self.scope.choose(low, high) if high > low else low

    def flag(self) -> bool:
        return self.scope.choose(0, 1) == 1

    def pick(self, options: Sequence[Item]) -> Item:
        return options[self.integer(0, len(options) - 1)]

    def several(self, options: Sequence[Item], least: int = 0) -> list[Item]:
        """Some of the options, in their order."""
        kept = [o for o in options if self.flag()]
        return kept if len(kept) >= least else list(options[:least])

    def order(self, options: Iterable[Item]) -> list[Item]:
        """The options in a drawn order; the simplest is as they are."""
        left = list(options)
        return [left.pop(self.integer(0, len(left) - 1)) for _ in range(len(left))]

    # --- attributes ---

    def has(self, name: str) -> bool:
        """Whether the version has this attribute."""
        return name in self.signature.attributes

    def set(self, name: str, value: Any) -> Any:
        """Give an attribute."""
        self.attributes[name] = value
        return value

    def attr(self, name: str, options: Sequence[Any], default: Any = None) -> Any:
        """An attribute: absent, or one of ``options``. Returns what holds: where it is absent, the schema's default, or ``default``.

        A version without the attribute, too, has its default.
        """
        formal = self.signature.attributes.get(name)
        if formal is None:
            return default
        absent = 0 if formal.required else 1
        at = self.integer(0, len(options) - 1 + absent)
        if absent and at == 0:
            return formal.default if formal.default is not None else default
        return self.set(name, options[at - absent])

    def axis(self, rank: int, name: str = "axis", default: Any = None, *, negative: bool = True, low: int = 0, beyond: bool = False) -> int:
        """An attribute that is an axis, from ``low`` to the rank (with it, when ``beyond``); returned as a number from 0 on."""
        top = rank + beyond
        options = [*range(low, top)] + ([*range(low - rank, 0)] if negative else [])
        formal = self.signature.attributes.get(name)
        fixed = default if formal is None or formal.default is None else formal.default
        if formal is not None and (formal.required or fixed is None or not -rank <= fixed < top):
            found = self.set(name, self.pick(options))
        else:
            found = self.attr(name, options, default)
        return int(found) % rank if found < 0 else int(found)

    def named_type(self, name: str, variable: str, like: ElementType | None = None) -> ElementType:
        """The element type that an attribute names; where it is absent, the schema's default, or ``like``."""
        fixed = self.signature.attributes[name].default
        elem = self.elem(variable)
        if elem is not (like if fixed is None else element_type(fixed)) or self.flag():
            self.set(name, elem.number)
        return elem

    def array(self, elem: ElementType, shape: Sequence[int], span: Span | None = None) -> np.ndarray[Any, Any]:
        """Drawn numbers, for an attribute."""
        return self.scope.array(elem, tuple(shape), span)

    # --- operands ---

    def elem(self, variable: str, among: Collection[ElementType] | None = None) -> ElementType:
        """An element type that the type variable may have."""
        return self.pick(self._types(variable, among))

    def _types(self, variable: str, among: Collection[ElementType] | None) -> Sequence[ElementType]:
        offered = self.scope.elements(self.signature, variable)
        if among is None:
            return offered
        return [e for e in offered if e in among] or [e for e in elements(self.signature, variable) if e in among]

    def shape(self, least: int = 0, most: int = 4, *, empty: bool = False) -> tuple[int, ...]:
        """A shape of that many axes; with ``empty`` some may have no elements."""
        return tuple(self.pick(EMPTY if empty else DIMS) for _ in range(self.integer(least, most)))

    def input(
        self,
        variable: str = "T",
        rank: tuple[int, int] = (0, 4),
        *,
        among: Collection[ElementType] | None = None,
        span: Span | None = None,
        empty: bool = False,
        sized: bool = True,
        where: Callable[[Operand], bool] | None = None,
    ) -> Operand:
        """An operand of any element type that the variable may have, which it then has.

        ``among`` narrows the element types and ``where`` the values that exist already; ``span`` says where the numbers must lie; ``sized``
        excludes shapes that are known at run time only; ``empty`` admits axes of size 0.
        """  # fmt: skip
        types = self._types(variable, among)

        def fits(v: Operand) -> bool:
            return (
                isinstance(v.type, TensorType) and v.type.elem in types and rank[0] <= len(v.shape) <= rank[1]
                and (not sized or None not in v.shape) and (empty or 0 not in v.shape)
                and (where is None or where(v))
            )  # fmt: skip

        found = self._existing(fits, span)
        if found is not None:
            return found
        return self.scope.fresh(TensorType(self.pick(types)), self.shape(*rank, empty=empty), span)

    def tensor(self, elem: ElementType, shape: Sequence[int], span: Span | None = None) -> Operand:
        """An operand of this element type and shape."""
        wanted = tuple(shape)
        found = self._existing(lambda v: isinstance(v.type, TensorType) and v.type.elem is elem and v.shape == wanted, span)
        return self.fresh(elem, shape, span) if found is None else found

    def fresh(self, elem: ElementType, shape: Sequence[int], span: Span | None = None) -> Operand:
        """A new operand of this element type and shape."""
        return self.scope.fresh(TensorType(elem), tuple(shape), span)

    def constant(self, value: Any, elem: ElementType = INT64, fed: bool = True) -> Operand:
        """A new operand with this value: an initializer, a node, computed, or, if ``fed``, an input, whose sizes may be unknown."""
        array = value if isinstance(value, np.ndarray) else np.asarray(value, np.int64 if elem.is_integer else None)
        return self.scope.constant(array.astype(elem.dtype) if array.dtype != elem.dtype else array, fed=fed)

    def given(self, value: Any, elem: ElementType = INT64) -> Operand:
        """A new input with this value, for where onnx's inference reads a value wrongly that it knows."""
        return self.scope.given(np.asarray(value, elem.dtype), TensorType(elem))

    def optional(self, make: Callable[[], Operand]) -> Operand | None:
        """An optional input: absent, or what ``make`` gives."""
        return make() if self.flag() else None

    def value(
        self, type: ValueType, least: int = 0, where: Callable[[Items], bool] | None = None, make: Callable[[], Items] | None = None
    ) -> Operand:
        """A tensor of known shape, or a sequence or an optional of known items, of which there are ``least`` or more.

        ``where`` narrows what is taken of the values that exist already; a new one has the items that ``make`` gives.
        """

        def fits(v: Operand) -> bool:
            known = v.shape if isinstance(type, TensorType) else v.items
            return v.type == type and known is not None and None not in known and len(known) >= least and (where is None or where(known))

        return self._existing(fits) or self.scope.fresh(type, self.content(type, least) if make is None else make(), None)

    def content(self, type: ValueType, least: int = 0) -> Items:
        """The shape of a tensor; the items of a sequence or an optional."""
        if isinstance(type, SequenceType | OptionalType):
            return tuple(self.content(type.elem) for _ in range(self.integer(least, 3 if isinstance(type, SequenceType) else 1)))
        return self.shape(least, 3)

    def _existing(self, fits: Callable[[Operand], bool], span: Span | None = None) -> Operand | None:
        """Of the values in view one that fits, the newest more often; None where none fits, or a new one is to be made.

        One whose numbers are not known to be within ``span`` is brought into it where the scope has guards.
        """
        mode = self.scope.choose(0, 7)
        if mode < 2:
            return None
        fitting = [v for v in self.scope.visible() if fits(v)]
        if span is not None and fitting and not _within(fitting[-1], span):
            guarded = self.scope.guarded(fitting[-1], span)
            if guarded is not None:
                return guarded
        found = [v for v in fitting if _within(v, span)]
        if not found:
            return None
        return found[-1] if mode < 6 else found[-1 - self.integer(0, len(found) - 1)]

    # --- the node ---

    def body(
        self,
        inputs: Sequence[Out] = (),
        results: Sequence[Out | None] = (),
        size: int = 2,
        *,
        decides: bool = True,
        declares: bool = False,
        tensors: bool = True,
    ) -> tuple[Any, list[Operand]]:
        """See :meth:`Scope.body`; ``tensors``: all results are."""
        among = [t for t in copied(self) if isinstance(t, TensorType) or not tensors]
        return self.scope.body(inputs, results, size, decides, declares, among)

    def emit(self, inputs: Sequence[Operand | None], *outputs: Out | None) -> list[Operand]:
        """Make the node. None: an absent input, an output that is not asked for; at the end they are left out where the arity allows it."""
        given, results = list(inputs), list(outputs)
        while len(given) > self.signature.min_inputs and given[-1] is None:
            given.pop()
        while results and results[-1] is None:
            results.pop()
        return self.scope.emit(self.signature, given, results, self.attributes)


def copied(d: Draw) -> list[ValueType]:
    """The types that results of the operator, or their items, and Identity at the opset both have: what a body may hand through."""
    identity = signature("", "Identity", d.scope.opset)
    own = d.signature.outputs[-1].types
    items = {t.elem for t in own if isinstance(t, SequenceType)}
    return sorted((own | items) & identity.outputs[0].types, key=lambda t: (str(t) != "tensor(float)", str(t)))


def _within(v: Operand, span: Span | None) -> bool:
    return span is None or (v.span is not None and span[0] <= v.span[0] and v.span[1] <= span[1])


def broadcast(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape of elementwise results of these shapes."""
    return tuple(int(n) for n in np.broadcast_shapes(*map(tuple, shapes)))
