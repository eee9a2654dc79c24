"""Limits, and the budget that counts against them."""

from __future__ import annotations

import numpy as np
import pytest

from refexec.errors import LimitExceeded
from refexec.limits import Budget, Limits, claim


def test_a_claim_returns_python_ints_and_refuses_what_is_too_large() -> None:
    budget = Budget(Limits(tensor_bytes=1 << 20, rank=3))
    assert budget.claim(list(np.array([2, 3])), np.float32) == (2, 3)
    for shape, name in (((1 << 20, 1), "tensor_bytes"), ((1, 1, 1, 1), "rank")):
        with pytest.raises(LimitExceeded) as caught:
            budget.claim(shape, np.float32)
        assert caught.value.seen["limit"] == name


def test_a_claim_counts_what_is_alive() -> None:
    budget = Budget(Limits(live_bytes=1 << 20))
    budget.live = 1 << 20
    budget.claim((10,), np.float32)  # below 64 KiB is free
    with pytest.raises(LimitExceeded, match="live_bytes"):
        budget.claim((1 << 16,), np.float32)


def test_an_empty_shape_that_numpy_cannot_address_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="addressed"):
        claim((0, 2**62), np.float32)
    assert claim((0, 10), np.float32) == (0, 10)


def test_none_is_no_limit() -> None:
    Limits.none().check("nodes", 10**30, "a model")
    assert Limits.default() == Limits()
    assert Limits().replace(nodes=1).nodes == 1
    budget = Budget(Limits.none())
    budget.claim((1 << 40,), np.float64)
    budget.trip(10**18)
