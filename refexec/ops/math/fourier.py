"""DFT, STFT. Complex numbers are pairs of real and imaginary part in a last dimension of size 2; real ones have it of size 1."""

import numpy as np

from refexec.comparison import Call, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, normalize_axis, scalar
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
    x = as_complex(input)
    halved = bool(onesided and inverse)
    if length is None:
        length = 2 * (x.shape[at] - 1) if halved else x.shape[at]
    require(length >= 1, "the length of the transform is 1 or more", dft_length=length, input=input.shape, axis=at)
    claim((length,), x.dtype)  # the transform needs one row even where the result is empty
    claim((*x.shape[:at], length, *x.shape[at + 1 :]), x.dtype)
    if halved:
        require(input.shape[-1] == 2, "a onesided inverse transform has a complex input", input=input.shape)
        return np.fft.irfft(x, length, at)[..., np.newaxis]
    require(not onesided or input.shape[-1] == 1, "a onesided transform has a real input", input=input.shape)
    if input.shape[-1] == 2:
        return as_pairs(np.fft.ifft(x, length, at) if inverse else np.fft.fft(x, length, at))
    half = np.fft.rfft(x.real, length, at)
    if onesided:
        return as_pairs(half)
    y = both_halves(half, length, at)
    return as_pairs(np.roll(np.flip(y, at), 1, at) / length if inverse else y)  # inverse: y[-k] / length


def both_halves(half: Array, length: int, axis: int) -> Array:
    """The spectrum of a real signal, y[length - k] being the conjugate of y[k], from k up to length // 2."""
    mirrored = half.take(np.arange((length - 1) // 2, 0, -1), axis)
    return np.concatenate([half, mirrored.conj()], axis)


def as_complex(x: Array) -> Array:
    """Numbers from pairs; a last dimension of size 1 holds real parts only."""
    require(x.shape[-1] in (1, 2), "the last dimension has size 1 (real) or 2 (complex)", shape=x.shape)
    dtype = np.result_type(x.dtype, np.complex64)
    return np.ascontiguousarray(x).view(dtype)[..., 0] if x.shape[-1] == 2 else x[..., 0].astype(dtype)


def as_pairs(z: Array) -> Array:
    return np.stack([z.real, z.imag], axis=-1)


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
