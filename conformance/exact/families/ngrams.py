"""TfIdfVectorizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from conformance.exact.registry import Types, oracle
from conformance.exact.samples import single
from conformance.exact.values import Case, Tensor

WORDS = {7: "x", 8: "", 9: "Ab", 3: "é", 5: "b c"}
"""The strings that stand for the numbers of the cases."""


@dataclass(frozen=True)
class Pool:
    """n-grams of whole numbers, in the order of the pool, and where each is counted; lengths rise."""

    grams: Sequence[tuple[int, ...]]
    indexes: Sequence[int]
    shortest: int
    longest: int
    skips: int = 0

    def attributes(self, strings: bool) -> dict[str, Any]:
        """``ngram_counts``: where the 1-grams, the 2-grams and so on begin in the flat pool."""
        items = [v for gram in self.grams for v in gram]
        begins = [sum(len(g) for g in self.grams if len(g) < n) for n in range(1, max(map(len, self.grams)) + 1)]
        return {
            "ngram_counts": begins, "ngram_indexes": list(self.indexes), "min_gram_length": self.shortest, "max_gram_length": self.longest,
            "max_skip_count": self.skips, **({"pool_strings": [WORDS[v] for v in items]} if strings else {"pool_int64s": items}),
        }  # fmt: skip

    def counts(self, row: Sequence[int]) -> list[int]:
        """How often each n-gram is in the row."""
        found = list(self._found(row))
        return [found.count(gram) for gram in self.grams]

    def _found(self, row: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """n elements of the row at the same distance, which is one more than the number of skips; single elements have no distance."""
        for n in range(self.shortest, self.longest + 1):
            for step in range(1, 2 if n == 1 else self.skips + 2):
                for first in range(len(row) - step * (n - 1)):
                    yield tuple(row[first + step * k] for k in range(n))


def _vector(pool: Pool, row: Sequence[int], mode: str, weights: Sequence[Fraction]) -> list[Fraction]:
    """TF: the count. IDF: the weight of an n-gram that is there. TFIDF: count * weight. Each at the index of the n-gram."""
    y = [Fraction(0)] * (max(pool.indexes) + 1)
    for index, count, weight in zip(pool.indexes, pool.counts(row), weights, strict=True):
        y[index] = {"TF": Fraction(count), "IDF": min(count, 1) * weight, "TFIDF": count * weight}[mode]
    return y


POOLS = [
    Pool([(94, 17), (17, 36)], [1, 0], 2, 2), Pool([(7,), (8,)], [1, 0], 1, 1, 3), Pool([(7,), (8,), (7, 8), (8, 8), (3, 7)], [4, 0, 2, 6, 1], 1, 2, 1),
    Pool([(7,), (8,), (7, 8), (8, 8)], [0, 1, 2, 3], 2, 2), Pool([(7, 8), (8, 7, 8), (7, 7, 7), (8, 3, 8)], [3, 1, 0, 2], 2, 3, 2),
    Pool([(7, 8, 7), (5, 5, 5)], [2, 0], 3, 3, 5), Pool([(5,), (3,), (9,)], [0, 1, 2], 1, 1),
]  # fmt: skip
ROWS = [[7, 8, 8], [8, 7, 8, 7, 7, 3, 8], [5, 5, 5, 5, 5, 5, 5, 5], [7], [3, 7, 8, 3, 7, 8, 8, 9]]


def _case(type: str, pool: Pool, rows: Sequence[Sequence[int]], flat: bool, mode: str, weighted: bool) -> Case:
    """One row as a vector, or rows as a matrix."""
    weights = [single(v) for v in ("10", "0.1", "100", "-0.3", "7")][: len(pool.grams)] if weighted else [Fraction(1)] * len(pool.grams)
    values = [WORDS[v] if type == "string" else v for row in rows for v in row]
    x = Tensor(type, (len(rows[0]),) if flat else (len(rows), len(rows[0])), tuple(values))
    made = [_vector(pool, row, mode, weights) for row in rows]
    y = Tensor("float", (*([] if flat else [len(rows)]), len(made[0])), tuple(v for row in made for v in row))
    attributes = pool.attributes(type == "string") | {"mode": mode} | ({"weights": [float(w) for w in weights]} if weighted else {})
    return Case([x], [y], attributes)


@oracle("TfIdfVectorizer", 9, usual={"T": "int64"})
def tf_idf_vectorizer(types: Types, since: int) -> list[Case]:
    """Each mode, with weights and without, for vectors and matrices."""
    type, found = types["T"], []
    for pool in POOLS:
        small = all(v in WORDS for gram in pool.grams for v in gram)
        rows = ROWS if small else [[94, 17, 36, 12, 28], [94, 17, 17, 36]]
        for mode in ("TF", "IDF", "TFIDF") if small or type != "string" else ():
            for weighted in (False, True):
                found += [_case(type, pool, [row], True, mode, weighted) for row in rows]
                found.append(_case(type, pool, [rows[1], rows[1][::-1]], False, mode, weighted))
    return found
