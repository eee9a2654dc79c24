"""The opspec of TfIdfVectorizer."""

from itertools import islice, product

from refexec.opspec import Draw, Out, opspec
from refexec.types import FLOAT32


@opspec("TfIdfVectorizer", 9)
def tf_idf_vectorizer(d: Draw) -> None:
    """The pool has no n-gram twice, and each a place of its own."""
    x = d.input("T", (1, 2))
    text = x.elem.kind == "string"
    items = ["a", "b", "ab", ""] if text else [0, 1, 2, -1]
    grams = []
    starts = []
    length = 0
    longest = d.integer(1, 3)
    for n in range(1, longest + 1):
        starts.append(length)
        first = d.integer(0, 3)
        found = list(islice(product(items, repeat=n), first, first + d.integer(1, 3)))
        grams += found
        length += n * len(found)
    d.set("pool_strings" if text else "pool_int64s", [item for gram in grams for item in gram])
    d.set("ngram_counts", starts)
    d.set("ngram_indexes", d.order(range(len(grams))))
    d.set("max_gram_length", d.integer(1, longest))
    d.set("min_gram_length", d.integer(1, d.attributes["max_gram_length"]))
    d.set("max_skip_count", d.integer(0, 2))
    d.attr("mode", ["TF", "IDF", "TFIDF"])
    d.attr("weights", [[0.5 + i for i in range(len(grams))]])
    d.emit([x], Out(FLOAT32, (*x.sizes[:-1], len(grams))))
