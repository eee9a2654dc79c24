"""The opspec of ImageDecoder."""

import struct
import zlib

import numpy as np

from refexec.opspec import Draw, Out, opspec
from refexec.types import UINT8


def pnm(pixels: np.ndarray) -> bytes:
    height, width, channels = pixels.shape
    return b"P%d %d %d 255\n" % (5 if channels == 1 else 6, width, height) + pixels.tobytes()


def png(pixels: np.ndarray) -> bytes:
    """Of 8 bits a sample, or 16."""
    height, width, channels = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, 0 if channels == 1 else 2, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(line.dtype.newbyteorder(">")).tobytes() for line in pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def bmp(pixels: np.ndarray) -> bytes:
    """Of three channels: lines from the bottom up, of blue, green and red, each of a multiple of 4 bytes."""
    height, width, _ = pixels.shape
    lines = b"".join(line[:, ::-1].tobytes().ljust(-(-3 * width // 4) * 4, b"\0") for line in pixels[::-1])
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(lines), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(lines), 0, 0, 54) + header + lines


def deep_png(pixels: np.ndarray) -> bytes:
    """Of 16 bits a sample, of which the upper 8 are those of the pixels, and the lower ones too, so that all ways to shorten it agree."""
    return png(pixels.astype(np.uint16) * 257)


@opspec("ImageDecoder", 20)
def image_decoder(d: Draw) -> None:
    """A lossless image, gray where gray is asked for: the text has no weights of the colours. What is no image gives no pixels."""
    channels = 1 if d.attr("pixel_format", ["BGR", "Grayscale", "RGB"], "RGB") == "Grayscale" else 3
    height, width = d.integer(1, 4), d.integer(1, 5)
    pixels = (np.arange(height * width * channels) * 37 + d.integer(0, 255)).astype(np.uint8).reshape(height, width, channels)
    encode = d.pick([pnm, png, deep_png] if channels == 1 else [pnm, png, bmp])
    stream, shape = encode(pixels), (height, width, channels)
    if d.integer(0, 7) == 7:
        stream, shape = stream[: d.pick([8, 1])], (0, 0, channels)
    d.emit([d.constant(np.frombuffer(stream, np.uint8), UINT8)], Out(UINT8, shape))
