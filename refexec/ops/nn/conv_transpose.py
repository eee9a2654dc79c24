"""ConvTranspose, Col2Im: overlapping blocks added up; and the primitive of the former."""

from math import prod

import numpy as np

from refexec.comparison import accumulation
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, vector
from refexec.ops.nn.conv import per_filter
from refexec.ops.nn.windows import Windows, extents, given_pads, per_axis, taps_of, windows
from refexec.primitives import Lowered, primitive
from refexec.registry import lowers, op
from refexec.values import zero


@primitive
def correlate_transposed(X: Array, W: Array, *, window: Windows, image: tuple[int, ...], group: int) -> Array:
    """Y[n, m, i * strides + k * dilations - begin] += W[c, m, k...] * X[n, c, i...] for all c, i, k, in ``group`` parts.

    X is (N, C, D...); W is (C, M / group, K...); Y is (N, M, *image), 0 where nothing is added.
    """
    N, C, *D = X.shape
    M = group * W.shape[1]
    columns = X.reshape(N, group, C // group, prod(D))
    filters = W.reshape(group, C // group, M // group, *W.shape[2:])

    def block(k):
        """What position k of the kernel adds, for each position of X: (N, M, D...)."""
        return (np.matmul(filters[..., *k].swapaxes(1, 2), columns)).reshape(N, M, *D)

    return overlapped(block, (N, M), window, image, X.dtype)


def overlapped(block, outer, window, image, dtype):
    """Zeros of the shape (*outer, *image) to which ``block(k)`` is added where position k of the windows meets it.

    On each axis the image is what the windows cover without the pads at both ends; a negative pad is room around it.
    """
    extent = extents(window.kernel, window.dilations)
    begins = [begin for begin, _ in window.pads]
    covered = [max((o - 1) * s + e, 0) for o, s, e in zip(window.output, window.strides, extent, strict=True)]
    room = [max(-begin, 0) for begin in begins]  # before the first window
    shown = [slice(r + begin, r + begin + size) for r, begin, size in zip(room, begins, image, strict=True)]
    sizes = [max(r + length, s.stop) for r, length, s in zip(room, covered, shown, strict=True)]
    whole = np.full(claim((*outer, *sizes), dtype), zero(dtype), dtype)
    under_windows = whole[:, :, *(slice(r, None) for r in room)]
    for k, slices in window.taps:
        under_windows[:, :, *slices] += block(k)
    return whole[:, :, *shown]


def transposed_terms(X, W, *rest, group=1, **attributes):
    """At most how many products one output element sums."""
    return W.shape[0] // group * prod(W.shape[2:])


def transposed_windows(X, W, begin_of, auto_pad, dilations, group, kernel_shape, output_padding, output_shape, pads, strides):
    """The windows that tensors of shapes ``X`` and ``W`` spread over an image, one per position of X, and the shape of the image.

    Without pads the image has the size strides * (D - 1) + output_padding + extent of the kernel. ``output_shape`` is that size
    less the total padding, of which ``begin_of(total, upper)`` goes to the beginning. SAME cuts it to D * strides.
    """
    require(len(X) >= 3, "X is (N, C, D1, ...)", X=X)
    require(len(W) == len(X), "W has the rank of X", X=X, W=W)
    require(group >= 1 and X[1] % group == 0, "the number of channels is a multiple of group", X=X, group=group)
    require(W[0] == X[1], "W has one block of filters per channel of X", X=X, W=W)
    require(not kernel_shape or tuple(kernel_shape) == tuple(W[2:]), "kernel_shape is the shape of W", kernel_shape=kernel_shape, W=W)
    rank, upper = len(X) - 2, auto_pad == "SAME_UPPER"
    strides, dilations = per_axis("strides", strides, rank), per_axis("dilations", dilations, rank)
    extra = tuple(output_padding or (0,) * rank)
    require(len(extra) == rank and min(extra) >= 0, "output_padding has one value per spatial axis, 0 or more", output_padding=extra)
    full = [s * (d - 1) + a + e for s, d, a, e in zip(strides, X[2:], extra, extents(W[2:], dilations), strict=True)]
    if output_shape:
        require(len(output_shape) == rank, "output_shape has one value per spatial axis", output_shape=output_shape)
        total = [size - o for size, o in zip(full, output_shape, strict=True)]
        pairs = tuple((begin_of(t, upper), t - begin_of(t, upper)) for t in total)
    elif upper or auto_pad == "SAME_LOWER":
        total = [max(size - d * s, 0) for size, d, s in zip(full, X[2:], strides, strict=True)]
        pairs = tuple((t // 2, t - t // 2) if upper else (t - t // 2, t // 2) for t in total)
    else:
        require(auto_pad in ("NOTSET", "VALID", ""), "auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto_pad=auto_pad)
        pairs = given_pads(() if auto_pad == "VALID" else pads, rank)
    image = tuple(size - begin - end for size, (begin, end) in zip(full, pairs, strict=True))
    require(min(image) >= 0, "the size of an output is not negative", X=X, W=W, output=image)
    return Windows(tuple(W[2:]), strides, dilations, pairs, tuple(X[2:]), taps_of(W[2:], strides, dilations, X[2:])), image


def larger_half_first(total, upper):
    """The padding at the beginning from version 11 on: the larger half, with SAME_UPPER the smaller."""
    return total // 2 if upper else total - total // 2


def smaller_half_first(total, upper):
    """The padding at the beginning before version 11: the smaller half, with SAME_UPPER the larger."""
    return total - total // 2 if upper else total // 2


@op("ConvTranspose", since=11, also=(22,), arithmetic="rounded", compare=accumulation(transposed_terms))
def conv_transpose_11(
    X, W, B=None, /, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, output_padding=None, output_shape=None,
    pads=None, strides=None,
):  # fmt: skip
    """Y[n, m, i * strides + k * dilations - pads_begin] += W[c, m, k...] * X[n, c, i...], plus B[m].

    Each size of Y is strides * (D - 1) + output_padding + extent of the kernel - pads. ``output_shape`` chooses the pads;
    where it asks for more than that, they are negative: zeros are added around.
    """
    window, image = transposed_windows(
        X.shape, W.shape, larger_half_first, auto_pad, dilations, group, kernel_shape, output_padding, output_shape, pads, strides
    )
    small = all(a < max(s, d) for a, s, d in zip(output_padding or (), window.strides, window.dilations, strict=False))
    require(small, "output_padding is less than the stride or the dilation", output_padding=output_padding)
    return biased(correlate_transposed(X, W, window=window, image=image, group=group), B)


def biased(Y, B):
    """Y plus the optional bias."""
    return Y if B is None else Y + per_filter(B, Y.shape[1], Y.ndim)


@op("ConvTranspose", since=1, like=conv_transpose_11)
def conv_transpose_1(
    X, W, B=None, /, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, output_padding=None, output_shape=None,
    pads=None, strides=None,
):  # fmt: skip
    """Before version 11: ``output_shape`` splits an odd padding the other way, and output_padding has no upper limit."""
    window, image = transposed_windows(
        X.shape, W.shape, smaller_half_first, auto_pad, dilations, group, kernel_shape, output_padding, output_shape, pads, strides
    )
    return biased(correlate_transposed(X, W, window=window, image=image, group=group), B)


NAMES = ("auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides")


def lowered(attributes, shapes, begin_of):
    """One call of ``correlate_transposed`` and then the bias; None where the body is to check output_padding or refuse a shape."""
    X, W, B = (*shapes, None)[:3]
    given = {name: attributes.get(name) for name in NAMES}
    if given["output_padding"] or len(X) < 3 or len(W) < 2 or B not in (None, (W[1] * given["group"],)):
        return None
    window, image = transposed_windows(X, W, begin_of, **given)
    static = {"window": window, "image": image, "group": given["group"]}
    return Lowered(correlate_transposed, (0, 1), static, bias=None if B is None else 2, bias_axis=1)


@lowers(conv_transpose_11)
def lower_conv_transpose_11(attributes, shapes):
    """From version 11 on."""
    return lowered(attributes, shapes, larger_half_first)


@lowers(conv_transpose_1)
def lower_conv_transpose_1(attributes, shapes):
    """Before version 11."""
    return lowered(attributes, shapes, smaller_half_first)


def block_terms(input, image_shape, block_shape, /, **attributes):
    """At most how many elements one output element sums."""
    return prod(map(int, block_shape))


@op("Col2Im", since=18, arithmetic="rounded", compare=accumulation(block_terms))
def col2im_18(input, image_shape, block_shape, /, *, dilations=None, pads=None, strides=None):
    """output[n, c, o * strides + k * dilations - pads_begin] += input[n, (c, k...), (o...)]: blocks back into an image.

    (c, k...) and (o...) stand for one index, in row-major order: k is the place in a block, o that of the block. Where
    blocks overlap they are added up.
    """
    image, block = vector(image_shape, "image_shape"), vector(block_shape, "block_shape")
    require(all(d >= 0 for d in image), "image_shape is not negative", image_shape=image)
    window = windows(image, block, dilations=dilations, pads=pads, strides=strides)
    require(input.ndim == 3, "input is (N, C * product of block_shape, L)", input=input.shape)
    N, rows, L = input.shape
    require(rows % prod(block) == 0, "input.shape[1] is a multiple of the product of block_shape", input=input.shape, block_shape=block)
    C = rows // prod(block)
    require(prod(window.output) == L, "input has one column per block", input=input.shape, blocks=window.output)
    columns = input.reshape(N, C, *block, *window.output)
    return overlapped(lambda k: columns[:, :, *k], (N, C), window, image, input.dtype)
