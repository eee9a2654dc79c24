"""Sequences: made, read, changed."""

from __future__ import annotations

from conformance.exact.families.bodies import integer
from conformance.exact.families.containers import element, number, ordinary, rare
from conformance.exact.families.pieces import joined, stacked
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Seq, Tensor


def _items(type: str) -> list[Tensor]:
    """Four tensors of different shapes."""
    return [ordinary(type), ordinary(type, (), 3), rare(type, (1, 4)), Tensor(type, (2, 0), ())]


def _sequence(type: str, items: list[Tensor]) -> Seq:
    return Seq(f"tensor({type})", tuple(items))


def _type(types: Types) -> str:
    """The element type of a sequence operator: of S when S is tested, else of T."""
    return element(types["S"]) if types.tested == "S" or "T" not in types.of else types["T"] if types.tested == "T" else "float"


def _position(types: Types, value: int) -> Tensor:
    return Tensor(types["I"], (), (value,))


@oracle("SequenceConstruct", 11)
def construct(types: Types, since: int) -> list[Case]:
    """The sequence of the inputs, in their order."""
    items = _items(_type(types))
    return [Case(given, [_sequence(_type(types), given)]) for given in (items, items[:1], [items[2], items[0], items[0]])]


@oracle("SequenceEmpty", 11)
def empty(types: Types, since: int) -> list[Case]:
    """A sequence without tensors, of the type ``dtype``; float when that is not given."""
    type = _type(types)
    made = [Case([], [_sequence(type, [])], {"dtype": number(type)})]
    return [*made, Case([], [_sequence(type, [])])] if type == "float" else made


@oracle("SequenceLength", 11)
def length(types: Types, since: int) -> list[Case]:
    """The number of tensors, whatever their sizes."""
    items = _items(_type(types))
    return [Case([_sequence(_type(types), items[:n])], [integer(n)]) for n in (4, 1, 0)]


@oracle("SequenceAt", 11, usual={"I": "int64"})
def at(types: Types, since: int) -> list[Case]:
    """The tensor at a position from -n to n - 1; negative ones count from the back."""
    items = _items(_type(types))
    made = [(items, p) for p in (0, 2, 3, -1, -4)] + [(items[:1], 0), (items[:1], -1)]
    return [Case([_sequence(_type(types), given), _position(types, p)], [given[p]]) for given, p in made]


@oracle("SequenceErase", 11, usual={"I": "int64"})
def erase(types: Types, since: int) -> list[Case]:
    """The sequence without the tensor at a position from -n to n - 1: the last one when no position is given."""
    type, items = _type(types), _items(_type(types))
    made = []
    for given, p in [(items, 0), (items, 2), (items, -1), (items, -4), (items, -3), (items[:1], 0)]:
        rest = [item for i, item in enumerate(given) if i != p % len(given)]
        made.append(Case([_sequence(type, given), _position(types, p)], [_sequence(type, rest)]))
    return made if types.tested == "I" else [*made, Case([_sequence(type, items)], [_sequence(type, items[:3])])]


@oracle("SequenceInsert", 11, usual={"I": "int64"})
def insert(types: Types, since: int) -> list[Case]:
    """The tensor stands before the one at a position from -n to n: n or no position is the back, negative ones count from the back."""
    type, items = _type(types), _items(_type(types))
    new = ordinary(type, (3,), 1)
    made = []
    for given, p in [(items, 0), (items, 1), (items, 4), (items, -1), (items, -4), ([], 0), (items[:1], 1), (items[:1], -1)]:
        place = p if p >= 0 else len(given) + p
        made.append(Case([_sequence(type, given), new, _position(types, p)], [_sequence(type, [*given[:place], new, *given[place:]])]))
    return made if types.tested == "I" else [*made, Case([_sequence(type, items), new], [_sequence(type, [*items, new])])]


@oracle("ConcatFromSequence", 11)
def concat(types: Types, since: int) -> list[Case]:
    """One after the other along ``axis``, from -r to r - 1; with ``new_axis`` along a new one, from -r - 1 to r."""
    type = _type(types)
    a, b, c = ordinary(type), rare(type), ordinary(type, (2, 3), 2)
    low = ordinary(type, (1, 2), 1)
    none = Tensor(type, (0, 2), ())
    made = [([a, b, low], axis, 0) for axis in (0, -2)] + [([a, c], axis, 0) for axis in (1, -1)] + [([none, a], 0, 0), ([c], 0, 0)]
    made += [([a, b, a], axis, 1) for axis in (0, 1, 2, -1, -3)] + [([ordinary(type, (), 1), ordinary(type, (), 3)], 0, 1)]
    return [_joined(parts, axis, new) for parts, axis, new in made]


def _joined(parts: list[Tensor], axis: int, new: int) -> Case:
    result = stacked(parts, axis) if new else joined(parts, axis)
    return Case([_sequence(parts[0].type, parts)], [result], {"axis": axis, **({"new_axis": 1} if new else {})})
