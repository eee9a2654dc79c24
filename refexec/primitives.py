"""Primitives: the few computations that operators are written in and that kernels may replace.

A primitive's NumPy definition stands in the operator folder that needs it; calling the primitive runs the definition. A
kernel is registered for a primitive and a set of element types; it is chosen by those alone, never by size or load.

    @primitive
    def matmul(A, B): ...                     # the definition

    @kernel("matmul", FLOAT32)
    class MatMulF32:
        def prepare(self, static, constants): ...          # once per call site: pack constant arguments
        def __call__(self, arrays, packed, epilogue, static): ...

An operator may declare ``@lowers(body)``: from its attributes and the static shapes straight to a primitive call. The plan
then skips the body and keeps a :class:`CallSite` with the packed constants.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any, Protocol

import numpy as np

from refexec.errors import UnsupportedError
from refexec.types import ElementType, element_type

__all__ = [
    "PROFILES",
    "CallSite",
    "Epilogue",
    "Kernel",
    "Lowered",
    "Primitive",
    "Profile",
    "kernel",
    "load_kernels",
    "primitive",
    "profile",
]


MOST_BINDINGS = 64  # per call site; shapes that vary without end must not fill the memory


@dataclass(frozen=True, slots=True)
class Profile:
    """What the numbers of a run mean."""

    name: str
    wide: bool = False  # narrow floats travel as float64 between steps
    kernels: bool = False  # primitives run in kernels where one exists


PROFILES = {p.name: p for p in (Profile("wide", wide=True), Profile("reference"), Profile("kernels", kernels=True))}


def profile(name: str | Profile) -> Profile:
    """The profile of that name. Raises UnsupportedError naming those that exist."""
    if isinstance(name, Profile):
        return name
    if name not in PROFILES:
        raise UnsupportedError(f"no profile of that name; there are {', '.join(PROFILES)}", profile=name)
    return PROFILES[name]


@dataclass(frozen=True, slots=True)
class Epilogue:
    """What happens to a primitive's result before it is stored: ``min(max(y + bias + residual, lo), hi)``.

    ``bias`` has one value per index of ``axis`` of the result, or broadcasts to it when ``axis`` is None. NaN passes the clamp.
    """

    bias: np.ndarray[Any, Any] | None = None
    axis: int | None = None
    residual: np.ndarray[Any, Any] | None = None
    lo: float = -np.inf
    hi: float = np.inf

    def __call__(self, y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The definition, on a result in its own precision."""
        if self.bias is not None:
            y = y + (self.bias if self.axis is None else self.bias.reshape((-1,) + (1,) * (y.ndim - 1 - self.axis % y.ndim)))
        if self.residual is not None:
            y = y + self.residual
        if self.lo > -np.inf:
            y = np.maximum(y, np.asarray(self.lo, y.dtype))
        if self.hi < np.inf:
            y = np.minimum(y, np.asarray(self.hi, y.dtype))
        return y


class Kernel(Protocol):
    """A compiled implementation of one primitive for one element type."""

    def prepare(self, static: Mapping[str, Any], constants: Mapping[int, np.ndarray[Any, Any]]) -> Any:
        """What can be done once: ``constants`` maps argument positions to arrays that never change."""

    def __call__(self, arrays: tuple[np.ndarray[Any, Any], ...], packed: Any, epilogue: Epilogue | None, static: Mapping[str, Any]) -> Any:
        """The result, epilogue applied. Sizes and indices were validated by the caller."""


class Primitive:
    """A named computation with a NumPy definition. Calling it runs the definition."""

    def __init__(self, definition: Callable[..., Any]) -> None:
        self.definition = definition
        self.kernels: dict[ElementType, Kernel] = {}
        update_wrapper(self, definition)
        self.name = definition.__name__

    def __call__(self, *arrays: Any, **static: Any) -> Any:
        return self.definition(*arrays, **static)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


@dataclass(frozen=True, slots=True)
class Lowered:
    """A node as a primitive call: which inputs are the primitive's arguments, and what follows the result."""

    primitive: Primitive
    arguments: tuple[int, ...]  # indexes of node inputs
    static: Mapping[str, Any] = field(default_factory=dict)
    bias: int | None = None  # index of the node input that is the epilogue's bias
    bias_axis: int | None = None


class CallSite:
    """One lowered node: what runs, the static binding per shapes and the packed constants. Safe to share between threads:
    a binding is made completely before it is published by one dictionary assignment.

    ``element`` is the type whose kernels may run; None where only definitions do.
    """

    def __init__(
        self, lower: Callable[..., Lowered | None], element: ElementType | None, constants: Mapping[int, np.ndarray[Any, Any]]
    ) -> None:
        self._lower = lower
        self._element = element
        self._constants = constants
        self._bindings: dict[tuple[Any, ...], tuple[Lowered, Kernel | None, Any] | None] = {}

    def _bind(self, shapes: tuple[Any, ...]) -> tuple[Lowered, Kernel | None, Any] | None:
        made: tuple[Lowered, Kernel | None, Any] | None = None
        lowered = self._lower(shapes)
        if lowered is not None:
            made = lowered, None, None
            implementation = lowered.primitive.kernels.get(self._element) if self._element is not None else None
            if implementation is not None:
                constants = {p: self._constants[i] for p, i in enumerate(lowered.arguments) if i in self._constants}
                made = lowered, implementation, implementation.prepare(lowered.static, constants)
        if len(self._bindings) >= MOST_BINDINGS:
            self._bindings = {}
        self._bindings[shapes] = made
        return made

    def implementation(self, shapes: tuple[Any, ...]) -> str:
        """What runs for these shapes: a kernel's name, "definition" or "body"."""
        bound = self._bindings.get(shapes, None) or self._bind(shapes)
        if bound is None:
            return "body"
        return type(bound[1]).__name__ if bound[1] is not None else "definition"

    def __call__(self, inputs: Sequence[Any], convert: Callable[[Sequence[Any]], Sequence[Any]] | None) -> Any:
        """The node's result, or None where the body must run. Definitions get their inputs through ``convert``."""
        shapes = tuple([None if x is None else x.shape for x in inputs])
        bound = self._bindings[shapes] if shapes in self._bindings else self._bind(shapes)
        if bound is None:
            return None
        lowered, implementation, packed = bound
        if implementation is None:
            if convert is not None:
                inputs = convert(inputs)
            y = lowered.primitive.definition(*[inputs[i] for i in lowered.arguments], **lowered.static)
            return y if lowered.bias is None else Epilogue(inputs[lowered.bias], lowered.bias_axis)(y)
        epilogue = None if lowered.bias is None else Epilogue(inputs[lowered.bias], lowered.bias_axis)
        if any(inputs[i] is not array for i, array in self._constants.items()):  # a caller fed another value for this run
            packed = implementation.prepare(lowered.static, {})
        return implementation(tuple(inputs[i] for i in lowered.arguments), packed, epilogue, lowered.static)


_primitives: dict[str, Primitive] = {}
_waiting: dict[str, dict[ElementType, Kernel]] = {}
_loading = threading.Lock()
_kernels_loaded = False


def primitive(definition: Callable[..., Any]) -> Primitive:
    """Make a function the NumPy definition of a primitive of its name."""
    made = Primitive(definition)
    made.kernels.update(_waiting.get(made.name, {}))
    _primitives[made.name] = made
    return made


def kernel(name: str, *types: ElementType | str) -> Callable[[type], type]:
    """Register a kernel class for the primitive ``name`` and these element types."""

    def register(cls: type) -> type:
        implementation = cls()
        for one in types:
            _waiting.setdefault(name, {})[element_type(one)] = implementation
            if name in _primitives:
                _primitives[name].kernels[element_type(one)] = implementation
        return cls

    return register


def load_kernels() -> None:
    """Import every module of ``refexec.kernels``; done by the first Session whose profile uses kernels."""
    global _kernels_loaded
    with _loading:
        if not _kernels_loaded:
            package = importlib.import_module("refexec.kernels")
            for module in pkgutil.iter_modules(package.__path__, "refexec.kernels."):
                importlib.import_module(module.name)
            _kernels_loaded = True
