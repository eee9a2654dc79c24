"""SplitToSequence."""

from __future__ import annotations

from conformance.exact.families.containers import element, ordinary, rare
from conformance.exact.families.pieces import part, taken
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Seq, Tensor


@oracle("SplitToSequence", 11, 24, usual={"I": "int64"})
def split(types: Types, since: int) -> list[Case]:
    """Parts along ``axis``: of one element, of ``split`` elements (the last one may be smaller), or of the lengths in ``split``.

    ``keepdims`` 0 takes the axis away, only when no ``split`` is given.
    """
    type = element(types["S"]) if types.tested == "S" else types["T"]
    x, y = ordinary(type, (2, 5)), rare(type, (3, 2))
    scalars = [(x, 1, 2), (x, -1, 5), (x, 1, 9), (y, 0, 1), (y, -2, 2)]
    vectors = [(x, 1, [2, 3]), (x, -1, [5]), (y, 0, [1, 1, 1]), (x, 1, [1, 3, 1])]
    made = [_chunks(types["I"], *given) for given in scalars] + [_parts(types["I"], *given) for given in vectors]
    return made if types.tested == "I" else made + _ones(x) + _ones(y) + [_sequence_case(y, None, [part(y, 0, i, 1) for i in range(3)])]


def _chunks(kind: str, x: Tensor, axis: int, size: int) -> Case:
    length = x.shape[axis]
    parts = [part(x, axis, start, min(size, length - start)) for start in range(0, length, size)]
    return _sequence_case(x, Tensor(kind, (), (size,)), parts, axis=axis, keepdims=size % 2)


def _parts(kind: str, x: Tensor, axis: int, lengths: list[int]) -> Case:
    parts = [part(x, axis, sum(lengths[:i]), n) for i, n in enumerate(lengths)]
    return _sequence_case(x, Tensor(kind, (len(lengths),), tuple(lengths)), parts, axis=axis, keepdims=0)


def _ones(x: Tensor) -> list[Case]:
    """No ``split``: one element for each part."""
    made = []
    for axis in (0, 1, -1):
        kept = [part(x, axis, i, 1) for i in range(x.shape[axis])]
        made.append(_sequence_case(x, None, kept, axis=axis, keepdims=1))
        made.append(_sequence_case(x, None, [taken(x, axis, i) for i in range(x.shape[axis])], axis=axis, keepdims=0))
    return made


def _sequence_case(x: Tensor, split: Tensor | None, parts: list[Tensor], **attributes: int) -> Case:
    return Case([x] if split is None else [x, split], [Seq(f"tensor({x.type})", tuple(parts))], attributes)
