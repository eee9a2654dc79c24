"""DepthToSpace, SpaceToDepth: channels against blocks of pixels."""

from refexec.comparison import exact
from refexec.errors import require
from refexec.layout import reshaped
from refexec.registry import op


def check_blocks(shape, blocksize, mode):
    """The rules that both directions share."""
    require(len(shape) == 4, "input is (N, C, H, W)", input=shape)
    require(blocksize >= 1, "blocksize is at least 1", blocksize=blocksize)
    require(mode in ("DCR", "CRD"), "mode is DCR or CRD", mode=mode)


@op("DepthToSpace", since=11, also=(13, 28), arithmetic="exact", compare=exact)
def depth_to_space_11(input, /, *, blocksize, mode="DCR"):
    """Each pixel becomes a block of ``blocksize`` x ``blocksize`` pixels made of its channels.

    In mode DCR the channels stand in the order row in the block, column in the block, channel of the output; in mode CRD
    channel of the output, row, column.
    """
    check_blocks(input.shape, blocksize, mode)
    N, C, H, W = input.shape
    b = blocksize
    require(C % (b * b) == 0, "the number of channels is a multiple of blocksize squared", input=input.shape, blocksize=b)
    c = C // (b * b)
    if mode == "DCR":
        parts = input.reshape(N, b, b, c, H, W).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = input.reshape(N, c, b, b, H, W).transpose(0, 1, 4, 2, 5, 3)
    return reshaped(parts, (N, c, H * b, W * b))


@op("DepthToSpace", since=1, like=depth_to_space_11)
def depth_to_space_1(input, /, *, blocksize):
    """Before version 11: mode DCR."""
    return depth_to_space_11(input, blocksize=blocksize)


@op("SpaceToDepth", since=28, arithmetic="exact", compare=exact)
def space_to_depth_28(input, /, *, blocksize, mode="DCR"):
    """Each block of ``blocksize`` x ``blocksize`` pixels becomes one pixel with its values as channels: undoes DepthToSpace.

    In mode DCR the channels stand in the order row in the block, column in the block, channel of the input; in mode CRD
    channel of the input, row, column.
    """
    check_blocks(input.shape, blocksize, mode)
    N, C, H, W = input.shape
    b = blocksize
    require(H % b == 0 and W % b == 0, "height and width are multiples of blocksize", input=input.shape, blocksize=b)
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return reshaped(input.reshape(N, C, H // b, b, W // b, b).transpose(order), (N, C * b * b, H // b, W // b))


@op("SpaceToDepth", since=1, also=(13,), like=space_to_depth_28)
def space_to_depth_1(input, /, *, blocksize):
    """Before version 28: mode DCR."""
    return space_to_depth_28(input, blocksize=blocksize)
