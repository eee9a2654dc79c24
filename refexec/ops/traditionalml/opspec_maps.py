"""Opspecs of maps and tensors."""

from refexec.opspec import Draw, Out, opspec
from refexec.types import FLOAT32, INT64, STRING, MapType, SequenceType, TensorType

DOMAIN = "ai.onnx.ml"
KEYS = {INT64: (0, 3, -1, 7, 2**40), STRING: ("a", "c", "", "é", "b")}


@opspec("CastMap", 1, domain=DOMAIN)
def cast_map(d: Draw) -> None:
    """Numbers do not become text, which would have open digits; text that becomes a number is one."""
    to, given = d.pick([("TO_FLOAT", FLOAT32), ("TO_INT64", FLOAT32), ("TO_FLOAT", STRING), ("TO_STRING", STRING), ("TO_INT64", STRING)])
    result = {"TO_FLOAT": FLOAT32, "TO_INT64": INT64, "TO_STRING": STRING}[to]
    sparse = d.attr("map_form", ["DENSE", "SPARSE"]) == "SPARSE"
    size = d.attr("max_map", [4, 2]) if sparse else 5
    keys = d.order(d.several(range(size) if sparse else KEYS[INT64], size if result is STRING and sparse else 1))
    if to != "TO_FLOAT" or d.flag():
        d.set("cast_to", to)
    type = MapType(INT64, TensorType(given))
    if given is FLOAT32:
        x = d.scope.fresh(type, tuple(keys), (-99, 99) if result is INT64 else None)
    else:
        x = d.scope.given({k: d.pick(("12", "-3", "0") if result is INT64 else ("1.5", "-3", "1e2", "0.25")) for k in keys}, type)
    d.emit([x], Out(result, (1, size if sparse else len(keys))))


@opspec("DictVectorizer", 1, domain=DOMAIN)
def dict_vectorizer(d: Draw) -> None:
    """The vocabulary has all keys; of texts it has no more."""
    elem = d.elem("T2")
    type = d.pick(sorted((t for t in d.signature.variables["T1"] if t.value.elem is elem), key=str))
    keys = d.several(KEYS[type.key], 1)
    vocabulary = d.order(keys if elem is STRING else [k for k in KEYS[type.key] if k in keys or d.flag()])
    d.set("int64_vocabulary" if type.key is INT64 else "string_vocabulary", vocabulary)
    d.emit([d.scope.fresh(type, tuple(keys), None)], Out(elem, (len(vocabulary),)))


@opspec("ZipMap", 1, domain=DOMAIN)
def zip_map(d: Draw) -> None:
    """A map for each row; a vector is one row."""
    x = d.input("tensor(float)", (1, 2), where=lambda v: v.sizes[-1] <= 5)
    key = d.pick([INT64, STRING])
    labels = tuple(d.order(KEYS[key])[: x.sizes[-1]])
    d.set("classlabels_int64s" if key is INT64 else "classlabels_strings", labels)
    d.emit([x], Out(SequenceType(MapType(key, TensorType(FLOAT32))), items=(labels,) * (x.sizes[0] if len(x.sizes) == 2 else 1)))
