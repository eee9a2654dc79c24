"""If."""

from refexec.comparison import exact
from refexec.ops.common import scalar
from refexec.registry import op


def branch_types(attributes, inputs):
    """The types of the branches' outputs, where they agree."""
    pairs = zip(attributes["then_branch"].output_types, attributes["else_branch"].output_types, strict=False)
    return [a if str(a) == str(b) else None for a, b in pairs]


@op("If", since=1, also=(11, 13, 16, 19, 21, 23, 24, 25), arithmetic="exact", compare=exact, result_types=branch_types)
def if_1(cond, /, *, then_branch, else_branch):
    """The outputs of ``then_branch`` if ``cond`` holds, else those of ``else_branch``. The other branch is not run."""
    return tuple(then_branch() if scalar(cond, "cond") else else_branch())
