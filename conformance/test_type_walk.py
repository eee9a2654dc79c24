"""Every operator at every version with every element type that the inputs of the backend tests can be brought to."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from conformance.type_walk import Instance, _apart, instances, walk


def _by_operator() -> dict[str, list[Instance]]:
    found: dict[str, list[Instance]] = defaultdict(list)
    for instance in instances():
        found[instance.operator].append(instance)
    return found


@pytest.mark.parametrize("part", range(8))
def test_every_type_yields_its_declared_type_and_the_nearest_value(part: int) -> None:
    operators = sorted(_by_operator().items())[part::8]
    problems = [f"{i}: {p}" for _, group in operators for i in group if (p := walk(i))]
    assert problems == []


def test_the_walk_reaches_most_of_what_the_schemas_allow() -> None:
    seen = {(i.signature.label, i.variable, i.type) for i in instances()}
    assert len(seen) >= 5000


def test_the_measure_tells_a_result_that_is_not_the_nearest() -> None:
    wide = np.array([1.0, 2.0])
    assert _apart(np.array([1, 2], np.float32), wide, 0.501) is None
    assert "units of float32" in str(_apart(np.array([1, np.nextafter(np.float32(2), np.float32(3))], np.float32), wide, 0.501))
    assert "other integers" in str(_apart(np.array([1]), np.array([2]), 0.501))
