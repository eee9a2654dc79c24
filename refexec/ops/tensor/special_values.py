"""IsInf, IsNaN."""

import numpy as np

from refexec.comparison import discrete
from refexec.registry import op


@op("IsInf", since=10, also=(20,), arithmetic="exact", compare=discrete())
def is_inf_10(X, /, *, detect_negative=1, detect_positive=1):
    """Whether X is an infinity of a sign that is asked for. Types without infinities give False."""
    return np.isinf(X) & np.where(X > 0, bool(detect_positive), bool(detect_negative))


@op("IsNaN", since=9, also=(13, 20), arithmetic="exact", compare=discrete())
def is_nan_9(X, /):
    """Whether X is NaN."""
    return np.isnan(X)
