"""Arithmetic as functions known by their names: with NumPy's bits, zeros and NaN included; Relu and Clip keep the sign of a zero."""

from __future__ import annotations

from refexec.kernels.functions import function
from refexec.kernels.simd import absolute, inlined, maximum, minimum, select, sqrt


@inlined
def relu(x):
    return select(x < 0.0, 0.0, x)


@inlined
def clip(x, low, high):
    x = select(x < low, low, x)
    return select(x > high, high, x)


@inlined
def add(a, b):
    return a + b


@inlined
def sub(a, b):
    return a - b


@inlined
def mul(a, b):
    return a * b


@inlined
def div(a, b):
    return a / b


@inlined
def neg(x):
    return -x


@inlined
def reciprocal(x):
    return 1.0 / x


for _name, _form, _parameters in (
    ("add", add, -2), ("sub", sub, -2), ("mul", mul, -2), ("div", div, -2), ("max", maximum, -2), ("min", minimum, -2),
    ("sqrt", sqrt, 0), ("neg", neg, 0), ("abs", absolute, 0), ("relu", relu, 0), ("reciprocal", reciprocal, 0), ("clip", clip, 2),
):  # fmt: skip
    function(_name, (0.5, 0.5), _form, _form, _parameters)
