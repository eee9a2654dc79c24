"""ONNX Runtime in a child process: values of every kind, refusals, crashes, hangs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from refexec.errors import RuntimeUnderTestError, UnsupportedError
from refexec.runtimes import runtime
from refexec.runtimes.onnxruntime import OnnxRuntime
from refexec.schema import all_signatures
from tests.runtimes.models import DIVIDE, ENDLESS, LEAST, binary, parsed, with_initializers

pytest.importorskip("onnxruntime")
X = np.array([1, -2.5, 3], np.float32)


@pytest.fixture(scope="module")
def ort() -> Iterator[OnnxRuntime]:
    made = OnnxRuntime(timeout=60)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        (1, np.float32), (2, np.uint8), (3, np.int8), (4, np.uint16), (5, np.int16), (6, np.int32), (7, np.int64), (9, np.bool_),
        (10, np.float16), (11, np.float64), (12, np.uint32), (13, np.uint64), (16, ml_dtypes.bfloat16), (17, ml_dtypes.float8_e4m3fn),
        (18, ml_dtypes.float8_e4m3fnuz), (19, ml_dtypes.float8_e5m2), (20, ml_dtypes.float8_e5m2fnuz),
    ],
)  # fmt: skip
def test_each_type_of_8_bits_and_more_goes_in_and_comes_out(ort: OnnxRuntime, number: int, dtype: Any) -> None:
    x = np.array([[0, 1, 1]], dtype)
    declared = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [declared("x", number, [1, 3])], [declared("y", number, [1, 3])]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9)
    y = ort.run(model.SerializeToString(), {"x": x}).values["y"]
    assert y.dtype == np.dtype(dtype)
    assert y.tolist() == x.tolist()


def test_four_bit_types_go_in_and_come_out(ort: OnnxRuntime) -> None:
    model = binary("g (float[3] x, int4[3] q) => (uint4[3] y, float[3] z) { s = Constant<value = float {1}>() y = Cast<to = 21>(x) z = DequantizeLinear(q, s) }", 21, 10)  # fmt: skip
    found = ort.run(model, {"x": np.array([1, 2, 15], np.float32), "q": np.array([-8, 0, 7], ml_dtypes.int4)}).values
    assert found["y"].dtype == np.dtype(ml_dtypes.uint4)
    assert found["y"].astype(int).tolist() == [1, 2, 15]
    assert found["z"].tolist() == [-8, 0, 7]


def test_strings_and_a_narrow_type_in_one_run(ort: OnnxRuntime) -> None:
    model = binary("g (string[2] s, float[3] x) => (string[2] t, bfloat16[3] b) { t = Identity(s) b = Cast<to = 16>(x) }")
    found = ort.run(model, {"s": np.array(["ü", ""], object), "x": X}).values
    assert found["t"].tolist() == ["ü", ""]
    assert found["b"].dtype == np.dtype(ml_dtypes.bfloat16)
    assert found["b"].astype(float).tolist() == [1, -2.5, 3]


def test_sequences_are_lists(ort: OnnxRuntime) -> None:
    model = binary("g (seq(float[N]) q, int64 i) => (float[N] y, seq(float[N]) z) { y = SequenceAt(q, i) z = SequenceErase(q, i) }")
    found = ort.run(model, {"q": [X, X * 2], "i": np.array(1)}).values
    assert found["y"].tolist() == [2, -5, 6]
    assert [v.tolist() for v in found["z"]] == [[1, -2.5, 3]]


def test_an_empty_optional_is_none(ort: OnnxRuntime) -> None:
    model = binary("g (optional(float[3]) o) => (bool h) { h = OptionalHasElement(o) }", 18)
    assert ort.run(model, {"o": None}).values["h"].tolist() is False
    assert ort.run(model, {"o": X}).values["h"].tolist() is True


def test_maps_are_dicts(ort: OnnxRuntime) -> None:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("ZipMap", ["x"], ["z"], domain="ai.onnx.ml", classlabels_int64s=[4, 7])],
        "g", [onnx.helper.make_tensor_value_info("x", 1, [1, 2])], [onnx.ValueInfoProto(name="z")],
    )  # fmt: skip
    imports = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 1)]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()
    assert ort.run(model, {"x": np.array([[0.25, 0.75]], np.float32)}).values == {"z": [{4: 0.25, 7: 0.75}]}


@pytest.mark.parametrize(("held", "value"), [("double", 1.5), ("string", "a")])
def test_maps_that_its_python_interface_cannot_carry_are_unsupported_not_refused(ort: OnnxRuntime, held: str, value: Any) -> None:
    op = "DictVectorizer <int64_vocabulary = [1]>" if held == "double" else "CastMap"
    types = {"double": onnx.TensorProto.DOUBLE, "string": onnx.TensorProto.STRING}
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 1]> g (float x) => (y) {{ y = ai.onnx.ml.{op} (x) }}'
    )
    tensor = onnx.helper.make_tensor_type_proto(types[held], None)
    model.graph.input[0].type.CopyFrom(onnx.helper.make_map_type_proto(onnx.TensorProto.INT64, tensor))
    with pytest.raises(UnsupportedError, match="cannot carry maps"):
        ort.run(model.SerializeToString(), {"x": {1: value}})


@pytest.mark.parametrize(
    ("op", "since", "types"), [("Relu", 13, {"tensor(float)", "tensor(double)"}), ("Add", 7, {"tensor(float)", "tensor(int64)"})]
)
def test_kernels_are_those_of_the_registry(ort: OnnxRuntime, op: str, since: int, types: set[str]) -> None:
    kernels = ort.kernels()
    signature = all_signatures()["", op, since]
    assert kernels.has(signature) and {str(t) for t in kernels.types(signature, "T") or ()} >= types
    assert not kernels.has(all_signatures()["ai.onnx.preview.training", "Gradient", 1])
    assert kernels.types(signature, "NoSuchVariable") is None


def test_a_crash_names_the_signal_and_the_next_run_works(ort: OnnxRuntime) -> None:
    with pytest.raises(RuntimeUnderTestError, match="SIGFPE") as raised:
        ort.run(binary(DIVIDE), LEAST)
    assert raised.value.seen["outcome"] == "crashed"
    assert raised.value.seen["signal"] == "SIGFPE"
    seven = {"a": np.array([7], np.int32), "b": np.array([2], np.int32)}
    assert ort.run(binary(DIVIDE), seven).values["y"].tolist() == [3]


def test_a_run_without_end_is_ended_and_the_next_run_works(ort: OnnxRuntime) -> None:
    start = time.monotonic()
    with pytest.raises(RuntimeUnderTestError, match=r"no answer within 1\.5 s") as raised:
        ort.run(binary(ENDLESS), {"x": X[:1]}, timeout=1.5)
    assert raised.value.seen["outcome"] == "hung"
    assert time.monotonic() - start < 20
    assert ort.run(binary("g (float[3] x) => (float[3] y) { y = Neg(x) }"), {"x": X}).values["y"].tolist() == [-1, 2.5, -3]


def test_a_refusal_carries_the_message_and_the_stage(ort: OnnxRuntime) -> None:
    with pytest.raises(RuntimeUnderTestError, match="protobuf") as at_load:
        ort.run(b"no model", {})
    assert (at_load.value.seen["outcome"], at_load.value.seen["stage"]) == ("refused", "load")
    with pytest.raises(RuntimeUnderTestError, match="Got: 4 Expected: 3") as at_run:
        ort.run(binary("g (float[3] x) => (float[3] y) { y = Neg(x) }"), {"x": np.ones(4, np.float32)})
    assert (at_run.value.seen["outcome"], at_run.value.seen["stage"]) == ("refused", "run")


def test_the_process_is_kept_between_runs() -> None:
    ort = OnnxRuntime(timeout=60)
    model = binary("g (float[3] x) => (float[3] y) { y = Neg(x) }")
    ort.run(model, {"x": X})
    start = time.monotonic()
    for _ in range(20):
        ort.run(model, {"x": X})
    assert time.monotonic() - start < 2  # an import of onnxruntime takes longer than a twentieth of that
    assert len(ort._workers) == 1
    ort.close()


def test_a_configuration_entry_acts_in_a_process_of_its_own(ort: OnnxRuntime) -> None:
    tiny = {"x": np.array([1e-40], np.float32), "one": np.array([1], np.float32)}
    model = binary("g (float[1] x, float[1] one) => (float[1] y) { y = Mul(x, one) }")
    flushed = ort.run(model, tiny, options={"config": {"session.set_denormal_as_zero": "1"}}).values["y"]
    assert flushed.tolist() == [0]
    assert ort.run(model, tiny).values["y"].tolist() == tiny["x"].tolist()


def test_unknown_options_are_refused(ort: OnnxRuntime) -> None:
    for options in ({"level": "all"}, {"optimization": "most"}, {"threads": 0}):
        with pytest.raises(UnsupportedError):
            ort.run(b"", {}, options=options)


def test_external_data_of_a_model_given_as_bytes(ort: OnnxRuntime, tmp_path: Path) -> None:
    model = with_initializers(parsed("g (float[300] x) => (float[300] y) { y = Add(x, w) }"), w=np.arange(300, dtype=np.float32))
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    content = (tmp_path / "m.onnx").read_bytes()
    y = ort.run(content, {"x": np.ones(300, np.float32)}, base_dir=tmp_path).values["y"]
    assert y.tolist() == [i + 1.0 for i in range(300)]


def test_a_file_of_the_current_folder_does_not_stand_in_for_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("onnxruntime", "json", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken from the current folder')")
    monkeypatch.chdir(tmp_path)
    ort = OnnxRuntime(timeout=60)
    assert ort.run(binary("g (float[3] x) => (float[3] y) { y = Neg(x) }"), {"x": X}).values["y"].tolist() == [-1, 2.5, -3]
    ort.close()


def test_threads_get_their_own_answers(ort: OnnxRuntime) -> None:
    model = binary("g (float[1] x) => (float[1] y) { y = Add(x, x) }")
    found: dict[int, Any] = {}

    def work(i: int) -> None:
        for _ in range(10):
            found[i] = ort.run(model, {"x": np.array([i], np.float32)}).values["y"].tolist()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: [2.0 * i] for i in range(6)}


def test_without_onnxruntime_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UnsupportedError, match=r"refexec\[ort\]"):
        runtime("onnxruntime").run(b"", {})


def test_an_unknown_runtime_is_named() -> None:
    with pytest.raises(UnsupportedError, match=r"onnxruntime, onnx\.reference"):
        runtime("tensorrt")
