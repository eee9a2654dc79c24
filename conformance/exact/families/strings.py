"""Operators on strings: RegexFullMatch, StringConcat, StringSplit."""

from __future__ import annotations

from typing import Any

from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

MATCHES: dict[str, dict[str, bool]] = {
    r"\w+@[a-z]+\.com": {"a_1@bc.com": True, "a@bc.com ": False, " a@bc.com": False, "a@bcxcom": False, "ä@bc.com": False},
    r"\d+": {"12": True, "": False, "٣": False, "1\n": False},
    r"[[:alpha:]]*": {"aZ": True, "é": False, "": True},
    r"\pL": {"é": True, "1": False, "ab": False},
    r"a|ab": {"ab": True, "a": True, "b": False},
    r"a.b": {"a\nb": False, "aéb": True},
    r"(?s)a.b": {"a\nb": True},
    r"(?i)straße": {"STRAßE": True, "strasse": False},
    r"(a*)*b": {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac": False, "aab": True},
    r"a\z": {"a": True, "a\n": False},
    "": {"": True, "a": False},
}
"""Patterns in the syntax of RE2, in which character classes such as \\d are those of ASCII."""


@oracle("RegexFullMatch", 20)
def regex_full_match(types: Types, since: int) -> list[Case]:
    """True where the whole string matches."""

    def of(pattern: str, expected: dict[str, bool]) -> Case:
        shape = (len(expected), 1)
        y = Tensor("bool", shape, tuple(expected.values()))
        return Case([Tensor("string", shape, tuple(expected))], [y], {"pattern": pattern})

    return [of(*entry) for entry in MATCHES.items()]


@oracle("StringConcat", 20)
def string_concat(types: Types, since: int) -> list[Case]:
    """X followed by Y, with broadcasting from the right."""
    column, row = ("a", ""), ("é", "", "x y")
    joined = Tensor("string", (2, 3), tuple(a + b for a in column for b in row))
    turned = Tensor("string", (2, 3), tuple(b + a for a in column for b in row))
    x, y = Tensor("string", (2, 1), column), Tensor("string", (3,), row)
    scalar = Tensor("string", (), ("e\u0301",))
    return [
        Case([x, y], [joined]),
        Case([y, x], [turned]),
        Case([scalar, x], [x.map(lambda v: "e\u0301" + v)]),
        Case([scalar, scalar], [Tensor("string", (), ("e\u0301e\u0301",))]),
    ]


SPLITS: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    ({}, {"a b": ["a", "b"], "  a\t\nb  c ": ["a", "b", "c"], "": [], "é": ["é"]}),
    ({"delimiter": ""}, {" a  b": ["a", "b"], "   ": [], "a,b": ["a,b"]}),
    ({"delimiter": ","}, {"a,b": ["a", "b"], ",a,,b,": ["", "a", "", "b", ""], "a b": ["a b"], ",": ["", ""]}),
    ({"delimiter": "--"}, {"a--b---c": ["a", "b", "-c"], "-": ["-"], "----": ["", "", ""]}),
    ({"delimiter": " "}, {"a  b": ["a", "", "b"], "a\tb": ["a\tb"]}),
    ({"delimiter": ",", "maxsplit": 1}, {"a,b,c": ["a", "b,c"], "a": ["a"], ",,": ["", ","]}),
    ({"delimiter": ",", "maxsplit": 5}, {"a,b,c": ["a", "b", "c"], "a": ["a"]}),
    ({"maxsplit": 1}, {"a b  c": ["a", "b  c"], " a  b c ": ["a", "b c"], "a": ["a"]}),
    ({"maxsplit": 2}, {"a b c d": ["a", "b", "c d"], "a b": ["a", "b"]}),
]


@oracle("StringSplit", 20)
def string_split(types: Types, since: int) -> list[Case]:
    """The parts, filled up with "" to the largest number of parts, and the numbers of parts."""
    return [_split(shape, attributes, expected) for attributes, expected in SPLITS for shape in ((len(expected),), (1, len(expected)))]


def _split(shape: tuple[int, ...], attributes: dict[str, Any], expected: dict[str, list[str]]) -> Case:
    width = max(map(len, expected.values()))
    parts = tuple(v for found in expected.values() for v in [*found, *[""] * (width - len(found))])
    counts = Tensor("int64", shape, tuple(map(len, expected.values())))
    return Case([Tensor("string", shape, tuple(expected))], [Tensor("string", (*shape, width), parts), counts], attributes)
