"""Optional, OptionalGetElement, OptionalHasElement."""

import numpy as np

from refexec import values
from refexec.comparison import exact
from refexec.errors import require
from refexec.registry import op
from refexec.types import OptionalType


def enclosed_type(attributes, inputs):
    """An optional of what the input is, or of the attribute ``type`` when there is none."""
    elem = inputs[0] if inputs and inputs[0] is not None else attributes.get("type")
    return (None if elem is None else OptionalType(elem),)


def element_type_of(attributes, inputs):
    """What the optional may hold; tensors and sequences keep their type."""
    return (inputs[0].elem if isinstance(inputs[0], OptionalType) else inputs[0],)


@op("Optional", since=15, also=(28,), arithmetic="exact", compare=exact, result_types=enclosed_type)
def optional_15(input=None, /, *, ctx, type=None):
    """An optional that holds ``input``, or an empty one of ``type`` when there is no input."""
    require(input is not None or type is not None, "an empty optional needs the attribute type")
    return values.Optional(ctx.output_types[0].elem, input)


@op("OptionalGetElement", since=15, also=(18, 28), arithmetic="exact", compare=exact, result_types=element_type_of)
def optional_get_element_15(input, /):
    """What the optional holds, which must not be empty. From version 18 on a tensor or sequence is returned as it is."""
    if not isinstance(input, values.Optional):
        return input
    require(input.value is not None, "the optional has an element")
    return input.value


@op("OptionalHasElement", since=18, also=(28,), arithmetic="exact", compare=exact)
def optional_has_element_18(input=None, /):
    """False for an empty optional and an absent input, true for all else."""
    return np.array(input.value is not None if isinstance(input, values.Optional) else input is not None)


@op("OptionalHasElement", since=15, like=optional_has_element_18)
def optional_has_element_15(input, /):
    """Before version 18: the input is an optional and always there."""
    return optional_has_element_18(input)
