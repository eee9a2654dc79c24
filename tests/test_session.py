"""Session: running, fetching and feeding values, aliasing, threads, pickling, randomness."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from google.protobuf.message import Message  # type: ignore[import-untyped]

import refexec
from refexec import loading
from refexec.errors import ContractError, FeedError, InvalidModel, RuleViolation, RunError, UnsupportedError, UnsupportedOperator
from tests.models import session

CHAIN = "(float[N] x) => (float[N] y) { a = Neg(x) b = Add(a, a) y = Relu(b) }"


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_outputs_come_in_the_order_of_the_names() -> None:
    s = session("(float[2] x) => (float[2] y, float[2] z) { y = Neg(x) z = Add(x, x) }")
    y, z = s.run(None, {"x": f32(1, 2)})
    assert (y.tolist(), z.tolist()) == ([-1, -2], [2, 4])
    assert [v.tolist() for v in s.run(["z", "y"], {"x": f32(1, 2)})] == [[2, 4], [-1, -2]]


def test_intermediate_values_can_be_fetched_and_fed() -> None:
    s = session(CHAIN)
    assert s.run(["a", "b"], {"x": f32(1, -2)})[1].tolist() == [-2, 4]
    assert s.run(None, {"b": f32(5, -5)})[0].tolist() == [5, 0]
    assert s.run(["y", "a"], {"x": f32(1, 1), "b": f32(3, -3)})[0].tolist() == [3, 0]


def test_feeds_may_be_a_list_in_the_order_of_the_inputs() -> None:
    s = session("(float[1] p, float[1] q) => (float[1] y) { y = Sub(p, q) }")
    assert s.run(None, [f32(5), f32(3)])[0].tolist() == [2]
    with pytest.raises(FeedError, match="one value per input"):
        s.run(None, [f32(5), f32(3), f32(1)])


def test_an_initializer_is_the_default_of_an_input_and_may_be_fed_in_any_case() -> None:
    s = session("(float[1] x, float[1] w = {2}) => (float[1] y) <float[1] c = {10}> { t = Mul(x, w) y = Add(t, c) }")
    assert [i.name for i in s.inputs] == ["x"]
    assert s.run(None, {"x": f32(3)})[0].tolist() == [16]
    assert s.run(None, {"x": f32(3), "w": f32(4)})[0].tolist() == [22]
    assert s.run(None, {"x": f32(3), "c": f32(0)})[0].tolist() == [6]


@pytest.mark.parametrize("name", ["nope", ""])
def test_an_unknown_name_is_a_feed_error(name: str) -> None:
    s = session(CHAIN)
    with pytest.raises(FeedError):
        s.run(None, {"x": f32(1), "nope": f32(1)})
    with pytest.raises(FeedError):
        s.run([name or "what"], {"x": f32(1)})


def test_a_missing_feed_is_named() -> None:
    with pytest.raises(FeedError, match=r"missing.*x"):
        session(CHAIN).run(None, {})


def test_returned_arrays_share_memory_with_nothing() -> None:
    s = session(
        "(float[2] x) => (float[2] x2, float[2] x3, float[2] c) <float[2] w = {1, 2}> { x2 = Identity(x) x3 = Identity(x2) c = Identity(w) }"
    )
    x = f32(1, 2)
    values = s.run(["x2", "x3", "c", "x", "x", "w"], {"x": x})
    for value in values:
        value.fill(np.nan)
    assert x.tolist() == [1, 2]
    again = s.run(["x2", "x3", "c", "x", "x", "w"], {"x": x})
    assert [v.tolist() for v in again] == [[1, 2]] * 6


def test_filling_every_escaped_value_with_nan_changes_no_later_run() -> None:
    s = session(CHAIN)
    names = ["a", "b", "y"]
    first = [v.tobytes() for v in s.run(names, {"x": f32(1, -2, 3)})]
    for value in s.run(names, {"x": f32(1, -2, 3)}):
        value.fill(np.nan)
    for event in s.trace({"x": f32(1, -2, 3)}):
        for value in event.outputs:
            if value.flags.writeable:
                value.fill(np.nan)
    assert [v.tobytes() for v in s.run(names, {"x": f32(1, -2, 3)})] == first


def test_eight_threads_on_one_session_give_the_same_bits() -> None:
    s = session("(float[N] x) => (float[N] y) { a = Exp(x) b = Softmax(a) y = Mul(a, b) }")
    feeds = [np.linspace(-1, 1, n, dtype=np.float32) for n in range(1, 9)]
    expected = [s.run(None, {"x": x})[0].tobytes() for x in feeds]
    results: list[list[bytes]] = [[] for _ in feeds]

    def work(i: int) -> None:
        for _ in range(20):
            results[i].append(s.run(None, {"x": feeds[i]})[0].tobytes())

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(set(found) == {want} for found, want in zip(results, expected, strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_session_works_in_a_forked_child() -> None:
    s = session(CHAIN)
    expected = s.run(None, {"x": f32(1, -2)})[0].tobytes()
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, s.run(None, {"x": f32(1, -2)})[0].tobytes())
        os._exit(0)
    os.close(write)
    assert os.read(read, 100) == expected
    os.wait()


def test_sessions_can_be_pickled_and_copied() -> None:
    s = session(CHAIN, profile="wide", seed=7)
    for twin in (pickle.loads(pickle.dumps(s)), copy.copy(s), copy.deepcopy(s)):
        assert (twin.profile.name, twin.seed) == ("wide", 7)
        assert twin.run(None, {"x": f32(1, -2)})[0].tolist() == [0, 4]


def test_the_wide_profile_keeps_float64_between_nodes() -> None:
    s = "(float[1] x) => (float[1] y) <float[1] big = {16777216}> { a = Add(x, big) y = Sub(a, big) }"
    assert session(s).run(None, {"x": f32(1)})[0].tolist() == [0]
    (wide,) = session(s, profile="wide").run(None, {"x": f32(1)})
    assert (wide.dtype, wide.tolist()) == (np.float64, [1])


def test_the_wide_profile_rounds_before_it_discretises() -> None:
    body = "(float[1] x) => (int8[1] q) <float[1] third = {0.33333334}, float s = {1}, int8 z = {0}> { a = Mul(x, third) q = QuantizeLinear(a, s, z) }"
    x = f32(4.5)  # 4.5 * fl(1/3) is a little above 1.5 exactly, and 1.5 when rounded to float32
    assert session(body).run(None, {"x": x})[0].tolist() == session(body, profile="wide").run(None, {"x": x})[0].tolist() == [2]


def test_float64_is_computed_in_long_double_when_wide() -> None:
    if np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant:
        pytest.skip("long double is not wider than float64 here")
    body = "(double[1] x) => (double[1] y) <double[1] big = {9007199254740992}> { a = Add(x, big) y = Sub(a, big) }"
    assert session(body).run(None, {"x": np.array([1.0])})[0].tolist() == [0]
    assert session(body, profile="wide").run(None, {"x": np.array([1.0])})[0].astype(float).tolist() == [1]


def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnsupportedError, match="wide, reference"):
        session(CHAIN, profile="turbo")


def test_threads_are_a_positive_number() -> None:
    with pytest.raises(UnsupportedError, match="threads"):
        session(CHAIN, threads=0)


def test_numpy_warnings_do_not_reach_the_user_and_errstate_changes_nothing(recwarn: pytest.WarningsRecorder) -> None:
    s = session("(float[1] x) => (float[1] y) <float[1] zero = {0}> { y = Div(x, zero) }")
    with np.errstate(all="raise"):
        assert np.isinf(s.run(None, {"x": f32(1)})[0]).all()
    assert not recwarn.list


def test_the_error_of_a_node_names_it_its_inputs_and_the_nodes_around_it() -> None:
    s = session(
        "(bool c, float[2] x) => (float[2] y) { y = If (c) <then_branch = t () => (float[2] r) { r = Reshape(x, x2) } , else_branch = e () => (float[2] r2) { r2 = Identity(x) }> }".replace(
            "Reshape(x, x2)", "Concat <axis = 5> (x, x)"
        )
    )
    with pytest.raises(RuleViolation) as caught:
        s.run(None, {"c": np.array(True), "x": f32(1, 2)})
    notes = "\n".join(caught.value.__notes__)
    assert "main/0:If/then_branch/0:Concat" in notes
    assert "float32[2]" in notes
    assert caught.value.to_json()["code"] == "RuleViolation"


def test_errors_keep_their_cause() -> None:
    @refexec.op("Fails", domain="test.session.cause", since=1)
    def fails(X, /):  # type: ignore[no-untyped-def]
        raise KeyError("inside")

    with pytest.raises(RunError) as caught:
        refexec.run_op("Fails", f32(1), domain="test.session.cause")
    assert not isinstance(caught.value, ContractError)
    assert isinstance(caught.value.__cause__, KeyError)


def test_memory_held_in_values_is_limited() -> None:
    body = "(int64[1] n) => (float y) { a = ConstantOfShape(n) b = Add(a, a) c = Add(b, b) y = ReduceMean <keepdims = 0> (c) }"
    n = np.array([1 << 20])
    assert session(body, limits=refexec.Limits(live_bytes=10 << 20)).run(None, {"n": n})[0] == 0
    with pytest.raises(refexec.errors.LimitExceeded, match="live_bytes"):
        session(body, limits=refexec.Limits(live_bytes=6 << 20)).run(None, {"n": n})
    with pytest.raises(refexec.errors.LimitExceeded, match="tensor_bytes"):
        session(body, limits=refexec.Limits(tensor_bytes=1 << 20)).run(None, {"n": n})


def test_a_small_view_does_not_keep_a_large_array() -> None:
    body = """(int64 trips) => (float[M] s) <bool go = {1}, float[1] nothing = {0}> {
        last, s = Loop (trips, go, nothing) <body = b (int64 i, bool c, float[1] v) => (bool c2, float[1] v2, float[1] part) <int64[1] n = {1000000}, int64[1] zero = {0}, int64[1] one = {1}> {
            c2 = Identity(c) v2 = Identity(v) large = ConstantOfShape(n) part = Slice(large, zero, one) }> }"""
    limits = refexec.Limits(live_bytes=20 << 20)
    (s,) = session(body, limits=limits).run(None, {"trips": np.array(40)})
    assert s.shape == (40, 1)


def test_steps_and_trips_and_time_are_limited() -> None:
    body = """(int64 trips) => (float[1] last) <bool go = {1}, float[1] start = {0}> {
        last = Loop (trips, go, start) <body = b (int64 i, bool c, float[1] v) => (bool c2, float[1] v2) { c2 = Identity(c) v2 = Add(v, v) }> }"""
    for limits, name in ((refexec.Limits(loop_trips=10), "loop_trips"), (refexec.Limits(steps=50), "steps")):
        with pytest.raises(refexec.errors.LimitExceeded, match=name):
            session(body, limits=limits).run(None, {"trips": np.array(1000)})
    with pytest.raises(refexec.errors.LimitExceeded, match="seconds"):
        session(body, limits=refexec.Limits(seconds=0.05)).run(None, {"trips": np.array(10_000_000)})


def test_a_declared_type_that_a_value_cannot_have_is_refused() -> None:
    with pytest.raises(InvalidModel, match="declared"):
        session("(float[1] x) => (double[1] y) { y = Neg(x) }")
    with pytest.raises(InvalidModel, match="declared"):
        session("(float[1] x) => (float[1] y) <int64[1] a> { a = Neg(x) y = Neg(a) }")


def test_an_unknown_operator_domain_or_attribute_is_named() -> None:
    with pytest.raises(UnsupportedOperator, match="Wibble"):
        session("(float[1] x) => (float[1] y) { y = Wibble(x) }")
    with pytest.raises(UnsupportedOperator, match=r"com\.acme"):
        session("(float[1] x) => (float[1] y) { y = com.acme.Thing(x) }", opset='"" : 21, "com.acme" : 1')
    with pytest.raises(InvalidModel, match="alfa"):
        session("(float[1] x) => (float[1] y) { y = Softmax <alfa = 1> (x) }")
    with pytest.raises(InvalidModel, match="INT"):
        session("(float[1] x) => (float[1] y) { y = Softmax <axis = 1.5> (x) }")
    with pytest.raises(InvalidModel, match="1 to 1 inputs"):
        session("(float[1] x) => (float[1] y) { y = Softmax (x, x) }")
    with pytest.raises(InvalidModel, match="cannot be"):
        session("(int64[1] x) => (int64[1] y) { y = Softmax (x) }")
    with pytest.raises(InvalidModel, match="have one type"):
        session("(int64[1] x, float[1] z) => (int64[1] y) { y = Add (x, z) }")


def test_random_numbers_depend_on_seed_node_and_call_but_not_on_order() -> None:
    @refexec.op("Noise", domain="test.session.noise", since=1)
    def noise(X, /, *, ctx, seed=None):  # type: ignore[no-untyped-def]
        return ctx.random(seed).standard_normal(X.shape).astype(X.dtype)

    body = "(float[3] x) => (float[3] p, float[3] q) { p = test.session.noise.Noise(x) q = test.session.noise.Noise(x) }"
    opset = '"" : 21, "test.session.noise" : 1'
    p, q = session(body, opset=opset, seed=1).run(None, {"x": f32(0, 0, 0)})
    p2, q2 = session(body, opset=opset, seed=1).run(["p", "q"], {"x": f32(0, 0, 0)})
    assert p.tolist() != q.tolist()
    assert (p.tolist(), q.tolist()) == (p2.tolist(), q2.tolist())
    assert session(body, opset=opset, seed=1).run(["q"], {"x": f32(0, 0, 0)})[0].tolist() == q.tolist()
    assert session(body, opset=opset, seed=2).run(None, {"x": f32(0, 0, 0)})[0].tolist() != p.tolist()
    drawn = session(body, opset=opset, seed=None)
    assert (
        session(body, opset=opset, seed=drawn.seed).run(None, {"x": f32(0, 0, 0)})[0].tolist()
        == drawn.run(None, {"x": f32(0, 0, 0)})[0].tolist()
    )


def test_two_calls_of_one_function_draw_different_numbers_and_have_different_paths() -> None:
    @refexec.op("Noise", domain="test.session.calls", since=1)
    def noise(X, /, *, ctx):  # type: ignore[no-untyped-def]
        return ctx.random().standard_normal(X.shape).astype(X.dtype)

    s = session(
        "(float[3] x) => (float[3] p, float[3] q) { p = local.F(x) q = local.F(x) }",
        opset='"" : 21, "local" : 1, "test.session.calls" : 1',
        functions='<domain: "local", opset_import: ["test.session.calls" : 1]> F (x) => (y) { y = test.session.calls.Noise(x) }',
    )
    p, q = s.run(None, {"x": f32(0, 0, 0)})
    assert p.tolist() != q.tolist()
    paths = [e.node.path for e in s.steps({"x": f32(0, 0, 0)})]
    assert paths == ["main/0:F/0:Noise", "main/0:F", "main/1:F/0:Noise", "main/1:F"]


def test_a_subgraph_gets_as_many_values_as_it_has_inputs() -> None:
    @refexec.op("CallIt", domain="test.session.subgraph", since=1)
    def call_it(X, /, *, body):  # type: ignore[no-untyped-def]
        return body()

    opset = '"" : 21, "test.session.subgraph" : 1'
    s = session(
        "(float[1] x) => (y) { y = test.session.subgraph.CallIt (x) <body = b (float[1] v) => (float[1] r) { r = Neg(v) }> }", opset=opset
    )
    with pytest.raises(RuleViolation, match="as many values"):
        s.run(None, {"x": f32(1)})


def test_run_and_run_op_are_short_for_a_session() -> None:
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> main {CHAIN}')
    assert refexec.run(model, {"x": f32(-3)})[0].tolist() == [6]
    assert refexec.run_op("Softmax", f32(0, 0), opset=11, axis=0).tolist() == [0.5, 0.5]
    parts = refexec.run_op("Split", f32(1, 2, 3), np.array([1, 2]), outputs=2)
    assert [p.tolist() for p in parts] == [[1], [2, 3]]
    assert [p.tolist() for p in refexec.run_op("Split", f32(1, 2), num_outputs=2)] == [[1], [2]]


def test_run_op_takes_maps_mixed_sequences_and_attributes_whose_names_are_its_own() -> None:
    assert refexec.run_op("CastMap", {1: np.float32(2), 3: np.float32(4)}, domain="ai.onnx.ml").tolist() == [[2.0, 4.0]]
    assert refexec.run_op("SequenceLength", [f32(1), f32(1, 2)]) == 2
    a, b = (refexec.run_op("RandomNormal", shape=[2], attributes={"seed": seed}) for seed in (1.0, 2.0))
    assert a.tolist() != b.tolist()


def test_a_sequence_input_and_output_are_lists() -> None:
    out = refexec.run_op("SequenceInsert", [f32(1), f32(2)], f32(3))
    assert [v.tolist() for v in out] == [[1], [2], [3]]


BIG = """
import re, sys
import numpy as np, onnx, refexec
folder, count = sys.argv[1], (5 << 30) // 8
with open(folder + "/w.bin", "wb") as file:
    file.truncate(count * 4)
    file.seek(4 * 12345)
    file.write(np.float32(7).tobytes())
text = '<ir_version: 10, opset_import: ["" : 21]> main (int64[1] i) => (float[1] y) { y = Gather(w, i) }'
model = onnx.parser.parse_model(text)
w = model.graph.initializer.add(name="w", data_type=1, dims=[count], data_location=1)
w.external_data.add(key="location", value="w.bin")
with open(folder + "/m.onnx", "wb") as file:
    file.write(model.SerializeToString())
(y,) = refexec.Session(folder + "/m.onnx").run(None, {"i": np.array([12345])})
print(y.tolist(), int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_external_data_of_more_than_2_gib_are_mapped_and_not_doubled(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", BIG, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False)
    (tmp_path / "w.bin").unlink()
    assert done.returncode == 0, done.stderr
    value, megabytes = done.stdout.split()
    assert value == "[7.0]"
    assert int(megabytes) < 300


@pytest.mark.parametrize("ir", range(3, 15))
def test_ir_versions_3_to_14_run(ir: int) -> None:
    s = session("(float[1] x, float[1] w = {2}) => (float[1] y) { y = Mul(x, w) }", ir=ir, opset='"" : 7')
    assert s.run(None, {"x": f32(3)})[0].tolist() == [6]


def test_eight_sessions_in_eight_threads_give_the_same_bits() -> None:
    body = "(float[N] x) => (float[N] y) { a = Exp(x) y = Softmax <axis = 0> (a) }"
    x = np.linspace(-1, 1, 100, dtype=np.float32)
    expected = session(body).run(None, {"x": x})[0].tobytes()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: session(body).run(None, {"x": x})[0].tobytes(), range(8)))
    assert set(found) == {expected}


def test_a_notebook_shows_a_session_escaped_and_small() -> None:
    html = session("(float[N] x) => (float[N] y) { y = Relu(x) }")._repr_html_()
    assert "Relu-14" in html
    assert "<script" not in html
    assert len(html) < 100_000


def test_run_op_takes_empty_lists_and_whole_numbers_for_floats() -> None:
    assert refexec.run_op("ReduceSum", f32(1, 2), opset=11, axes=[], keepdims=0).tolist() == 3
    assert refexec.run_op("LeakyRelu", f32(-2), alpha=2).tolist() == [-4]


def test_a_large_message_is_let_go_when_the_plan_is_made_but_not_one_that_the_caller_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "RELEASED_FROM", 0)
    path = tmp_path / "model.onnx"
    onnx.save(onnx.parser.parse_model('<ir_version: 10, opset_import: ["" : 21]> g ' + CHAIN), path)
    s = refexec.Session(path)
    assert s.model._proto is None
    assert s.run(None, {"x": f32(1, -2)})[0].tolist() == [0, 4]
    assert [n.op_type for n in s.model.proto.graph.node] == ["Neg", "Add", "Relu"]
    loaded = refexec.load(path)
    proto = loaded.proto
    refexec.Session(loaded)
    assert loaded.proto is proto


def reachable(start: object) -> list[object]:
    """Every object that one leads to, modules and types aside."""
    known = {id(vars(m)) for m in list(sys.modules.values()) if hasattr(m, "__dict__")}
    found, waiting = [], [start]
    while waiting:
        one = waiting.pop()
        if id(one) not in known and not isinstance(one, (type, ModuleType)):
            known.add(id(one))
            found.append(one)
            waiting += gc.get_referents(one)
    return found


def test_nothing_in_a_session_holds_the_message_of_a_file_that_was_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "RELEASED_FROM", 0)
    path = tmp_path / "model.onnx"
    body = "(float[N] x, bool q) => (float[N] y) <float[1] w = {2}> { a = Mul(x, w) t = Neg(w) c = Constant <value = float[1] {3}> () "
    body += "b = If(q) <then_branch = g1 () => (float[N] u) { u = Add(a, t) }, else_branch = g2 () => (float[N] u) { u = Sub(a, c) }> "
    body += "y = Relu(b) }"
    onnx.save(onnx.parser.parse_model('<ir_version: 10, opset_import: ["" : 21]> g ' + body), path)
    s = refexec.Session(path)
    assert s.run(None, {"x": f32(1), "q": np.array(True)})[0].tolist() == [0]
    assert [o for o in reachable(s) if isinstance(o, Message)] == []
    assert isinstance(s.model.proto, Message)
    assert any(isinstance(o, Message) for o in reachable(s))
