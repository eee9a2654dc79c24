"""Which kernels the suites reach, and that all of them compute what their definitions say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.cases import load_cases
from conformance.implementations import all_specialisations, main, run, tallied
from refexec.prewarm import MODELS, models
from refexec.schema import all_signatures
from refexec.session import Session
from refexec.types import ELEMENT_TYPES, ElementType

FLOATS = ("float32", "float64", "float16", "bfloat16")
MOVING = {"laid_out", "picked"}  # primitives of every type


def test_steps_are_counted_by_what_served_them() -> None:
    with tallied() as tally:
        run((case for case in load_cases("node") if case.name in ("test_matmul_2d", "test_neg", "test_conv_with_strides_padding")), tally)
    assert (tally.steps["MatMul"], tally.steps["Correlate"], tally.steps["body"]) == (1, 1, 1)
    assert ("matmul", "float32", "MatMul") in tally.reached
    assert ("matmul", "float64", "MatMul") not in tally.reached


def test_a_kernel_that_a_body_calls_is_reached() -> None:
    with tallied() as tally:
        run((case for case in load_cases("node") if case.name == "test_einsum_batch_matmul"), tally)
    assert tally.steps["body"] == 1
    assert {primitive for primitive, _, _ in tally.reached} == {"matmul"}


def movable() -> set[str]:
    """The types that operators move; refexec has more."""
    return {str(t).removeprefix("tensor(").removesuffix(")") for t in all_signatures()["", "Transpose", 25].variables["T"]}


def types_of(primitive: str) -> Iterator[ElementType]:
    yield from (e for e in ELEMENT_TYPES if e.name in FLOATS or (primitive in MOVING and e.onnx_name in movable() and e.kind != "string"))


def test_every_kernel_with_every_element_type_is_reached_and_within_its_bound() -> None:
    with tallied() as tally:
        for primitive in MODELS:
            for element in types_of(primitive):
                for model, feeds in models(primitive, element):
                    Session(model, profile="deterministic", verify_kernels=True).run(None, feeds)
    nowhere = {e.name for e in ELEMENT_TYPES if e.onnx_name not in movable()}
    assert {s for s in all_specialisations() - tally.reached if s[1] not in nowhere} == set()


def test_the_command_names_implementations_and_what_was_not_reached(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-k", "test_matmul_2d"]) == 0
    text = capsys.readouterr().out
    assert "MatMul" in text and "1 kernels by element type were reached" in text and "Softmax" in text
