if __name__ != "refexec.kernels":
    raise ImportError(f"this package is refexec.kernels; it was imported as {__name__!r}")

# Numba implementations of the primitives, loaded by refexec.primitives at the first use of a profile with kernels.
#
# A kernel replaces a primitive, never an operator, and it never computes a size: shapes, bounds of indices and limits are
# settled by the primitive before the kernel is called.

from refexec.kernels.memory import keep_freed_memory

keep_freed_memory()
