"""From an error to one readable block on standard error and an exit code."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from refexec import errors
from refexec.cli.terminal import paint, width
from refexec.errors import RefexecError, shown

__all__ = ["CODES", "INTERRUPTED", "exit_code", "failure_json", "reported"]

CODES: tuple[tuple[type[BaseException], int], ...] = (
    (errors.FeedError, 2),
    (errors.UnsupportedError, 3),
    (errors.ModelError, 4),
    (errors.RuleViolation, 4),
    (errors.LimitExceeded, 5),
    (errors.RuntimeUnderTestError, 6),
    (errors.ContractError, 70),
    (OSError, 2),
    (click.ClickException, 2),
)
INTERRUPTED = 130
READER_GONE = 141  # what a shell reports for SIGPIPE


def exit_code(error: BaseException) -> int:
    """The exit code of an error; 70 for what is not foreseen."""
    return next((code for kind, code in CODES if isinstance(error, kind)), 70)


@contextmanager
def reported(ctx: click.Context) -> Iterator[None]:
    """Report what goes wrong inside, and leave with the error's code. ``--debug`` prints the traceback as well."""
    try:
        yield
    except (click.exceptions.Exit, click.exceptions.Abort):
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader is gone; flushing at exit must not fail again
        ctx.exit(READER_GONE)
    except KeyboardInterrupt:
        click.echo("refexec: interrupted", err=True)
        ctx.exit(INTERRUPTED)
    except Exception as error:  # nothing is hidden: it is reported, and the exit code says so
        if ctx.meta.get("refexec.debug"):
            traceback.print_exc(file=sys.stderr)
        if ctx.meta.get("refexec.json"):
            with contextlib.suppress(OSError):  # standard output may be what failed
                click.echo(json.dumps({"schema": "refexec.error/1", "exit_code": exit_code(error), "error": failure_json(error)}))
        if isinstance(error, click.UsageError):
            error.show()
        else:
            click.echo(block(error), err=True)
        ctx.exit(exit_code(error))


def failure_json(error: BaseException) -> dict[str, Any]:
    """``{"code", "message", "seen", "notes", "hint"}``."""
    if isinstance(error, RefexecError):
        return {**error.to_json(), "hint": hint(error)}
    message = str(error) or type(error).__name__
    if isinstance(error, click.ClickException):
        message = error.format_message()
    elif isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    return {
        "code": type(error).__name__,
        "message": message,
        "seen": {},
        "notes": list(getattr(error, "__notes__", [])),
        "hint": hint(error),
    }


def block(error: BaseException) -> str:
    """The message, its notes and a hint, wrapped to the terminal. Nothing that a file says reaches the terminal unescaped."""
    message = str(error) if isinstance(error, RefexecError) else failure_json(error)["message"]
    if not isinstance(error, (RefexecError, OSError, click.ClickException)):
        message = f"{type(error).__name__}: {message}"
    lines = [*_wrapped(message, "refexec: ", "  ")]
    for note in getattr(error, "__notes__", []):
        for line in note.splitlines()[:40]:
            lines += _wrapped(line, "  ", "    ")
    if advice := hint(error):
        lines += _wrapped(advice, "  hint: ", "    ")
    lines[0] = paint(lines[0], "red", err=True)
    return "\n".join(lines)


def hint(error: BaseException) -> str | None:
    """What to do next, where there is something to say."""
    match error:
        case errors.FeedError():
            return "refexec check MODEL lists the inputs; --feed NAME=FILE|JSON gives one, --random draws what is missing"
        case errors.UnsupportedOperator(seen={"domain": domain}) if domain not in ("", "ai.onnx.ml"):
            return "--import FILE runs a Python file of yours that registers the operators of this domain with refexec.op"
        case errors.UnsupportedOperator():
            named = shown(error.seen.get("op_type") or "", 60)
            return f"refexec ops{' ' + named if named.isidentifier() else ''} lists the versions that are implemented"
        case errors.LimitExceeded(seen={"limit": limit}):
            return f"--limit {limit}=NUMBER sets another limit, {limit}=none takes it away; for models that you trust"
        case errors.ExternalDataError():
            return "external data are looked for in the folder of the model file"
        case errors.ModelError(seen={"rule": rule}):
            return f"refexec check --rules prints every rule; this one is {shown(rule, 60)}"
        case errors.ContractError():
            return "this is a fault of refexec: please report it together with the model"
        case RefexecError() | OSError() | click.ClickException():
            return None
    return "this is a fault of refexec: please report it; --debug prints where it happened"


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        shown(text, 4000), width(), initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=True
    )
