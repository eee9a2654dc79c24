"""Chains: steps on equal shapes, each element by element, that run block by block in the first-level cache.

Each step gives the bits of the single operator: Add, Sub, Mul, Div, Sqrt, Max, Min, Neg, Abs and Clip those of NumPy, zeros and NaN
included, a function those of ``pointwise``. So a chain may stand for its nodes without changing a bit.

    t = Step("div", (Input(0), 1.4142135))                  # operands: an argument, the result of a step, or a number
    chain = Chain([t, Step("erf", (Result(0),)), Step("add", (Result(1), 1.0)), ...])
    binding = chain.bind(shapes)                            # None where the shapes do not allow it
    binding.run(y, arrays)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from refexec.kernels.functions import ULPS
from refexec.kernels.memory import NOTHING, Array, aligned
from refexec.kernels.pointwise import block_of
from refexec.kernels.simd import at, instruction, jit, put
from refexec.pool import pieces, share
from refexec.primitives import provide

__all__ = ["MOST_INPUTS", "Bound", "Chain", "Input", "Result", "Step"]

BLOCK = 1024  # elements
PITCH = BLOCK + 80  # of blocks in scratch memory: loads and stores 4096 bytes apart would wait for each other
LANES = 16  # of a number that is repeated, at least those of a long vector
MOST_INPUTS = 4  # of the shape of the result; rows and single numbers do not count
NANOSECONDS = 0.5  # of one element and step
NUMBERS, SCRATCH, TARGET = MOST_INPUTS, MOST_INPUTS + 1, MOST_INPUTS + 2  # sources beside the inputs
SOURCES = MOST_INPUTS + 3
FIELDS = 11  # of a step
STANDS, MOVES, REPEATS = 0, 1, 2  # with the block: not, by element, by column


class Input(NamedTuple):
    """An argument of the chain."""

    argument: int


class Result(NamedTuple):
    """What an earlier step gave."""

    step: int


Operand = Input | Result | float


@dataclass(frozen=True, slots=True)
class Step:
    """A function by its name, of one operand or two, with the parameters it has (Clip its bounds, Swish its alpha)."""

    name: str
    operands: tuple[Operand, ...]
    parameters: tuple[float, ...] = ()


class Bound(NamedTuple):
    """A chain for given shapes: ``run(y, arrays)`` fills ``y``, a new C-contiguous array of ``shape``."""

    shape: tuple[int, ...]
    run: Callable[[Array, Sequence[Array]], None]


@instruction
def memory_of(typing: Any, array: Any) -> Any:
    """The address of an array's memory. It must be kept alive by who calls the kernel."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.ptrtoint(context.make_array(array)(context, builder, args[0]).data, ir.IntType(64))

    return types.intp(array), code


@instruction
def call_at(typing: Any, address: Any, like: Any, first: Any, second: Any, target: Any, rest: Any) -> Any:
    """Call the compiled step at an address. Two operands are (memory, its size, offset, step), the target (memory, its size, offset);
    the memories are handed over as arrays of the type of ``like`` that no one counts."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = []
        for operand in args[2:5]:
            memory, size, *places = cgutils.unpack_tuple(builder, operand)
            array = context.make_array(like)(context, builder)
            array.data = builder.inttoptr(memory, array.data.type)
            array.nitems = size
            values += [array._getvalue(), *places]
        values += cgutils.unpack_tuple(builder, args[5])
        called = [*[like, types.intp, types.intp] * 2, like, types.intp, types.intp, types.float64, types.float64]
        pointer = builder.inttoptr(args[0], context.call_conv.get_function_type(types.none, called).as_pointer())
        status, _ = context.call_conv.call_function(builder, pointer, types.none, called, values)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.none(address, like, first, second, target, rest), code


def address_of(name: str, dtype: Any) -> int:
    """Where the machine code of a step stands. The module that compiled it keeps it alive."""
    found = _addresses.get((name, dtype))
    if found is None:
        memory = numba.typeof(np.empty(1, dtype))
        place = (memory, types.intp, types.intp)
        signature = (*place, *place, memory, types.intp, types.intp, types.float64, types.float64)
        block = block_of(name)
        block.compile(signature)
        compiled = block.overloads[signature]
        found = _addresses[name, dtype] = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return found


_addresses: dict[tuple[str, Any], int] = {}


@jit
def run_steps(A, B, C, D, R, S, Y, steps, parameters, first, end, N):
    """Elements ``first`` to ``end``. A row of ``steps``: address; source, offset, movement and step between elements of two operands;
    source and offset of the result. R holds numbers and rows of N elements, each followed by a block more; S is scratch memory."""
    memory, size = np.empty(SOURCES, np.int64), np.empty(SOURCES, np.int64)
    for source, array in enumerate((A, B, C, D, R, S, Y)):
        put(memory, source, memory_of(array))
        put(size, source, array.size)
    for b in range(first, end, BLOCK):
        count = min(BLOCK, end - b)
        for step in range(0, steps.size, FIELDS):
            i, x, x_moves, x_step = at(steps, step + 1), at(steps, step + 2), at(steps, step + 3), at(steps, step + 4)
            j, z, z_moves, z_step = at(steps, step + 5), at(steps, step + 6), at(steps, step + 7), at(steps, step + 8)
            k, y = at(steps, step + 9), at(steps, step + 10)
            x += b if x_moves == MOVES else b % N if x_moves == REPEATS else 0
            z += b if z_moves == MOVES else b % N if z_moves == REPEATS else 0
            y = b if k == TARGET else y
            number = 2 * (step // FIELDS)
            call_at(
                at(steps, step), Y, (at(memory, i), at(size, i), x, x_step), (at(memory, j), at(size, j), z, z_step),
                (at(memory, k), at(size, k), y), (count, at(parameters, number), at(parameters, number + 1)),
            )  # fmt: skip


@jit
def repeat(R, start, N, size):
    """Make ``size`` elements of R from ``start`` on repeat the first N of them."""
    for i in range(N, size):
        put(R, start + i, at(R, start + i - N))


class Chain:
    """A program of steps; the result is that of the last one."""

    def __init__(self, steps: Sequence[Step]) -> None:
        for number, step in enumerate(steps):
            if step.name not in ULPS or any(isinstance(o, Result) and o.step >= number for o in step.operands):
                raise ValueError(f"no step that a chain can do: {step}")
        self.steps = tuple(steps)

    def bind(self, shapes: Sequence[tuple[int, ...]]) -> Bound | None:
        """The chain for arguments of these shapes. Each has the shape of the result, or is one row of it, or one number; None else."""
        shape = np.broadcast_shapes(*shapes)
        N = shape[-1] if shape else 1
        full = [i for i, s in enumerate(shapes) if s == shape]
        rows = [i for i, s in enumerate(shapes) if s != shape and s[-1:] == (N,) and int(np.prod(s)) == N]
        ones = [i for i, s in enumerate(shapes) if s != shape and i not in rows and int(np.prod(s)) == 1]
        if len(full) + len(rows) + len(ones) < len(shapes) or len(full) > MOST_INPUTS or not full:
            return None
        numbers: list[float] = []
        inputs = {index: (place, 0, MOVES, 1) for place, index in enumerate(full)}
        inputs |= {index: (NUMBERS, place * LANES, STANDS, 0) for place, index in enumerate(ones)}
        begin = len(ones) * LANES
        steps = [s for s in self.steps for o in s.operands if isinstance(o, float)]
        begin_rows = begin + LANES * len(steps)
        inputs |= {index: (NUMBERS, begin_rows + place * (N + BLOCK), REPEATS, 1) for place, index in enumerate(rows)}

        def source(operand: Operand, slots: dict[int, int]) -> tuple[int, int, int, int]:
            if isinstance(operand, Input):
                return inputs[operand.argument]
            if isinstance(operand, Result):
                return SCRATCH, slots[operand.step] * PITCH, STANDS, 1
            numbers.append(float(operand))
            return NUMBERS, begin + (len(numbers) - 1) * LANES, STANDS, 0

        table, slots = self._table(source)
        scratch = max(slots, 1) * PITCH
        parameters = np.array([(*s.parameters, 0.0, 0.0)[:2] for s in self.steps], np.float64)
        size = int(np.prod(shape, dtype=np.int64))
        tables: dict[Any, tuple[Array, Array]] = {}

        def prepared(dtype: Any) -> tuple[Array, Array]:
            with_addresses = table.copy()
            with_addresses[:, 0] = [address_of(s.name, dtype) for s in self.steps]
            memory = np.zeros(begin_rows + len(rows) * (N + BLOCK), dtype)
            memory[begin:begin_rows] = np.repeat(np.array(numbers, dtype), LANES)
            return with_addresses, memory

        def run(y: Array, arrays: Sequence[Array]) -> None:
            if not size:
                return
            if y.dtype not in tables:
                tables[y.dtype] = prepared(y.dtype)
            program, memory = tables[y.dtype]
            if ones or rows:
                memory = memory.copy()
                for place, index in enumerate(ones):
                    memory[place * LANES : (place + 1) * LANES] = arrays[index].reshape(())
                for place, index in enumerate(rows):
                    start = begin_rows + place * (N + BLOCK)
                    memory[start : start + N] = arrays[index].reshape(-1)
                    repeat(memory, start, N, N + BLOCK)
            given = [writeable(arrays[i]) for i in full] + [NOTHING[y.dtype]] * (MOST_INPUTS - len(full))
            out = y.reshape(-1)
            share(
                pieces(size, NANOSECONDS * len(self.steps), BLOCK),
                lambda first, end: run_steps(*given, memory, aligned(scratch, y.dtype), out, program, parameters, first, end, N),
            )

        return Bound(shape, run)

    def _table(self, source: Callable[[Operand, dict[int, int]], tuple[int, int, int, int]]) -> tuple[Array, int]:
        """A row per step, and how many blocks hold what steps give; a block is free again after the last use of what it holds."""
        last = {o.step: number for number, step in enumerate(self.steps) for o in step.operands if isinstance(o, Result)}
        slots: dict[int, int] = {}
        free: list[int] = []
        most = 0
        table = np.zeros((len(self.steps), FIELDS), np.int64)
        for number, step in enumerate(self.steps):
            a = source(step.operands[0], slots)
            b = source(step.operands[1], slots) if len(step.operands) > 1 else a
            free += [slots[i] for i in {o.step for o in step.operands if isinstance(o, Result)} if last[i] == number]
            if number == len(self.steps) - 1:
                target = TARGET, 0
            else:
                if not free:
                    free.append(most)
                    most += 1
                slots[number] = free.pop()
                target = SCRATCH, slots[number] * PITCH
            table[number] = (0, *a, *b, *target)
        return table, most


def writeable(x: Array) -> Array:
    """The elements as one axis; compiled code knows arrays that may be written."""
    x = np.ascontiguousarray(x).reshape(-1)
    return x if x.flags.writeable else x.copy()


provide("chain", SimpleNamespace(Chain=Chain, Step=Step, Input=Input, Result=Result))
