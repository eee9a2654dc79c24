"""Where compiled kernels are kept."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import numpy as np
from refexec.session import run_op
from refexec.kernels import cache
run_op("Add", np.float32(1), np.float32(2), profile="deterministic")
from refexec.kernels.memory import aligned
print(cache.folder())
print(cache.problem(cache.base() / "kernels"))
"""


def folder_of(base: Path) -> tuple[Path, str]:
    environment = {**os.environ, "REFEXEC_CACHE_DIR": str(base)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, timeout=120, check=True)
    where, problem = done.stdout.splitlines()
    return Path(where), problem


def test_the_folder_is_made_private(tmp_path: Path) -> None:
    where, problem = folder_of(tmp_path / "new")
    assert where == tmp_path / "new" / "kernels"
    assert problem == "None"
    assert stat.S_IMODE(where.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels").chmod(0o777)
    where, problem = folder_of(tmp_path)
    assert where != tmp_path / "kernels"
    assert not where.exists()  # it went with the process
    assert problem == f"{tmp_path / 'kernels'} is open to other users"


@pytest.mark.skipif(os.name != "posix", reason="symbolic links of POSIX")
def test_a_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "kernels").symlink_to(tmp_path / "elsewhere")
    where, problem = folder_of(tmp_path)
    assert where != tmp_path / "kernels"
    assert "is not a folder" in problem


def test_a_module_s_key_follows_its_source_and_what_it_imports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from refexec.primitives import load_kernels

    load_kernels()
    from refexec.kernels import cache

    for file in cache.SOURCES.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(cache, "SOURCES", tmp_path)

    def keys() -> dict[str, str]:
        return {name: cache.source.__wrapped__(name) for name in ("simd", "tiles", "gemm", "conv", "memory", "pointwise", "units")}

    before = keys()
    (tmp_path / "gemm.py").write_text((tmp_path / "gemm.py").read_text() + "\n# changed\n")
    after = keys()
    assert {name for name in before if before[name] != after[name]} == {"gemm", "conv"}
    (tmp_path / "units.py").write_text((tmp_path / "units.py").read_text() + "\n# changed\n")
    assert {name for name, key in keys().items() if key != after[name]} == {"units", "pointwise"}


FUNCTIONS = """
import sys
import numpy as np
from refexec.primitives import load_kernels
load_kernels()
from refexec.kernels.chain import Chain, Input, Result, Step
from refexec.kernels.pointwise import block_of
x, y = np.full(1, 2, np.float32), np.empty(1, np.float32)
for name in sys.argv[1:]:
    block_of(name)(x, 0, 1, x, 0, 1, y, 0, 1, 0.0, 0.0)
    print(y[0])
for name in sys.argv[1:]:
    Chain([Step(name, (Input(0),)), Step("neg", (Result(0),))]).bind([(1,)]).run(y, [x])
    print(-y[0])
"""


def test_functions_that_two_processes_compiled_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    def values(*names: str) -> list[float]:
        command = [sys.executable, "-c", FUNCTIONS, *names]
        environment = {**os.environ, "REFEXEC_CACHE_DIR": str(tmp_path)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=True)
        return list(map(float, done.stdout.split()))

    assert values("reciprocal") == [0.5, 0.5]
    assert values("abs") == [2.0, 2.0]
    assert values("reciprocal", "abs") == [0.5, 2.0] * 2
