"""What is built and installed: the wheel, the sdist, the editable install and the bare checkout."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from refexec._version import __version__
from tests.imports import ROOT, module_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCES = ("refexec", "kernels", "docs", "pyproject.toml", "setup.py", "MANIFEST.in", "LICENSE", "README.md")


def run(*command: object, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, tree: Path, to: Path) -> Path:
    """Build a wheel or an sdist of a source tree with the backend that pyproject.toml names."""
    to.mkdir(exist_ok=True)
    run(sys.executable, "-c", f"from setuptools.build_meta import build_{kind} as b; b({str(to)!r})", cwd=tree, PYTHONPATH="")
    (made,) = to.iterdir()
    return made


def copy_of_the_sources(to: Path, symlinks: bool = True) -> Path:
    for name in (*SOURCES, "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "tests"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, symlinks=symlinks, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to / name)
    return to


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_sources(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tree, tmp_path_factory.mktemp("dist") / "wheel")


def files_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert {name.split("/")[0] for name in files_in(wheel)} == {"refexec", f"refexec-{__version__}.dist-info"}


def test_the_wheel_holds_every_module_and_the_type_marker(wheel: Path) -> None:
    inside = {f.relative_to(ROOT).as_posix() for f in module_files().values()}
    assert {f for f in files_in(wheel) if f.endswith(".py")} == inside
    assert "refexec/py.typed" in files_in(wheel)


def test_the_wheel_holds_every_data_file(wheel: Path) -> None:
    kept = {
        f.relative_to(ROOT).as_posix()
        for f in (ROOT / "refexec").rglob("*")
        if f.is_file() and f.suffix not in (".py", ".pyc") and "__pycache__" not in f.parts
    }
    assert kept - files_in(wheel) == set()


def test_the_wheel_holds_the_kernels_as_refexec_kernels_only(wheel: Path) -> None:
    kernels = {f for f in files_in(wheel) if "kernels/" in f and f.endswith(".py")}
    assert {f for f in kernels if f.startswith("refexec/kernels/")} == {
        f"refexec/kernels/{f.name}" for f in (ROOT / "kernels").glob("*.py")
    }
    assert not any(f.startswith("kernels/") for f in files_in(wheel))


def test_the_metadata_state_licence_version_python_and_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(f"refexec-{__version__}.dist-info/METADATA"))
        assert archive.read(f"refexec-{__version__}.dist-info/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        assert b"refexec = refexec.cli:main" in archive.read(f"refexec-{__version__}.dist-info/entry_points.txt")
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra", [])) == {"ort", "text", "image", "report", "fuzz", "all", "test"}


def test_a_wheel_from_the_sdist_holds_the_same_files(tree: Path, wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", tree, tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert files_in(build("wheel", unpacked, tmp_path / "wheel")) == files_in(wheel)


def test_a_checkout_without_symbolic_links_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    plain = copy_of_the_sources(tmp_path / "plain")
    (plain / "refexec" / "kernels").unlink()
    (plain / "refexec" / "kernels").write_text("../kernels")  # what git writes there
    assert files_in(build("wheel", plain, tmp_path / "wheel")) == files_in(wheel)


WHERE = """
import importlib.metadata, os, refexec, refexec.kernels, refexec._version
print(os.path.realpath(refexec.kernels.__file__), importlib.metadata.version("refexec"), refexec._version.__version__)
"""


@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "editable"])
def test_an_installed_refexec_finds_its_kernels_and_its_version(editable: bool, tmp_path: Path, tree: Path, wheel: Path) -> None:
    """Installed without its dependencies into a new environment that sees those of this one."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = tmp_path / "env" / "lib" / version / "site-packages"
    (site / "dependencies.pth").write_text("\n".join(p for p in sys.path if "site-packages" in p))
    what = ("--no-build-isolation", "--editable", tree) if editable else (wheel,)
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", *what, cwd=tmp_path, PYTHONPATH="")
    kernels, installed, stated = run(python, "-c", WHERE, cwd=tmp_path, PYTHONPATH="").split()
    assert Path(kernels).parent == ((tree / "kernels") if editable else (site / "refexec" / "kernels"))
    assert installed == stated == __version__


def test_a_bare_checkout_imports_the_kernels_below_refexec() -> None:
    printed = run(sys.executable, "-c", "import refexec.kernels as k; print(k.__name__)", cwd=ROOT, PYTHONPATH=str(ROOT))
    assert printed.strip() == "refexec.kernels"


def test_kernels_refuse_the_import_name_of_another_project() -> None:
    done = subprocess.run([sys.executable, "-c", "import kernels"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ImportError: this package is refexec.kernels; it was imported as 'kernels'" in done.stderr


def test_the_first_statement_of_kernels_is_that_refusal() -> None:
    assert (ROOT / "kernels" / "__init__.py").read_text("utf-8").startswith('if __name__ != "refexec.kernels":\n    raise ImportError(')


def test_the_link_to_the_kernels_is_committed_as_a_link() -> None:
    assert os.readlink(ROOT / "refexec" / "kernels") == "../kernels"
    if (ROOT / ".git").exists():
        listed = run("git", "ls-files", "--stage", "refexec/kernels", cwd=ROOT)
        assert listed.startswith("120000 "), "commit refexec/kernels as a symbolic link"


def test_the_version_stands_in_one_place() -> None:
    assert "version" in PROJECT["dynamic"]
    assert run(sys.executable, "-c", "import refexec; print(refexec.__version__)", cwd=ROOT).strip() == __version__


def test_the_command_line_program_can_be_loaded() -> None:
    module, name = PROJECT["scripts"]["refexec"].split(":")
    assert run(sys.executable, "-c", f"from {module} import {name}; print(callable({name}))", cwd=ROOT).strip() == "True"


def test_each_python_file_has_at_most_500_lines() -> None:
    files = [f for d in ("refexec", "kernels", "tests", "conformance", "benchmarks") for f in (ROOT / d).rglob("*.py")]
    assert [f"{f.relative_to(ROOT)}: {n} lines" for f in files if (n := len(f.read_text("utf-8").splitlines())) > 500] == []


def test_the_readme_gives_the_commands_that_continuous_integration_runs() -> None:
    readme, script = (ROOT / "README.md").read_text("utf-8"), (ROOT / ".ci" / "run").read_text("utf-8")
    assert 'pip install -e ".[test]"' in readme and 'install -q -e ".[test]"' in script
    assert re.search(r"^.*python -m pytest -n 2$", readme, re.MULTILINE) and "python -m pytest -n 2" in script


def test_the_changelog_has_an_entry_for_this_version() -> None:
    assert re.search(rf"^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
