"""``refexec run``: a model's outputs."""

from __future__ import annotations

from typing import Any

import click

from refexec.cli.options import common, feed_options, feeds_of, given, model_options, open_session
from refexec.cli.saving import check_target, plain, save_values
from refexec.cli.terminal import note, print_json, say, wants_json, width
from refexec.errors import shown

PROFILES = ("deterministic", "fast", "reference", "wide")


@click.command()
@model_options
@feed_options
@click.option("--output", "outputs", multiple=True, metavar="NAME", help="Value to return, any one of the graph. Default: the outputs.")
@click.option("-o", "target", metavar="FILE|DIR", help="Save to .npz, .npy, .pb, or a folder of output_0.pb, ...")
@click.option("--profile", type=click.Choice(PROFILES), default="deterministic", show_default=True, help="What the numbers mean.")
@click.option("--strict", is_flag=True, help="Every diagnostic is an error.")
@click.option("--expand", is_flag=True, help="Run the specification's function bodies in place of operators that have one.")
@common
def run(
    model: str, format_: str | None, limits: tuple[str, ...], outputs: tuple[str, ...], target: str | None, profile: str, strict: bool,
    expand: bool, seed: int, **options: Any,
) -> None:  # fmt: skip
    """Run MODEL and print its outputs.

    \b
    refexec run model.onnx --feed x=image.npy -o result.npz
    refexec run model.onnx --feed 'x=[[1, 2.5]]' --output hidden
    refexec run model.onnx --random --dim N=4 --range x=0:255
    """
    session = open_session(model, format_, limits, profile=profile, strict=strict, seed=seed, expand=expand)
    names = list(outputs) or [o.name for o in session.outputs]
    if len(set(names)) != len(names):
        raise click.BadParameter("a value is named twice", param_hint="--output")
    check_target(target, len(names))
    made = feeds_of(session, given(seed=seed, **options))
    values = dict(zip(names, session.run(names, made.feeds), strict=True))
    types = {n: session.plan.types.get(n) for n in names} | {o.name: o.type for o in session.outputs if o.name in values}
    if target is not None:
        save_values(target, values, types)
    from refexec.observe.trace import summary

    if wants_json():
        found = [{"name": n, **summary_json(summary(v, types[n])), "value": plain(v)} for n, v in values.items()]
        print_json({
            "schema": "refexec.run/1", "profile": profile, "feeds": made.to_json(), "outputs": found, "saved": target,
            "diagnostics": [d.to_json() for d in session.diagnostics],
        })  # fmt: skip
        return
    from refexec.observe.display import value_text

    for name, value in values.items():
        say(headline(name, summary(value, types[name])))
        if target is None:
            say("  " + value_text(value, width() - 2).replace("\n", "\n  "))
    if target is not None:
        note(f"saved {len(values)} value{'s' * (len(values) != 1)} to {target}")


def headline(name: str, found: Any) -> str:
    """``y: float32[2, 3], from -1 to 4.5, 1 NaN``."""
    shape = "" if found.shape is None else f"[{', '.join(map(str, found.shape))}]"
    span = "" if found.least is None else f", from {found.least:.6g} to {found.most:.6g}"
    extra = "".join(f", {n} {what}" for n, what in ((found.nan, "NaN"), (found.inf, "infinite")) if n)
    return f"{shown(name, 200)}: {shown(found.type, 200)}{shape}{span}{extra}"


def summary_json(found: Any) -> dict[str, Any]:
    """A summary as JSON; ranges are of finite values, so that every number is one."""
    return dict(found.to_json())
