"""onnxruntime agrees at every version and type that it has a kernel for, but for what retargeting.toml lists."""

from __future__ import annotations

import importlib.util
from collections import Counter

import numpy as np
import pytest

from conformance.retargeting import _apart, differences, known
from conformance.type_walk import instances

needs_onnxruntime = pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed")


@needs_onnxruntime
@pytest.mark.parametrize("part", range(4))
def test_onnxruntime_agrees_or_the_difference_is_listed(part: int) -> None:
    counts: Counter[str] = Counter()
    chosen = [i for i in instances() if hash_of(i.operator) % 4 == part]
    new = [f"{d.instance}: {d.kind}, {d.detail}" for d in differences(chosen, counts) if d.key not in known()]
    assert new == []
    assert counts["both ran"] > 300


def hash_of(name: str) -> int:
    """The same in every process, which ``hash`` of a text is not."""
    return sum(name.encode())


def test_every_row_names_versions_of_an_operator_and_says_why() -> None:
    walked = {(i.operator, i.since) for i in instances()}
    assert {(operator, version) for operator, version, _ in known()} <= walked
    assert all(len(basis) > 40 for basis in known().values())


def test_the_measure_tells_agreement_from_difference() -> None:
    one = np.array([1.0, 2.0], np.float32)
    assert _apart(one, one + np.float32(1e-6)) is None
    assert _apart(one, one + np.float32(1e-3)) is not None
    assert _apart(np.array([1]), np.array([2])) == ("integers", "[1] against [2]")
    assert str(_apart(one, one.astype(np.float64))).startswith("('types'")
    assert _apart(np.array([np.nan], np.float32), np.array([np.nan], np.float32)) is None
    assert _apart(np.array([np.inf], np.float32), np.array([1], np.float32)) is not None
