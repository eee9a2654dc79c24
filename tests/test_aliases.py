"""Arrays that compiled code may take as writable."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec.aliases import writable


def read_only(x: Any) -> Any:
    view = x.view()
    view.flags.writeable = False
    return view


def stored(*shape: int) -> Any:
    """An array whose owner cannot be written either, as of a model's bytes."""
    return np.frombuffer(np.arange(np.prod(shape, dtype=int), dtype=np.float32).tobytes(), np.float32).reshape(shape)


def test_an_array_that_may_be_written_is_returned_itself() -> None:
    x = np.arange(6.0)
    assert writable(x) is x


@pytest.mark.parametrize(
    "x",
    [
        stored(2, 3),
        stored(0),
        stored(1),
        stored(4, 6)[1:3, ::2],
        stored(2, 3).T,
        read_only(np.arange(6.0).reshape(2, 3)),
        read_only(np.arange(6.0)).reshape(3, 2),
        read_only(np.arange(12.0)[3:9]),
        read_only(np.arange(6.0)[::-1]),
        read_only(np.arange(6.0).reshape(2, 3).T),
        read_only(np.arange(4, dtype=np.int64)),
        read_only(np.arange(4).astype(ml_dtypes.bfloat16)),
        read_only(np.broadcast_to(np.float32(7), (2, 2))),
    ],
    ids=str,
)
def test_the_alias_has_the_memory_shape_steps_and_type_of_the_array_which_stays_read_only(x: Any) -> None:
    found = writable(x)
    assert found.flags.writeable and not x.flags.writeable
    assert (found.dtype, found.shape, found.tolist()) == (x.dtype, x.shape, x.tolist())
    assert found.size == 0 or (found.strides, found.ctypes.data) == (x.strides, x.ctypes.data)


def test_an_alias_keeps_the_memory_alive() -> None:
    found = writable(stored(1000))
    assert found.tolist() == list(range(1000))


def test_strings_stay_as_they_are() -> None:
    x = read_only(np.array(["a", "b"], object))
    assert writable(x) is x
