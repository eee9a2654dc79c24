"""Einsum: the sum of products over the labels that the result does not have."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

from conformance.exact.families.arithmetic import marks
from conformance.exact.families.broadcasting import small
from conformance.exact.families.lines import matrix, product, total, transposed
from conformance.exact.formats import INF, INTEGERS, NAN
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import is_integer
from conformance.exact.values import Case, Tensor

Label = str | int
"""A letter, or the position from the right of an axis that an ellipsis stands for."""


def _labels(term: str, rank: int | None = None, hidden: int = 0) -> list[Label]:
    """The labels of a term; an ellipsis stands for the axes of a tensor that have no letter, or in the output for ``hidden`` ones."""
    before, dots, after = term.partition("...")
    count = hidden if rank is None else rank - len(before) - len(after)
    return [*before, *(range(-count, 0) if dots else ()), *after]


def einsum(equation: str, inputs: Sequence[Tensor]) -> Tensor:
    """output[o] = sum over all other labels of input1[term1] * input2[term2] ...; without ``->``, the labels that occur once, sorted."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = [_labels(t, len(x.shape)) for t, x in zip(left.split(","), inputs, strict=True)]
    letters = [label for term in terms for label in term if isinstance(label, str)]
    hidden = max((-label for term in terms for label in term if isinstance(label, int)), default=0)
    implicit = [*range(-hidden, 0), *sorted(label for label in letters if letters.count(label) == 1)]
    output = _labels(right, None, hidden) if arrow else implicit
    sizes: dict[Label, int] = {}
    for term, x in zip(terms, inputs, strict=True):
        for label, n in zip(term, x.shape, strict=True):
            sizes[label] = n if sizes.get(label, 1) == 1 else sizes[label]
    summed = [label for label in sizes if label not in output]
    values = []
    for at in itertools.product(*(range(sizes[label]) for label in output)):
        places = (
            dict(zip((*output, *summed), (*at, *inner), strict=True)) for inner in itertools.product(*(range(sizes[s]) for s in summed))
        )
        values.append(total(product(_at(x, term, place) for x, term in zip(inputs, terms, strict=True)) for place in places))
    return Tensor(inputs[0].type, tuple(sizes[label] for label in output), tuple(values))


def _at(x: Tensor, term: Sequence[Label], place: dict[Label, int]) -> object:
    """An axis of an ellipsis that has length 1 broadcasts."""
    return x[tuple(0 if n == 1 else place[label] for label, n in zip(term, x.shape, strict=True))]


def _case(equation: str, *inputs: Tensor) -> Case:
    return Case(inputs, [einsum(equation, inputs)], {"equation": equation})


FORMS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ij,jk", [(2, 3), (3, 2)]), ("ij,jk->ki", [(2, 3), (3, 2)]), ("ij->ji", [(2, 3)]), ("ba", [(2, 3)]), ("bA", [(2, 3)]),
    ("bA->bA", [(2, 3)]), ("aA,Ab->ab", [(2, 3), (3, 2)]), ("ii", [(3, 3)]), ("ii->i", [(3, 3)]), ("ij->", [(2, 3)]), ("ij->i", [(2, 3)]),
    ("i,i", [(3,), (3,)]), ("i,j->ij", [(2,), (3,)]), ("i,j", [(2,), (3,)]), ("i,i->i", [(3,), (3,)]), ("ij,ij->", [(2, 2), (2, 2)]),
    (" i j , j k -> i k ", [(2, 2), (2, 2)]), ("bij,bjk->bik", [(2, 2, 2), (2, 2, 2)]), ("...ij,...jk->...ik", [(2, 1, 2), (1, 2, 2)]),
    ("...ij,...jk", [(2, 1, 2), (1, 2, 3)]), ("...ii->...i", [(2, 2, 2)]), ("...i->i...", [(2, 3)]), ("i...->...", [(2, 3)]),
    ("i...", [(2, 3)]), ("...,...", [(2, 3), (2, 3)]), ("...,...->...", [(), ()]), ("ij...,j...->i...", [(2, 2, 2), (2, 2)]),
    ("a,b,c->cab", [(2,), (1,), (3,)]), ("ij,jk,kl->il", [(1, 2), (2, 2), (2, 2)]), ("iij->j", [(2, 2, 3)]), ("iji->j", [(2, 3, 2)]),
    ("ab,ab,ab->a", [(2, 2), (2, 2), (2, 2)]), ("ij,jk", [(2, 0), (0, 2)]), (",i->i", [(), (3,)]), ("i->i", [(0,)]),
    ("abc->cab", [(1, 2, 3)]), ("Zz,zZ", [(2, 3), (3, 2)]), ("...A,a->...aA", [(2, 2), (3,)]),
]  # fmt: skip


def _roundings(type: str) -> list[Case]:
    """Half-way sums, one that a last small product decides, overflow at the end, infinities, NaN."""
    u, _, largest, _ = marks(type)
    one, half = Fraction(1), Fraction(1, 2)
    a = matrix(type, [[one, u, 0], [1 + u, u, 0], [one, u, u / 4], [largest, 1, 0], [INF, 1, 1], [NAN, 1, 1]])
    b = transposed(matrix(type, [[1, half, 1], [2, 1, 1]]))
    return [_case("ij,jk->ik", a, b), _case("ij,jk->k", matrix(type, [[1, u, u], [half, 0, u]]), b), _case("ij->i", a)]


@oracle("Einsum", 12, 28)
def einstein(types: Types, since: int) -> list[Case]:
    """:func:`einsum`, in every form of the equation for ``float``; integers stay in the range of the type."""
    type = types["T"]
    forms = FORMS if type == "float" else FORMS[:12:2] + FORMS[17:19]
    found = [_case(equation, *(small(type, shape, i + 1) for i, shape in enumerate(shapes))) for equation, shapes in forms]
    if not is_integer(type):
        return found + _roundings(type)
    low, top = INTEGERS[type].lowest, INTEGERS[type].largest
    eye = matrix(type, [[1, 0], [0, 1]])
    found.append(_case("ij,jk", matrix(type, [[top, low], [low, top]]), eye))
    large = matrix(type, [[2**53 + 1, 3037000499], [3, 5]]) if INTEGERS[type].bits == 64 else matrix(type, [[top - 1, 1], [1, 2]])
    return [
        *found,
        _case("ij->i", matrix(type, [[top - 1, 1], [low, 0]])),
        _case("ij->ji", large),
        _case("ij->", matrix(type, [[1, 2], [3, 4]])),
    ]
