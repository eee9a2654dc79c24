"""Loop, and the stacking of scan outputs."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import InvalidModel, require
from refexec.ops.common import normalize_axis, scalar, tensor_type
from refexec.registry import op
from refexec.types import TensorType


def loop_types(attributes, inputs):
    """Carried values keep their types; scan outputs have those of the body. Checked here, before any run."""
    carried = len(inputs) - 2
    decision, *body = attributes["body"].output_types or (None,)
    if decision is not None and str(decision) != "tensor(bool)":
        raise InvalidModel("the condition that a loop body returns is tensor(bool)", seen=str(decision))
    for i, (before, after) in enumerate(zip(inputs[2:], body, strict=False)):
        if isinstance(before, TensorType) and isinstance(after, TensorType) and before.elem is not after.elem:
            raise InvalidModel("a carried value keeps its type from trip to trip", value=i, before=str(before), after=str(after))
    return [own if own is not None else given for own, given in zip(body, [*inputs[2:], *(None,) * (len(body) - carried)], strict=False)]


def loop_body_types(inputs):
    """The body gets the iteration number, the condition and the carried values."""
    return [tensor_type("int64"), tensor_type("bool"), *inputs[2:]]


@op(
    "Loop", since=11, also=(13, 16, 19, 21, 23, 24, 25), arithmetic="exact", compare=exact,
    result_types=loop_types, body_types=loop_body_types,
)  # fmt: skip
def loop_11(M=None, cond=None, /, *v_initial, ctx, body):
    """Run ``body(i, cond, *carried) -> (cond, *carried, *scanned)`` while i < M and cond holds.

    Without M there is no bound. Without the input cond the body gets true, and the condition that it returns is ignored: with
    neither there is no end, which is refused. Scanned values are stacked along a new first axis, which is of length 0 after no trip.
    Outputs are the carried values, then the stacks.
    """
    require(M is not None or cond is not None, "a loop has M or cond: with neither the condition of the body is ignored and it has no end")
    trips = None if M is None else scalar(M, "M")
    going = True if cond is None else bool(scalar(cond, "cond"))
    carried = list(v_initial)
    scanned = scan_outputs(body, 1 + len(carried))
    stacks = [[] for _ in scanned]
    i = 0
    while going and (trips is None or i < trips):
        ctx.trip(i + 1)
        decision, *results = body(np.array(i, np.int64), np.array(going), *carried, trip=i)
        carried = results[: len(carried)]
        for stack, value in zip(stacks, results[len(carried) :], strict=True):
            stack.append(ctx.hold(value))
        going = cond is None or bool(scalar(decision, "cond"))
        i += 1
    return (*carried, *(stacked(ctx, stack, info) for stack, info in zip(stacks, scanned, strict=True)))


@op("Loop", since=1, like=loop_11)
def loop_1(M=None, cond=None, /, *v_initial, ctx, body):
    """Before version 11: at least one carried value."""
    return loop_11(M, cond, *v_initial, ctx=ctx, body=body)


def scan_outputs(body, first):
    """Name and type of the body's outputs from the one of index ``first`` on: those that are collected over the trips."""
    require(len(body.outputs) >= first, "the body has an output for the condition and each value it carries", outputs=len(body.outputs))
    return body.outputs[first:]


def stacked(ctx, values, info, axis=0, prepend=False):
    """The values of all trips along a new ``axis``, the last one first if ``prepend``.

    When there are none, type and shape come from what the body declares; dimensions that it leaves open are 0.
    """
    require(all(isinstance(v, np.ndarray) for v in values), "a scan output is a tensor", trips=len(values))
    if values:
        require(len({v.shape for v in values}) == 1, "a scan output has one shape in all trips", shapes=[v.shape for v in values])
        ctx.claim((len(values), *values[0].shape), values[0].dtype)
        return np.stack(values[::-1] if prepend else values, normalize_axis(axis, values[0].ndim + 1))
    require(isinstance(info.type, TensorType), "the type of a scan output is known when no trip is made", output=info.name)
    dims = [d if isinstance(d, int) else 0 for d in info.type.shape or ()]
    at = normalize_axis(axis, len(dims) + 1)
    return ctx.zeros((*dims[:at], 0, *dims[at:]), info.type.elem)
