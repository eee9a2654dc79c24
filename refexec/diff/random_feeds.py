"""Feeds drawn at random from the declared types of a model's inputs."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from refexec.errors import UnsupportedError
from refexec.session import Session
from refexec.types import ElementType, OptionalType, SequenceType, TensorType, ValueType
from refexec.values import round_to

__all__ = ["random_feeds"]

Range = tuple[float, float]


def random_feeds(
    session: Session,
    seed: int = 0,
    ranges: Mapping[str, Range] | None = None,
    dims: Mapping[str, int | Sequence[int]] | None = None,
    given: Container[str] = (),
) -> dict[str, Any]:
    """One value for each input that has no initial value.

    Args:
        session: the model.
        seed: of the generator; equal seeds give equal feeds.
        ranges: input name -> (least, most), for numbers.
        dims: name of a symbolic dimension -> its size (1 unless given), or input name -> the whole shape.
        given: names of inputs to leave out.

    Floats are normal with mean 0 and deviation 1, or uniform in their range. Integers of 8 bits cover their type, wider ones
    are 0 or 1, which are indices that most models can take. Strings are short words; a sequence has two items.

    Raises UnsupportedError for an input whose type or rank is not declared, and for maps and sparse tensors: feed those.
    """
    generator = np.random.default_rng(seed)
    sizes, known = dict(dims or {}), dict(ranges or {})
    unknown = known.keys() - {i.name for i in session.inputs}
    if unknown:
        raise UnsupportedError("ranges names what is no input", seen=sorted(unknown), inputs=[i.name for i in session.inputs])
    return {i.name: _value(i.type, i.name, generator, known.get(i.name), sizes) for i in session.inputs if i.name not in given}


def _value(declared: ValueType | None, name: str, generator: np.random.Generator, span: Range | None, sizes: Mapping[str, Any]) -> Any:
    match declared:
        case TensorType(elem, shape):
            given = sizes.get(name)
            if given is None and shape is None:
                raise UnsupportedError(f"input {name!r} has no declared rank: feed it, or give its shape", dims={name: "(...)"})
            own = shape if given is None or isinstance(given, int) else tuple(given)
            return _tensor(elem, tuple(_size(d, sizes) for d in own or ()), generator, span)
        case SequenceType(inner):
            return [_value(inner, name, generator, span, sizes) for _ in range(2)]
        case OptionalType(inner):
            return _value(inner, name, generator, span, sizes)
    raise UnsupportedError(f"no random value can be made for input {name!r}: feed it", declared=str(declared))


def _size(dim: Any, sizes: Mapping[str, Any]) -> int:
    return int(dim) if isinstance(dim, (int, np.integer)) else int(sizes.get(dim, 1)) if dim is not None else 1


def _tensor(elem: ElementType, shape: tuple[int, ...], generator: np.random.Generator, span: Range | None) -> np.ndarray[Any, Any]:
    if elem.is_float:
        numbers = generator.standard_normal(shape) if span is None else generator.uniform(*span, shape)
        return round_to(np.asarray(numbers), elem)
    if elem.kind == "complex":
        return round_to(np.asarray(generator.standard_normal(shape) + 1j * generator.standard_normal(shape)), elem)
    if elem.kind == "bool":
        return np.asarray(generator.integers(0, 2, shape)).astype(np.bool_)
    if elem.kind == "string":
        words = np.asarray(generator.integers(0, 1000, shape))
        return np.asarray(np.vectorize(lambda n: f"word{n}", otypes=[object])(words)) if words.size else words.astype(object)
    low, high = (int(span[0]), int(span[1])) if span is not None else _integer_span(elem)
    numbers = np.asarray(generator.integers(low, high, shape, endpoint=True))
    return numbers.astype(np.int8).astype(elem.dtype) if elem.bits < 8 else numbers.astype(elem.dtype)


def _integer_span(elem: ElementType) -> tuple[int, int]:
    if elem.bits > 8:
        return 0, 1
    return (0, 2**elem.bits - 1) if elem.kind == "uint" else (-(2 ** (elem.bits - 1)), 2 ** (elem.bits - 1) - 1)
