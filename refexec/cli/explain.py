"""``refexec explain``: one operator at one version."""

from __future__ import annotations

import sys

import click

from refexec.cli.ops import all_entries, check_name
from refexec.cli.options import common
from refexec.cli.terminal import paint, print_json, say, wants_json, width


@click.command()
@click.argument("name")
@click.option("--opset", type=click.IntRange(1), help="The opset version of the operator's domain. Default: the newest.")
@click.option("--domain", default="", help="The operator's domain, where NAME does not say it: ai.onnx.ml, ...")
@click.option("--no-pager", is_flag=True, help="Print all at once.")
@common
def explain(name: str, opset: int | None, domain: str, no_pager: bool) -> None:
    """Explain an operator: signature, meaning, definition, versions, worked examples run now, known differences.

    \b
    refexec explain Softmax               the newest version
    refexec explain Softmax --opset 11    what opset 11 means
    refexec explain ai.onnx.ml:Scaler
    """
    from refexec.teach.explanation import explain as explained

    check_name(name.rpartition(":")[2], all_entries())
    found = explained(name, opset=opset, domain=domain)
    if wants_json():
        print_json({"schema": "refexec.explain/1", **found.to_json()})
    elif sys.stdout.isatty() and not no_pager:
        click.echo_via_pager(found.text(width(), paint))
    else:
        say(found.text(width(), paint))
