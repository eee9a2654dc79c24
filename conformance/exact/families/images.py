"""ImageDecoder, on streams that are put together byte by byte.

Colours turn into grey by weights that the text does not name: only grey pixels are read as Grayscale. The shape of the "empty matrix" of a
broken stream is not named either.
"""

from __future__ import annotations

import struct
import zlib

from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Tensor

Pixel = tuple[int, int, int]
COLOURS: list[list[Pixel]] = [[(255, 0, 7), (1, 128, 64)], [(0, 0, 0), (250, 200, 3)]]
GREYS: list[list[Pixel]] = [[(9, 9, 9), (255, 255, 255)], [(0, 0, 0), (130, 130, 130)]]


def bmp(rows: list[list[Pixel]]) -> bytes:
    """24 bits a pixel, blue first, the lowest row first, each filled up to a multiple of four bytes."""
    width, height = len(rows[0]), len(rows)
    lines = [b"".join(bytes(p[::-1]) for p in row) for row in reversed(rows)]
    body = b"".join(line + bytes(-len(line) % 4) for line in lines)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(body), 2835, 2835, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 54 + len(body), 0, 0, 54) + header + body


def png(rows: list[list[Pixel]], *, grey: bool = False) -> bytes:
    """Eight bits a channel, filter 0."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    lines = b"".join(b"\0" + b"".join(bytes(p[:1] if grey else p) for p in row) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0 if grey else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def tiff(rows: list[list[Pixel]]) -> bytes:
    """Little-endian, one strip, no compression, RGB."""
    pixels = bytes(v for row in rows for p in row for v in p)
    count = 10
    depths = 8 + 2 + 12 * count + 4
    strip = depths + 6
    entries = [(256, 3, 1, len(rows[0])), (257, 3, 1, len(rows)), (258, 3, 3, depths), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, strip),
               (277, 3, 1, 3), (278, 3, 1, len(rows)), (279, 4, 1, len(pixels)), (284, 3, 1, 1)]  # fmt: skip
    directory = struct.pack("<H", count) + b"".join(struct.pack("<HHII", *e) for e in entries) + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8) + directory + struct.pack("<3H", 8, 8, 8) + pixels


def netpbm(magic: str, rows: list[list[Pixel]]) -> bytes:
    """P1 to P6: black and white, grey, colours; first as text, then as bytes."""
    size = f"{magic}\n{len(rows[0])} {len(rows)}\n"
    channels = [[p if magic in ("P3", "P6") else p[:1] for p in row] for row in rows]
    if magic in ("P1", "P4"):  # 1 is black
        bits = [[int(p[0] == 0) for p in row] for row in channels]
        if magic == "P1":
            return (size + "\n".join(" ".join(map(str, row)) for row in bits) + "\n").encode()
        return size.encode() + bytes(sum(bit << (7 - i) for i, bit in enumerate(row)) for row in bits)
    if magic in ("P2", "P3"):
        return (size + "255\n" + "\n".join(" ".join(str(v) for p in row for v in p) for row in channels) + "\n").encode()
    return (size + "255\n").encode() + bytes(v for row in channels for p in row for v in p)


def jpeg() -> bytes:
    """One grey pixel of 148: one block of which only the first coefficient, 20, is there; it counts 8 / 8 and adds to 128."""
    quantizers = b"\xff\xdb" + struct.pack(">HB", 67, 0) + bytes([8] * 64)
    frame = b"\xff\xc0" + struct.pack(">HBHHB3B", 11, 8, 1, 1, 1, 1, 0x11, 0)
    tables = [b"\xff\xc4" + struct.pack(">HB", 20, kind) + bytes([1, *[0] * 15, symbol]) for kind, symbol in ((0x00, 5), (0x10, 0))]
    scan = b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, 0, 63, 0)
    return b"\xff\xd8" + quantizers + frame + b"".join(tables) + scan + bytes([0b0_10100_0_1]) + b"\xff\xd9"


def _decoded(stream: bytes, rows: list[list[Pixel]], pixel_format: str | None) -> Case:
    step, count = (-1 if pixel_format == "BGR" else 1), (1 if pixel_format == "Grayscale" else 3)
    values = tuple(v for row in rows for p in row for v in p[::step][:count])
    image = Tensor("uint8", (len(rows), len(rows[0]), count), values)
    return Case([Tensor("uint8", (len(stream),), tuple(stream))], [image], {"pixel_format": pixel_format} if pixel_format else {})


@oracle("ImageDecoder", 20)
def image_decoder(types: Types, since: int) -> list[Case]:
    """The pixels as (height, width, channels)."""
    narrow = [row[:1] for row in COLOURS]
    black_and_white: list[list[Pixel]] = [[(0, 0, 0), (255, 255, 255), (255, 255, 255)], [(255, 255, 255), (0, 0, 0), (0, 0, 0)]]
    coloured = [(form(rows), rows) for form in (bmp, png, tiff) for rows in (COLOURS, narrow)]
    coloured += [(netpbm(magic, COLOURS), COLOURS) for magic in ("P3", "P6")]
    grey = [(png(GREYS, grey=True), GREYS), (png(GREYS), GREYS), (bmp(GREYS), GREYS), (jpeg(), [[(148, 148, 148)]])]
    grey += [(netpbm(magic, GREYS), GREYS) for magic in ("P2", "P5")] + [
        (netpbm(m, black_and_white), black_and_white) for m in ("P1", "P4")
    ]
    return [_decoded(s, rows, f) for s, rows in coloured for f in (None, "RGB", "BGR")] + [
        _decoded(s, rows, f) for s, rows in grey for f in (None, "BGR", "Grayscale")
    ]
