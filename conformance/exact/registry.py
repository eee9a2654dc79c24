"""Which function says what an operator gives: ``@oracle("Relu", 1, 6, 13, 14)``.

An oracle gets the types of the operator's type variables and the version, and returns a case, or several. It is written from the
specification alone, in integers and fractions: this folder imports nothing of refexec.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from conformance.exact.values import Case

__all__ = ["Oracle", "Types", "oracle", "oracles"]


@dataclass(frozen=True)
class Types:
    """The type of each type variable: an element type's name for a tensor (``float``, ``int4``), else the type string.

    ``tested`` is the variable that this instance is about: its type must occur in the case. The others have a usual type, which the
    oracle may replace where the operator couples them.
    """

    tested: str
    of: dict[str, str]

    def __getitem__(self, variable: str) -> str:
        return self.of[variable]

    @property
    def type(self) -> str:
        """The tested type."""
        return self.of[self.tested]


Function = Callable[[Types, int], Case | list[Case]]


@dataclass(frozen=True)
class Oracle:
    function: Function
    usual: dict[str, str]  # the types that variables have while another one is tested


_TABLE: dict[tuple[str, str, int], Oracle] = {}


def oracle(name: str, *versions: int, domain: str = "", usual: dict[str, str] | None = None) -> Callable[[Function], Function]:
    """Declare what ``name`` gives at the since_versions ``versions``."""

    def declare(function: Function) -> Function:
        for version in versions:
            if (domain, name, version) in _TABLE:
                raise ValueError(f"two oracles for {name}-{version}")
            _TABLE[domain, name, version] = Oracle(function, usual or {})
        return function

    return declare


@cache
def oracles() -> dict[tuple[str, str, int], Oracle]:
    """All oracles, by (domain, operator, since_version)."""
    from conformance.exact import families

    for module in _modules(families.__path__, families.__name__):
        importlib.import_module(module)
    return _TABLE


def _modules(path: Iterable[str], package: str) -> list[str]:
    return sorted(f"{package}.{m.name}" for m in pkgutil.iter_modules(path))
