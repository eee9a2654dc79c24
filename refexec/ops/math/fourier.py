"""DFT, STFT. Complex numbers are pairs of real and imaginary part in a last dimension of size 2; real ones have it of size 1."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, normalize_axis, scalar
from refexec.ops.math.transform import fourier
from refexec.registry import op
from refexec.values import smallest_subnormal, unit_roundoff


def transform_bound(magnitude: Array, length: int, dtype) -> Array:
    """A sum of ``length`` products with factors of size 1, in any order or by any fast algorithm: ``magnitude`` is the sum
    of the sizes of the elements."""
    return 8 * (length + 4) * unit_roundoff(dtype) * magnitude + smallest_subnormal(dtype)


def dft_bound(call: Call):
    (input, *rest), (output,), (element,) = call.inputs, call.outputs, call.elements
    at = rest[1].item() if len(rest) > 1 and rest[1] is not None else call.attributes.get("axis", -2)
    length = max(input.shape[at], output.shape[at])
    magnitude = 2 * np.abs(input).sum(axis=(at % input.ndim, input.ndim - 1), keepdims=True)
    return (transform_bound(magnitude / max(output.shape[at], 1) if call.attributes["inverse"] else magnitude, length, element.dtype),)


@op("DFT", since=20, arithmetic="rounded", compare=rounded(dft_bound))
def dft_20(input, dft_length=None, axis=None, /, *, inverse=0, onesided=0):
    """y[k] = sum over n of x[n] * exp(-2j pi k n / N) along ``axis``; the inverse has +2j and is divided by N.

    N is ``dft_length``: a longer signal is cut, a shorter one padded with zeros. ``onesided`` gives k up to N // 2 of a real
    signal, or reads such a half and gives the real signal, whose length is 2 * (n - 1) by default.
    """
    at = -2 if axis is None else scalar(axis, "axis")
    return transformed(input, None if dft_length is None else scalar(dft_length, "dft_length"), at, inverse, onesided)


@op("DFT", since=17, like=dft_20)
def dft_17(input, dft_length=None, /, *, axis=1, inverse=0, onesided=0):
    """Before version 20: the axis is an attribute, 1 by default."""
    return dft_20(input, dft_length, np.array(axis), inverse=inverse, onesided=onesided)


def transformed(input: Array, length: int | None, axis: int, inverse: int, onesided: int) -> Array:
    at = normalize_axis(axis, input.ndim)
    require(at < input.ndim - 1, "axis is not the last one, which holds real and imaginary parts", axis=axis, rank=input.ndim)
    require(input.shape[-1] in (1, 2), "the last dimension has size 1 (real) or 2 (complex)", shape=input.shape)
    halved = bool(onesided and inverse)
    if length is None:
        length = 2 * (input.shape[at] - 1) if halved else input.shape[at]
    require(length >= 1, "the length of the transform is 1 or more", dft_length=length, input=input.shape, axis=at)
    require(not halved or input.shape[-1] == 2, "a onesided inverse transform has a complex input", input=input.shape)
    require(halved or not onesided or input.shape[-1] == 1, "a onesided transform has a real input", input=input.shape)
    claim((length, 2), input.dtype)  # the transform needs one row even where the result is empty
    claim((*input.shape[:at], length, *input.shape[at + 1 :], 2), input.dtype)
    known = length // 2 + 1 if halved else length
    x = fitted(np.moveaxis(input, at, -2), known)  # [..., n, 1 or 2]
    re, im = x[..., 0], x[..., 1] if input.shape[-1] == 2 else np.zeros_like(x[..., 0])
    if halved:
        re, im = both_halves(re, im, length)
    y = np.stack(fourier((re, im), 1 if inverse else -1), axis=-1)
    y = y / length if inverse else y
    y = y[..., :1] if halved else y[..., : length // 2 + 1, :] if onesided else y
    return np.moveaxis(y, -2, at)


def fitted(x: Array, length: int) -> Array:
    """x with ``length`` elements on the axis before the last: cut, or filled up with zeros."""
    missing = max(length - x.shape[-2], 0)
    return np.concatenate([x[..., :length, :], np.zeros((*x.shape[:-2], missing, x.shape[-1]), x.dtype)], axis=-2)


def both_halves(re: Array, im: Array, length: int) -> tuple[Array, Array]:
    """The spectrum of a real signal, y[length - k] being the conjugate of y[k], from k up to length // 2; y[0] and y[length / 2] are
    taken as real."""
    im = np.where(2 * np.arange(im.shape[-1]) % length == 0, 0, im)
    mirrored = slice((length - 1) // 2, 0, -1)
    return np.concatenate([re, re[..., mirrored]], axis=-1), np.concatenate([im, -im[..., mirrored]], axis=-1)


def stft_bound(call: Call):
    (signal, _, *rest), (output,), (element,) = call.inputs, call.outputs, call.elements
    window = rest[0] if rest else None
    heaviest = 1.0 if window is None else np.abs(window).max(initial=0)
    length = framing(signal, window, rest[1] if len(rest) > 1 else None)
    magnitude = np.abs(signal).max(initial=0) * heaviest * length * signal.shape[-1]
    return (np.broadcast_to(transform_bound(magnitude, length, element.dtype), output.shape),)


@op("STFT", since=17, arithmetic="rounded", compare=rounded(stft_bound))
def stft_17(signal, frame_step, window=None, frame_length=None, /, *, onesided=1):
    """The DFT of each frame signal[i * frame_step : i * frame_step + frame_length] * window: [batch, frames, k, 2].

    There are (signal_length - frame_length) // frame_step + 1 frames; frame_length is that of the window or of the signal by
    default. ``onesided`` gives k up to frame_length // 2 and is for real signals.
    """
    require(signal.ndim == 3, "signal is [batch, length, 1 or 2]", signal=signal.shape)
    step, length = scalar(frame_step, "frame_step"), framing(signal, window, frame_length)
    require(step >= 1, "frame_step is 1 or more", frame_step=step)
    require(
        1 <= length <= signal.shape[1], "a frame has at least one element and fits in the signal", frame_length=length, signal=signal.shape
    )
    frames = np.lib.stride_tricks.sliding_window_view(signal, length, axis=1)[:, ::step]  # [batch, frames, 1 or 2, length]
    claim(frames.shape, signal.dtype)
    if window is not None:
        require(window.shape == (length,), "window is a vector of frame_length elements", window=window.shape, frame_length=length)
        frames = frames * window
    return transformed(np.moveaxis(frames, 2, 3), None, 2, 0, onesided)


def framing(signal: Array, window: Array | None, frame_length: Array | None) -> int:
    """The length of a frame."""
    if frame_length is not None:
        return scalar(frame_length, "frame_length")
    return signal.shape[1] if window is None else window.size
