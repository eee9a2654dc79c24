"""Opspecs of Fourier transforms, windows and the mel weights."""

from refexec.opspec import DIMS, Draw, Out, opspec


@opspec("DFT", 17, 20)
def dft(d: Draw) -> None:
    """A real signal, or a complex one, which only a onesided inverse needs and a onesided transform does not have."""
    inverse, onesided = d.attr("inverse", [0, 1]), d.attr("onesided", [0, 1])
    parts = 1 + inverse if onesided else d.pick((1, 2))
    x = d.tensor(d.elem("T1"), (*d.shape(2 if d.since < 20 else 1, 3), parts))
    rank = len(x.shape)
    places = [*range(rank - 1), *range(-rank, -1)]
    axis = d.attr("axis", places) if d.has("axis") else d.pick([-2, *places])
    given = None if d.has("axis") or (axis == -2 and not d.flag()) else d.constant(axis)
    n = x.sizes[axis]
    default = 2 * n - 2 if onesided and inverse else n
    length = d.pick(([default] if n > 1 else []) + [2 * n - 1]) if onesided and inverse else d.pick([n, *DIMS])
    wanted = None if length == default and not d.flag() else d.constant(length, d.elem("T2"))
    shape = list(x.sizes)
    shape[axis] = length // 2 + 1 if onesided and not inverse else length
    shape[-1] = 1 if onesided and inverse else 2
    d.emit([x, wanted, given], Out(x.elem, tuple(shape)))


@opspec("STFT", 17)
def stft(d: Draw) -> None:
    """Frames of the length of the window, or that is given, or of the whole signal; a onesided transform is of a real signal.

    ``onesided`` is written out: onnx's inference takes its absence for 0, where the schema's default is 1.
    """
    onesided = d.set("onesided", d.pick([1, 0]))
    batch, length = d.pick(DIMS), d.integer(1, 9)
    signal = d.tensor(d.elem("T1"), (batch, length, 1 if onesided else d.pick((1, 2))))
    integer = d.elem("T2")
    step, frame = d.integer(1, 4), d.integer(1, length)
    window = d.optional(lambda: d.tensor(signal.elem, (frame,)))
    given = d.constant(frame, integer) if (frame < length and window is None) or d.flag() else None
    bins = frame // 2 + 1 if onesided else frame
    shape = (batch, (length - frame) // step + 1, bins, 2)
    d.emit([signal, d.constant(step, integer), window, given], Out(signal.elem, shape))


@opspec("HannWindow", 17)
@opspec("HammingWindow", 17)
@opspec("BlackmanWindow", 17)
def window(d: Draw) -> None:
    """A symmetric window has two elements or more: that of one divides by 0."""
    size = d.integer(1 if d.attr("periodic", [1, 0]) else 2, 9)
    elem = d.named_type("output_datatype", "T2")
    d.emit([d.constant(size, d.elem("T1"))], Out(elem, (size,), (-0.01, 1.01)))


@opspec("MelWeightMatrix", 17)
def mel_weights(d: Draw) -> None:
    integer, real, elem = d.elem("T1"), d.elem("T2"), d.named_type("output_datatype", "T3")
    bands, length, rate = d.integer(1, 8), d.pick([8, 16, 15, 32, 1024]), d.pick([8000, 8192, 16000])
    lower, upper = d.pick([0.0, 20.0, 125.0]), d.pick([1000.0, 2000.0, 3800.0])
    operands = [d.constant(n, integer) for n in (bands, length, rate)] + [d.constant(f, real) for f in (lower, upper)]
    d.emit(operands, Out(elem, (length // 2 + 1, bands), (0, 1)))
