"""Convolution of any rank, stride, dilation, padding and number of groups, as products of matrices that are never made whole.

Column j of a product is output pixel j, its rows are the terms k = (channel, position in the window). Two tables say where they stand
in the padded input: the element (k, j) at ``terms[k] + pixels[j]``. Sixteen pixels at a time are gathered into a panel; where an image has
few pixels these are the rows instead, and the filters the panels. Sums are those of ``tiles`` in both cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from refexec import pool
from refexec.kernels.depthwise import depthwise, depthwise_layout
from refexec.kernels.epilogue import Tail
from refexec.kernels.gemm import MC, pack_panels, product_of_panels
from refexec.kernels.memory import Array, aligned, offsets, plain, row_major, scratch
from refexec.kernels.simd import alive, at, evens_and_odds, first_lanes, jit, lanes_of, load, memory, put, select, store
from refexec.kernels.tiles import KC, NO_BIAS, PANEL_BYTES, PER_ROW, emit, finish, pack_rows, spread, strip_of_packed
from refexec.pool import pieces, share
from refexec.primitives import Binding, Epilogue, Kernel, Shape, definition, kernel

__all__ = ["Correlate"]

NANOSECONDS = 0.02  # of one multiply-add
PANELS = 8  # gathered at a time, so that they and a block of the filters stay in the second-level cache
ELEMENTS, ONE_RUN, TWO_RUNS, EVERY_OTHER = range(4)  # ways to read a vector of pixels
FEW_PIXELS = 64  # for which a last panel would be mostly empty


@jit
def fill_padded(X, x, c, c_end, inner, before, outer, P):
    """The planes c to ``c_end`` of the image at ``x`` of X, (depth, height, width) ``inner``, amid the zeros of planes ``outer``."""
    L = lanes_of(X)
    X, P = memory(X), memory(P)
    for channel in range(c, c_end):
        p = channel * outer[0] * outer[1] * outer[2]
        source = x + channel * inner[0] * inner[1] * inner[2]
        for d in range(outer[0]):
            for h in range(outer[1]):
                inside = before[0] <= d < before[0] + inner[0] and before[1] <= h < before[1] + inner[1]
                if inside:
                    for w in range(before[2]):
                        put(P, p + w, 0)
                    start = p + before[2]
                    whole = inner[2] - inner[2] % L
                    for w in range(0, whole, L):
                        store(P, start + w, load(X, source + w))
                    for w in range(whole, inner[2]):
                        put(P, start + w, at(X, source + w))
                    for w in range(before[2] + inner[2], outer[2]):
                        put(P, p + w, 0)
                    source += inner[2]
                else:
                    for w in range(outer[2]):
                        put(P, p + w, 0)
                p += outer[2]


@jit
def steps_of(pixels, j, lanes):
    """How a vector of pixels stands in memory: (step, how many lie before the row ends); step 0 where no two runs do.

    Of two runs the second lies behind the first, so that a vector from where either begins, or to where it ends, is of the image.
    """
    step = at(pixels, j + 1) - at(pixels, j)
    before = 1
    while before < lanes and at(pixels, j + before) - at(pixels, j + before - 1) == step:
        before += 1
    if before < lanes and at(pixels, j + before) <= at(pixels, j + before - 1):  # the last pixel again, which fills a panel
        return 0, before
    for i in range(before + 1, lanes):
        if at(pixels, j + i) - at(pixels, j + i - 1) != step:
            return 0, before
    return (step if step == 1 or step == 2 else 0), before


@jit
def plan_halves(pixels, j, halves, lanes, H):
    """Write to H how each vector of pixels from j on is read: (way, first pixel, last run moved to its lanes, lanes of the first run)."""
    for half in range(halves):
        at_half = j + half * lanes
        step, before = steps_of(pixels, at_half, lanes)
        way = ELEMENTS
        if step == 1:
            way = ONE_RUN if before == lanes else TWO_RUNS
        elif step == 2 and before == lanes:
            way = EVERY_OTHER
        put(H, 4 * half, way)
        put(H, 4 * half + 1, at(pixels, at_half))
        put(H, 4 * half + 2, at(pixels, at_half + lanes - 1) - (lanes - 1) * step)
        put(H, 4 * half + 3, before)


@jit
def gather(X, x, terms, k, count, pixels, j, halves, H, S):
    """The pixels from j on as panels of ``count`` terms from k on, written to S; H says how each half of a panel is read.

    Term by term, so that the image is read in long runs. Two runs of pixels, where a row ends, are two vectors of which each gives its
    part.
    """
    L = lanes_of(X)
    for i in range(count):
        source = x + at(terms, k + i)
        for half in range(halves):
            target = (half // 2 * count + i) * 2 * L + half % 2 * L
            way = at(H, 4 * half)
            first = source + at(H, 4 * half + 1)
            if way == ONE_RUN:
                store(S, target, load(X, first))
            elif way == TWO_RUNS:
                mask = first_lanes(X, at(H, 4 * half + 3))
                store(S, target, select(mask, load(X, first), load(X, source + at(H, 4 * half + 2))))
            elif way == EVERY_OTHER:
                store(S, target, evens_and_odds(load(X, first), load(X, first + L - 1)))
            else:
                for lane in range(L):
                    put(S, target + lane, at(X, source + at(pixels, j + half * L + lane)))


@jit
def panels_of_pixels(X, x, terms, pixels, W, w, K, Y, y, P, p, p_end, M, follows, bias, first, per, R, residual, lo, hi):
    """All filters of a group by the pixels of panels p to ``p_end``. W holds the M filters packed from w on, Y (M, P) from y on.

    Sums stand in C, panel by panel, until they are complete.
    """
    L = lanes_of(X)
    width = 2 * L
    gathered, sums = np.empty(PANELS * min(K, KC) * width, X.dtype), np.empty(PANELS * M * width, X.dtype)
    ways = np.empty(8 * PANELS, np.int64)
    X, terms, pixels, W, Y, S, C = memory(X), memory(terms), memory(pixels), memory(W), memory(Y), memory(gathered), memory(sums)
    bias, R, H = memory(bias), memory(R), memory(ways)
    for p0 in range(p, p_end, PANELS):
        some = min(PANELS, p_end - p0)
        plan_halves(pixels, p0 * width, 2 * some, L, H)
        for k in range(0, K, KC):
            block = min(KC, K - k)
            gather(X, x, terms, k, block, pixels, p0 * width, 2 * some, H, S)
            for panel in range(some):
                c = panel * M * width
                strip_of_packed(W, w + k * M, S, panel * block * width, width, block, C, c, width, M, k > 0)
                if k + KC >= K:
                    j = (p0 + panel) * width
                    emit(C, c, Y, y + j, P, M, min(width, P - j), follows, bias, first, per, R, residual, lo, hi)
    alive(gathered)
    alive(sums)
    alive(ways)


@jit
def rows_of_pixels(X, x, linear, terms, pixels, V, v, K, Y, y, P, M, m, m_end, follows, bias, first, per, R, residual, lo, hi):
    """The filters m to ``m_end`` of a group by all pixels, for few pixels. V holds the filters as panels from v on; m begins one.

    ``linear`` says that the term k of pixel j stands at k * P + j: nothing needs to be gathered.
    """
    some = m_end - m
    width = 2 * lanes_of(X)
    rows, sums, tile = np.empty(0 if linear else P * K, X.dtype), np.empty(P * some, X.dtype), np.empty(MC * width, X.dtype)
    X, terms, pixels, V, Y, A, C, T = (
        memory(X), memory(terms), memory(pixels), memory(V), memory(Y), memory(rows), memory(sums), memory(tile)
    )  # fmt: skip
    bias, R = memory(bias), memory(R)
    a = 0
    if linear:
        A, a = X, x
    else:
        for k in range(K):
            source, row = x + at(terms, k), k * P
            for j in range(P):
                put(A, row + j, at(X, source + at(pixels, j)))
    product_of_panels(A, a, 1, P, V, v + m * K, C, 0, some, P, some, K, T, False, bias, 0, NO_BIAS, R, False, lo, hi)
    spread(C, 0, some, Y, y + m * P, 1, P, P, some, False)
    if follows:
        finish(Y, y + m * P, P, some, P, bias, first + m, per, R, residual, lo, hi)
    alive(rows)
    alive(sums)
    alive(tile)


@kernel("correlate", "float32", "float64", halves=True)
class Correlate(Kernel):
    epilogues = True
    order = "over (channel, position in the window), in blocks of 256 terms whose sums are added in order; fused multiply-adds"

    def pack(self, static: Mapping[str, Any], constants: Mapping[int, Array]) -> Filters | None:
        W = constants.get(1)
        return None if W is None else Filters(W, static["group"])

    def bind(self, shapes: Sequence[Shape], static: Mapping[str, Any], packed: Filters | None, epilogue: Epilogue) -> Binding:
        X, W = (tuple(s or ()) for s in shapes)
        here = Geometry(X, W, static["window"], static["group"])
        tail = Tail(epilogue, PER_ROW)

        def run(y: Array, arrays: Sequence[Array], bias: Array | None, residual: Array | None) -> None:
            filters = packed if packed is not None else Filters(arrays[1], here.group)
            follows, rest = tail(y, bias, residual)
            memory, out = plain(arrays[0]), y.reshape(-1)
            if here.depthwise:
                run_depthwise(here, memory, filters.memory, out, (*follows, *rest))
                return
            for n in range(here.images):
                image, start = here.padded(memory, n)
                run_image(here, image, start, filters, out, n * here.size, follows, rest)

        return Binding((here.images, W[0], *here.window.output), run)

    def bound(self, arrays: Sequence[Array], static: Mapping[str, Any]) -> Any:
        """The sum of magnitudes times the number of terms. Source: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1."""
        X, W = arrays
        return (prod(W.shape[1:]) + 2) * definition("correlate")(np.abs(X), np.abs(W), **static)


class Geometry:
    """Where things stand in a convolution of given shapes."""

    def __init__(self, X: Sequence[int], W: Sequence[int], window: Any, group: int) -> None:
        self.window, self.group = window, group
        self.images, self.channels, *spatial = X
        self.rows, self.depth, *self.kernel = W[0] // group, *W[1:]
        self.inner = tuple(spatial)
        self.outer = tuple(d + begin + end for d, (begin, end) in zip(spatial, window.pads, strict=True))
        self.before = tuple(begin for begin, _ in window.pads)
        self.plane, self.pixels, self.terms = prod(self.outer), prod(window.output), self.depth * prod(self.kernel)
        self.size = W[0] * self.pixels  # of the result for one image
        self.pads = self.outer != self.inner
        self.depthwise = self.depth == 1 and self.rows == 1 and len(spatial) == 2 and 0 < self.terms <= KC
        self.linear = not self.pads and prod(self.kernel) == 1 and self.pixels == self.plane
        self._tables: dict[int, tuple[Array, Array]] = {}
        self._layout: Array | None = None

    def layout(self) -> Array:
        """What the depthwise kernel is told."""
        if self._layout is None:
            self._layout = depthwise_layout(self)
        return self._layout

    def tables(self, width: int) -> tuple[Array, Array]:
        """Where terms and pixels stand in the padded image; the last pixel fills the last panel of ``width``."""
        if width not in self._tables:
            steps = row_major((self.channels, *self.outer))
            pixels = offsets(0, self.window.output, [s * step for s, step in zip(self.window.strides, steps[1:], strict=True)])
            strides = (steps[0], *(d * step for d, step in zip(self.window.dilations, steps[1:], strict=True)))
            terms = offsets(0, (self.depth, *self.kernel), strides)
            self._tables[width] = terms, np.concatenate([pixels, np.repeat(pixels[-1:], -len(pixels) % width)])
        return self._tables[width]

    def padded(self, X: Array, n: int) -> tuple[Array, int]:
        """The memory of the image n with its pads, and where in it the image begins."""
        if not self.pads:
            return X, n * self.channels * self.plane
        start = n * self.channels * prod(self.inner)
        image = scratch(self.channels * self.plane, X.dtype)
        if len(self.inner) > 3:
            view = image[: self.channels * self.plane].reshape(self.channels, *self.outer)
            view[...] = 0
            inside = tuple(slice(b, b + d) for b, d in zip(self.before, self.inner, strict=True))
            view[(slice(None), *inside)] = X[start : start + self.channels * prod(self.inner)].reshape(self.channels, *self.inner)
            return image, 0
        inner, before, outer = (fill + tuple(v) for fill, v in zip(self.lifted(), (self.inner, self.before, self.outer), strict=True))
        if self.channels * self.plane <= pool.SHORT:
            fill_padded(X, start, 0, self.channels, inner, before, outer, image)
            return image, 0
        each = pieces(self.channels, self.plane)
        share(each, lambda c, c_end: fill_padded(X, start, c, c_end, inner, before, outer, image))
        return image, 0

    def lifted(self) -> tuple[tuple[int, ...], ...]:
        """What stands before the sizes of fewer than three axes."""
        missing = 3 - len(self.inner)
        return (1,) * missing, (0,) * missing, (1,) * missing


def run_image(
    here: Geometry, image: Array, start: int, filters: Filters, out: Array, y: int, follows: tuple[bool, Array, int], rest: tuple[Any, ...]
) -> None:
    """All groups of one image."""
    width = PANEL_BYTES // out.itemsize
    terms, pixels = here.tables(width)
    P, K, M = here.pixels, here.terms, here.rows
    one = here.depth * here.plane
    does, biases, per = follows

    def panels(g: int, p: int, p_end: int) -> None:
        panels_of_pixels(
            image, start + g * one, terms, pixels, packed, g * M * K, K, out, y + g * M * P, P, p, p_end, M,
            does, biases, g * M, per, *rest,
        )  # fmt: skip

    def rows(g: int, m: int, m_end: int) -> None:
        rows_of_pixels(
            image, start + g * one, here.linear, terms, pixels, packed, g * filters.panel_size, K, out, y + g * M * P, P, M, m, m_end,
            does, biases, g * M, per, *rest,
        )  # fmt: skip

    many = P > FEW_PIXELS or M == 1
    packed, work = (filters.packed(), panels) if many else (filters.panels(), rows)
    size, cost, multiple = (-(-P // width), width * M, 1) if many else (M, P, width)
    cost *= (K + 8) * NANOSECONDS * here.group
    if size * cost <= pool.SHORT:
        for g in range(here.group):
            work(g, 0, size)
        return
    share([(g, *part) for part in pieces(size, cost, multiple) for g in range(here.group)], work)


def run_depthwise(here: Geometry, memory: Array, W: Array, out: Array, rest: tuple[Any, ...]) -> None:
    """All planes of all images."""
    layout, count, cost = here.layout(), here.images * here.channels, here.pixels * here.terms * NANOSECONDS * 4
    if count * cost <= pool.SHORT:
        depthwise(memory, W, here.channels, layout, out, 0, count, *rest)
        return
    share(pieces(count, cost), lambda i, i_end: depthwise(memory, W, here.channels, layout, out, i, i_end, *rest))


class Filters:
    """The filters of a convolution as kernels read them, made when first needed."""

    def __init__(self, W: Array, group: int) -> None:
        self.memory = plain(W)
        self.group = group
        self.rows, self.terms = W.shape[0] // group, prod(W.shape[1:])
        width = PANEL_BYTES // W.itemsize
        self.panel_size = -(-self.rows // width) * width * self.terms
        self._packed: Array | None = None
        self._panels: Array | None = None

    def packed(self) -> Array:
        """The rows of each group in sixes, term by term, in blocks of KC terms."""
        if self._packed is None:
            made = aligned(self.memory.size, self.memory.dtype)
            for g in range(self.group):
                start = g * self.rows * self.terms
                pack_rows(self.memory, start, self.rows, self.terms, made, start)
            self._packed = made
        return self._packed

    def panels(self) -> Array:
        """The filters of each group as the columns of panels."""
        if self._panels is None:
            made = aligned(self.group * self.panel_size, self.memory.dtype)
            for g in range(self.group):
                pack_panels(self.memory, g * self.rows * self.terms, 1, self.terms, self.terms, self.rows, made, g * self.panel_size)
            self._panels = made
        return self._panels
