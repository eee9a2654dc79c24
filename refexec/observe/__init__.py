"""Watching a run: traces, steps, numeric checks."""
