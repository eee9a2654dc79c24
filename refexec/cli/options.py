"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import math
import re
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

import click

from refexec.cli.terminal import note
from refexec.errors import FeedError
from refexec.limits import Limits

if TYPE_CHECKING:
    from refexec.loading import LoadedModel
    from refexec.observe.generated import Generated
    from refexec.session import Session

__all__ = [
    "Given", "common", "feed_options", "feeds_of", "given", "limits_of", "load_model", "model_options", "notes_of", "open_session",
    "reading_options",
]  # fmt: skip

Verb = TypeVar("Verb", bound=Callable[..., Any])


def common(verb: Verb) -> Verb:
    """--json, --json-schema, --quiet and --debug."""
    for option in (
        click.option("--debug", is_flag=True, expose_value=False, is_eager=True, callback=_keep, help="Print a traceback with an error."),
        click.option("-q", "--quiet", is_flag=True, expose_value=False, is_eager=True, callback=_keep, help="No notes on standard error."),
        click.option(
            "--json-schema", is_flag=True, expose_value=False, is_eager=True, callback=_schema, help="Print the schema of --json."
        ),
        click.option("--json", is_flag=True, expose_value=False, is_eager=True, callback=_keep, help="Print JSON, for programs."),
    ):
        verb = option(verb)
    return verb


def _keep(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    ctx.meta[f"refexec.{parameter.name}"] = value


def _schema(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        name = "-".join(ctx.command_path.split()[1:])
        click.echo(files("refexec.cli").joinpath("schemas", f"{name}.json").read_text("utf-8").rstrip())
        ctx.exit()


def reading_options(verb: Verb) -> Verb:
    """The format of MODEL, limits, and operators of the user's own."""
    for option in (
        click.option(
            "--import", "imports", multiple=True, metavar="FILE", type=click.Path(exists=True, dir_okay=False), expose_value=False,
            is_eager=True, callback=_import, help="Run a Python file of yours first, which registers operators with refexec.op.",
        ),
        click.option(
            "--limit", "limits", multiple=True, metavar="NAME=VALUE",
            help="Set a limit (seconds, tensor_bytes, live_bytes, steps, loop_trips, ...) to a number, or to none.",
        ),
        click.option(
            "--format", "format_", type=click.Choice(["onnx", "text", "json", "textproto"]),
            help="Format of MODEL where its name does not say it.",
        ),
    ):  # fmt: skip
        verb = option(verb)
    return verb


def _import(ctx: click.Context, parameter: click.Parameter, value: Sequence[str]) -> None:
    for path in value:
        try:
            runpy.run_path(path)
        except Exception as error:
            raise click.BadParameter(f"{path} failed: {type(error).__name__}: {error}", ctx, parameter) from error


def model_options(verb: Verb) -> Verb:
    """MODEL and how to read it."""
    return click.argument("model", metavar="MODEL")(reading_options(verb))


def limits_of(pairs: Sequence[str]) -> Limits:
    """``("seconds=10", "steps=none")`` as Limits. Raises click.BadParameter."""
    known = {f.name for f in fields(Limits)}
    chosen: dict[str, Any] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or name not in known:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE with one of: {', '.join(sorted(known))}", param_hint="--limit")
        none = text == "none" and name != "regex_mem"
        number = None if none else _number(text)
        if not none and (number is None or number < 0):
            raise click.BadParameter(f"{name} is a number from 0 on{'' if name == 'regex_mem' else ', or none'}", param_hint="--limit")
        chosen[name] = number if number is None or name == "seconds" else int(number)
    return Limits(**chosen)


def load_model(model: str, format_: str | None, limits: Limits) -> LoadedModel:
    """The model of a path, or of standard input for ``-``."""
    from refexec.loading import load

    if model != "-":
        return load(model, format=format_, limits=limits)
    if sys.stdin.isatty():
        raise click.UsageError("MODEL is -, but standard input is a terminal: redirect a file to it")
    most = limits.file_bytes
    content = sys.stdin.buffer.read(-1 if most is None else most + 1)
    return load(content, format=format_, limits=limits)


def open_session(model: str, format_: str | None, limits: Sequence[str], **options: Any) -> Session:
    """A Session, its diagnostics printed as notes."""
    from refexec.session import Session

    chosen = limits_of(limits)
    session = Session(load_model(model, format_, chosen), limits=chosen, **options)
    notes_of(session)
    return session


def notes_of(session: Session) -> None:
    """The session's diagnostics as notes, at most ten."""
    for diagnostic in session.diagnostics[:10]:
        note(str(diagnostic))
    if len(session.diagnostics) > 10:
        note(f"{len(session.diagnostics) - 10} more diagnostics: refexec check MODEL lists them")


@dataclass(frozen=True, slots=True)
class Given:
    """What the feed options say."""

    feed: tuple[str, ...]
    feeds: str | None
    random: bool
    seed: int
    ranges: Mapping[str, tuple[float, float]]
    dims: Mapping[str, int | tuple[int, ...]]


def feed_options(verb: Verb) -> Verb:
    """Where the values of the inputs come from."""
    for option in (
        click.option("--dim", "dims", multiple=True, metavar="N=2", help="Random: size of an open dimension, or NAME=2,3 a whole shape."),
        click.option("--range", "ranges", multiple=True, metavar="X=LO:HI", help="Random: uniform from LO to HI for this input."),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of random inputs and random operators."),
        click.option("--random", is_flag=True, help="Draw the inputs that are not given. Without any feed this is what happens."),
        click.option("--feeds", metavar="FILE|DIR", help="All inputs: a .npz or .json by name, or a folder of input_0.pb, ..."),
        click.option("--feed", multiple=True, metavar="X=FILE|JSON", help="One input: a .npz, .npy, .pb or .json file, or its value."),
    ):
        verb = option(verb)
    return verb


def given(
    feed: Sequence[str], feeds: str | None, random: bool, seed: int, ranges: Sequence[str], dims: Sequence[str]
) -> Given:  # fmt: skip
    """The options, read. Raises click.BadParameter."""
    return Given(tuple(feed), feeds, random, seed, dict(map(_range, ranges)), dict(map(_dim, dims)))


def feeds_of(session: Session, options: Given) -> Generated:
    """The feeds of a run. Inputs are random where ``--random`` says so or nothing at all is given, and a note says it."""
    from refexec.observe.generated import generate
    from refexec.observe.inputs import declared_type, parse_feed, read_feeds

    values: dict[str, Any] = {}
    if options.feeds is not None:
        found = read_feeds(session, options.feeds)
        for name in found:
            declared_type(session, name)
        values.update(found)
    for pair in options.feed:
        name, text = _named(session, pair)
        if any(name == _named(session, other)[0] for other in options.feed if other is not pair):
            raise FeedError(f"--feed gives input {name!r} twice")
        values[name] = parse_feed(session, name, text)
    missing = [i.name for i in session.inputs if i.name not in values]
    if values and missing and not options.random:
        raise FeedError("a feed is missing", missing=missing, fed=sorted(values))
    made = generate(session, values, seed=options.seed, ranges=options.ranges, dims=options.dims)
    if made.drawn:
        note(made.note())
    return made


def _named(session: Session, pair: str) -> tuple[str, str]:
    """Names may hold ``=``: the longest name of an input that fits counts, else what stands before the first one."""
    for name in sorted((i.name for i in session.inputs), key=len, reverse=True):
        if pair.startswith(f"{name}="):
            return name, pair[len(name) + 1 :]
    name, separator, text = pair.partition("=")
    if not separator:
        raise click.BadParameter(f"{pair!r} is not NAME=FILE or NAME=JSON", param_hint="--feed")
    return name, text


def _range(pair: str) -> tuple[str, tuple[float, float]]:
    name, separator, text = pair.rpartition("=")
    low, colon, high = text.partition(":")
    ends = (_number(low), _number(high))
    if not separator or not colon or ends[0] is None or ends[1] is None or not ends[0] <= ends[1]:
        raise click.BadParameter(f"{pair!r} is not NAME=LO:HI with two numbers, the smaller first", param_hint="--range")
    return name, (ends[0], ends[1])


def _dim(pair: str) -> tuple[str, int | tuple[int, ...]]:
    name, separator, text = pair.rpartition("=")
    if not separator or not re.fullmatch(r"\d{1,18}(,\d{1,18})*,?", text):
        raise click.BadParameter(f"{pair!r} is not NAME=SIZE or NAME=SIZE,SIZE,...", param_hint="--dim")
    sizes = tuple(int(s) for s in text.split(",") if s)
    return name, sizes if "," in text else sizes[0]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
