"""``refexec check``: what is wrong with a model file, and what it is."""

from __future__ import annotations

from typing import Any

import click

from refexec.cli.failures import block, exit_code, failure_json
from refexec.cli.options import common, limits_of, load_model, reading_options
from refexec.cli.terminal import paint, print_json, say, table, wants_json
from refexec.errors import RefexecError, shown

SHOWN_INFOS = 30


@click.command()
@click.argument("model", required=False)
@reading_options
@click.option("--strict", is_flag=True, help="Every diagnostic is an error.")
@click.option("--rules", is_flag=True, help="Print all rules; needs no MODEL.")
@common
@click.pass_context
def check(ctx: click.Context, model: str | None, format_: str | None, limits: tuple[str, ...], strict: bool, rules: bool) -> None:
    """Check MODEL: structure, versions, attributes, types, and whether refexec can run it. Nothing is run.

    Prints the inputs and outputs with their types, the operators, and the diagnostics: what is not quite right but has one
    reading. Ends with 0 when the model can be run.
    """
    if rules:
        print_rules()
        return
    if model is None:
        raise click.UsageError("Missing argument 'MODEL', or --rules.")
    from refexec.session import Session

    chosen = limits_of(limits)
    try:
        session = Session(load_model(model, format_, chosen), limits=chosen, strict=strict)
    except RefexecError as error:
        if wants_json():
            print_json({"schema": "refexec.check/1", "valid": False, "strict": strict, "error": failure_json(error)})
        else:
            click.echo(block(error), err=True)
        ctx.exit(exit_code(error))
    from refexec.observe.display import model_summary

    found = model_summary(session)
    if wants_json():
        print_json({"schema": "refexec.check/1", "valid": True, "strict": strict, "model": found})
    else:
        say("\n".join(text(found)))


def print_rules() -> None:
    """The table of rules: as a warning or an error, and the same with --strict."""
    from refexec.rules import rules_table

    found = rules_table()
    if wants_json():
        print_json({"schema": "refexec.check/1", "rules": found})
    else:
        rows = [(r["id"], r["lenient"], r["strict"], r["spec"]) for r in found]
        say("\n".join(table(("rule", "breach", "strict", "what holds"), rows, 3)))


def text(found: dict[str, Any]) -> list[str]:
    """The summary in lines."""
    opsets = ", ".join(f"{shown(domain, 60)} {version}" for domain, version in found["opsets"].items())
    lines = [paint("valid", "green") + f": {shown(found['name'] or 'model', 120)}, IR version {found['ir_version']}, opsets {opsets}"]
    lines += [f"{found['nodes']} nodes, {found['initializers']} initializers, {found['functions']} functions", ""]
    infos = [(kind, i["name"], i["type"]) for kind in ("input", "output") for i in found[f"{kind}s"]]
    lines += table(("", "name", "type"), infos[:SHOWN_INFOS], 1)
    lines += [f"... {len(infos) - SHOWN_INFOS} more"] * (len(infos) > SHOWN_INFOS)
    if found["operators"]:
        lines += ["", *table(("operators", "nodes"), [(o, str(n)) for o, n in found["operators"].items()], 0, right=(1,))]
    if found["diagnostics"]:
        lines += ["", *table(("rule", "diagnostic"), [(d["rule"], f"{d['where']}: {d['message']}") for d in found["diagnostics"]], 1)]
    return lines
