"""Cast and CastLike."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import onnx

from conformance.exact.families.conversions import FLOAT8, UNDEFINED, converted, telling, to_scale
from conformance.exact.families.placement import filled, scalar, vector
from conformance.exact.formats import FLOATS, INF, INTEGERS, NAN, Float, quantum, round_to
from conformance.exact.registry import Types, oracle
from conformance.exact.samples import has_infinity, has_nan, is_float, is_integer
from conformance.exact.values import Case, Tensor

HALF = Fraction(1, 2)
ONCE = "a conversion rounds once"


def _allowed(name: str, since: int, variable: str) -> list[str]:
    """The element types of a type variable."""
    constraints = onnx.defs.get_schema(name, since, "").type_constraints
    return next([t.removeprefix("tensor(")[:-1] for t in c.allowed_type_strs] for c in constraints if c.type_param_str == variable)


def _options(to: str) -> list[dict[str, Any]]:
    """The attributes that matter for a type: none is ``saturate`` 1 and ``round_mode`` "up"."""
    if to in FLOAT8:
        return [{}, {"saturate": 0}, {"saturate": 1}]
    if to == "float8e8m0":
        modes = [("up", 1), ("nearest", 0), ("down", 1), ("nearest", 1), ("up", 0), ("down", 0)]
        return [{}, *({"round_mode": m, "saturate": s} for m, s in modes)]
    return [{}]


def _pieces(source: str, to: str, pairs: Sequence[tuple[Any, Any]]) -> list[tuple[Tensor, Tensor]]:
    """Inputs and outputs of sixteen elements at most."""
    found = []
    for start in range(0, len(pairs), 16):
        inputs, outputs = zip(*pairs[start : start + 16], strict=True)
        found.append((vector(source, inputs), vector(to, outputs)))
    return found


def _numeric(source: str, to: str, since: int, options: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Pairs of a number and what becomes of it, without those that the text leaves open."""
    saturate, mode = bool(options.get("saturate", 1)), options.get("round_mode", "up")
    pairs = [(v, converted(v, source, to, since, saturate, mode)) for v in telling(source, to)]
    return [p for p in pairs if p[1] is not UNDEFINED]


def _printed(source: str) -> list[tuple[Any, Any]]:
    """Numbers to text, where all ways to choose the digits agree; "3" or "3.0", "True" or "1" is open."""
    if source == "bool":
        return []
    if is_integer(source):
        form = INTEGERS[source]
        return [(v, str(v)) for v in sorted({form.lowest, form.largest, 0, 1, max(form.lowest, -1)})]
    values = [HALF] if source == "float8e8m0" else [HALF, -HALF, Fraction(3, 2), Fraction(-3, 2)]
    if source in ("float", "double", "float16"):
        values += [Fraction(-9, 4), Fraction(1, 8)]
    if source in ("float", "double"):
        values += [Fraction(1, 1024), Fraction(12345, 8)]
    if source == "double":
        values += [Fraction(1, 2**20), Fraction(-5, 2**21)]
    pairs: list[tuple[Any, Any]] = [(v, _exact(v)) for v in values]
    if source == "double":
        pairs.append((round_to(Fraction("314.15926"), source), "314.15926"))
    pairs += [(NAN, "NaN")] if has_nan(source) else []
    return pairs + ([(INF, "INF"), (-INF, "-INF")] if has_infinity(source) else [])


def _tie_texts(to: str) -> list[str]:
    """Half-way between two numbers, and next to it further than a double can tell."""
    form = FLOATS[to]
    if not isinstance(form, Float):
        return ["3", "0.75", "5"]
    tie = 1 + quantum(1, to) / 2
    return [_exact(tie), _exact(tie) + "0" * 25 + "1", _exact(1 + 3 * (tie - 1)), "-" + _exact(tie)]


def _exact(value: Fraction) -> str:
    """A binary fraction in decimal digits."""
    places = value.denominator.bit_length() - 1
    digits = str(abs(value.numerator) * 5**places).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


PLAIN = ["0.5", "1", "2", "1.5", "3.14", "1000", "1e-5", "1E8", "100.5", "1e2", "25E-1"]


def _parsed(to: str, since: int, options: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Text to numbers: plain and scientific notation, the reserved words in any case but "-INF", integers for integer types."""
    if to == "string":
        return [(v, v) for v in ("", "3.140", "Hello World!", "é")]
    if to == "bool":
        return []
    if is_integer(to):
        form = INTEGERS[to]
        return [(str(v), v) for v in sorted({form.lowest, form.largest, 0, 1, max(form.lowest, -1)})]
    signed = [] if to == "float8e8m0" else ["-0.5", "-1e0", "-2.5E0", "0"]
    saturate, mode = bool(options.get("saturate", 1)), options.get("round_mode", "up")
    texts = [*PLAIN, *signed, *_tie_texts(to)]
    pairs = [(t, converted(Fraction(t), "double", to, since, saturate, mode)) for t in texts]
    if to in ("float", "double", "float16", "bfloat16"):
        pairs += [(t, INF) for t in ("INF", "+INF", "inf", "+Inf", "iNf")] + [("-INF", -INF)]
    pairs += [(t, NAN) for t in ("NaN", "nan", "NAN")] if has_nan(to) else []
    return [p for p in pairs if p[1] is not UNDEFINED]


def _pairs(source: str, to: str, since: int, options: dict[str, Any]) -> list[tuple[Any, Any]]:
    if source == "string":
        return _parsed(to, since, options)
    return _printed(source) if to == "string" else _numeric(source, to, since, options)


def _conversions(source: str, to: str, since: int) -> list[tuple[Tensor, Tensor, dict[str, Any]]]:
    found = []
    for options in _options(to):
        pairs = _pairs(source, to, since, options)
        found += [(x, y, options) for x, y in _pieces(source, to, pairs)]
    return found


def _wanted(types: Types, since: int, name: str) -> list[tuple[Tensor, Tensor, dict[str, Any]]]:
    """All targets of a tested source; of a tested target the usual source."""
    if types.tested == "T2":
        return _conversions(types["T1"], types["T2"], since)
    return [c for to in _allowed(name, since, "T2") for c in _conversions(types["T1"], to, since)]


def _target(to: str, since: int) -> str | int:
    """Version 1 writes the type's name."""
    return to.upper() if since == 1 else int(onnx.TensorProto.DataType.Value(to.upper()))


@oracle("Cast", 1, 6, 9, 13, 19, 21, 23, 24, 25, 28)
def cast(types: Types, since: int) -> list[Case]:
    """To the nearest number of a float type, infinity beyond it; fractions cut off; integers modulo; float8 and e8m0 by the tables."""
    return [Case([x], [y], {"to": _target(y.type, since), **options}, HALF, ONCE) for x, y, options in _wanted(types, since, "Cast")]


@oracle("CastLike", 15, 19, 21, 23, 24, 25)
def cast_like(types: Types, since: int) -> list[Case]:
    """As Cast to the type of the second input, whose values and shape do not matter."""
    found = [Case([x, filled(y.type, (1,))], [y], options, HALF, ONCE) for x, y, options in _wanted(types, since, "CastLike")]
    one = Fraction(1) if is_float(types["T1"]) else {"bool": True, "string": "1"}.get(types["T1"], 1)
    if is_float(types["T2"]) and types["T1"] != "string":
        expected = to_scale(1) if types["T2"] == "float8e8m0" else Fraction(1)
        found.append(Case([scalar(types["T1"], one), filled(types["T2"], (0, 2))], [scalar(types["T2"], expected)]))
    return found
