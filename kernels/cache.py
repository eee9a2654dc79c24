"""Where compiled kernels are kept: one private folder per user, in it one per machine, numba and LLVM, in that one per module.

What numba keeps is pickled code, which runs when it is read: a folder that another user could write to is not used. Folders are named by
hashes of what the code depends on, of the module's source and of those that it imports from here too, not by place or age: every
installation of the same kernels shares them, and a change of one module leaves the others compiled.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
from numba.core import caching

__all__ = ["Locator", "folder", "problem"]


SOURCES = Path(__file__).resolve().parent


@cache
def machine() -> str:
    """What compiled code depends on besides its source, as a hash."""
    config: Any = numba.config
    cpu = getattr(config, "CPU_NAME", None) or llvmlite.binding.get_host_cpu_name()
    features = getattr(config, "CPU_FEATURES", None)
    features = llvmlite.binding.get_host_cpu_features().flatten() if features is None else features
    facts = (
        numba.__version__, llvmlite.__version__, llvmlite.binding.llvm_version_info, platform.machine(), cpu, features,
        sys.version_info[:2], bool(getattr(config, "BOUNDSCHECK", False)),
    )  # fmt: skip
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@cache
def source(module: str) -> str:
    """The source of a module and of all that it imports from here, as a hash."""
    seen: dict[str, bytes] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen[name] = (SOURCES / f"{name}.py").read_bytes()
            todo += re.findall(r"^(?:from|import) refexec\.kernels\.(\w+)", seen[name].decode(), flags=re.MULTILINE)
    state = hashlib.sha256()
    for name, content in sorted(seen.items()):
        state.update(name.encode() + b"\0" + content + b"\0")
    return state.hexdigest()[:16]


def problem(path: Path) -> str | None:
    """Why compiled code is not read from a folder; None when it may be."""
    try:
        found = path.lstat()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return f"{path} is not a folder"
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return f"{path} belongs to another user"
    if os.name == "posix" and found.st_mode & 0o077:
        return f"{path} is open to other users"
    return None if os.access(path, os.W_OK) else f"{path} cannot be written"


def base() -> Path:
    """The folder around it: REFEXEC_CACHE_DIR, or the user's folder for caches."""
    given = os.environ.get("REFEXEC_CACHE_DIR")
    if given:
        return Path(given)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "refexec"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "refexec"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refexec"


@cache
def folder() -> Path:
    """The private folder, made when it is not there. Where there can be none, one that goes with the process."""
    try:
        path = base() / "kernels"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if problem(path) is None:
            return path
    except (OSError, RuntimeError):  # no home, no right to write there
        pass
    made = Path(tempfile.mkdtemp(prefix="refexec-kernels-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


class Locator(caching._CacheLocator):
    """Tells numba the folder of a kernel's module."""

    def __init__(self, function: Any, module: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._module = module

    def get_cache_path(self) -> str:
        path = folder() / machine() / f"{self._module}-{source(self._module)}"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(path)

    def get_source_stamp(self) -> str:
        return source(self._module)

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Locator | None:
        file = Path(py_file).resolve()
        return cls(py_func, file.stem) if file.parent == SOURCES else None
