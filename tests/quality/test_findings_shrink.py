"""How well findings shrink, on faults planted in operators of refexec."""

from __future__ import annotations

import statistics
import time
import tomllib
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np
import pytest

from refexec import registry
from refexec.errors import RefexecError
from refexec.fuzz.choosers import RandomChooser
from refexec.fuzz.graph import Generated, Options, generate
from refexec.fuzz.reducer import reduce
from refexec.fuzz.targets import same_but_for_rounding
from refexec.registry import lookup
from refexec.session import Session
from tests.quality import mutants

PLANTED = ["Softmax", "ReduceSum", "Concat", "Transpose", "Add", "LayerNormalization", "Gather", "Where"]


def off(function: Any) -> Any:
    """The body with every float result one too large."""

    @wraps(function)
    def wrong(*inputs: Any, **attributes: Any) -> Any:
        found = function(*inputs, **attributes)
        if isinstance(found, tuple):
            return (one_more(found[0]), *found[1:])
        return one_more(found)

    return wrong


def one_more(found: Any) -> Any:
    return found + found.dtype.type(1) if isinstance(found, np.ndarray) and found.dtype.kind == "f" else found


def results(made: Generated | Any, feeds: Any, key: registry.Key | None) -> list[Any] | None:
    plain = lookup(*key) if key else None
    if key and plain:
        registry._operators[key] = replace(plain, function=off(plain.function), broadcasts=False, lowering=None)
    try:
        return Session(made).run(None, feeds)
    except RefexecError:
        return None
    finally:
        if key and plain:
            registry._operators[key] = plain


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_in_a_few_hundred_models_and_shrinks_to_its_node(name: str) -> None:
    nodes, seconds = [], []
    for seed in range(1000):
        made = generate(RandomChooser(seed), Options(opset=(13, 18), dtypes=("float32", "int64", "bool"), control_flow=seed % 2 == 0))
        key = next((("", name, n.signature.since) for n in made.nodes if n.signature.name == name), None)
        if key is None:
            continue

        def differs(model: Any, feeds: Any, key: registry.Key = key) -> bool:
            right, wrong = results(model, feeds, None), results(model, feeds, key)
            if right is None or wrong is None:
                return False
            return not all(same_but_for_rounding(a, b) for a, b in zip(right, wrong, strict=True))

        if differs(made.model, made.feeds):
            start = time.process_time()
            found = reduce(made.model, made.feeds, differs)
            seconds.append(time.process_time() - start)
            nodes.append(len(found.model.graph.node))
            assert name in [n.op_type for n in found.model.graph.node]
        if len(nodes) == 5:
            break
    assert len(nodes) == 5
    assert statistics.median(nodes) <= 2 and statistics.median(seconds) <= 3


def test_most_mutants_are_caught() -> None:
    found = [mutants.showing(m, 60, 20).any is not None for m in mutants.mutants(25, 7) if not m.equivalent]
    assert sum(found) >= 0.9 * len(found)


def test_a_mutant_is_another_function_and_says_what_changed() -> None:
    first = next(mutants.mutants(1, 3))
    assert first.function is not first.operator.function and " became " in first.change
    assert lookup(*first.operator.key) is first.operator  # the table is as it was


def test_no_mutant_that_is_said_to_be_equivalent_shows() -> None:
    said = [m for m in mutants.mutants(200, 0) if m.equivalent]
    assert len(said) >= 20
    assert all(mutants.showing(m, 25, 20) == mutants.Showing(None, None) for m in said)


def test_an_equivalent_change_of_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    mutants.equivalents.cache_clear()
    real = tomllib.loads
    lost = {"place": "refexec.ops.math.softmax.softmax_13", "was": "no such text", "becomes": "1", "proof": "-"}
    monkeypatch.setattr(tomllib, "loads", lambda text: {"equivalent": [*real(text)["equivalent"], lost]})
    with pytest.raises(ValueError, match="no such text"):
        mutants.equivalents()
    mutants.equivalents.cache_clear()


def test_a_record_is_of_one_place_of_a_statement() -> None:
    record = mutants.Equivalent("refexec.ops", "-", "a < 0", "a <= 0")
    statement = "f(a < 0, a < 0)"
    changed = ["f(a <= 0, a < 0)", "f(a < 0, a <= 0)", "f(a <= 0, a <= 0)", "f(a < 1, a < 0)", statement]
    assert [record.makes(statement, c) for c in changed] == [True, True, False, False, False]


def test_a_record_that_does_not_say_what_becomes_of_a_part_is_of_any_change_of_it() -> None:
    record = mutants.Equivalent("refexec.ops", "-", "(a < 0)")
    assert record.makes("b + (a < 0) * 2", "b + (a < 1) * 2") and not record.makes("b + (a < 0) * 2", "b + (a < 0) * 3")
