"""RegexFullMatch, by google-re2 (the extra ``text``)."""

import numpy as np

from refexec.comparison import exact
from refexec.errors import LimitExceeded, RuleViolation, require
from refexec.ops.common import from_extra
from refexec.registry import op


@op("RegexFullMatch", since=20, arithmetic="exact", compare=exact)
def regex_full_match_20(X, /, *, ctx, pattern=None):
    r"""Whether all of each string matches ``pattern``, a regular expression of RE2.

    RE2 is not Python's ``re``: ``\d`` and ``\w`` are ASCII, there are ``\pL`` and ``[[:alpha:]]``, there are no backreferences
    and no lookaround. Matching takes time linear in the text; compiling is held to the limit ``regex_mem``.
    """
    require(pattern is not None, "pattern is given")
    compiled = compile_pattern(pattern, ctx.limits.regex_mem)
    return np.array([compiled.fullmatch(text) is not None for text in X.flat], bool).reshape(X.shape)


def compile_pattern(pattern: str, memory: int):
    re2 = from_extra("re2", "text", "RegexFullMatch")
    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
    if "too large" in reason:
        raise LimitExceeded("a regular expression is above the limit regex_mem", limit="regex_mem", allowed=memory)
    raise RuleViolation("the pattern is valid RE2 syntax", pattern=pattern, reason=reason)
