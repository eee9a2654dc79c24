"""Einsum: the equation, and its evaluation two operands at a time."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np

from refexec.comparison import accumulation
from refexec.errors import RuleViolation, require
from refexec.ops.common import Array
from refexec.ops.math.matmul import matmul
from refexec.ops.reduction.over import total
from refexec.registry import op

TERM = r"[A-Za-z]*(?:\.\.\.[A-Za-z]*)?"
EQUATION = re.compile(rf"({TERM}(?:,{TERM})*)(?:->({TERM}))?")


@dataclass(frozen=True)
class Equation:
    """The labels of each operand and of the output; the dimensions of an ellipsis are labelled "0", "1" and so on."""

    terms: tuple[tuple[str, ...], ...]
    output: tuple[str, ...]


def parse(equation: str, ranks: tuple[int, ...]) -> Equation:
    """Read an equation for operands of these ranks. Without "->" the output has the ellipsis first, then the labels that occur
    once, upper case before lower case."""
    matched = EQUATION.fullmatch(equation.replace(" ", ""))
    if matched is None:
        raise RuleViolation(
            "an equation is terms of letters and '...', separated by commas, and perhaps '->' and a term", equation=equation
        )
    texts = matched[1].split(",")
    require(len(texts) == len(ranks), "there is one term per operand", equation=equation, operands=len(ranks))
    hidden = [rank - len(text.replace("...", "")) for text, rank in zip(texts, ranks, strict=True)]
    fits = all(h >= 0 if "..." in text else h == 0 for text, h in zip(texts, hidden, strict=True))
    require(fits, "a term has one label per dimension of its operand", equation=equation, ranks=ranks)
    lengths = {h for text, h in zip(texts, hidden, strict=True) if "..." in text}
    require(len(lengths) <= 1, "every ellipsis stands for the same number of dimensions", equation=equation, ranks=ranks)
    ellipsis = [str(i) for i in range(max(lengths, default=0))]
    terms = tuple(labels(text, ellipsis) for text in texts)
    if matched[2] is None:
        letters = sorted(re.sub("[.,]", "", matched[1]))
        return Equation(terms, (*ellipsis, *(c for c in letters if letters.count(c) == 1)))
    output = labels(matched[2], ellipsis)
    require(set(output) <= {c for term in terms for c in term}, "every label of the output is one of an operand", equation=equation)
    require(len(set(output)) == len(output), "a label of the output occurs in it once", equation=equation)
    return Equation(terms, output)


def labels(text: str, ellipsis: list[str]) -> tuple[str, ...]:
    before, dots, after = text.partition("...")
    return (*before, *(ellipsis if dots else ()), *after)


def label_sizes(equation: Equation, shapes: list[tuple[int, ...]]) -> dict[str, int]:
    """The size of each label. A dimension 1 broadcasts to the size that the label has elsewhere."""
    sizes: dict[str, int] = {}
    for term, shape in zip(equation.terms, shapes, strict=True):
        for label, size in zip(term, shape, strict=True):
            known = sizes.setdefault(label, size)
            require(size == known or 1 in (size, known), "the dimensions of a label are equal or 1", label=label, sizes=(known, size))
            sizes[label] = size if known == 1 else known
    return sizes


def summed_terms(*Inputs, equation) -> int:
    """How many products one output element sums, and how many factors each has."""
    parsed = parse(equation, tuple(x.ndim for x in Inputs))
    sizes = label_sizes(parsed, [x.shape for x in Inputs])
    return prod(size for label, size in sizes.items() if label not in parsed.output) + len(Inputs)


@op("Einsum", since=12, also=(28,), arithmetic="rounded", compare=accumulation(summed_terms))
def einsum_12(*Inputs, equation):
    """Output[output labels] = sum over all other labels of the product of the operands, each indexed by its labels.

    A label that a term repeats takes the diagonal. Letters in upper and lower case are distinct. Integers wrap. Two operands
    are contracted at a time, those first whose product is smallest; no array is larger than an operand or such a product.
    """
    parsed = parse(equation, tuple(x.ndim for x in Inputs))
    sizes = label_sizes(parsed, [x.shape for x in Inputs])
    operands = [simplified(x, term, sizes) for x, term in zip(Inputs, parsed.terms, strict=True)]
    while len(operands) > 1:
        uses = Counter(label for _, term in operands for label in term)
        pairs = combinations(range(len(operands)), 2)
        i, j = min(pairs, key=lambda pair: prod(sizes[c] for c in kept(*(operands[n][1] for n in pair), uses, parsed.output)))
        a, b = operands[i], operands[j]
        del operands[j], operands[i]
        operands.append(contracted(a, b, kept(a[1], b[1], uses, parsed.output)))
    x, term = summed(operands[0], set(parsed.output))
    order = [term.index(label) for label in parsed.output if label in term]
    return x.transpose(order).reshape([sizes[label] for label in parsed.output])


Operand = tuple[Array, tuple[str, ...]]


def simplified(x: Array, term: tuple[str, ...], sizes: dict[str, int]) -> Operand:
    """The diagonal for each repeated label, and without the dimensions 1 that broadcast."""
    for label in dict.fromkeys(term):
        while term.count(label) > 1:
            i, j = [at for at, other in enumerate(term) if other == label][:2]
            require(x.shape[i] == x.shape[j], "the dimensions of a repeated label are equal", label=label, sizes=(x.shape[i], x.shape[j]))
            x = np.diagonal(x, axis1=i, axis2=j)
            term = (*(other for at, other in enumerate(term) if at not in (i, j)), label)
    broad = tuple(at for at, label in enumerate(term) if x.shape[at] != sizes[label] or x.shape[at] == 1)
    return x.squeeze(broad), tuple(label for at, label in enumerate(term) if at not in broad)


def kept(a: tuple[str, ...], b: tuple[str, ...], uses: Counter[str], output: tuple[str, ...]) -> set[str]:
    """The labels that the product of two operands has: those in the output or in another operand."""
    return {c for c in (*a, *b) if c in output or uses[c] > (c in a) + (c in b)}


def summed(operand: Operand, keep: set[str]) -> Operand:
    """The sum over all labels but ``keep``."""
    x, term = operand
    gone = tuple(at for at, label in enumerate(term) if label not in keep)
    return total(x, gone) if gone else x, tuple(label for label in term if label in keep)


def contracted(a: Operand, b: Operand, keep: set[str]) -> Operand:
    """The product of two operands, summed over their labels but ``keep``: a matrix product per index of the labels that both
    have and that are kept."""
    A, a_term = summed(a, keep | set(b[1]))
    B, b_term = summed(b, keep | set(a_term))
    batch = [label for label in a_term if label in b_term and label in keep]
    inner = [label for label in a_term if label in b_term and label not in keep]
    rows = [label for label in a_term if label not in b_term]
    columns = [label for label in b_term if label not in a_term]
    sizes = dict(zip((*a_term, *b_term), (*A.shape, *B.shape), strict=True))

    def arranged(x, term, *groups):
        ordered = x.transpose([term.index(label) for group in groups for label in group])
        return ordered.reshape([prod(sizes[label] for label in group) for group in groups])

    product = matmul(arranged(A, a_term, batch, rows, inner), arranged(B, b_term, batch, inner, columns))
    result = (*batch, *rows, *columns)
    return product.reshape([sizes[label] for label in result]), result
