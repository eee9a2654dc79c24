"""Read-only arrays as compiled code takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["writable"]

Array = np.ndarray[Any, Any]


class _Memory:
    """The memory of a read-only array, without saying so."""

    __slots__ = ("__array_interface__", "owner")

    def __init__(self, owner: Array) -> None:
        interface = dict(owner.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        if owner.dtype.isbuiltin != 1:  # the interface has no names for the types of ml_dtypes
            interface["typestr"] = f"|V{owner.itemsize}"
            interface["descr"] = [("", interface["typestr"])]
        self.__array_interface__ = interface
        self.owner = owner


def writable(x: Array) -> Array:
    """``x`` for those who do not write it: kernels would be compiled anew for read-only arrays. Python objects stay as they are."""
    flags = x.flags
    if flags.writeable or x.dtype.hasobject:
        return x
    base = x.base
    if flags.c_contiguous and type(base) is np.ndarray and base.dtype is x.dtype and base.size == x.size:
        flags = base.flags
        if flags.c_contiguous and flags.writeable:
            return base.reshape(x.shape)
    made = np.asarray(_Memory(x))
    return made if made.dtype == x.dtype else made.view(x.dtype)
