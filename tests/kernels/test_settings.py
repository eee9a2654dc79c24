"""Every kernel without the vector instructions of this machine, with checks of bounds, and amid memory that it must not read or write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.kernels.calls import calls, primitives_with_kernels

ROOT = Path(__file__).resolve().parents[2]


def child(what: str, **settings: str) -> str:
    """What the calls print in a process with these environment variables."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | settings
    run = subprocess.run(
        [sys.executable, "-m", "tests.kernels.calls", what], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout


def test_every_kernel_is_called_with_every_type() -> None:
    called = {(call.profile, call.primitive.name, element) for call in calls() for element in (call.arrays[0].dtype,)}
    for name, primitive in primitives_with_kernels().items():
        assert {e.dtype for e in primitive.kernels} == {dtype for profile, n, dtype in called if (profile, n) == ("deterministic", name)}
        assert {e.dtype for e in primitive.fast_kernels} == {dtype for profile, n, dtype in called if (profile, n) == ("fast", name)}


def test_bits_do_not_depend_on_the_instruction_set() -> None:
    """The least that a processor of this family has: on x86 neither AVX nor fused multiply-adds."""
    least = {"x86_64": "x86-64", "AMD64": "x86-64"}.get(os.uname().machine, "generic")
    own, without = json.loads(child("bits")), json.loads(child("bits", NUMBA_CPU_NAME=least, NUMBA_CPU_FEATURES=""))
    assert {name for name in own if own[name] != without[name]} == set()
    assert len(own) > 500


def test_kernels_are_right_and_stay_within_their_arrays_when_bounds_are_checked() -> None:
    assert int(child("checked", NUMBA_BOUNDSCHECK="1")) > 500
