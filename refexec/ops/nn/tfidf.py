"""TfIdfVectorizer."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from refexec.comparison import ulps
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import tensor_type
from refexec.registry import op


def float32(attributes, inputs):
    """Y is float32."""
    return (tensor_type("float32"),)


@op("TfIdfVectorizer", since=9, arithmetic="rounded", compare=ulps(1), result_types=float32)
def tf_idf_vectorizer_9(
    X, /, *, max_gram_length, max_skip_count, min_gram_length, mode, ngram_counts, ngram_indexes, pool_int64s=None, pool_strings=None,
    weights=None,
):  # fmt: skip
    """Y[..., ngram_indexes[i]] = how often n-gram i of the pool stands in the row: the count (TF), weights[i] where there is
    one (IDF), or their product (TFIDF).

    An n-gram takes every (s + 1)-th item of the row, for s from 0 to ``max_skip_count``; single items count once.
    """
    require(mode in ("TF", "IDF", "TFIDF"), "mode is TF, IDF or TFIDF", mode=mode)
    pool = chosen_pool(X, pool_int64s, pool_strings)
    require(X.ndim in (1, 2), "X is (C,) or (N, C)", X=X.shape)
    require(1 <= min_gram_length <= max_gram_length <= len(ngram_counts), "the n-gram lengths are in [1, number of ngram_counts], in order",
            min_gram_length=min_gram_length, max_gram_length=max_gram_length, ngram_counts=ngram_counts)  # fmt: skip
    require(max_skip_count >= 0, "max_skip_count is not negative", max_skip_count=max_skip_count)
    grams = pool_grams(pool, ngram_counts)
    require(
        len(grams) == len(ngram_indexes), "there is one ngram_index per n-gram of the pool", grams=len(grams), indexes=len(ngram_indexes)
    )
    require(min(ngram_indexes, default=0) >= 0, "ngram_indexes are not negative", ngram_indexes=ngram_indexes)
    require(weights is None or len(weights) == len(grams), "there is one weight per n-gram of the pool", weights=weights, grams=len(grams))
    numbers = defaultdict(list)  # of an n-gram in the pool, where it may stand more than once
    for i, gram in enumerate(grams):
        numbers[gram].append(i)
    rows = X.reshape(1, -1) if X.ndim == 1 else X
    Y = np.zeros(claim((len(rows), max(ngram_indexes, default=-1) + 1), np.float64))
    for y, row in zip(Y, rows.tolist(), strict=True):
        for gram, count in gram_counts(row, min_gram_length, max_gram_length, max_skip_count).items():
            for i in numbers.get(gram, ()):
                weight = 1.0 if mode == "TF" or weights is None else weights[i]
                y[ngram_indexes[i]] += weight * (1 if mode == "IDF" else count)
    return Y[0] if X.ndim == 1 else Y


def chosen_pool(X, pool_int64s, pool_strings):
    """The one pool that is given."""
    require((pool_int64s is None) != (pool_strings is None), "one of pool_int64s and pool_strings is given")
    require((X.dtype == object) == (pool_int64s is None), "the pool holds items of the type of X", X=X.dtype)
    return pool_strings if pool_int64s is None else pool_int64s


def pool_grams(pool, starts):
    """The n-grams of the pool, as tuples in its order: from ``starts[n - 1]`` on stand those of n items."""
    parts = [(n, start, end) for n, (start, end) in enumerate(pairwise([*starts, len(pool)]), 1)]
    ordered = starts[0] == 0 and all(start <= end and (end - start) % n == 0 for n, start, end in parts)
    require(ordered, "ngram_counts start at 0, grow, and cut the pool into whole n-grams", ngram_counts=starts, pool=len(pool))
    return [tuple(pool[i : i + n]) for n, start, end in parts for i in range(start, end, n)]


def gram_counts(row, shortest, longest, most_skips):
    """How often each tuple of items stands in the row, over all skips. Its items are ``step`` apart, and all in the row."""
    counts = Counter()
    for n in range(shortest, longest + 1):
        longest_step = 1 if n == 1 else min(most_skips + 1, (len(row) - 1) // (n - 1))
        for step in range(1, longest_step + 1):
            counts.update(zip(*(row[i * step :] for i in range(n)), strict=False))
    return counts
