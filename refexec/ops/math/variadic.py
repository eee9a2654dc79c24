"""Max, Min, Sum, Mean of any number of tensors, elementwise with multidirectional (NumPy) broadcasting."""

from functools import reduce

import numpy as np

from refexec.comparison import accumulation, exact
from refexec.errors import require
from refexec.registry import op


def how_many(*data_0, **attributes):
    """How many terms one output element sums."""
    return len(data_0)


def of_one_shape(arrays):
    """Before version 8 nothing is broadcast."""
    shapes = [x.shape for x in arrays]
    require(len(set(shapes)) == 1, "all inputs have the same shape", shapes=shapes)
    return arrays


@op("Max", since=8, also=(12, 13), arithmetic="exact", compare=exact, broadcasts=True)
def max_8(*data_0):
    """The largest of the inputs; NaN if one is NaN. Which zero is larger is not specified."""
    return reduce(np.maximum, data_0)


@op("Min", since=8, also=(12, 13), arithmetic="exact", compare=exact, broadcasts=True)
def min_8(*data_0):
    """The least of the inputs; NaN if one is NaN. Which zero is less is not specified."""
    return reduce(np.minimum, data_0)


@op("Sum", since=8, also=(13,), arithmetic="rounded", compare=accumulation(how_many), broadcasts=True)
def sum_8(*data_0):
    """data_0[0] + data_0[1] + ..."""
    return reduce(np.add, data_0)


@op("Mean", since=8, also=(13,), arithmetic="rounded", compare=accumulation(how_many, mean=True), broadcasts=True)
def mean_8(*data_0):
    """(data_0[0] + data_0[1] + ...) / the number of inputs."""
    return reduce(np.add, data_0) / len(data_0)


@op("Max", since=1, also=(6,), like=max_8)
def max_1(*data_0):
    """Before version 8: the inputs have one shape."""
    return max_8(*of_one_shape(data_0))


@op("Min", since=1, also=(6,), like=min_8)
def min_1(*data_0):
    """Before version 8: the inputs have one shape."""
    return min_8(*of_one_shape(data_0))


@op("Sum", since=1, also=(6,), like=sum_8)
def sum_1(*data_0):
    """Before version 8: the inputs have one shape."""
    return sum_8(*of_one_shape(data_0))


@op("Mean", since=1, also=(6,), like=mean_8)
def mean_1(*data_0):
    """Before version 8: the inputs have one shape."""
    return mean_8(*of_one_shape(data_0))
