"""Opspecs of operators that prepare features, [N, F] or [F]."""

from refexec.opspec import Draw, Out, opspec
from refexec.types import FLOAT32

DOMAIN = "ai.onnx.ml"
NUMBERS = (0.5, 2.0, -1.25, 0.125, 3.0)


def of_one_or_each(d: Draw, values, features: int) -> list:
    """One value, or one for each feature."""
    return [d.pick(values) for _ in range(d.pick([1, features]))]


@opspec("ArrayFeatureExtractor", 1, domain=DOMAIN)
def array_feature_extractor(d: Draw) -> None:
    """Indices of the last axis; what is made of a vector is open."""
    x = d.input("T", (2, 4))
    indices = [d.integer(0, x.sizes[-1] - 1) for _ in range(d.integer(1, 4))]
    d.emit([x, d.constant(d.pick([indices, [indices]]))], Out(x.elem, (*x.shape[:-1], len(indices))))


@opspec("Binarizer", 1, domain=DOMAIN)
def binarizer(d: Draw) -> None:
    x = d.input("T", empty=True, sized=False)
    d.attr("threshold", [1.0, 0.125, -2.0])
    d.emit([x], Out(x.elem, x.shape))


@opspec("FeatureVectorizer", 1, domain=DOMAIN)
def feature_vectorizer(d: Draw) -> None:
    """Side by side; a vector counts as one row."""
    first = d.input("T1", (1, 2))
    rows = first.sizes[0] if len(first.sizes) == 2 else 1
    inputs = [first]
    for _ in range(d.integer(0, 2)):
        columns = d.shape(1, 1, empty=True)
        inputs.append(d.tensor(first.elem, columns if rows == 1 and d.flag() else (rows, *columns)))
    widths = [x.sizes[-1] for x in inputs]
    if d.integer(0, 3) < 3:
        d.set("inputdimensions", widths)
    d.emit(inputs, Out(FLOAT32, (rows, sum(widths))))


@opspec("Imputer", 1, domain=DOMAIN)
def imputer(d: Draw) -> None:
    """Of floats by floats, of integers by integers."""
    x = d.input("T", (1, 2))
    if x.elem.is_float:
        d.set("imputed_value_floats", of_one_or_each(d, NUMBERS, x.sizes[-1]))
        d.attr("replaced_value_float", [1.0, 0.125, float("nan")])
    else:
        d.set("imputed_value_int64s", of_one_or_each(d, (3, 0, -1, 100), x.sizes[-1]))
        d.attr("replaced_value_int64", [1, -1, 2])
    d.emit([x], Out(x.elem, x.shape))


@opspec("Normalizer", 1, domain=DOMAIN)
def normalizer(d: Draw) -> None:
    """Numbers are negative only for MAX: of which sign L2 then is, is open, and the sum of L1 may cancel."""
    norm = d.attr("norm", ["MAX", "L1", "L2"])
    x = d.input("T", (1, 2), span=(-9, 9) if norm == "MAX" else (0, 9))
    d.emit([x], Out(FLOAT32, x.shape))


@opspec("Scaler", 1, domain=DOMAIN)
def scaler(d: Draw) -> None:
    """Offset and scale have one length."""
    x = d.input("T", (1, 4))
    offset = d.set("offset", of_one_or_each(d, NUMBERS, x.sizes[-1] if len(x.sizes) == 2 else 1))
    d.set("scale", [d.pick(NUMBERS) for _ in offset])
    d.emit([x], Out(FLOAT32, x.shape))
