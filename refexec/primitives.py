"""Primitives: the few computations that operators are written in and that kernels may replace.

A primitive's NumPy definition stands in the operator folder that needs it; calling the primitive runs the definition, or in a run
whose profile uses kernels, the kernel. A kernel is registered for a primitive and a set of element types; it is chosen by those alone,
never by size or load.

    @primitive
    def matmul(A, B): ...                     # the definition

    @kernel("matmul", "float32", "float64", halves=True)
    class MatMul(Kernel):
        def pack(self, static, constants): ...                       # once per call site: what constant arguments allow
        def bind(self, shapes, static, packed, epilogue): ...        # once per shapes: a Binding, which fills a new array
        def bound(self, arrays, static): ...                         # how far the result may be from the definition's

An operator may declare ``@lowers(body)``: from its attributes and the static shapes straight to a primitive call. The plan
then skips the body and keeps a :class:`refexec.callsite.CallSite` with the packed constants.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any

import numpy as np

from refexec.errors import UnsupportedError
from refexec.limits import claim
from refexec.types import ELEMENT_TYPES, ElementType, element_type
from refexec.values import round_quietly

__all__ = [
    "PLAIN",
    "PROFILES",
    "Binding",
    "Epilogue",
    "Kernel",
    "Lowered",
    "Primitive",
    "Profile",
    "activate",
    "definition",
    "kernel",
    "load_kernels",
    "primitive",
    "primitives",
    "profile",
    "provide",
    "provided",
]

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...] | None  # None: an absent argument


@dataclass(frozen=True, slots=True)
class Profile:
    """What the numbers of a run mean."""

    name: str
    wide: bool = False  # narrow floats travel as float64 between steps
    kernels: bool = False  # primitives run in kernels where one exists
    fast: bool = False  # kernels may change bits within their bound


PROFILES = {
    p.name: p
    for p in (
        Profile("wide", wide=True),
        Profile("reference"),
        Profile("deterministic", kernels=True),
        Profile("fast", kernels=True, fast=True),
    )
}


def profile(name: str | Profile | None) -> Profile:
    """The profile of that name; for None the one that the environment variable REFEXEC_PROFILE names, else ``deterministic``.

    Raises UnsupportedError naming those that exist.
    """
    if isinstance(name, Profile):
        return name
    if name is None:
        name = os.environ.get("REFEXEC_PROFILE") or "deterministic"
    if name not in PROFILES:
        raise UnsupportedError(f"no profile of that name; there are {', '.join(PROFILES)}", profile=name)
    return PROFILES[name]


class _Active(threading.local):
    profile: Profile = PROFILES["reference"]


_active = _Active()


def activate(profile: Profile) -> Profile:
    """Make ``profile`` the one that primitives of this thread run in; returns the one before."""
    before, _active.profile = _active.profile, profile
    return before


@dataclass(frozen=True, slots=True)
class Epilogue:
    """What happens to a primitive's result before it is stored: ``min(max(y + bias + residual, lo), hi)``.

    The bias has one value per index of ``axis`` of the result; there is none when ``axis`` is None. The residual has the shape of the
    result. NaN passes the clamp; of two zeros the result is the one of ``y``.
    """

    axis: int | None = None
    residual: bool = False
    lo: float = -np.inf
    hi: float = np.inf

    def __call__(self, y: Array, bias: Array | None = None, residual: Array | None = None) -> Array:
        """The definition, on a result in its own precision."""
        if self.axis is not None and bias is not None:
            y = y + bias.reshape((-1,) + (1,) * (y.ndim - 1 - self.axis % y.ndim))
        if self.residual and residual is not None:
            y = y + residual
        if self.lo > -np.inf:
            y = np.where(y < self.lo, y.dtype.type(self.lo), y)
        if self.hi < np.inf:
            y = np.where(y > self.hi, y.dtype.type(self.hi), y)
        return y


PLAIN = Epilogue()


@dataclass(frozen=True, slots=True)
class Binding:
    """A kernel for given shapes: ``run(y, arrays, bias, residual)`` fills ``y``, a new C-contiguous array of ``shape`` that has
    elements."""

    shape: tuple[int, ...]
    run: Callable[[Array, Sequence[Array], Array | None, Array | None], None]


class Kernel:
    """A compiled implementation of one primitive. Shapes, sizes and indices were validated before it is called."""

    order = ""  # in which order terms are added, in words

    @property
    def name(self) -> str:
        return type(self).__name__

    epilogues = False  # whether ``bind`` heeds more of its epilogue than nothing
    column_bias = False  # whether it can add a bias along the last axis where the primitive was lowered with none

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> Any:
        """What can be done once: ``constants`` maps argument positions to arrays that never change. What is packed depends on
        those and on ``static`` values that do not follow from other shapes."""
        return None

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        """The kernel for arguments of these shapes."""
        raise NotImplementedError

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """The largest absolute difference from the definition on wide ``arrays``, by element or for all, in units of the roundoff
        of the element type; NaN where nothing is promised."""
        raise NotImplementedError


class _OfHalves(Kernel):
    """The float32 kernel on float16 or bfloat16: sums are float32, the result is rounded once."""

    def __init__(self, single: Kernel) -> None:
        self.single = single
        self.order = single.order
        self.epilogues = single.epilogues
        self.column_bias = single.column_bias

    @property
    def name(self) -> str:
        return self.single.name

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> Any:
        return self.single.pack(static, {position: array.astype(np.float32) for position, array in constants.items()})

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Any, epilogue: Epilogue) -> Binding:
        inner = self.single.bind(shapes, static, packed, epilogue)

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            wide = np.empty(inner.shape, np.float32)
            single = [a.astype(np.float32) if a is not None and a.dtype == y.dtype else a for a in arrays]
            inner.run(wide, single, *[None if a is None else a.astype(np.float32) for a in (bias, residual)])
            y[...] = round_quietly(wide, y.dtype)

        return Binding(inner.shape, run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        return self.single.bound(arrays, static)


class Primitive:
    """A named computation with a NumPy definition. Calling it runs the definition, or the kernel where the profile wants kernels."""

    def __init__(self, definition: Callable[..., Any]) -> None:
        self.definition = definition
        self.kernels: dict[ElementType, Kernel] = {}
        self.fast_kernels: dict[ElementType, Kernel] = {}
        update_wrapper(self, definition)
        self.name = definition.__name__

    def kernel(self, element: ElementType | None, profile: Profile) -> Kernel | None:
        """What runs for an element type in a profile; None for the definition."""
        if element is None or not profile.kernels:
            return None
        return (self.fast_kernels.get(element) if profile.fast else None) or self.kernels.get(element)

    def __call__(self, *arrays: Any, **static: Any) -> Any:
        if not _active.profile.kernels:
            return self.definition(*arrays, **static)
        first = arrays[0].dtype
        implementation = self.kernel(_KERNEL_TYPES.get(first), _active.profile)
        if implementation is None:
            return self.definition(*arrays, **static)
        binding = implementation.bind([None if a is None else a.shape for a in arrays], static, implementation.pack(static, {}), PLAIN)
        y = np.empty(claim(binding.shape, first), first)
        if y.size:
            binding.run(y, arrays, None, None)
        return y

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


_KERNEL_TYPES = {e.dtype: e for e in ELEMENT_TYPES}


@dataclass(frozen=True, slots=True)
class Lowered:
    """A node as a primitive call: which inputs are the primitive's arguments, and what follows the result.

    Where inputs are not arguments as they stand, ``operands`` makes arguments of these ``shapes`` of them, without computing: views,
    joined arrays, masks. ``results`` makes the node's outputs of the primitive's result and its arguments.
    """

    primitive: Primitive
    arguments: tuple[int, ...]  # indexes of node inputs
    static: Mapping[str, Any] = field(default_factory=dict)
    bias: int | None = None  # index of the node input that is the epilogue's bias
    bias_axis: int | None = None
    lo: float = -np.inf
    hi: float = np.inf
    operands: Callable[..., Sequence[Array | None]] | None = None
    shapes: Sequence[Shape] = ()
    results: Callable[[Array, Sequence[Any]], tuple[Any, ...]] | None = None

    def argument_shapes(self, shapes: Sequence[Shape]) -> list[Shape]:
        """The shapes of the primitive's arguments, from those of the node's inputs."""
        return [shapes[i] if i < len(shapes) else None for i in self.arguments] if self.operands is None else list(self.shapes)

    def argument_values(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """The primitive's arguments, from the node's inputs."""
        chosen = [inputs[i] if i < len(inputs) else None for i in self.arguments]
        return chosen if self.operands is None else self.operands(*chosen)


_primitives: dict[str, Primitive] = {}
_waiting: dict[tuple[str, bool], dict[ElementType, Kernel]] = {}
_provided: dict[str, Any] = {}
_loading = threading.Lock()
_kernels_loaded = False


def primitive(definition: Callable[..., Any]) -> Primitive:
    """Make a function the NumPy definition of a primitive of its name."""
    made = Primitive(definition)
    made.kernels.update(_waiting.get((made.name, False), {}))
    made.fast_kernels.update(_waiting.get((made.name, True), {}))
    _primitives[made.name] = made
    return made


def definition(name: str) -> Callable[..., Any]:
    """The NumPy definition of the primitive of that name, for bounds; its operator must have been loaded."""
    return _primitives[name].definition


def primitives() -> dict[str, Primitive]:
    """Those of the modules that have been loaded, by name."""
    return dict(sorted(_primitives.items()))


def kernel(name: str, *types: str, halves: bool = False, fast: bool = False) -> Callable[[type[Kernel]], type[Kernel]]:
    """Register a kernel class for the primitive ``name`` and these element types, ``fast`` for the profile of that name only.

    With ``halves`` the kernel for float32 serves float16 and bfloat16 too: through float32, rounded once.
    """

    def register(cls: type[Kernel]) -> type[Kernel]:
        implementation = cls()
        found: dict[ElementType, Kernel] = {element_type(one): implementation for one in types}
        if halves:
            found.update({element_type(one): _OfHalves(implementation) for one in ("float16", "bfloat16")})
        _waiting.setdefault((name, fast), {}).update(found)
        if name in _primitives:
            (_primitives[name].fast_kernels if fast else _primitives[name].kernels).update(found)
        return cls

    return register


def provide(name: str, thing: Any) -> None:
    """Make something of ``refexec.kernels`` that is no primitive's kernel known to plans."""
    _provided[name] = thing


def provided(name: str) -> Any:
    """What a module of ``refexec.kernels`` provides under a name; None before the kernels are loaded."""
    return _provided.get(name)


def load_kernels() -> None:
    """Import every module of ``refexec.kernels``; done by the first Session whose profile uses kernels."""
    global _kernels_loaded
    with _loading:
        if not _kernels_loaded:
            package = importlib.import_module("refexec.kernels")
            for module in pkgutil.iter_modules(package.__path__, "refexec.kernels."):
                importlib.import_module(module.name)
            _kernels_loaded = True
