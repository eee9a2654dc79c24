"""HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix."""

import numpy as np

from refexec.comparison import Call, discrete, is_float, rounded
from refexec.errors import require
from refexec.limits import claim
from refexec.ops.common import Array, pi, scalar, tensor_type
from refexec.ops.math.trigonometry import cos
from refexec.registry import op
from refexec.types import ElementType, element_type
from refexec.values import round_to, unit_roundoff, wide_dtype


def chosen_type(attributes, inputs):
    """``output_datatype``."""
    return (tensor_type(attributes["output_datatype"]),)


def window_bound(call: Call):
    """The angle, at most 4 pi, is rounded three times, the sum of cosines a few times. The function body does this in float32
    for every output type."""
    (y,), (element,) = call.outputs, call.elements
    if not is_float(element):
        return (None,)
    return (np.full(y.shape, 48 * max(unit_roundoff(element.dtype), unit_roundoff(np.float32))),)


@op("HannWindow", since=17, arithmetic="rounded", compare=rounded(window_bound), result_types=chosen_type)
def hann_window_17(size, /, *, output_datatype=1, periodic=1):
    """(1 - cos(2 pi n / N)) / 2 for n < size, where N is size, or size - 1 for a symmetric window."""
    return cosine_window((1, 1, 0), scalar(size, "size"), element_type(output_datatype), periodic)


@op("HammingWindow", since=17, arithmetic="rounded", compare=rounded(window_bound), result_types=chosen_type)
def hamming_window_17(size, /, *, output_datatype=1, periodic=1):
    """(25 - 21 cos(2 pi n / N)) / 46 for n < size, where N is size, or size - 1 for a symmetric window."""
    return cosine_window((25, 21, 0), scalar(size, "size"), element_type(output_datatype), periodic)


@op("BlackmanWindow", since=17, arithmetic="rounded", compare=rounded(window_bound), result_types=chosen_type)
def blackman_window_17(size, /, *, output_datatype=1, periodic=1):
    """(42 - 50 cos(2 pi n / N) + 8 cos(4 pi n / N)) / 100 for n < size, where N is size, or size - 1 for a symmetric window."""
    return cosine_window((42, 50, 8), scalar(size, "size"), element_type(output_datatype), periodic)


def cosine_window(weights: tuple[int, int, int], size: int, to: ElementType, periodic: int) -> Array:
    """(a - b cos(t) + c cos(2 t)) / (a + b + c). Integer types get it truncated. A symmetric window of size 1 is 0 / 0: NaN,
    and refused for integers."""
    require(size > 0, "size is greater than 0", size=size)
    dtype = wide_dtype(to.dtype) if to.is_float else np.dtype(np.float64)
    claim((size,), dtype)
    turn = 2 * pi(dtype)
    angle = turn * np.arange(size, dtype=dtype) / (size if periodic else size - 1)
    a, b, c = weights
    values = (a - b * cos(angle) + c * cos(2 * angle)) / (a + b + c)
    if to.is_float:
        return values
    require(not np.any(np.isnan(values)), "a symmetric window of integers has another size than 1", size=size)
    return np.trunc(values).astype(to.dtype)


def distance_to_bin(call: Call):
    """How far the edges of the triangles are from a whole bin: an error larger than that moves an edge."""
    edges = band_edges(*(scalar(x, "input") for x in call.inputs))
    return np.abs(edges - np.rint(edges)).min()


def band_edges(num_mel_bins: int, dft_length: int, sample_rate: int, lower: float, upper: float) -> Array:
    """The edges of the triangles in bins of the DFT, not yet rounded down: equal steps on the mel scale from ``lower`` on, one
    more of them than ``num_mel_bins`` + 1 up to ``upper``."""
    low, high = (2595 * np.log1p(hertz / 700) / np.log(10) for hertz in (float(lower), float(upper)))
    mel = low + np.arange(num_mel_bins + 2) * ((high - low) / (num_mel_bins + 2))
    return (dft_length + 1) * (700 * np.expm1(mel / 2595 * np.log(10))) / sample_rate


@op("MelWeightMatrix", since=17, arithmetic="stated", compare=discrete(distance_to_bin), result_types=chosen_type)
def mel_weight_matrix_17(num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz, /, *, output_datatype=1):
    """Triangles with a peak of 1 over the bins of a one-sided DFT, one per column: [dft_length // 2 + 1, num_mel_bins].

    Triangle i rises from edge i to edge i + 1 and falls to edge i + 2. The edges are equally far apart on the mel scale,
    2595 * log10(1 + f / 700), and are taken at bin floor((dft_length + 1) * f / sample_rate). The text leaves the step open; here
    it is the range divided by num_mel_bins + 2. Integer types get the weights truncated.
    """
    bands, length, rate = scalar(num_mel_bins, "num_mel_bins"), scalar(dft_length, "dft_length"), scalar(sample_rate, "sample_rate")
    lower, upper = scalar(lower_edge_hertz, "lower_edge_hertz"), scalar(upper_edge_hertz, "upper_edge_hertz")
    require(
        bands >= 0 and length >= 0 and rate > 0,
        "num_mel_bins and dft_length are not negative, sample_rate is positive",
        num_mel_bins=bands,
        dft_length=length,
        sample_rate=rate,
    )
    require(0 <= lower <= upper, "0 <= lower_edge_hertz <= upper_edge_hertz", lower_edge_hertz=lower, upper_edge_hertz=upper)
    claim((length // 2 + 1, max(bands, 1)), np.float64)
    edges = np.floor(band_edges(bands, length, rate, lower, upper))
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(length // 2 + 1)[:, np.newaxis]
    rising = np.where((left <= bins) & (bins < centre), (bins - left) / np.maximum(centre - left, 1), 0)
    falling = np.where((centre < bins) & (bins < right), (right - bins) / np.maximum(right - centre, 1), 0)
    weights = np.where(bins == centre, 1, rising + falling)
    to = element_type(output_datatype)
    return round_to(weights, to.dtype) if to.is_float else weights.astype(to.dtype)
