"""The backend tests of the installed onnx as :class:`Case` objects. Nothing is downloaded: all data come with the onnx wheel."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from conformance.origin import circular_methods

__all__ = ["EXPECTED_COUNTS", "KINDS", "Case", "DataSet", "load_cases"]

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "light")

EXPECTED_COUNTS = {"node": 1884, "simple": 23, "pytorch-converted": 82, "pytorch-operator": 35, "light": 9}
"""How many tests onnx 1.23.2 has. A test compares, so that none is lost without notice."""

DataSet = tuple[list[Any], list[Any]]
"""Values of the inputs and expected values of the outputs, in the order of the graph."""


@dataclass(frozen=True)
class Case:
    """One test. ``operator`` is the one that a node test is about: (domain, op_type, opset version); None for other kinds."""

    kind: str
    name: str
    rtol: float
    atol: float
    model: Callable[[], onnx.ModelProto]
    data_sets: Callable[[onnx.ModelProto], list[DataSet]]
    operator: tuple[str, str, int] | None = None
    circular: bool = False  # the expected values were computed by onnx.reference
    expanded: bool = False  # the graph is the operator's function body

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.name}"


@cache
def load_cases(kind: str) -> tuple[Case, ...]:
    """All tests of a kind, sorted by name; ``light`` are the nine models that onnx files under "real"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, from code that makes test data
        found = load_model_tests(kind="real" if kind == "light" else kind)
    made: Iterable[Case]
    if kind == "node":
        bodies = {test.name: test for test in found}
        made = (_node_case(test, bodies) for test in found)
    elif kind == "light":
        made = map(_light_case, found)
    else:
        made = (_folder_case(kind, test) for test in found)
    return tuple(sorted(made, key=lambda case: case.name))


def _node_case(test: Any, by_name: dict[str, Any]) -> Case:
    base = re.sub(r"_expanded(_ver\d+)?$", "", test.name)
    node = by_name[base].model.graph.node[0]
    versions = {o.domain: o.version for o in by_name[base].model.opset_import}
    return Case(
        "node",
        test.name,
        test.rtol,
        test.atol,
        lambda: test.model,
        lambda _: [([_plain(v) for v in ins], [_plain(v) for v in outs]) for ins, outs in test.data_sets],
        operator=(node.domain, node.op_type, versions[node.domain]),
        circular=circular_methods().is_circular(node.op_type, base),
        expanded=base != test.name,
    )


def _folder_case(kind: str, test: Any) -> Case:
    folder = Path(test.model_dir)

    def data_sets(model: onnx.ModelProto) -> list[DataSet]:
        inputs, outputs = model.graph.input, model.graph.output
        return [(_files(d, "input", inputs), _files(d, "output", outputs)) for d in sorted(folder.glob("test_data_set*"))]

    return Case(kind, test.name, test.rtol, test.atol, lambda: onnx.load(folder / "model.onnx"), data_sets)


def _light_case(test: Any) -> Case:
    path = Path(onnx.__file__).parent.parent / test.url

    def data_sets(model: onnx.ModelProto) -> list[DataSet]:
        given = {i.name for i in model.graph.initializer}
        feeds = [_ramp(i) for i in model.graph.input if i.name not in given]
        return [(feeds, [_file(path.with_name(f"{path.stem}_output_{i}.pb"), o) for i, o in enumerate(model.graph.output)])]

    return Case("light", test.name, test.rtol, test.atol, lambda: onnx.load(path), data_sets)


def _ramp(info: onnx.ValueInfoProto) -> np.ndarray[Any, Any]:
    """What onnx's runner feeds to the light models: 0, 1/n, 2/n, ... in the declared shape; a symbol counts 1."""
    shape = tuple(d.dim_value if d.HasField("dim_value") else 1 for d in info.type.tensor_type.shape.dim)
    n = int(np.prod(shape))
    return (np.arange(n).reshape(shape) / n).astype(np.float32)


def _files(folder: Path, prefix: str, infos: Any) -> list[Any]:
    count = len(list(folder.glob(f"{prefix}_*.pb")))
    return [_file(folder / f"{prefix}_{i}.pb", infos[i]) for i in range(count)]


def _file(path: Path, info: onnx.ValueInfoProto) -> Any:
    kind = info.type.WhichOneof("value")
    proto: Any = {"tensor_type": onnx.TensorProto, "sequence_type": onnx.SequenceProto, "optional_type": onnx.OptionalProto}[kind]()
    proto.ParseFromString(path.read_bytes())
    return _plain(proto)


def _plain(value: Any) -> Any:
    """Test data as the values that a session takes and returns: ndarray, list, None; text as object arrays of ``str``."""
    if value is None:
        return None
    if isinstance(value, onnx.TensorProto):
        return _plain(numpy_helper.to_array(value))
    if isinstance(value, onnx.SequenceProto):
        return [_plain(v) for v in numpy_helper.to_list(value)]
    if isinstance(value, onnx.OptionalProto):
        return _plain(numpy_helper.to_optional(value))
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    array = np.asarray(value)
    if array.dtype.kind in "UO":
        text = [v.decode() if isinstance(v, bytes) else str(v) for v in array.flat]
        return np.array(text, dtype=object).reshape(array.shape)
    return array
