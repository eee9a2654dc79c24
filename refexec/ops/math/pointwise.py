"""The primitive of functions of one element."""

from collections.abc import Callable, Mapping

from refexec.ops.common import Array
from refexec.primitives import Lowered, primitive
from refexec.registry import Body, lowers


@primitive
def pointwise(x: Array, /, *, function: Callable[..., Array], **attributes) -> Array:
    """``function``, the body of an operator, of each element; a kernel knows it by the name of the body without its version."""
    return function(x, **attributes)


def each_element(body: Body) -> Body:
    """Make an operator's body, a function of each element, one that kernels may replace."""

    @lowers(body)
    def lower(attributes: Mapping, shapes):
        return Lowered(pointwise, (0,), {"function": body, **attributes})

    return body
