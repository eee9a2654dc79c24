"""ai.onnx.ml: maps to tensors and back, and tables of labels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from conformance.exact.formats import INTEGERS, NAN
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Map, Seq, Tensor

ML = "ai.onnx.ml"
MAP_OF_STRINGS, MAP_OF_FLOATS = "map(int64,tensor(string))", "map(int64,tensor(float))"


@oracle("CastMap", 1, domain=ML)
def cast_map(types: Types, since: int) -> list[Case]:
    """The values in ascending order of their keys, or (SPARSE) each at the place that its key says."""
    made, given = types["T2"], types["T1"]
    if made == "string":
        given = MAP_OF_STRINGS
    entries: dict[int, Any] = {7: "2", -1: "-3", 3: "16777216"} if given == MAP_OF_STRINGS else {7: 2.0, -1: -3.0, 3: 16777216.0}
    x = Map(given, entries)
    ordered: tuple[Any, ...] = ("-3", "16777216", "2") if made == "string" else (-3, 16777216, 2)
    dense = Case([x], [Tensor(made, (1, 3), ordered)], {"cast_to": f"TO_{made.upper()}"})
    by_default = [Case([x], [Tensor(made, (1, 3), ordered)])] if made == "float" else []
    if made == "string":
        return [dense]
    sparse = Map(given, {k: entries[at] for k, at in ((2, 7), (0, -1), (4, 3))})
    placed = Tensor(made, (1, 6), (-3, 0, 2, 0, 16777216, 0))
    return [dense, *by_default, Case([sparse], [placed], {"cast_to": f"TO_{made.upper()}", "map_form": "SPARSE", "max_map": 6})]


@oracle("CategoryMapper", 1, domain=ML)
def category_mapper(types: Types, since: int) -> list[Case]:
    """Strings to integers or integers to strings by two parallel lists; a default for what is in neither."""
    strings, integers = ["a", "", "é", "B"], [5, -1, INTEGERS["int64"].largest, 0]
    to_strings = types[types.tested] == ("int64" if types.tested == "T1" else "string")
    both = {"cats_strings": strings, "cats_int64s": integers}
    words, codes = ("é", "b", "", "B", "a", "A"), (INTEGERS["int64"].largest, 6, -1, 0, 5, 1)
    if to_strings:
        given, found = Tensor("int64", (2, 3), codes), Tensor("string", (2, 3), ("é", "none", "", "B", "a", "none"))
        return [Case([given], [found], {**both, "default_string": "none"})]
    found = Tensor("int64", (2, 3), (codes[0], -7, -1, 0, 5, -7))
    return [Case([Tensor("string", (2, 3), words)], [found], {**both, "default_int64": -7})]


@oracle("DictVectorizer", 1, domain=ML)
def dict_vectorizer(types: Types, since: int) -> Case:
    """Y[i] = X[vocabulary[i]], zero for a key that X has not."""
    made = types["T2"] if types.tested == "T2" else types["T1"].rpartition("tensor(")[2][:-2]
    keyed = "string" if made == "int64" else "int64" if made == "string" else types["T1"][4:].partition(",")[0]
    vocabulary: list[Any] = ["a", "c", "", "z"] if keyed == "string" else [10, -2, 7, 0]
    by_type: dict[str, list[Any]] = {"string": ["four", "é"], "int64": [4, INTEGERS["int64"].largest]}
    entries = by_type.get(made, [4.5, -0.375])
    x = Map(f"map({keyed},tensor({made}))", {vocabulary[2]: entries[0], vocabulary[1]: entries[1]})
    found = entries if made in ("string", "int64") else [Fraction(v) for v in entries]
    zero: Any = "" if made == "string" else 0
    return Case([x], [Tensor(made, (4,), (zero, found[1], found[0], zero))], {f"{keyed}_vocabulary": vocabulary})


@oracle("ZipMap", 1, domain=ML)
def zip_map(types: Types, since: int) -> Case:
    """A sequence of one map for each row, from the class labels to the columns."""
    keyed = "string" if "string" in types["T"] else "int64"
    labels: list[Any] = ["b", "", "é"] if keyed == "string" else [7, -1, 2**40]
    rows = [[Fraction(1, 4), Fraction(1, 2**149), Fraction(-3)], [Fraction(0), Fraction(1, 16), Fraction(9)]]
    x = Tensor.of("float", rows)
    maps = tuple(Map(types["T"][4:-1], dict(zip(labels, row, strict=True))) for row in rows)
    return Case([x], [Seq(types["T"][4:-1], maps)], {f"classlabels_{keyed}s": labels})


@oracle("LabelEncoder", 1, domain=ML)
def label_encoder_1(types: Types, since: int) -> list[Case]:
    """Integers to strings by indexing classes_strings, strings to their index."""
    classes = ["a", "", "é"]
    if types[types.tested] == ("int64" if types.tested == "T1" else "string"):
        x = Tensor("int64", (2, 3), (2, 0, 1, 3, 2, 10**12))
        y = Tensor("string", (2, 3), ("é", "a", "", "none", "é", "none"))
        return [Case([x], [y], {"classes_strings": classes, "default_string": "none"})]
    x, y = Tensor("string", (5,), ("é", "A", "", "a", "é")), Tensor("int64", (5,), (2, -9, 1, 0, 2))
    return [Case([x], [y], {"classes_strings": classes, "default_int64": -9})]


LABELS: dict[str, list[Any]] = {
    "string": ["a", "", "é", "A"],
    "int64": [5, -(2**63), 2**63 - 1, 0],
    "int32": [5, -(2**31), 2**31 - 1, 0],
    "int16": [5, -(2**15), 2**15 - 1, 0],
    "float": [Fraction(1, 4), NAN, Fraction(2**24 + 2), Fraction(-1)],
    "double": [Fraction(1, 4), NAN, 1 + Fraction(1, 2**50), Fraction(-1)],
}
LISTS = {"string": "strings", "int64": "int64s", "float": "floats"}
"""Ends of the names of the attributes that are lists."""


def _plain(values: list[Any]) -> list[Any]:
    return [float(v) if isinstance(v, Fraction) else v for v in values]


def _table(kind: str, type: str, values: list[Any], tensors: bool) -> dict[str, Any]:
    """The attribute ``keys_*`` or ``values_*``."""
    if tensors or type not in LISTS:
        return {f"{kind}_tensor": Tensor(type, (len(values),), tuple(values))}
    return {f"{kind}_{LISTS[type]}": _plain(values)}


@oracle("LabelEncoder", 2, 4, domain=ML, usual={"T1": "string", "T2": "int64"})
def label_encoder(types: Types, since: int) -> list[Case]:
    """values[i] for keys[i], the default for any other; a NaN key finds NaN. Version 4: the last of two equal keys counts."""
    t1, t2 = types["T1"], types["T2"]
    cases = [_encoded(t1, t2, since, tensors) for tensors in ([False, True] if since >= 4 else [False])]
    if since == 4 and t1 == "string" and t2 == "int64":
        x = Tensor("string", (3,), ("a", "b", "a"))
        cases.append(Case([x], [Tensor("int64", (3,), (3, 2, 3))], {"keys_strings": ["a", "b", "a"], "values_int64s": [1, 2, 3]}))
    if since == 2 and t1 == "float":
        x = Tensor("float", (2,), (Fraction(0), -0.0))
        cases.append(Case([x], [Tensor("int64", (2,), (4, -1))], {"keys_floats": [0.0], "values_int64s": [4]}))
    return [*cases, _defaulted(t1, t2)]


def _encoded(t1: str, t2: str, since: int, tensors: bool) -> Case:
    keys, values = LABELS[t1][:3], LABELS[t2]
    x = Tensor(t1, (2, 3), (keys[2], keys[0], LABELS[t1][3], keys[1], keys[0], LABELS[t1][3]))
    y = Tensor(t2, (2, 3), (values[2], values[0], values[3], values[1], values[0], values[3]))
    by_tensor = tensors or t2 not in LISTS
    default = (
        {"default_tensor": Tensor(t2, (1,), (values[3],))} if by_tensor else {f"default_{LISTS[t2].removesuffix('s')}": _plain(values)[3]}
    )
    return Case([x], [y], {**_table("keys", t1, keys, tensors), **_table("values", t2, values[:3], tensors), **default})


def _defaulted(t1: str, t2: str) -> Case:
    """Without an attribute: "_Unused", -1 or -0."""
    keys, values = LABELS[t1][:2], LABELS[t2][:2]
    absent = "_Unused" if t2 == "string" else -0.0 if t2 in ("float", "double") else -1
    x, y = Tensor(t1, (2,), (keys[0], LABELS[t1][3])), Tensor(t2, (2,), (values[0], absent))
    return Case([x], [y], {**_table("keys", t1, keys, False), **_table("values", t2, values, False)})
