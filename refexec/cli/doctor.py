"""``refexec doctor``: what is installed, and what it serves."""

from __future__ import annotations

import importlib
import locale
import os
import platform
import re
import sys
import time
from collections import defaultdict
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from refexec._version import __version__
from refexec.cli.options import common
from refexec.cli.terminal import paint, print_json, say, table, wants_json

REQUIRED = ("numpy", "onnx", "ml_dtypes", "click", "protobuf")
EXTRAS = (
    # extra, distribution, what it serves
    ("ort", "onnxruntime", "compare, demo"),
    ("report", "jinja2", "HTML reports"),
    ("text", "google-re2", "RegexFullMatch"),
    ("image", "pillow", "ImageDecoder"),
    ("fuzz", "hypothesis", "generated inputs and models"),
)
CPU_FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "asimd", "asimddp")


@click.command()
@click.option("--kernels", is_flag=True, help="Also list which implementation serves each primitive.")
@click.option("--prewarm", is_flag=True, help="Compile the kernels now, so that the first run need not.")
@common
@click.pass_context
def doctor(ctx: click.Context, kernels: bool, prewarm: bool) -> None:
    """Say which versions are installed, what the extras serve, and whether something is not as it should be.

    Ends with 1 when it is not: a schema of the installed onnx that was not reviewed, or kernels that cannot be loaded.
    """
    found = examine(kernels, prewarm)
    if wants_json():
        print_json({"schema": "refexec.doctor/1", **found})
    else:
        say("\n".join(text(found)))
    ctx.exit(1 if found["problems"] else 0)


def examine(kernels: bool, prewarm: bool) -> dict[str, Any]:
    """Everything as JSON values."""
    from refexec.schema import changed_schemas, reviewed_digests

    problems = []
    changed = changed_schemas()
    if changed:
        problems.append(f"{len(changed)} schemas of the installed onnx are not the reviewed ones: {', '.join(changed[:5])}")
    numba = numba_state()
    if numba["problem"]:
        problems.append(numba["problem"])
    found: dict[str, Any] = {
        "versions": {"refexec": __version__, "python": platform.python_version(), **{name: version(name) for name in REQUIRED}},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cpu": cpu_name(),
            "cpus": len(affinity()),
            "flags": cpu_flags(),
        },
        "extras": [
            {"extra": extra, "package": package, "version": version(package), "serves": serves} for extra, package, serves in EXTRAS
        ],
        "numba": numba,
        "schemas": {"reviewed": len(reviewed_digests()), "changed": changed},
        "locale": {"en_US": has_locale("en_US.UTF-8"), "LOCPATH": os.environ.get("LOCPATH")},
        "kernels": None,
        "problems": problems,
    }
    if (kernels or prewarm) and numba["version"] is not None and not numba["problem"]:
        found["kernels"] = kernel_table(prewarm)
    return found


def version(package: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def numba_state() -> dict[str, Any]:
    """Version, whether the kernels can be loaded, and where compiled code is kept. Without numba two profiles work all the same."""
    if version("numba") is None:
        return {"version": None, "cache": None, "problem": None}
    try:
        importlib.import_module("numba")
        from refexec.primitives import load_kernels

        load_kernels()
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        return {
            "version": version("numba"),
            "cache": None,
            "problem": f"the kernels cannot be loaded: {error}",
        }
    cache = importlib.import_module("refexec.kernels.cache")
    kept = cache.folder()
    problem = cache.problem(cache.base() / "kernels") if kept != cache.base() / "kernels" else None
    return {"version": version("numba"), "cache": str(kept), "problem": problem and f"compiled kernels are not kept: {problem}"}


def affinity() -> set[int]:
    """The processors that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def cpu_info(key: str) -> str:
    """A line of /proc/cpuinfo; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    found = re.search(rf"(?m)^{key}\s*:\s*(.*)$", path.read_text("utf-8", "replace")) if path.exists() else None
    return found[1].strip() if found else ""


def cpu_name() -> str:
    return cpu_info("model name") or platform.processor() or "unknown"


def cpu_flags() -> list[str]:
    """What matters for how numbers come out."""
    present = set((cpu_info("flags") or cpu_info("Features")).split())
    return [flag for flag in CPU_FLAGS if flag in present]


def has_locale(name: str) -> bool:
    """Whether the C library has a locale; onnxruntime's StringNormalizer needs en_US."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return True


def kernel_table(prewarm: bool) -> list[dict[str, Any]]:
    """Per primitive: where its definition stands, the kernels by element type in ``deterministic`` and where they differ in ``fast``,
    the order in which each adds, and how long compiling took."""
    from refexec.primitives import primitives
    from refexec.registry import load_operators

    load_operators()
    seconds = warm() if prewarm else {}
    return [
        {
            "primitive": name,
            "definition": f"{p.definition.__module__}.{p.definition.__qualname__}",
            "kernels": {str(element): kernel_name(k) for element, k in p.kernels.items()},
            "fast": {str(element): kernel_name(k) for element, k in p.fast_kernels.items()},
            "orders": {kernel_name(k): k.order for k in (*p.kernels.values(), *p.fast_kernels.values())},
            "seconds": seconds.get(name),
        }
        for name, p in primitives().items()
    ]


def kernel_name(kernel: Any) -> str:
    """Its class; that of a kernel which serves half types through float32 stands behind "float32"."""
    return f"float32 {kernel.name}" if hasattr(kernel, "single") else str(kernel.name)


def warm() -> dict[str, float]:
    """Compile all kernels; seconds by primitive."""
    from refexec.prewarm import calls

    seconds: defaultdict[str, float] = defaultdict(float)
    hidden = bool(click.get_current_context().meta.get("refexec.quiet"))
    steps = click.progressbar(list(calls()), label="compiling", file=sys.stderr, hidden=hidden, item_show_func=lambda one: one and one[1])
    with steps as shown:
        for primitive, _, call in shown:
            start = time.perf_counter()
            call()
            seconds[primitive] += time.perf_counter() - start
    return seconds


def served(kernels: dict[str, str]) -> str:
    """Element types and what serves them, types that one kernel serves together."""
    names = dict.fromkeys(kernels.values())
    return "; ".join(f"{', '.join(e for e, n in kernels.items() if n == name)}: {name}" for name in names)


def text(found: dict[str, Any]) -> list[str]:
    """The findings in lines."""
    lines = table(("package", "version"), [(k, v or "absent") for k, v in found["versions"].items()], 1)
    machine = found["machine"]
    lines += [
        "",
        f"{machine['cpu']}, {machine['cpus']} processors, {machine['system']}",
        f"  {' '.join(machine['flags']) or 'no known flags'}",
    ]
    if "avx2" in machine["flags"] and not {"avx512_vnni", "avx_vnni"} & set(machine["flags"]):
        lines.append("  without VNNI onnxruntime's products of uint8 and int8 can saturate: --config session.x64quantprecision=1")
    rows = [(e["extra"], e["package"], e["version"] or "absent", e["serves"]) for e in found["extras"]]
    lines += ["", *table(("extra", "package", "version", "serves"), rows, 3)]
    numba = found["numba"]
    if numba["version"] is None:
        lines += ["", "numba is absent: the profiles reference and wide work without it"]
    else:
        lines += ["", f"numba {numba['version']}" + (f", compiled kernels are kept in {numba['cache']}" if numba["cache"] else "")]
    schemas = found["schemas"]
    lines.append(f"schemas of onnx: {schemas['reviewed']} reviewed, {len(schemas['changed'])} changed since")
    place = f" (LOCPATH={found['locale']['LOCPATH']})" if found["locale"]["LOCPATH"] else ""
    lines.append(f"locale en_US: {'present' if found['locale']['en_US'] else 'absent; onnxruntime needs it for StringNormalizer'}{place}")
    if found["kernels"] is not None:
        implementations = [
            (
                k["primitive"],
                served(k["kernels"]) + (f"; in fast {served(k['fast'])}" if k["fast"] else "") or "the NumPy definition",
                "" if k["seconds"] is None else f"{k['seconds']:.2f} s",
            )
            for k in found["kernels"]
        ]
        orders = {name.split()[-1]: order for k in found["kernels"] for name, order in k["orders"].items()}
        lines += ["", *table(("primitive", "served by", "compiled"), implementations, 1)]
        lines += ["", *table(("kernel", "in which order it adds"), sorted(orders.items()), 1)]
    verdict = [paint(f"problem: {p}", "red") for p in found["problems"]] or [paint("nothing is wrong", "green")]
    return [*lines, "", *verdict]
