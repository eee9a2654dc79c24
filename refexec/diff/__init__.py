"""A model in refexec and in another runtime, value by value: :func:`refexec.diff.compare.compare`."""
