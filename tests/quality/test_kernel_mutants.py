"""Faults planted in kernels are caught: one of each kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.quality.kernel_mutants import KERNELS, Mutant, Workshop, mutants

FAULTS: dict[str, tuple[str, str, str]] = {
    "the last term is dropped": ("tiles", "for _ in range(K):", "for _ in range(K - 1):"),
    "two rows of a tile change places": ("tiles", "_write(C, c + ldc, p1, q1, more)", "_write(C, c + ldc, p0, q0, more)"),
    "the columns of the tail are skipped": ("gemm", "if few > whole:", "if few > whole + 1:"),
    "blocks are not added": ("tiles", "    if more:\n        low", "    if not more:\n        low"),
    "the clamp is left out": ("tiles", "    v = select(v < lo, lo, v)\n", ""),
    "terms are added in another order": ("trees", "((a + e) + (c + g)) + ((b + f) + (d + h))", "((a + b) + (c + d)) + ((e + f) + (g + h))"),
    "a function's branches change places": ("units", "select(x < 0.0, x * alpha, x)", "select(x < 0.0, x, x * alpha)"),
}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    yield Workshop(tmp_path_factory.mktemp("kernels"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught(fault: str, workshop: Workshop) -> None:
    module, was, becomes = FAULTS[fault]
    source = (KERNELS / f"{module}.py").read_text(encoding="utf-8")
    assert was in source
    assert workshop.caught(Mutant(module, "", source.replace(was, becomes, 1), fault)) is not None


def test_kernels_as_they_are_pass(workshop: Workshop) -> None:
    assert workshop.caught(Mutant("gemm", "", (KERNELS / "gemm.py").read_text(encoding="utf-8"), "nothing")) is None


def test_mutants_have_one_change_in_a_compiled_function() -> None:
    for mutant in mutants(30, 1):
        lines = ast.unparse(ast.parse((KERNELS / f"{mutant.module}.py").read_text(encoding="utf-8"))).splitlines()
        changed = [i for i, (a, b) in enumerate(zip(lines, mutant.source.splitlines(), strict=True)) if a != b]
        assert len(changed) == 1, mutant
