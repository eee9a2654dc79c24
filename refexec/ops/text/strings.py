"""StringConcat, StringNormalizer, StringSplit."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, broadcast_shape
from refexec.registry import op


@op("StringConcat", since=20, arithmetic="exact", compare=exact, broadcasts=True)
def string_concat_20(X, Y, /, *, ctx):
    """Z = X followed by Y, elementwise with broadcasting."""
    size = int(np.prod(broadcast_shape(X.shape, Y.shape), dtype=np.int64))
    characters = sum(sum(map(len, part.flat)) * (size // part.size) for part in (X, Y) if part.size)
    ctx.limits.check("string_bytes", characters, "the text of a concatenation")
    return np.asarray(np.add(X, Y), dtype=object)


@op("StringNormalizer", since=10, arithmetic="exact", compare=exact)
def string_normalizer_10(X, /, *, case_change_action="NONE", is_case_sensitive=0, locale=None, stopwords=None):
    """The elements of X that are no stop word, then their case changed. X is [C] or [1, C].

    A stop word is a whole element; without ``is_case_sensitive`` both are compared in lower case. When nothing is left the result
    is one empty string. ``locale`` is defined by the environment; here letters change case as Unicode says, in every locale.
    """
    require(X.ndim == 1 or (X.ndim == 2 and X.shape[0] == 1), "X is [C] or [1, C]", X=X.shape)
    change = {"NONE": str, "LOWER": str.lower, "UPPER": str.upper}.get(case_change_action)
    require(change is not None, "case_change_action is NONE, LOWER or UPPER", case_change_action=case_change_action)
    fold = str if is_case_sensitive else str.lower
    stops = {fold(word) for word in stopwords or ()}
    kept = [change(text) for text in X.flat if fold(text) not in stops]
    return np.array(kept or [""], dtype=object).reshape(*X.shape[:-1], -1)


@op("StringSplit", since=20, arithmetic="exact", compare=exact)
def string_split_20(X, /, *, delimiter=None, maxsplit=None):
    """Y: the parts of each string between delimiters, padded with "" to the largest number of parts along a new last axis.
    Z: the number of parts.

    Without a delimiter the string is stripped and split at runs of white space, so that a blank one has no part. With one, two
    delimiters in a row enclose an empty part. After ``maxsplit`` splits the rest of the string is the last part.
    """
    require(maxsplit is None or maxsplit >= 0, "maxsplit is not negative", maxsplit=maxsplit)
    limit = -1 if maxsplit is None else maxsplit
    parts = [text.split(delimiter, limit) if delimiter else text.strip().split(None, limit) for text in X.flat]
    return padded(parts, X.shape), np.array([len(p) for p in parts], np.int64).reshape(X.shape)


def padded(parts: list[list[str]], shape: tuple[int, ...]) -> Array:
    """Lists of strings as an array of ``shape`` plus an axis as long as the longest."""
    Y = np.full(claim((*shape, max(map(len, parts), default=0)), object), "", dtype=object)
    rows = Y.reshape(len(parts), Y.shape[-1])
    for row, words in zip(rows, parts, strict=True):
        row[: len(words)] = words
    return Y
