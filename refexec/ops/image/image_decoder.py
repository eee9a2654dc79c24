"""ImageDecoder, by Pillow (the extra ``image``)."""

import io
import warnings

import numpy as np

from refexec.comparison import discrete
from refexec.errors import LimitExceeded, require
from refexec.limits import claim
from refexec.ops.common import Array, from_extra
from refexec.registry import op

FORMATS = ("BMP", "JPEG", "JPEG2000", "TIFF", "PNG", "WEBP", "PPM")
"""What the specification names; PPM stands for PBM, PGM, PNM and PPM."""


@op("ImageDecoder", since=20, arithmetic="exact", compare=discrete())
def image_decoder_20(encoded_stream, /, *, ctx, pixel_format="RGB"):
    """The image in ``encoded_stream`` as [height, width, channels]: 3 channels for "RGB" and "BGR", 1 for "Grayscale".

    What cannot be decoded, for any reason, gives no pixels: [0, 0, channels]. Alpha is dropped, of 16-bit samples the upper
    byte is taken, gray is 0.299 R + 0.587 G + 0.114 B. The number of pixels in the header is held against the limit
    ``image_pixels`` before anything is decoded.
    """
    known = ("RGB", "BGR", "Grayscale")
    require(pixel_format in known, "pixel_format is RGB, BGR or Grayscale", pixel_format=pixel_format)
    channels = 1 if pixel_format == "Grayscale" else 3
    image = from_extra("PIL.Image", "image", "ImageDecoder")
    try:
        with opened(encoded_stream.tobytes(), image) as stored:
            ctx.limits.check("image_pixels", stored.width * stored.height, "the number of pixels of an image")
            claim((stored.height, stored.width, 4), np.uint8)
            pixels = np.asarray(eight_bits(stored, image).convert("L" if channels == 1 else "RGB"))
    except (LimitExceeded, MemoryError):
        raise
    except image.DecompressionBombError as error:
        raise LimitExceeded("the image is larger than Pillow's own limit", limit="PIL.Image.MAX_IMAGE_PIXELS", seen=str(error)) from None
    except Exception:  # the specification: "if it can't decode for any reason"; Pillow raises many kinds of error
        return np.zeros((0, 0, channels), np.uint8)
    pixels = pixels.reshape(*pixels.shape[:2], channels)
    return pixels[..., ::-1] if pixel_format == "BGR" else pixels


def opened(stream: bytes, image):
    """The image of which only the header is read; Pillow's warning about its size is left to the limit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", image.DecompressionBombWarning)
        return image.open(io.BytesIO(stream), formats=FORMATS)


def eight_bits(stored, image) -> Array:
    """An image of more bits per sample as one of 8: Pillow's own conversion would clip 16-bit samples at 255."""
    if not stored.mode.startswith("I"):
        return stored
    return image.fromarray((np.asarray(stored).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
