"""Benchmarks: speed claims of this project come from here. ``python -m benchmarks.overhead``."""
