"""A lowered node in a plan: what runs for which shapes, and the packed constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any, NamedTuple

import numpy as np

from refexec.aliases import writable
from refexec.errors import KernelMismatch
from refexec.limits import FREE_BYTES, active_budget, claim
from refexec.primitives import PLAIN, PROFILES, Epilogue, Kernel, Lowered, Primitive, Profile, activate
from refexec.types import ElementType, element_type
from refexec.values import round_quietly, smallest_subnormal, unit_roundoff, widen

__all__ = ["CallSite"]

MOST_BINDINGS = 64  # per call site; shapes that vary without end must not fill the memory
Array = np.ndarray[Any, Any]


class Bound(NamedTuple):
    """What runs for given shapes: the kernel's binding, or the definition where ``run`` is None."""

    lowered: Lowered
    epilogue: Epilogue
    kernel: Kernel | None = None
    shape: tuple[int, ...] = ()
    run: Any = None
    size: int = 0  # elements of the result
    bytes: int = 0
    places: tuple[int, ...] | None = None  # which inputs are the arguments, where they are that as they stand


class CallSite:
    """One lowered node: what runs, the static binding per shapes and the packed constants. Safe to share between threads:
    a binding is made completely before it is published by one dictionary assignment.

    ``element`` is the type whose kernels may run. ``constants`` are the node's inputs that never change, by index. A site that is
    ``followed`` by other nodes has their residual as one more input, the last one.
    """

    def __init__(
        self,
        lower: Callable[..., Lowered | None],
        element: ElementType | None,
        constants: Mapping[int, Array],
        profile: Profile = PROFILES["reference"],
        verify: bool = False,
        follow: Epilogue | None = None,
    ) -> None:
        self._lower = lower
        self._element = element
        self._constants = constants
        self._aliases = [(i, array, writable(array)) for i, array in constants.items()]
        self._profile = profile
        self._verify = verify
        self._follow = follow
        self._packed: dict[Primitive, Any] = {}
        self._bindings: dict[tuple[Any, ...], Bound | None] = {}

    def followed(self, follow: Epilogue) -> CallSite:
        """A site for this node and what ``follow`` says; the packed constants are shared."""
        made = CallSite(self._lower, self._element, self._constants, self._profile, self._verify, follow)
        made._packed = self._packed
        return made

    def knowing(self, constants: Mapping[int, Array]) -> CallSite:
        """A site whose inputs of these indexes never change either, for kernels alone."""
        return CallSite(self._lower, self._element, {**self._constants, **constants}, self._profile, self._verify, Epilogue())

    @property
    def profile(self) -> Profile:
        return self._profile

    @property
    def has_kernels(self) -> bool:
        """Whether kernels may run here."""
        return self._profile.kernels and self._element is not None

    def _bind(self, shapes: tuple[Any, ...]) -> Bound | None:
        own = shapes if self._follow is None or not self._follow.residual else shapes[:-1]
        lowered = self._lower(own)
        made: Bound | None = None
        if lowered is not None:
            epilogue = Epilogue(lowered.bias_axis if lowered.bias is not None else None, lo=lowered.lo, hi=lowered.hi)
            if self._follow is not None:
                epilogue = replace(self._follow, axis=epilogue.axis)
            made = self._bound(lowered, own, epilogue)
            if self._follow is not None and (made.run is None or lowered.results is not None):
                made = None
            elif epilogue.residual and made.shape != shapes[-1]:
                takes_row = made.kernel is not None and made.kernel.column_bias and lowered.bias is None and is_row(shapes[-1], made.shape)
                made = self._bound(lowered, own, replace(epilogue, axis=-1, residual=False)) if takes_row else None
        if len(self._bindings) >= MOST_BINDINGS:
            self._bindings = {}
        self._bindings[shapes] = made
        return made

    def _bound(self, lowered: Lowered, shapes: tuple[Any, ...], epilogue: Epilogue) -> Bound:
        kernel = lowered.primitive.kernel(self._element, self._profile)
        if kernel is None or (epilogue != PLAIN and not kernel.epilogues):
            return Bound(lowered, epilogue)
        packed = self._packed.get(lowered.primitive)
        if packed is None:
            packed = self._packed[lowered.primitive] = (kernel.pack(lowered.static, self._positions(lowered)),)
        binding = kernel.bind(lowered.argument_shapes(shapes), lowered.static, packed[0], epilogue)
        dtype = self._element.dtype  # type: ignore[union-attr]
        size = prod(claim(binding.shape, dtype))
        places = lowered.arguments if lowered.operands is None and max(lowered.arguments, default=0) < len(shapes) else None
        return Bound(lowered, epilogue, kernel, binding.shape, binding.run, size, size * dtype.itemsize, places)

    def _positions(self, lowered: Lowered) -> dict[int, Array]:
        """The constants by the position of the primitive's argument."""
        if lowered.operands is not None:
            return {}
        return {p: self._constants[i] for p, i in enumerate(lowered.arguments) if i in self._constants}

    def implementation(self, shapes: tuple[Any, ...]) -> str:
        """What runs for these shapes: a kernel's name, "definition" or "body"."""
        bound = self._bindings.get(shapes) or self._bind(shapes)
        if bound is None:
            return "body"
        return bound.kernel.name if bound.kernel is not None else "definition"

    def __call__(self, inputs: Sequence[Any], convert: Callable[[Sequence[Any]], Sequence[Any]] | None) -> Any:
        """The node's result, or None where the body must run. Definitions get their inputs through ``convert``."""
        shapes = tuple([None if x is None else x.shape for x in inputs])
        bound = self._bindings[shapes] if shapes in self._bindings else self._bind(shapes)
        if bound is None:
            return None
        lowered, epilogue, kernel, shape, run, size, bytes_, places = bound
        fed = False
        values = list(inputs)
        for i, constant, memory in self._aliases:
            if values[i] is constant:
                values[i] = memory
            elif i in lowered.arguments or i == lowered.bias:
                fed = True  # another value, by the caller for this run
            else:
                return None  # it was lowered for the value that it had
        if kernel is None:
            if convert is not None:
                inputs = convert(inputs)
            arguments = lowered.argument_values(inputs)
            y = lowered.primitive.definition(*arguments, **lowered.static)
            y = epilogue(y, None if lowered.bias is None else inputs[lowered.bias])
            return y if lowered.results is None else lowered.results(y, arguments)
        if fed:
            run = kernel.bind(lowered.argument_shapes(shapes), lowered.static, kernel.pack(lowered.static, {}), epilogue).run
        dtype = self._element.dtype  # type: ignore[union-attr]
        if bytes_ > FREE_BYTES and not active_budget().has_room(bytes_):
            claim(shape, dtype)
        y = np.empty(shape, dtype)
        arguments = lowered.argument_values(values) if places is None else [values[i] for i in places]
        bias = values[lowered.bias] if lowered.bias is not None else values[-1] if epilogue.axis is not None else None
        residual = values[-1] if epilogue.residual else None
        if size:
            run(y, arguments, bias, residual)
        if self._verify:
            self._compare(y, bound, arguments, bias, residual)
        return y if lowered.results is None else lowered.results(y, arguments)

    def _compare(self, y: Array, bound: Bound, arguments: Sequence[Any], bias: Any, residual: Any) -> None:
        """Raise KernelMismatch where the kernel is further from the definition than its bound and the epilogue's roundings."""
        before = activate(PROFILES["reference"])
        try:
            wide: list[Any] = [x if x is None else widen(x) for x in (*arguments, bias, residual)]
            raw = bound.lowered.primitive.definition(*wide[: len(arguments)], **bound.lowered.static)
            expected = bound.epilogue(raw, *wide[-2:])
            kernel: Any = bound.kernel
            allowed = kernel.bound(wide[: len(arguments)], bound.lowered.static)
        finally:
            activate(before)
        actual = widen(y)
        with np.errstate(all="ignore"):
            rounded = widen(round_quietly(np.asarray(expected), y.dtype))  # perhaps to an infinity
        wrong = actual != rounded
        if element_type(y.dtype).kind == "float":
            wrong &= ~np.isnan(allowed)  # there the kernel promises nothing
            allowed = allowed + 4 * np.abs(raw) + 4 * sum(np.abs(w).max(initial=0) for w in wide[-2:] if w is not None)
            allowed = allowed * unit_roundoff(y.dtype) + 4 * smallest_subnormal(y.dtype)
            wrong &= ~((np.abs(actual - expected) <= allowed) | (np.isnan(actual) & np.isnan(expected)))
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise KernelMismatch(
                f"{kernel.name} of {bound.lowered.primitive.name} is further from the definition than its bound",
                at=at, kernel=float(actual[at]), definition=float(expected[at]), allowed=float(np.broadcast_to(allowed, y.shape)[at]),
            )  # fmt: skip


def is_row(shape: tuple[int, ...], of: tuple[int, ...]) -> bool:
    """Whether a shape is that of one row, as adding it to a result of shape ``of`` repeats it."""
    return 0 < len(shape) <= len(of) and prod(shape) == shape[-1] == of[-1]
