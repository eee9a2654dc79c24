"""Generated models: the choosers, the options, and what is true of every model."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

import refexec
from refexec import Session
from refexec.errors import UnsupportedOperator, UnsupportedOpset, UnsupportedType
from refexec.fuzz import numbers
from refexec.fuzz.audit import finite_share, problem, survey
from refexec.fuzz.choosers import BytesChooser, RandomChooser, ReplayChooser
from refexec.fuzz.graph import Generated, Options, generate
from refexec.types import ELEMENT_TYPES, element_type


def made(seed: int, **options: Any) -> Generated:
    return generate(RandomChooser(seed), Options(**options))


def test_models_of_everything_pass_the_full_checker_and_run() -> None:
    assert [(seed, wrong) for seed in range(300) if (wrong := problem(made(seed)))] == []


def test_a_survey_counts_what_occurs() -> None:
    found = survey(200)
    assert found["wrong"] == {} and found["pass the full checker"] == "100.000 %"
    assert found["median nodes"] >= 8 and float(found["with control flow or functions"].split()[0]) >= 15
    assert 300 < found["operator versions"] <= found["of"] == 659


def test_the_same_seed_gives_the_same_model_and_feeds() -> None:
    a, b = made(7), made(7)
    assert a.model == b.model and list(a.feeds) == list(b.feeds)
    assert made(8).model != a.model


def test_a_record_gives_the_model_again() -> None:
    chooser = RandomChooser(3)
    first = generate(chooser)
    assert generate(ReplayChooser(chooser.record)).model == first.model


def test_an_empty_record_gives_the_simplest_model() -> None:
    simplest = generate(ReplayChooser([]))
    assert [n.op_type for n in simplest.model.graph.node] == ["Identity"] and problem(simplest) is None


def test_choices_out_of_range_are_brought_into_it() -> None:
    chooser = ReplayChooser([99, -5, 4])
    assert [chooser.integer(0, 3), chooser.integer(2, 6), chooser.integer(0, 9), chooser.integer(1, 9)] == [3, 2, 4, 1]


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 400, bytes(range(256)) * 4])
def test_any_bytes_are_a_model(data: bytes) -> None:
    assert problem(generate(BytesChooser(data))) is None


def test_bytes_of_one_give_choices_of_up_to_256() -> None:
    chooser = BytesChooser(b"\x05\x01\x02\x07")
    assert [chooser.integer(0, 9), chooser.integer(0, 999), chooser.integer(3, 3), chooser.integer(1, 2)] == [5, 0x0201, 3, 2]


def test_options_choose_opset_operators_and_sizes() -> None:
    for seed in range(40):
        found = made(seed, opset=13, ops=("Conv", "Relu"), max_nodes=4, dynamic_shapes=False)
        assert {o.version for o in found.model.opset_import if o.domain == ""} == {13}
        assert {n.signature.name for n in found.nodes} <= {"Conv", "Relu"} and len(found.nodes) <= 4
        assert found.declared == "static"


def test_without_control_flow_there_are_no_bodies_and_functions() -> None:
    for seed in range(60):
        found = made(seed, control_flow=False)
        assert not found.model.functions and not any(n.signature.folder == "controlflow" for n in found.nodes)


def test_dtypes_hold_where_an_operator_has_one_of_them() -> None:
    for seed in range(40):
        for node in made(seed, ops=("Add", "Relu", "Softmax"), opset=(13, 21), dtypes=("float16",), control_flow=False).nodes:
            assert str(node.outputs[0].type) == "tensor(float16)"  # type: ignore[union-attr]


def test_shapes_are_declared_as_numbers_or_symbols_or_hidden() -> None:
    seen = {found.declared for found in map(made, range(60))}
    assert seen == {"static", "symbolic", "no rank"}
    symbolic = next(
        f for f in map(made, range(40)) if f.declared == "symbolic" and any(x.shape for x in f.feeds.values() if isinstance(x, np.ndarray))
    )
    dims = [d for i in symbolic.model.graph.input for d in i.type.tensor_type.shape.dim]
    assert dims and all(d.dim_param for d in dims)


def test_operands_come_from_inputs_initializers_constants_and_nodes() -> None:
    constants = sum(n.op_type == "Constant" for s in range(60) for n in made(s).model.graph.node)
    assert constants and any(made(s).model.graph.initializer for s in range(20)) and any(made(s).feeds for s in range(20))


def test_a_function_sees_nothing_outside_and_its_model_runs() -> None:
    found = next(m for m in map(made, range(200)) if m.model.functions)
    function = found.model.functions[0]
    inside = set(function.input) | {o for n in function.node for o in n.output}
    assert all(i in inside for n in function.node for i in n.input if i)
    assert problem(found) is None


def test_bodies_take_values_from_around_them() -> None:
    def captured(graph: onnx.GraphProto) -> set[str]:
        own = {i.name for i in graph.input} | {w.name for w in graph.initializer} | {o for n in graph.node for o in n.output}
        return {i for n in graph.node for i in n.input if i and i not in own}

    bodies = [a.g for s in range(200) for n in made(s).model.graph.node for a in n.attribute if a.type == onnx.AttributeProto.GRAPH]
    assert any(map(captured, bodies))


@pytest.mark.parametrize("elem", ELEMENT_TYPES, ids=lambda e: e.name)
@pytest.mark.parametrize("kind", range(numbers.KINDS))
def test_tensors_of_every_type_have_its_dtype_and_lie_where_is_said(elem: Any, kind: int) -> None:
    found = numbers.tensor(elem, (3, 7), kind, 5)
    assert found.dtype == elem.dtype and found.shape == (3, 7)
    assert numbers.tensor(elem, (0, 2), kind, 0).size == 0 and numbers.tensor(elem, (), kind, 0).shape == ()
    span = numbers.span_of(elem, kind, None)
    if span is not None:
        assert span[0] <= found.astype(np.float64).min() and found.astype(np.float64).max() <= span[1]


@pytest.mark.parametrize("span", [(0, 3), (1, 9), (-1, 1), (0.125, 4)])
@pytest.mark.parametrize("name", ["float32", "float16", "int64", "uint8", "int4"])
def test_numbers_keep_to_a_span(name: str, span: tuple[float, float]) -> None:
    for kind in range(numbers.KINDS):
        found = numbers.tensor(element_type(name), (60,), kind, 0, span).astype(np.float64)
        assert span[0] <= found.min() and found.max() <= span[1] and len(set(found)) > 1


def test_the_lattice_keeps_sums_and_products_exact() -> None:
    x = numbers.tensor(element_type("float32"), (17,), 0, 0)
    np.testing.assert_array_equal(np.multiply(x, x, dtype=np.float32), np.multiply(x, x, dtype=np.float64))
    assert not np.any(x * 2 == np.round(x * 2))  # no halves, no integers


def test_refexec_runs_a_model_from_its_bytes() -> None:
    found = made(11)
    assert refexec.Session(found.model.SerializeToString()).run(None, found.feeds)


def test_without_rank_an_input_comes_out_of_a_reshape_of_unknown_length() -> None:
    found = next(m for m in map(made, range(100)) if m.declared == "no rank" and m.model.graph.node[0].op_type == "Reshape")
    first = found.model.graph.node[0]
    shape = next(i for i in found.model.graph.input if i.name == first.input[1])
    assert shape.type.tensor_type.shape.dim[0].dim_param and problem(found) is None
    assert tuple(found.feeds[first.input[1]]) == found.feeds[first.input[0]].shape


def test_edge_mode_draws_what_is_not_finite() -> None:
    plain, edge = (
        [
            x
            for s in range(60)
            for x in made(s, edge=e, max_nodes=1, dtypes=("float32",)).feeds.values()
            if isinstance(x, np.ndarray) and x.dtype == np.float32
        ]
        for e in (False, True)
    )
    assert all(np.isfinite(x).all() for x in plain) and any(np.isnan(x).any() for x in edge) and any(np.isinf(x).any() for x in edge)


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"ops": ("Softmx",)}, UnsupportedOperator, "is Softmax meant"),
        ({"ops": ("Scaler",), "domains": ("",)}, UnsupportedOperator, "Scaler"),
        ({"domains": ("com.acme",)}, UnsupportedOperator, "com.acme"),
        ({"dtypes": ("float31",)}, UnsupportedType, "float31"),
        ({"opset": 999}, UnsupportedOpset, "999"),
    ],
)
def test_options_that_no_model_can_have_are_refused(options: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        Options(**options)


def guarded(ops: tuple[str, ...], opset: int, seeds: int = 60, **options: Any) -> list[Generated]:
    chosen = Options(ops=ops, opset=opset, guards=True, control_flow=False, **options)
    return [generate(RandomChooser(seed), chosen) for seed in range(seeds)]


def guards_of(made: Generated) -> list[str]:
    return [n.op_type for n in made.model.graph.node if any(o.startswith("g") for o in n.output)]


@pytest.mark.parametrize(("opset", "dtype"), [(9, "float32"), (13, "float32"), (13, "int32"), (23, "bfloat16"), (23, "uint8")])
def test_with_guards_models_are_valid_and_have_the_numbers_that_are_stated(opset: int, dtype: str) -> None:
    models = guarded(("Exp", "Log", "Acos", "Sqrt", "Mul", "Div", "Mod"), opset, dtypes=(dtype,))
    assert [p for made in models if (p := problem(made)) is not None] == []
    assert any(guards_of(made) for made in models)


def test_a_guard_brings_infinities_and_nan_into_the_domain() -> None:
    made = next(
        m for m in guarded(("Exp", "Acos"), 13, 200, dtypes=("float32",)) if guards_of(m) and m.model.graph.node[-1].op_type == "Acos"
    )
    used = {n.input[0] for n in made.model.graph.node if n.op_type == "Acos"}
    feeds = {i.name: np.full(made.feeds[i.name].shape, np.nan, np.float32) for i in made.model.graph.input}
    for name in used & {o for n in made.model.graph.node for o in n.output if o.startswith("g")}:
        (value,) = Session(made.model).run([name], feeds)
        assert np.all(np.abs(value) <= 1), name


def test_before_opset_8_there_are_no_guards_and_without_the_option_none_at_all() -> None:
    assert not any(guards_of(m) for m in guarded(("Exp", "Log"), 7))
    plain = [generate(RandomChooser(seed), Options(ops=("Exp", "Log"), opset=13)) for seed in range(60)]
    assert not any(guards_of(m) for m in plain)


def test_guards_feed_bounded_operands_from_the_graph_and_keep_numbers_finite() -> None:
    def share_that_is_computed(guards: bool) -> float:
        chosen = Options(ops=("Exp", "Sub", "Log", "Acos"), opset=13, dtypes=("float32",), control_flow=False, guards=guards)
        models = [generate(RandomChooser(seed), chosen).model for seed in range(150)]
        bounded = [(m, n.input[0]) for m in models for n in m.graph.node if n.op_type in ("Log", "Acos")]
        return sum(x in {o for n in m.graph.node for o in n.output} for m, x in bounded) / len(bounded)

    assert share_that_is_computed(True) > 1.5 * share_that_is_computed(False)
    plain, guarding = (float(finite_share(Options(guards=g), 150).split()[0]) for g in (False, True))
    assert min(plain, guarding) > 90 and guarding >= plain - 1
