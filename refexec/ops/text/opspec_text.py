"""Opspecs of operators on strings."""

import numpy as np

from refexec.ops.math.opspec_elementwise import partner
from refexec.opspec import Draw, Out, broadcast, opspec
from refexec.types import BOOL, INT64, STRING

PATTERNS = (
    "a", "a*", "[a-z]+", r"(a|b)+", r"-?\d+(\.\d+)?", ".*", "", r"\s*", r"\pL+", "(?i)b", "^a$", ".{2,3}", r"[[:alpha:]]\b.*", r"\x{e9}",
)  # fmt: skip
WORDS = ("a", "ab", "B", "A", "the", "", "z z", "10")


@opspec("StringConcat", 20)
def concat(d: Draw) -> None:
    x = d.input("T", empty=True)
    shape = partner(d, x)
    d.emit([x, d.tensor(STRING, shape)], Out(STRING, broadcast(x.sizes, shape)))


@opspec("RegexFullMatch", 20)
def regex_full_match(d: Draw) -> None:
    x = d.input("T1", empty=True, sized=False)
    d.set("pattern", d.pick(PATTERNS))
    d.emit([x], Out(BOOL, x.shape))


@opspec("StringSplit", 20)
def split(d: Draw) -> None:
    x = d.input("T1")
    d.attr("delimiter", [" ", "a", "", "-", ". ", "b", "é"])
    d.attr("maxsplit", [1, 2, 0, 9])
    d.emit([x], Out(STRING, (*x.shape, None)), Out(INT64, x.shape))


@opspec("StringNormalizer", 10)
def normalizer(d: Draw) -> None:
    """Of [C] or [1, C], of which onnx must see the 1. What is made upper is ASCII, and the locale C, which is everywhere."""
    change = d.attr("case_change_action", ["NONE", "LOWER", "UPPER"])
    batch = (1,) * d.integer(0, 1)
    count = d.integer(1, 5)
    if batch or change == "UPPER":
        x = d.constant(np.array([d.pick(WORDS) for _ in range(count)]).reshape(*batch, count), STRING, fed=not batch)
    else:
        x = d.tensor(STRING, (count,))
    d.attr("is_case_sensitive", [0, 1])
    stopwords = d.attr("stopwords", [["a"], ["A", "b", "", "10"], ["the", "z z", "é", "AB"]])
    if d.integer(0, 3) < 3:
        d.set("locale", "C")
    d.emit([x], Out(STRING, (*batch, None if stopwords else count)))
