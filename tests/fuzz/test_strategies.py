"""The Hypothesis strategies, and what they shrink to."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.database import InMemoryExampleDatabase

from refexec.errors import UnsupportedOperator
from refexec.fuzz.audit import problem
from refexec.fuzz.choosers import RandomChooser
from refexec.fuzz.graph import Generated, Options, generate
from refexec.fuzz.strategies import functions, graphs, hand_over, models, nodes, tensors

FAST = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@given(models())
@FAST
def test_drawn_models_are_valid(made: Generated) -> None:
    assert problem(made) is None


@given(nodes("Conv", opset=(11, 21), dynamic_shapes=False))
@FAST
def test_nodes_are_of_their_operator(made: Generated) -> None:
    assert {n.op_type for n in made.model.graph.node} <= {"Conv", "Constant", "Identity"}


@given(tensors("int4", (2, 3)))
@FAST
def test_tensors_have_type_and_shape(x: np.ndarray[Any, Any]) -> None:
    assert x.dtype.name == "int4" and x.shape == (2, 3)


@given(graphs(max_nodes=2, opset=17))
@FAST
def test_graphs_are_graph_protos(graph: onnx.GraphProto) -> None:
    assert isinstance(graph, onnx.GraphProto) and graph.output


def test_functions_of_models_can_be_found() -> None:
    assert find(functions(), bool, settings=settings(max_examples=2000, database=None, deadline=None))


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(UnsupportedOperator, match="Colv"):
        nodes("Colv")


@pytest.mark.parametrize("op", ["Softmax", "Conv", "Loop", "ReduceSum"])
def test_a_model_shrinks_to_its_one_node(op: str) -> None:
    def has(made: Generated) -> bool:
        return any(n.signature.name == op for n in made.nodes)

    found = find(models(max_nodes=6), has, settings=settings(max_examples=5000, database=None, deadline=None))
    assert [n.signature.name for n in found.nodes] == [op]
    assert len(found.model.graph.node) <= 2


def test_a_record_is_handed_over_to_hypothesis_which_tries_it_first() -> None:
    database = InMemoryExampleDatabase()
    seen: list[int] = []

    @given(models(max_nodes=6))
    @settings(database=database, max_examples=1, phases=[Phase.reuse], deadline=None, suppress_health_check=list(HealthCheck))
    def test(made: Generated) -> None:
        seen.append(len(made.nodes))

    chooser = RandomChooser(5)
    first = generate(chooser, Options(max_nodes=6))
    hand_over(test, chooser.record, database)
    test()
    assert len(first.nodes) in seen
