"""The reproducers of the known differences: refexec gives what the text demands, the others what their row records."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.divergences import Reproducer, problems, reproducers
from refexec.diff.metrics import same_bits
from refexec.fuzz.edges import settled
from refexec.fuzz.targets import expected_of
from refexec.schema import all_signatures
from refexec.teach.known import known_differences


@pytest.mark.parametrize("name", reproducers())
def test_each_engine_gives_what_the_row_records(name: str) -> None:
    assert list(problems(reproducers()[name])) == []


def test_every_row_without_backend_tests_has_a_reproducer() -> None:
    assert [row.id for row in known_differences().values() if not row.tests and row.id not in reproducers()] == []


def test_every_row_names_versions_that_exist() -> None:
    rows = [row for row in known_differences().values() if row.operator != "model"]
    assert [(row.id, v) for row in rows for v in row.versions if (*row.key, v) not in all_signatures()] == []


def test_a_changed_verdict_is_found() -> None:
    found = reproducers()["R04"]
    as_if_mended = Reproducer(found.row, {**found.data, "reference": {"expected": True}})
    assert any(p.startswith("reference gives") for p in problems(as_if_mended, ("reference",)))


def test_memory_that_is_written_after_all_is_found() -> None:
    found = reproducers()["R04"]  # onnxruntime is right there
    said_to_be_unwritten = Reproducer(found.row, {**found.data, "onnxruntime": {"unwritten": True}})
    assert any(p.startswith("onnxruntime gives") for p in problems(said_to_be_unwritten, ("onnxruntime",)))


def test_a_row_that_names_the_wrong_engine_is_found() -> None:
    found = reproducers()["R04"]
    mended = Reproducer(found.row, {**found.data, "expected": found.data["reference"]})
    assert any("agrees and the row says otherwise" in p for p in problems(mended, ("reference",)))


def test_a_kernel_that_is_there_after_all_is_found() -> None:
    found = reproducers()["R04"]
    said_to_be_missing = Reproducer(found.row, {**found.data, "onnxruntime": {"missing": True}})
    assert any(p.startswith("onnxruntime gives") for p in problems(said_to_be_missing, ("onnxruntime",)))


def test_no_edge_value_table_leaves_open_what_a_row_decides() -> None:
    decided = [r for r in reproducers().values() if r.row.basis != "unspecified" and "outputs" in r.data["expected"]]
    for found in decided:
        expected = expected_of(found.model(), found.feeds)
        assert isinstance(expected, dict)
        other = {n: np.zeros_like(v) if isinstance(v, np.ndarray) else v for n, v in expected.items()}
        taken = settled(found.model(), found.feeds, expected, other)
        assert all(taken[n] is other[n] or same_bits(taken[n], other[n]) for n in other), found.row.id
