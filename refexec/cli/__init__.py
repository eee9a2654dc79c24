"""The command line: ``refexec VERB``. One file per verb, imported when the verb is used."""

from __future__ import annotations

import importlib
from typing import Any

import click

from refexec._version import __version__
from refexec.cli import failures

__all__ = ["main"]

# In the order of a first visit. The one-line helps stand here so that `refexec --help` imports no verb.
VERBS = {
    "demo": "Run the shipped digit classifier here and in another runtime, and compare.",
    "run": "Run a model and print or save its outputs.",
    "trace": "Print every node with types, shapes and value ranges.",
    "compare": "Compare a model with another runtime, node by node.",
    "reduce": "Make a model smaller while a command still finds what one looks for.",
    "fuzz": "Run generated models on runtimes and keep what they do wrong, made small.",
    "check": "Check a model file: its rules, versions and types.",
    "ops": "List the operators, their versions, and how results may be compared.",
    "explain": "Explain an operator at a version: meaning, definition, examples, differences.",
    "doctor": "Say what is installed and what it serves.",
}

EXIT_CODES = """\b
Exit codes:
  0    ok, or the runtimes agree
  1    the runtimes diverge
  2    usage: options, feeds, or a file that cannot be opened
  3    not supported: operator, opset, type, or a missing extra
  4    the model is not valid, or breaks a rule of an operator while it runs
  5    a limit was reached (--limit)
  6    the other runtime crashed, hung or refused
  70   a fault of refexec itself
  130  interrupted
  141  the reader of the output went away

\b
Environment:
  NO_COLOR   no colours, as when the output is no terminal
  COLUMNS    width of tables

\b
Shell completion, for bash, zsh or fish:
  eval "$(_REFEXEC_COMPLETE=bash_source refexec)"
"""


class _Verbs(click.Group):
    """Imports a verb when it is asked for, and turns errors into one block and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(importlib.import_module(f"refexec.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        with failures.reported(ctx):
            return super().invoke(ctx)


@click.group(cls=_Verbs, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="refexec")
def main() -> None:
    """refexec, a reference interpreter for ONNX.

    Each verb has its own --help, and --json for programs (--json-schema prints the schema). MODEL is a file, or - for standard
    input. Start with: refexec demo
    """
