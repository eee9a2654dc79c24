"""Not."""

import numpy as np

from refexec.comparison import exact
from refexec.registry import op


@op("Not", since=1, arithmetic="exact", compare=exact)
def not_1(X, /):
    """Y = not X."""
    return np.logical_not(X)
