"""What the process does with memory that kernels free."""

from __future__ import annotations

import resource
import sys

import numpy as np
import pytest

from refexec.kernels.memory import plain
from refexec.primitives import load_kernels
from refexec.types import ELEMENT_TYPES


@pytest.mark.skipif(not hasattr(__import__("ctypes").CDLL(None), "mallopt"), reason="a C library of its own")
def test_memory_of_some_megabytes_that_was_freed_is_taken_again_without_new_pages() -> None:
    load_kernels()
    assert sys.platform == "linux"
    for _ in range(3):
        np.ones(1 << 20, np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(1 << 20, np.float32)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 20 * 1024 / 2


def test_read_only_memory_of_every_type_is_seen_as_it_is() -> None:
    for element in ELEMENT_TYPES:
        if element.dtype != object:
            x = np.zeros(3, element.dtype)
            x.flags.writeable = False
            seen = plain(x)
            assert seen.dtype == x.dtype
            assert np.shares_memory(seen, x)
            assert seen.flags.writeable
