"""SequenceEmpty, SequenceConstruct, SequenceInsert, SequenceAt, SequenceErase, SequenceLength."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from refexec.errors import RuleViolation
from tests.models import session
from tests.ops.sequence.calls import run_op

A, B, C = (np.array(v, np.float32) for v in ([1], [2, 3], [[4]]))


def at(index: int, dtype: Any = np.int64) -> np.ndarray:
    return np.array(index, dtype)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_positions_count_from_the_front_or_the_end(dtype: Any) -> None:
    assert [run_op("SequenceAt", [A, B, C], at(i, dtype)).tolist() for i in (0, 2, -1, -3)] == [[1], [[4]], [[4]], [1]]
    assert [v.tolist() for v in run_op("SequenceErase", [A, B, C], at(-2, dtype))] == [[1], [[4]]]


def test_erase_takes_the_last_without_a_position() -> None:
    assert [v.tolist() for v in run_op("SequenceErase", [A, B])] == [[1]]
    assert run_op("SequenceErase", [A]) == []


def test_insert_puts_before_a_position_or_at_the_end() -> None:
    def inserted(*position: Any) -> list[Any]:
        return [v.tolist() for v in run_op("SequenceInsert", [A, B], C, *position)]

    assert inserted() == [[1], [2, 3], [[4]]]
    assert inserted(at(0)) == [[[4]], [1], [2, 3]]
    assert inserted(at(2)) == [[1], [2, 3], [[4]]]
    assert inserted(at(-1)) == [[1], [[4]], [2, 3]]


def test_length_is_a_scalar() -> None:
    length = run_op("SequenceLength", [A, B])
    assert (length.shape, length.dtype, length.item()) == ((), np.int64, 2)


def test_construct_and_empty() -> None:
    assert [v.tolist() for v in run_op("SequenceConstruct", A, B)] == [[1], [2, 3]]
    assert run_op("SequenceEmpty") == []


@pytest.mark.parametrize(("attribute", "name"), [("", "float"), ("<dtype = 7>", "int64")])
def test_an_empty_sequence_has_a_type(attribute: str, name: str) -> None:
    s = session(f"() => (seq({name}[n]) s) {{ s = SequenceEmpty {attribute} () }}")
    assert str(s.outputs[0].type) == f"seq(tensor({name}))" and s.run(None, {}) == [[]]


def test_the_input_sequence_is_not_changed() -> None:
    body = "(seq(float[n]) s, float[n] x) => (seq(float[n]) t, seq(float[n]) u, int64 n) { t = SequenceInsert(s, x) u = SequenceErase(s) n = SequenceLength(s) }"
    t, u, n = session(body).run(None, {"s": [A], "x": A})
    assert (len(t), len(u), n) == (2, 0, 1)


def test_sequences_of_strings() -> None:
    words = [np.array(["a", "b"], object), np.array([], object)]
    assert run_op("SequenceAt", words, at(0)).tolist() == ["a", "b"]


@pytest.mark.parametrize("op", ["SequenceAt", "SequenceErase"])
@pytest.mark.parametrize("index", [2, -3])
def test_a_position_outside_is_refused(op: str, index: int) -> None:
    with pytest.raises(RuleViolation, match="position is in"):
        run_op(op, [A, B], at(index))


@pytest.mark.parametrize("index", [3, -3])
def test_an_insertion_outside_is_refused(index: int) -> None:
    with pytest.raises(RuleViolation, match="position is in"):
        run_op("SequenceInsert", [A, B], C, at(index))


def test_a_position_is_one_number() -> None:
    with pytest.raises(RuleViolation, match="one element"):
        run_op("SequenceAt", [A, B], np.array([0, 1]))


def test_nothing_can_be_erased_from_an_empty_sequence() -> None:
    body = "() => (seq(float[n]) t) { s = SequenceEmpty () t = SequenceErase(s) }"
    with pytest.raises(RuleViolation, match="not empty"):
        session(body).run(None, {})
