"""Scan."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import require
from refexec.ops.common import normalize_axis
from refexec.ops.controlflow.loop import scan_outputs, stacked
from refexec.registry import op
from refexec.values import zero


def scan_types(attributes, inputs):
    """States keep their types; scan outputs have those of the body."""
    body = attributes["body"].output_types
    states = inputs[: len(inputs) - attributes["num_scan_inputs"]]
    return [own if own is not None else given for own, given in zip(body, [*states, *(None,) * len(body)], strict=False)]


@op(
    "Scan", since=9, also=(11, 16, 19, 21, 23, 24, 25), arithmetic="exact", compare=exact,
    result_types=scan_types, body_types=lambda inputs: inputs,
)  # fmt: skip
def scan_9(
    *initial_state_and_scan_inputs, ctx, body, num_scan_inputs,
    scan_input_axes=None, scan_input_directions=None, scan_output_axes=None, scan_output_directions=None,
):  # fmt: skip
    """Run ``body(*states, *elements) -> (*states, *scanned)`` once per element of the scan inputs along their axes.

    Elements have no scan axis. Direction 1 takes an input from its end, and puts new values in front of an output.
    Scanned values are stacked along their output axis. Outputs are the last states, then the stacks.
    """
    states, scans = split_inputs(initial_state_and_scan_inputs, num_scan_inputs)
    axes = [normalize_axis(a, x.ndim) for a, x in zip(one_each(scan_input_axes, scans, "scan_input_axes"), scans, strict=True)]
    backward = directed(scan_input_directions, scans, "scan_input_directions")
    lengths = {x.shape[a] for x, a in zip(scans, axes, strict=True)}
    require(len(lengths) == 1, "all scan inputs have one length along their scan axes", shapes=[x.shape for x in scans], axes=axes)
    moved = [np.moveaxis(x, a, 0)[:: -1 if b else 1] for x, a, b in zip(scans, axes, backward, strict=True)]
    scanned = scan_outputs(body, len(states))
    output_axes = one_each(scan_output_axes, scanned, "scan_output_axes")
    prepend = directed(scan_output_directions, scanned, "scan_output_directions")
    states, stacks = scan(ctx, body, states, moved, lengths.pop(), len(scanned))
    return (*states, *(stacked(ctx, *each) for each in zip(stacks, scanned, output_axes, prepend, strict=True)))


@op(
    "Scan", since=8, arithmetic="exact", compare=exact, result_types=lambda a, i: scan_types(a, i[1:]), body_types=lambda inputs: inputs[1:]
)
def scan_8(sequence_lens=None, /, *initial_state_and_scan_inputs, ctx, body, num_scan_inputs, directions=None):
    """Version 8: axis 0 of every state and scan input is the batch, axis 1 of every scan input is scanned.

    Each sample is scanned on its own, up to its length; direction 1 starts at the sample's own last element. What follows
    in a scan output is not specified and 0 here.
    """
    states, scans = split_inputs(initial_state_and_scan_inputs, num_scan_inputs)
    require(all(x.ndim >= 2 for x in scans), "scan inputs have a batch axis and a scan axis", shapes=[x.shape for x in scans])
    sizes = {x.shape[:2] for x in scans}
    require(len(sizes) == 1, "all scan inputs have one batch size and one length", shapes=[x.shape for x in scans])
    batch, longest = sizes.pop()
    require(all(s.shape[:1] == (batch,) for s in states), "states have the batch size", states=[s.shape for s in states], batch=batch)
    lengths = np.full(batch, longest) if sequence_lens is None else sequence_lens
    require(lengths.shape == (batch,), "sequence_lens has one length per sample", sequence_lens=lengths.shape, batch=batch)
    require(np.all((lengths >= 0) & (lengths <= longest)), "lengths are from 0 to the length of the scan axis", sequence_lens=lengths)
    backward = directed(directions, scans, "directions")
    scanned = scan_outputs(body, len(states))
    last, stacks = [], [[] for _ in scanned]  # per sample; per scan output and sample
    for b, n in enumerate(lengths.tolist()):
        elements = [x[b, :n][:: -1 if back else 1] for x, back in zip(scans, backward, strict=True)]
        final, values = scan(ctx, body, [s[b, ...] for s in states], elements, n, len(scanned), first=b * longest)
        last.append(final)
        for stack, value in zip(stacks, values, strict=True):
            stack.append(value)
    states = [stacked(ctx, each, None) for each in zip(*last, strict=True)] if batch else states
    return (*states, *(padded(ctx, stack, info, longest) for stack, info in zip(stacks, scanned, strict=True)))


def split_inputs(values, scans):
    """The states and the scan inputs."""
    require(0 < scans <= len(values), "num_scan_inputs counts the last inputs, at least one", num_scan_inputs=scans, inputs=len(values))
    return values[: len(values) - scans], values[len(values) - scans :]


def one_each(flags, values, name):
    """One flag per value; 0 when the attribute ``name`` is absent."""
    flags = [0] * len(values) if flags is None else flags
    require(len(flags) == len(values), "the attribute has one entry per scan input or output", name=name, entries=len(flags))
    return flags


def directed(flags, values, name):
    """One direction per value: 0 is forward, 1 backward."""
    flags = one_each(flags, values, name)
    require(all(f in (0, 1) for f in flags), "a direction is 0 or 1", name=name, directions=flags)
    return flags


def scan(ctx, body, states, elements, length, count, first=0):
    """Run the body ``length`` times; the last states and, per scan output, its values in the order of the trips."""
    stacks = [[] for _ in range(count)]
    for t in range(length):
        ctx.trip(first + t + 1)
        given = (*states, *(x[t, ...] for x in elements))
        if t == 0:
            as_declared(body, given)
        results = body(*given, trip=first + t)
        states = results[: len(states)]
        for stack, value in zip(stacks, results[len(states) :], strict=True):
            stack.append(ctx.hold(value))
    return states, stacks


def as_declared(body, values):
    """Check the shapes that the body declares for its inputs, where it does."""
    for info, value in zip(body.inputs, values, strict=False):
        shape = getattr(info.type, "shape", None)
        if shape is not None:
            fits = len(shape) == value.ndim and all(d == n for d, n in zip(shape, value.shape, strict=True) if isinstance(d, int))
            require(fits, "an input of the body has the shape that the body declares", name=info.name, declared=shape, seen=value.shape)


def padded(ctx, samples, info, longest):
    """The values of each sample along axis 1, followed by zeros up to ``longest``."""
    values = [value for sample in samples for value in sample]
    like = stacked(ctx, values[:1], info)
    require(len({v.shape for v in values}) <= 1, "a scan output has one shape in all trips", shapes=[v.shape for v in values])
    shape = ctx.claim((len(samples), longest, *like.shape[1:]), like.dtype)
    result = np.full(shape, zero(like.dtype), like.dtype)
    for row, sample in zip(result, samples, strict=True):
        for t, value in enumerate(sample):
            row[t, ...] = value
    return result
