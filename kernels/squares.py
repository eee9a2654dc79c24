"""Square blocks of as many rows as a vector has lanes, transposed in registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from refexec.kernels.vectors import I32, Vector, address_of, index_of, instruction, repeated

__all__ = ["add_products", "transpose"]


def _square(builder: Any, vector: Any, align: int, row: Callable[[int], Any]) -> list[Any]:
    """The columns of a square block whose row i stands at the address ``row(i)``.

    Transposing swaps each bit of an element's row number with that bit of its lane: the highest while half vectors are loaded, the
    others by shuffles of pairs of rows.
    """
    lanes, half = vector.count, vector.count // 2
    half_vector = ir.VectorType(vector.element, half)

    def halves(i: int, part: int) -> list[Any]:
        addresses = [builder.bitcast(row(k), half_vector.as_pointer()) for k in (i, i + half)]
        return [builder.load(builder.gep(a, [ir.Constant(I32, part)]), align=align) for a in addresses]

    joined = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes)))
    rows = [builder.shuffle_vector(*halves(i, part), joined) for part in (0, 1) for i in range(half)]
    bit = 1
    while bit < half:
        low = [j if not j & bit else lanes + j - bit for j in range(lanes)]
        high = [j + bit if not j & bit else lanes + j for j in range(lanes)]
        for i in range(lanes):
            if not i & bit:
                pair = rows[i], rows[i + bit]
                rows[i], rows[i + bit] = (
                    builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(I32, lanes), chosen)) for chosen in (low, high)
                )
        bit *= 2
    return rows


def _rows_at(context: Any, builder: Any, sig: Any, args: Any, first: int, lanes: int) -> Callable[[int], Any]:
    """The addresses of the rows of a block, of which the arguments from ``first`` on are the array, the start and the step."""
    start, step = (index_of(context, builder, args[first + i], sig.args[first + i]) for i in (1, 2))

    def address(i: int) -> Any:
        at_row = builder.add(start, builder.mul(step, ir.Constant(step.type, i)))
        return address_of(context, builder, sig.args[first], args[first], at_row, lanes)

    return address


@instruction
def transpose(typing: Any, array: Any, start: Any, row: Any, out: Any, first: Any, step: Any) -> Any:
    """Transpose a square block: what stands in ``start + i * row + j`` of one array's memory goes to ``first + j * step + i`` of the
    other's, i and j below the number of lanes."""
    vector = Vector(array.dtype)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        llvm, align = context.get_value_type(vector), array.dtype.bitwidth // 8
        target = _rows_at(context, builder, sig, args, 3, vector.lanes)
        for i, column in enumerate(_square(builder, llvm, align, _rows_at(context, builder, sig, args, 0, vector.lanes))):
            builder.store(column, builder.bitcast(target(i), llvm.as_pointer()), align=align)
        return context.get_dummy_value()

    return types.none(array, start, row, out, first, step), code


@instruction
def add_products(typing: Any, sums: Any, array: Any, start: Any, row: Any, other: Any, first: Any) -> Any:
    """Lane i of the sums and, j by j below the number of lanes, element ``start + i * row + j`` of one array's memory times element
    ``first + j`` of the other's: fused multiply-adds."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        llvm = context.get_value_type(sums)
        columns = _square(builder, llvm, array.dtype.bitwidth // 8, _rows_at(context, builder, sig, args, 1, sums.lanes))
        first = index_of(context, builder, args[5], sig.args[5])
        factors = address_of(context, builder, sig.args[4], args[4], first, sums.lanes)
        function = ir.FunctionType(llvm, [llvm] * 3)
        multiply_add = cgutils.get_or_insert_function(builder.module, function, f"llvm.fma.v{sums.lanes}f{sums.elem.bitwidth}")
        total = args[0]
        for j, column in enumerate(columns):
            factor = builder.load(builder.gep(factors, [ir.Constant(I32, j)]))
            total = builder.call(multiply_add, [repeated(builder, factor, llvm), column, total])
        return total

    return sums(sums, array, start, row, other, first), code
