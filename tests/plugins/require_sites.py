"""A pytest plugin: which rules of the operators has no test broken?

A *site* is a call of ``require`` or a direct ``RuleViolation(...)`` in the sources of refexec. The plugin watches every
RuleViolation that is made, whichever module's name it was reached by, and reads from the stack which site made it. At the end it
reports the sites that never raised. It works under pytest-xdist: the workers send what they saw, the controller adds it up.
Code that runs in a child process of a test is not seen: a rule needs a test in the process itself.

``--require-sites=count`` (the default) prints one line, ``list`` names the sites, ``fail`` also fails the run, ``off`` does nothing.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from refexec import errors

PACKAGE = Path(errors.__file__).resolve().parent
KEY = "require_sites"
Site = tuple[str, int, int]  # real path, line, column (in UTF-8 bytes, as ast and the interpreter count)


def sites_in(source: str, file: str) -> dict[Site, str]:
    """The sites of one source text, each with its rule as written."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            index = {"require": 1, "RuleViolation": 0}.get(name)
            if index is not None:
                rule = ast.unparse(node.args[index]) if len(node.args) > index else "?"
                found[file, node.lineno, node.col_offset] = rule
    return found


def sites_below(folder: Path) -> dict[Site, str]:
    """The sites of every module below a folder, but for the module that defines ``require``."""
    found: dict[Site, str] = {}
    for path in sorted(folder.rglob("*.py")):
        if path.resolve() != Path(errors.__file__).resolve():
            found.update(sites_in(path.read_text("utf-8"), str(path.resolve())))
    return found


def site_of(frame: FrameType) -> Site:
    """The call that a frame is executing at this moment."""
    line, _, column, _ = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    return _real(frame.f_code), line or frame.f_lineno, column or 0


@cache
def _real(code: CodeType) -> str:
    return os.path.realpath(code.co_filename)


def watch(seen: set[Site]) -> Callable[[], None]:
    """Add the site of every RuleViolation made from now on to ``seen``; returns a function that ends this.

    The class is watched and not the name ``require``, which every operator module has bound for itself.
    """
    own = errors.RuleViolation.__dict__.get("__init__")
    inherited = errors.RuleViolation.__init__

    def watched(self: errors.RuleViolation, *args: Any, **kwargs: Any) -> None:
        caller: FrameType | None = sys._getframe(1)
        if caller is not None and caller.f_code is errors.require.__code__:
            caller = caller.f_back
        if caller is not None:
            seen.add(site_of(caller))
        inherited(self, *args, **kwargs)

    def end() -> None:
        if own is None:
            del errors.RuleViolation.__init__
        else:
            errors.RuleViolation.__init__ = own  # type: ignore[method-assign]

    errors.RuleViolation.__init__ = watched  # type: ignore[method-assign, assignment]
    return end


class RequireSites:
    """The plugin of one process: a worker, the controller of workers, or a run without workers."""

    def __init__(self, config: pytest.Config, mode: str, folder: Path) -> None:
        self.config, self.mode, self.folder = config, mode, folder
        self.seen: set[Site] = set()
        self.end = watch(self.seen)
        self.sites: dict[Site, str] = {}

    def missing(self) -> list[Site]:
        return sorted(self.sites.keys() - self.seen)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output[KEY] = [list(site) for site in self.seen]
            return
        self.sites = sites_below(self.folder)
        if self.mode == "fail" and self.missing() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        reported: Iterable[Any] = getattr(node, "workeroutput", {}).get(KEY, ())
        self.seen.update((str(file), int(line), int(column)) for file, line, column in reported)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        missing = self.missing()
        if self.mode != "count" and missing:
            terminalreporter.section("rules that no test broke")
            for site in missing:
                file = Path(site[0]).relative_to(self.folder.parent)
                terminalreporter.write_line(f"{file}:{site[1]}: {self.sites[site]}")
        failed = self.mode == "fail" and bool(missing)
        terminalreporter.write_line(f"require sites never raised: {len(missing)} of {len(self.sites)}", red=failed)

    def pytest_unconfigure(self) -> None:
        self.end()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("refexec")
    group.addoption("--require-sites", choices=["off", "count", "list", "fail"], default="count", help="rules that no test broke")
    group.addoption("--require-sites-below", type=Path, default=PACKAGE, help="the folder whose sources are searched for rules")


def pytest_configure(config: pytest.Config) -> None:
    mode = config.getoption("--require-sites")
    if mode != "off":
        config.pluginmanager.register(
            RequireSites(config, mode, config.getoption("--require-sites-below").resolve()), "refexec-require-sites"
        )
