"""The parts of refexec and who may import whom, and what importing it does not load."""

from __future__ import annotations

import graphlib
import os
import re
import subprocess
import sys
import textwrap

import pytest

from tests.imports import LAYERS, LAZY, ROOT, Import, fault, imports_of, layer, module_files, part

FILES = module_files()
IMPORTS = [i for name, file in FILES.items() for i in imports_of(name, file.read_text("utf-8"), FILES, file.name == "__init__.py")]


def python(code: str, timeout: float = 120) -> str:
    """Run code in a fresh interpreter at the root of the checkout; returns what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_stands_in_a_layer() -> None:
    missing = sorted(name for name in FILES if part(name) != "kernels" and layer(part(name)) is None)
    assert missing == [], "add them to LAYERS in tests/imports.py"


def test_no_part_stands_in_two_layers() -> None:
    names = [name for names in LAYERS for name in names]
    assert sorted(set(names)) == sorted(names)


def test_imports_point_downwards() -> None:
    assert [wrong for found in IMPORTS if (wrong := fault(found))] == []


def test_every_exception_to_the_direction_is_used() -> None:
    assert set(LAZY) <= {(part(i.importer), part(i.imported)) for i in IMPORTS}


def test_no_module_imports_itself_in_a_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in FILES}
    for found in IMPORTS:
        if not found.deferred and found.imported != found.importer:
            graph[found.importer].add(found.imported)
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("importer", "source", "faulty"),
    [
        ("refexec.plan", "from refexec.registry import lookup", False),
        ("refexec.plan", "import refexec.execute", True),
        ("refexec.plan", "def f():\n    from refexec import session", True),
        ("refexec.ops.math.relu", "from refexec.ops import shapes", False),
        ("refexec.ops.math.relu", "from ...errors import require", False),
        ("refexec.ops.math.relu", "from ...loading import load", True),
        ("refexec.values", "from refexec import Session", True),
        ("refexec.diff.localize", "from refexec.cli import main", True),
        ("refexec.unknown", "from refexec.errors import require", True),
        ("refexec.kernels.gemm", "from refexec.primitives import kernel", False),
        ("refexec.kernels.gemm", "from refexec.values import round_to", False),
        ("refexec.kernels.gemm", "from refexec.registry import op", True),
        ("refexec.ops.math.matmul", "from refexec.kernels import gemm", True),
        ("refexec.primitives", "from refexec import kernels", True),
        ("refexec.primitives", "def f():\n    import_module('refexec.kernels')", False),
        ("refexec.plan", "if TYPE_CHECKING:\n    from refexec.session import Session", True),
        ("refexec.plan", "import numpy", False),
    ],
)
def test_the_direction_is_read_from_each_form_of_import(importer: str, source: str, faulty: bool) -> None:
    known = {**FILES, "refexec.session": 0, "refexec.ops.shapes": 0, "refexec.kernels": 0}
    assert [bool(fault(i)) for i in imports_of(importer, source, known)] in ([[faulty]] if "numpy" not in source else [[]])


def test_relative_imports_start_at_the_package_of_the_module() -> None:
    known = {"refexec.ops.math.shapes": 0}
    assert list(imports_of("refexec.ops.math.relu", "from . import shapes", known)) == [
        Import("refexec.ops.math.relu", "refexec.ops.math.shapes", 1, False)
    ]
    assert list(imports_of("refexec.ops.math", "from . import shapes", known, is_package=True)) == [
        Import("refexec.ops.math", "refexec.ops.math.shapes", 1, False)
    ]


def test_import_refexec_loads_neither_numba_nor_onnxruntime_nor_operators() -> None:
    loaded = python("""
        import sys, refexec
        heavy = ("numba", "llvmlite", "onnxruntime", "jinja2", "rich", "hypothesis", "refexec.ops", "refexec.kernels")
        print(*(m for m in sys.modules if any(m == h or m.startswith(h + ".") for h in heavy)))
    """)
    assert loaded == ""


WITHOUT_NUMBA = """
    import sys

    class NoNumba:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in ("numba", "llvmlite"):
                raise ImportError(f"{name} is blocked")

    sys.meta_path.insert(0, NoNumba())
"""


@pytest.mark.parametrize("profile", ["wide", "reference"])
def test_a_model_runs_without_numba(profile: str) -> None:
    printed = python(
        WITHOUT_NUMBA
        + f"""
    import numpy as np, onnx, refexec
    model = onnx.parser.parse_model('''
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2, 2] x) => (float[2, 1] y)
        <float[2, 1] w = {{3, -4}}> {{ m = MatMul(x, w) y = Relu(m) }}
    ''')
    session = refexec.Session(model, profile={profile!r})
    (y,) = session.run(None, {{"x": np.array([[5, 2], [1, 1]], np.float32)}})
    print(y.dtype, y.tolist())
    """
    )
    assert printed == f"{'float64' if profile == 'wide' else 'float32'} [[7.0], [0.0]]"


def test_the_block_on_numba_holds() -> None:
    assert (
        python(WITHOUT_NUMBA + "\n    try:\n        import numba\n    except ImportError as error:\n        print(error)")
        == "numba is blocked"
    )


def test_no_public_name_hides_a_submodule() -> None:
    hidden = python("""
        import pkgutil, types, refexec
        names = {m.name for m in pkgutil.iter_modules(refexec.__path__)}
        print(*(n for n in refexec.__all__ if n in names and not isinstance(getattr(refexec, n), types.ModuleType)))
    """)
    assert hidden == ""


# One call per public function. A public function without a call here fails the test below.
CALLS = """
    import inspect, pkgutil, importlib
    import numpy as np, onnx, refexec

    MODEL = onnx.parser.parse_model('''
        <ir_version: 8, opset_import: ["" : 17]> g (float[3] x) => (float[3] y) { y = Relu(x) }
    ''')
    X = np.array([-1, 0, 2], np.float32)

    def twice(x, /):
        return x + x

    CALLS = {
        "load": lambda: refexec.load(MODEL),
        "run": lambda: refexec.run(MODEL, {"x": X}),
        "run_op": lambda: refexec.run_op("Relu", X),
        "compare": lambda: refexec.compare(MODEL, {"x": X}, against="onnxruntime"),
        "explain": lambda: refexec.explain("Relu"),
        "op": lambda: refexec.op("Twice", domain="tests.layers", since=1)(twice),
    }
"""


def test_public_functions_work_twice_after_every_submodule_is_imported() -> None:
    printed = python(
        CALLS
        + """
    for module in pkgutil.walk_packages(refexec.__path__, "refexec."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    functions = [n for n in refexec.__all__ if inspect.isfunction(getattr(refexec, n))]
    for _ in range(2):
        for name in functions:
            CALLS[name]()
    print("called", *functions)
    """
    )
    assert printed.split()[:1] == ["called"]
    assert {"load", "run", "run_op", "op"} <= set(printed.split()[1:])


def test_every_name_in_all_exists() -> None:
    assert python("import refexec; print(*(n for n in refexec.__all__ if not hasattr(refexec, n)))") == ""


def test_operators_round_to_narrow_floats_through_round_to_only() -> None:
    """``astype`` of float64 to the 8-bit types rounds twice."""
    narrowing = re.compile(r"\.astype\(\s*(np\.float(16|32)|ml_dtypes\.|['\"](b?float|half))")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "refexec" / "ops").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if narrowing.search(line)
    ]
    assert found == []
