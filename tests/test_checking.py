"""Every rule of the table is broken by a model here (or by a hostile row), and says where."""

from __future__ import annotations

import random
from collections.abc import Callable
from time import process_time

import onnx
import pytest
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper

from refexec.checking import check, topological_order
from refexec.errors import AmbiguousModel, ExternalDataError, InvalidModel, LimitExceeded, RefexecError, UnsupportedError
from refexec.limits import Limits
from refexec.loading import load
from refexec.rules import RULES, Diagnostic, Findings, rules_table
from tests.hostile.broken import BOOL, BROKEN, LOCAL, attribute, branches, calling, changed, good, reference
from tests.hostile.build import adding, external, function, graph, model, node, sparse, tensor

ELSEWHERE = {
    "no-graph": "tests/hostile, row 01",
    "external-file": "tests/hostile, row 21",
    "external-checksum": "tests/hostile, row 24",
    "deprecated": "the plan",
    "experimental": "tests/ops/experiments",
    "override": "the session",
    "schema-changed": "the plan",
}


def rules_of(made: ModelProto | bytes, strict: bool = False, limits: Limits | None = None) -> list[str]:
    loaded = load(made, limits=limits)
    return [d.rule for d in [*loaded.diagnostics, *check(loaded, strict=strict)]]


@pytest.mark.parametrize(("rule", "what", "build", "says"), BROKEN, ids=[f"{b[0]}: {b[1]}" for b in BROKEN])
def test_broken_rule_is_found_and_located(rule: str, what: str, build: Callable[[], ModelProto | bytes], says: str) -> None:
    del what
    loaded = load(build())
    if RULES[rule].lenient == "error":
        with pytest.raises(RefexecError) as caught:
            check(loaded)
        assert type(caught.value) is RULES[rule].error
        assert says in str(caught.value)
        assert caught.value.seen.get("rule", rule) == rule
        return
    found = [*loaded.diagnostics, *check(loaded)]
    assert [d.rule for d in found] == [rule]
    assert says in str(found[0])
    if RULES[rule].strict == "error":
        with pytest.raises(RULES[rule].error) as caught:
            check(loaded, strict=True)
        assert caught.value.seen["rule"] == rule
    else:
        assert [d.rule for d in check(loaded, strict=True)] == [rule]


def test_every_rule_is_broken_by_a_test() -> None:
    assert {b[0] for b in BROKEN} | set(ELSEWHERE) == set(RULES)


def test_ambiguity_is_never_only_a_warning() -> None:
    ambiguous = [r for r in RULES.values() if r.error is AmbiguousModel]
    assert len(ambiguous) >= 9
    assert {(r.lenient, r.strict) for r in ambiguous} == {("error", "error")}


def test_strict_is_never_milder() -> None:
    order = ["ok", "warn", "error"]
    assert all(order.index(r.strict) >= order.index(r.lenient) for r in RULES.values())


def test_rules_table_is_printable() -> None:
    table = rules_table()
    assert len(table) == len(RULES)
    assert {tuple(row) for row in table} == {("id", "spec", "lenient", "strict", "error")}
    assert all(row["spec"].endswith(".") for row in table)


def test_diagnostic_has_a_json_form_and_a_line() -> None:
    findings = Findings()
    findings.report("unsorted", "late", "graph 'g'", first="a\nb")
    (found,) = findings.diagnostics
    assert found == Diagnostic("unsorted", "late (first=a\\nb)", "graph 'g'", "warn")
    assert found.to_json() == {"rule": "unsorted", "message": "late (first=a\\nb)", "where": "graph 'g'", "severity": "warn"}
    assert str(found) == "graph 'g': late (first=a\\nb) [unsorted]"


# What must be accepted


def test_good_models_have_no_diagnostics_when_strict() -> None:
    with_default = function("F", [reference("p")], defaults=[helper.make_attribute("p", 1)])
    overloads = [function("F", [node("Relu", ["a"], ["b"])]), changed_overload("two")]
    captured_twice = branches([node("Relu", ["x"], ["t0"]), node("Add", ["t0", "x"], ["t"])])
    default_input = model(graph([node("Add", ["x", "w"])], ["x", "w"], initializers=[tensor("w", [1], float_data=[1])]))
    omitted = model([node("Resize", ["x", "", "s"])])
    omitted.graph.initializer.append(tensor("s", [1], float_data=[2]))
    empty_list = attribute(name="axes", type=AttributeProto.INTS)
    own_name = branches([node("Relu", ["x"], ["y"])], "y")  # the name of the If's own output is not visible inside
    functions = model([node("F", domain="local")], LOCAL, overloads)
    for made in (good(), calling(with_default), functions, captured_twice, default_input, omitted, empty_list, own_name):
        assert rules_of(made, strict=True) == []


def changed_overload(name: str) -> onnx.FunctionProto:
    made = function("F", [node("Sigmoid", ["a"], ["b"])])
    made.overload = name
    return made


@pytest.mark.parametrize("ir_version", range(3, onnx.IR_VERSION + 1))
def test_every_ir_version_from_3_on_is_read(ir_version: int) -> None:
    assert rules_of(model([node("Relu")], ir_version=ir_version)) == []


def test_function_with_the_name_of_a_newer_operator_is_no_ambiguity() -> None:
    """Gelu came with opset 20: at 17 only the function has the name."""
    gelu = function("Gelu", [node("Relu", ["a"], ["b"])], domain="", opsets=[("", 17)])
    assert rules_of(model([node("Gelu")], [("", 17)], [gelu])) == []
    with pytest.raises(AmbiguousModel):
        rules_of(model([node("Gelu")], [("", 20)], [gelu]))


def test_function_opset_above_the_known_ones_is_unsupported_in_that_function() -> None:
    with pytest.raises(UnsupportedError) as caught:
        rules_of(calling(function("F", [node("Relu", ["a"], ["b"])], opsets=[("", 9999)])))
    assert caught.value.__notes__ == ["function 'local:F'"]


# Limits


@pytest.mark.parametrize(
    ("limit", "allowed", "build"),
    [
        ("nodes", 2, lambda: branches([node("Relu", ["x"], ["t"])])),  # 3 with those of the subgraphs
        ("functions", 0, lambda: calling(function("F", [node("Relu", ["a"], ["b"])]))),
        ("subgraph_depth", 0, lambda: branches([node("Relu", ["x"], ["t"])])),
        ("call_depth", 0, lambda: calling(function("F", [node("Relu", ["a"], ["b"])]))),
        ("inlined_nodes", 2, lambda: calling(function("F", [node("Relu", ["a"], ["m"]), node("Relu", ["m"], ["b"])]))),
        ("name_bytes", 7, lambda: model([node("Relu", name="Mötörhd")])),  # 7 characters, 9 bytes
        ("metadata_bytes", 3, lambda: changed(good(), lambda m: setattr(m.graph.node[0], "doc_string", "äb"))),
        ("rank", 0, lambda: adding(tensor("w", [2], raw_data=b"8" * 8))),
        ("tensor_bytes", 7, lambda: adding(tensor("w", [2], raw_data=b"8" * 8))),
        ("string_bytes", 4, lambda: adding(tensor("w", [2], TensorProto.STRING, string_data=[b"abc", b"de"]))),
    ],
)
def test_limit_acts_at_its_exact_value(limit: str, allowed: int, build: Callable[[], ModelProto]) -> None:
    loaded = load(build())
    actual = {"name_bytes": 9, "string_bytes": 5}.get(limit, allowed + 1)
    below = Limits().replace(**{limit: allowed})
    if limit == "metadata_bytes":  # "äb" is 3 bytes
        below, actual = Limits(metadata_bytes=2), 3
    with pytest.raises(LimitExceeded) as caught:
        check(loaded, below)
    assert caught.value.seen == {"limit": limit, "asked": actual, "allowed": getattr(below, limit)}
    check(loaded, Limits().replace(**{limit: actual}))


def test_inlined_nodes_are_counted_without_expanding() -> None:
    """F0 calls F1 twice, ..., F29 calls F30 twice, F30 has one node: 2 + 4 + ... + 2^30 calls, 2^30 leaves, and the call of F0."""
    doubling = [
        function(f"F{i}", [node(f"F{i + 1}", ["a"], ["m"], domain="local"), node(f"F{i + 1}", ["m"], ["b"], domain="local")])
        for i in range(30)
    ]
    doubling.append(function("F30", [node("Relu", ["a"], ["b"])]))
    start = process_time()
    with pytest.raises(LimitExceeded) as caught:
        rules_of(model([node("F0", domain="local")], LOCAL, doubling))
    assert process_time() - start < 1
    assert caught.value.seen["asked"] == 1 + (2**31 - 2) + 2**30


def test_no_limits_at_all_still_ends_for_10_000_doubling_functions() -> None:
    doubling = [
        function(f"F{i}", [node(f"F{i + 1}", ["a"], ["m"], domain="local"), node(f"F{i + 1}", ["m"], ["b"], domain="local")])
        for i in range(3000)
    ]
    doubling.append(function("F3000", [node("Relu", ["a"], ["b"])]))
    made = model([node("F0", domain="local")], LOCAL, doubling)
    assert check(load(made), Limits.none()) == []
    with pytest.raises(LimitExceeded) as caught:
        check(load(made), Limits.none().replace(inlined_nodes=10))
    assert caught.value.seen["asked"] == 2**64


# Order


def shuffled_chain(length: int, seed: int) -> list[NodeProto]:
    nodes = [node("Relu", [f"x{i}"], [f"x{i + 1}"]) for i in range(length)]
    random.Random(seed).shuffle(nodes)
    return nodes


@pytest.mark.parametrize("seed", range(5))
def test_topological_order_sorts_any_permutation(seed: int) -> None:
    nodes = shuffled_chain(50, seed)
    order = topological_order(nodes, {"x0"})
    assert [nodes[i].input[0] for i in order] == [f"x{i}" for i in range(50)]


def test_topological_order_keeps_a_sorted_list_and_otherwise_runs_the_earliest_listed_first() -> None:
    listed = [node("Relu", ["x"], [name]) for name in "abcd"]
    assert topological_order(listed, {"x"}) == [0, 1, 2, 3]
    late = [node("Relu", ["b"], ["a"]), node("Relu", ["x"], ["u"]), node("Relu", ["x"], ["b"]), node("Relu", ["x"], ["v"])]
    assert topological_order(late, {"x"}) == [1, 2, 0, 3]


def test_topological_order_counts_what_subgraphs_at_any_depth_take() -> None:
    inner = graph([node("Identity", ["late"], ["i"])], [], ["i"])
    middle = graph([node("If", ["c"], ["m"], then_branch=inner, else_branch=inner)], [], ["m"])
    nodes = [node("If", ["c"], ["y"], then_branch=middle, else_branch=middle), node("Relu", ["x"], ["late"])]
    assert topological_order(nodes, {"x", "c"}) == [1, 0]


def test_topological_order_names_what_is_undefined_and_what_is_a_cycle() -> None:
    with pytest.raises(InvalidModel, match="here, node 0 \\(Relu\\): value 'q' is used"):
        topological_order([node("Relu", ["q"])], set(), "here")
    with pytest.raises(InvalidModel, match="depend on each other"):
        topological_order([node("Relu", ["y"])], set())


def test_long_cycle_is_cut_in_the_message() -> None:
    nodes = [node("Relu", [f"x{i}"], [f"x{(i + 1) % 1000}"]) for i in range(1000)]
    with pytest.raises(InvalidModel, match=r"node 0 \(Relu\) -> node 1 \(Relu\).*\(988 more\) -> node 0 \(Relu\)"):
        topological_order(nodes, set())


def seconds_for(nodes: list[NodeProto]) -> float:
    loaded = load(model(graph(nodes, ["x0"], [f"x{len(nodes)}"])))
    start = process_time()
    check(loaded)
    return process_time() - start


@pytest.mark.parametrize("backwards", [False, True])
def test_time_is_linear_in_the_number_of_nodes(backwards: bool) -> None:
    nodes = [node("Relu", [f"x{i}"], [f"x{i + 1}"], name=f"n{i}") for i in range(40_000)]
    step = -1 if backwards else 1
    short = min(seconds_for(nodes[:5_000][::step]) for _ in range(3))
    assert seconds_for(nodes[::step]) < 8 * short * 3


def test_unsorted_graph_whose_subgraphs_hide_many_names_is_checked_in_linear_time() -> None:
    hidden = [node("Relu", ["x"], [f"h{i}"]) for i in range(3000)]
    inner = graph([*hidden, node("Identity", ["x"], ["t"])], [], ["t"])
    outer = [node("Relu", ["x"], [f"h{i}"]) for i in range(3000)]
    nodes = [
        node("Relu", ["late"], ["w"]),
        node("Relu", ["x"], ["late"]),
        *outer,
        node("If", ["c"], ["y"], then_branch=inner, else_branch=inner),
    ]
    loaded = load(model(graph(nodes, ["x", BOOL])))
    start = process_time()
    assert {d.rule for d in check(loaded)} == {"unsorted", "shadowing"}
    assert process_time() - start < 1


def test_external_error_comes_from_wherever_the_tensor_stands() -> None:
    bad = external("w", location="/etc/passwd")
    constant = node("Constant", [], ["b"], value=bad)
    for made in (
        adding(bad),
        adding(sparse=[sparse([0, 1], [2], values=bad)]),
        calling(function("F", [constant])),
        calling(function("F", [node("Relu", ["a"], ["b"])], defaults=[helper.make_attribute("v", bad)])),
        branches([node("Constant", [], ["t"], value=bad)]),
    ):
        with pytest.raises(ExternalDataError, match="absolute path"):
            check(load(made))
