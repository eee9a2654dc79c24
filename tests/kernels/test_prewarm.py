"""Prewarming reaches every kernel class, and in float32 and float64 each compiled function that Python calls."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import pytest
from numba.core.dispatcher import Dispatcher

import refexec.kernels
from refexec.kernels.functions import ULPS
from refexec.kernels.pointwise import block_of
from refexec.prewarm import calls
from refexec.primitives import Kernel
from tests.kernels.calls import primitives_with_kernels

SINGLE, DOUBLE = {"float32", "uint32"}, {"float64", "uint64"}  # what is only moved is moved as bits
FUNCTIONS_ALONE = {"Pointwise", "Power"}  # call what is compiled for each function
IN_FLOAT32 = {"winograd.", "reduce.all_within"}  # modules and functions that have nothing to do in float64


def classes() -> set[type[Kernel]]:
    kernels: list[Any] = [k for p in primitives_with_kernels().values() for k in (*p.kernels.values(), *p.fast_kernels.values())]
    return {type(getattr(k, "single", k)) for k in kernels}


@pytest.fixture(scope="module")
def bound() -> set[str]:
    """Runs everything: the names of the kernel classes that were bound."""
    found: set[str] = set()

    def told(cls: type[Kernel]) -> Any:
        bind = cls.bind

        def seen(self: Kernel, *arguments: Any) -> Any:
            found.add(type(self).__name__)
            return bind(self, *arguments)

        return seen

    with ExitStack() as stack:
        for cls in classes():
            stack.enter_context(patch.object(cls, "bind", told(cls)))
        for _, _, call in calls():
            call()
    return found


def entries() -> Iterator[tuple[str, Dispatcher]]:
    """Compiled functions that no other one calls: Python does."""
    modules = [importlib.import_module(m.name) for m in pkgutil.iter_modules(refexec.kernels.__path__, "refexec.kernels.")]
    found = {
        f"{module.__name__.rpartition('.')[2]}.{name}": one
        for module in modules
        for name, one in vars(module).items()
        if isinstance(one, Dispatcher) and one.py_func.__module__ == module.__name__
    }
    inside = {name for one in found.values() for name in one.py_func.__code__.co_names}
    yield from (
        (name, one) for name, one in found.items() if name.rpartition(".")[2] not in inside and not one.targetoptions.get("forceinline")
    )
    yield from ((name, block_of(name)) for name in ULPS)


def test_every_kernel_class_is_bound(bound: set[str]) -> None:
    assert {cls.__name__ for cls in classes()} - bound <= FUNCTIONS_ALONE
    assert {"pointwise", *primitives_with_kernels()} <= {primitive for primitive, _, _ in calls()}


def test_every_function_that_python_calls_is_compiled_for_both_types(bound: set[str]) -> None:
    missing = []
    for name, one in entries():
        types = {str(t.dtype) for signature in one.overloads for t in signature if hasattr(t, "dtype")}
        if not types & SINGLE or not (types & DOUBLE or name.startswith(tuple(IN_FLOAT32))):
            missing.append((name, sorted(types)))
    assert missing == []


def test_there_are_such_functions() -> None:
    assert {"gemm.rows_by_panels", "conv.panels_of_pixels", "exp"} <= dict(entries()).keys()
