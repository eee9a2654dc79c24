"""For the tests of exporters, optimizers and runtimes: strategies, a check, and a pytest plugin.

>>> from hypothesis import given
>>> from refexec.testing import assert_same_results, models
>>> @given(models(opset=17))
... def test_the_optimizer_changes_nothing(made):
...     assert_same_results(made, optimize(made.model))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from refexec.diff.metrics import difference, leaves, misfit, same_bits
from refexec.errors import RefexecError
from refexec.fuzz.graph import Generated
from refexec.fuzz.strategies import functions, graphs, models, nodes, tensors
from refexec.fuzz.targets import same_but_for_rounding
from refexec.session import Session

__all__ = ["assert_same_results", "functions", "graphs", "models", "nodes", "tensors"]


def assert_same_results(
    made: Generated, other: onnx.ModelProto | Mapping[str, Any] | Sequence[Any] | Callable[[onnx.ModelProto, Mapping[str, Any]], Any],
    *, bits: bool = False,
) -> None:  # fmt: skip
    """Fail unless another model, or what another runtime gave, has the results of the generated model.

    Args:
        made: from :func:`models`.
        other: a model with the same inputs and outputs; or results, by name or in order; or a function (model, feeds) -> results.
        bits: whether the same bits are demanded, where rounding may otherwise explain a difference.

    Raises AssertionError that names the output, the first difference and the model in text form.
    """
    session = Session(made.model, profile="reference")
    names = [o.name for o in session.outputs]
    expected = session.run(None, made.feeds)
    given: Any = other(made.model, made.feeds) if callable(other) else other
    if isinstance(given, onnx.ModelProto):
        try:
            given = Session(given, profile="reference").run(None, made.feeds)
        except RefexecError as error:
            raise AssertionError(f"the other model does not run: {error}\n{onnx.printer.to_text(made.model)}") from error
    results = [given[n] for n in names] if isinstance(given, Mapping) else list(given)
    if len(results) != len(names):
        raise AssertionError(f"{len(results)} results for the outputs {', '.join(names)}")
    for name, e, f in zip(names, expected, results, strict=True):
        if not (same_bits if bits else same_but_for_rounding)(e, f):
            what = misfit(e, f) or next(
                str(difference(a, b)) for a, b in zip(leaves(e), leaves(f), strict=True) if not difference(a, b).equal
            )
            raise AssertionError(f"output {name!r}: {what}\nexpected {e}\ngot {f}\n{onnx.printer.to_text(made.model)}")


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """pytest hook: tensors that differ are shown by their first difference."""
    if op != "==" or not (isinstance(left, np.ndarray) and isinstance(right, np.ndarray)):
        return None
    wrong = misfit(left, right)
    return [f"tensors differ: {wrong or difference(left, right)}"]


def pytest_report_header() -> str:
    """pytest hook: the versions that results depend on."""
    from refexec._version import __version__

    return f"refexec {__version__}, onnx {onnx.__version__}"
