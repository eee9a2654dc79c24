"""ImageDecoder."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from typing import Any

import numpy as np
import pytest

from refexec import Limits, run_op
from refexec.errors import LimitExceeded, RuleViolation, UnsupportedError

Image = pytest.importorskip("PIL.Image")

PIXELS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]], [[1, 2, 3], [250, 240, 230]]], np.uint8)


def decoded(stream: bytes, **attributes: Any) -> Any:
    y = run_op("ImageDecoder", np.frombuffer(stream, np.uint8), **attributes)
    assert y.dtype == np.uint8
    return y


def stored(image: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, bits: int, color: int, lines: bytes) -> bytes:
    """A PNG file, made by hand."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


PPM = b"P6 2 3 255\n" + PIXELS.tobytes()


def test_the_layout_is_height_width_channels() -> None:
    assert decoded(PPM).tolist() == PIXELS.tolist()
    assert decoded(png(2, 1, 8, 2, b"\0" + bytes(range(6)))).tolist() == [[[0, 1, 2], [3, 4, 5]]]


def test_bgr_reverses_the_channels() -> None:
    assert decoded(PPM, pixel_format="BGR").tolist() == PIXELS[..., ::-1].tolist()


def test_grayscale_has_one_channel() -> None:
    weights = np.array([0.299, 0.587, 0.114])
    y = decoded(PPM, pixel_format="Grayscale")
    assert y.shape == (3, 2, 1) and np.abs(y[..., 0] - PIXELS @ weights).max() <= 1


@pytest.mark.parametrize(("kind", "options"), [("BMP", {}), ("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("JPEG2000", {})])
def test_lossless_formats_keep_every_pixel(kind: str, options: dict[str, Any]) -> None:
    assert decoded(stored(Image.fromarray(PIXELS), kind, **options)).tolist() == PIXELS.tolist()


def test_jpeg_is_near() -> None:
    smooth = np.add.outer(np.arange(32), np.arange(32))[..., None].repeat(3, 2).astype(np.uint8) * 3
    assert np.abs(decoded(stored(Image.fromarray(smooth), "JPEG", quality=95)).astype(int) - smooth).max() <= 4


def test_gray_palette_and_alpha_become_three_channels() -> None:
    assert decoded(b"P5 2 1 255\n\x07\xff").tolist() == [[[7, 7, 7], [255, 255, 255]]]
    assert decoded(png(1, 1, 8, 6, b"\0\x01\x02\x03\x00")).tolist() == [[[1, 2, 3]]]
    assert decoded(b"P1 2 1\n1 0\n").tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_of_16_bit_samples_the_upper_byte_is_taken() -> None:
    assert decoded(png(2, 1, 16, 0, b"\0\x12\x34\xff\xff"), pixel_format="Grayscale").tolist() == [[[0x12], [0xFF]]]


@pytest.mark.parametrize(
    "stream", [b"", b"not an image", PPM[:-1], stored(Image.fromarray(PIXELS), "PNG")[:40], stored(Image.fromarray(PIXELS), "GIF")]
)
def test_what_cannot_be_decoded_has_no_pixels(stream: bytes) -> None:
    assert decoded(stream).shape == (0, 0, 3)
    assert decoded(stream, pixel_format="Grayscale").shape == (0, 0, 1)


@pytest.mark.filterwarnings("error")
def test_the_number_of_pixels_is_checked_before_decoding() -> None:
    with pytest.raises(LimitExceeded, match="image_pixels"):
        decoded(png(10_000, 10_000, 8, 2, b""))
    with pytest.raises(LimitExceeded, match="image_pixels"):
        decoded(PPM, limits=Limits(image_pixels=5))
    assert decoded(PPM, limits=Limits(image_pixels=6)).size == 18


def test_pillows_own_limit_is_named() -> None:
    with pytest.raises(LimitExceeded, match="MAX_IMAGE_PIXELS"):
        decoded(png(60_000, 60_000, 8, 2, b""), limits=Limits(image_pixels=None))


def test_the_memory_is_claimed() -> None:
    with pytest.raises(LimitExceeded, match="tensor"):
        decoded(png(1000, 1000, 8, 2, b""), limits=Limits(tensor_bytes=1_000_000))


def test_other_pixel_formats_are_refused() -> None:
    with pytest.raises(RuleViolation, match="RGB, BGR or Grayscale"):
        decoded(PPM, pixel_format="HSV")


def test_without_pillow_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(UnsupportedError, match=r"refexec\[image\]"):
        decoded(PPM)
