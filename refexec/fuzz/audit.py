"""What the opspecs reach, and whether what they draw is right: ``python -m refexec.fuzz.audit [-k OPERATOR] [-n MODELS]``.

For each operator version, models with that operator alone are drawn. Each must pass onnx's full checker, run in refexec, and give the
types and shapes that the opspec states. What of the schema no model reaches is listed: types of type variables,
attributes, and their values where the text enumerates these.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import onnx

from refexec.diff.metrics import leaves
from refexec.errors import RefexecError
from refexec.fuzz.choosers import RandomChooser
from refexec.fuzz.graph import Drawn, Generated, Options, generate
from refexec.fuzz.targets import Verdict, expected_of
from refexec.opspec import Operand, Out, opspecs, out
from refexec.schema import Signature, all_signatures
from refexec.session import Session
from refexec.types import ELEMENT_TYPES, MapType, OptionalType, SequenceType, TensorType, element_type, without_shape
from refexec.values import value_type_of

__all__ = ["features", "problem", "reached", "schema_features", "waivers"]

Key = tuple[str, str, int]
PATIENCE = 6
RUN = 2000  # models that a survey runs


def schema_features(signature: Signature) -> set[str]:
    """What an opspec must reach: each type of each type variable of an input or output, each optional, each attribute, and each value of
    those whose values the text enumerates (``mode=reflect``)."""
    used = {p.type_str for p in (*signature.inputs, *signature.outputs)}
    found = {f"{variable}={t}" for variable, types in signature.variables.items() if variable in used for t in types}
    found |= set(signature.attributes)
    found |= {f"{name}={value}" for name, values in enumerated(signature).items() for value in values}
    return found | {f"{p.name}?" for p in (*signature.inputs, *signature.outputs) if p.option == "optional"}


@cache
def enumerations() -> tuple[Mapping[str, Any], ...]:
    """The rows of enumerations.toml."""
    text = resources.files("refexec.fuzz").joinpath("enumerations.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["enumeration"])


@cache
def enumerated(signature: Signature) -> dict[str, tuple[str | int, ...]]:
    """The attributes whose values the text enumerates, with these."""
    label = signature.label.rpartition("-")[0]
    return {
        name: tuple(row["values"])
        for row in enumerations()
        for name in row["attributes"]
        if name in signature.attributes and label in row.get("operators", [label]) and row.get("since", 1) <= signature.since
        and signature.since <= row.get("until", signature.since)
    }  # fmt: skip


def features(drawn: Drawn) -> Iterator[str]:
    """What of its schema a node shows."""
    signature = drawn.signature
    for formal_of, operands in ((signature.input, drawn.inputs), (signature.output, drawn.outputs)):
        for i, operand in enumerate(operands):
            if operand is not None:
                formal = formal_of(i)
                yield f"{formal.type_str}={without_shape(operand.type)}"
                if formal.option == "optional":
                    yield f"{formal.name}?"
    yield from drawn.attributes
    for name in enumerated(signature):
        value = drawn.attributes.get(name, signature.attributes[name].default)
        several = value is not None and not isinstance(value, str | bytes | int)
        yield from (f"{name}={one}" for one in (value if several else [value]))


def models(key: Key, count: int) -> Iterator[Generated]:
    """Models of one operator version; every second one has one element type to choose from, or two, all in turn.

    Every fifth is of edge mode. Where a type variable has sequences and optionals besides tensors, models are larger.
    """
    domain, name, since = key
    later = [v for d, n, v in all_signatures() if (d, n) == (domain, name) and v > since]
    most = max(map(len, all_signatures()[key].variables.values()), default=0)
    slots = 3 if most <= len(ELEMENT_TYPES) else most // 2
    opset = (since, min(later, default=99) - 1) if domain == "" else (1, 99)
    for seed in range(count):
        chooser = RandomChooser(seed)
        versions = {domain: since} if domain else {}
        turn, types = seed // 2, len(ELEMENT_TYPES)
        pair = (ELEMENT_TYPES[at % types].name for at in (turn, turn + turn // types + 1))
        dtypes = tuple(pair)[: 1 + turn % 2] if seed % 2 else None
        yield generate(chooser, Options(opset, (domain,), versions, (name,), dtypes, max_nodes=slots, random=True, edge=seed % 5 == 4))


def problem(made: Generated) -> str | None:
    """What is wrong with a model; None when nothing is."""
    try:
        onnx.checker.check_model(made.model, full_check=True)
    except Exception as error:  # onnx's checker raises its own errors, RuntimeError and ValueError
        return f"the checker: {str(error)[:300]}"
    return run_problem(made)


def run_problem(made: Generated) -> str | None:
    """What is wrong when refexec runs it."""
    try:
        session = Session(made.model)
        results = session.run(None, made.feeds)
    except RefexecError as error:
        return f"refexec: {type(error).__name__}: {str(error)[:300]} {getattr(error, '__notes__', '')}"
    for info, value in zip(session.outputs, results, strict=True):
        stated = made.values[info.name]
        if (wrong := _contradiction(stated, value)) is not None:
            return f"{info.name}: {wrong}"
    return None


def _contradiction(stated: Operand | Out, value: Any) -> str | None:
    if isinstance(stated.type, SequenceType | OptionalType):
        items = value if isinstance(stated.type, SequenceType) else [value][value is None :]
        if stated.items is None:
            return None
        if len(items) != len(stated.items):
            return f"stated {len(stated.items)} items, got {len(items)}"
        found = [_contradiction(out(stated.type.elem, content), item) for content, item in zip(stated.items, items, strict=True)]
        return next((f for f in found if f), None)
    if isinstance(stated.type, MapType) and stated.items not in (None, tuple(value)):
        return f"stated keys {stated.items}, got {tuple(value)}"
    if isinstance(stated.type, TensorType):
        shape = getattr(value, "shape", None)
        if shape is None or without_shape(value_type_of(value)) != stated.type:
            return f"stated {stated.type}, got {value_type_of(value)}"
        if len(shape) != len(stated.shape) or any(s is not None and s != n for s, n in zip(stated.shape, shape, strict=True)):
            return f"stated shape {stated.shape}, got {shape}"
        if stated.span is not None and value.size:
            wide = value.astype(float)
            if not (stated.span[0] <= wide.min() and wide.max() <= stated.span[1]):
                return f"stated span {stated.span}, got {wide.min()} to {wide.max()}"
    return None


def reached(key: Key, count: int) -> tuple[set[str], dict[str, int]]:
    """The features that models of an operator version show, and what is wrong with models: message -> the first seed.

    While something is missing there are up to ``PATIENCE`` times as many models; they count where they show it.
    """
    found: set[str] = set()
    wrong: dict[str, int] = {}
    wanted = schema_features(all_signatures()[key])
    for seed, made in enumerate(models(key, count * PATIENCE)):
        known = len(found)
        for drawn in made.nodes:
            if (drawn.signature.domain, drawn.signature.name, drawn.signature.since) == key:
                found.update(features(drawn))
        if seed >= count and len(found) == known:
            if wanted <= found:
                break
            continue
        message = problem(made)
        if message is not None:
            wrong.setdefault(message, seed)
    return found, wrong


@cache
def waivers() -> dict[tuple[str, str], str]:
    """(operator, feature) -> reason, from waivers.toml; the feature "*" is the whole operator."""
    text = resources.files("refexec.fuzz").joinpath("waivers.toml").read_text(encoding="utf-8")
    return {(row["operator"], feature): row["reason"] for row in tomllib.loads(text).get("waiver", []) for feature in row["features"]}


def waived(signature: Signature, feature: str) -> bool:
    """Whether waivers.toml says why no opspec reaches a feature of an operator."""
    name = f"{signature.domain}:{signature.name}" if signature.domain else signature.name
    return any((of, what) in waivers() for of in (name, signature.label) for what in (feature, "*"))


def survey(count: int, seed: int = 0) -> dict[str, Any]:
    """Figures of ``count`` models of the default options, from ``seed`` on: what passes onnx's full checker and what occurs."""
    versions: set[str] = set()
    typed: set[str] = set()
    sizes, flow, wrong = [], 0, {}
    start = time.process_time()
    drawing = 0.0
    for at in range(seed, seed + count):
        begun = time.process_time()
        made = generate(RandomChooser(at))
        drawing += time.process_time() - begun
        sizes.append(len(made.model.graph.node))
        flow += bool(made.model.functions) or any(n.signature.folder == "controlflow" for n in made.nodes)
        for drawn in made.nodes:
            versions.add(drawn.signature.label)
            typed.update(f"{drawn.signature.label} {t}" for t in {str(o.type) for o in drawn.inputs if o is not None})
        try:
            onnx.checker.check_model(made.model, full_check=True)
        except Exception as error:  # onnx's checker raises its own errors, RuntimeError and ValueError
            wrong[at] = str(error)[:300]
    return {
        "models": count, "pass the full checker": f"{100 * (count - len(wrong)) / count:.3f} %", "median nodes": statistics.median(sizes),
        "with control flow or functions": f"{100 * flow / count:.1f} %", "operator versions": len(versions), "of": len(all_signatures()),
        "versions with a type": len(typed), "drawn a second": round(count / drawing), "seconds": round(time.process_time() - start),
        "finite outputs": finite_share(Options(), min(count, RUN), seed),
        "finite outputs with guards": finite_share(Options(guards=True), min(count, RUN), seed), "wrong": wrong,
    }  # fmt: skip


def finite_share(options: Options, count: int, seed: int = 0) -> str:
    """How many of the numbers that float outputs of models have are finite; each tensor counts the same."""
    shares: list[float] = []
    for at in range(seed, seed + count):
        made = generate(RandomChooser(at), options)
        found = expected_of(made.model, made.feeds)
        if not isinstance(found, Verdict):
            floats = [v for value in found.values() for v in leaves(value) if v.size and element_type(v.dtype).is_float]
            shares += [float(np.mean(np.isfinite(v.astype(np.float64)))) for v in floats]
    return f"{100 * statistics.fmean(shares):.1f} % in {len(shares)} tensors" if shares else "none"


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m refexec.fuzz.audit", description=__doc__)
    parser.add_argument("-k", default="", metavar="OPERATOR", help="only operators whose name contains this")
    parser.add_argument("-x", action="store_true", help="-k names one operator exactly")
    parser.add_argument("-f", default="", metavar="FOLDER", help="only operators of this folder of refexec/ops")
    parser.add_argument("-n", type=int, default=60, metavar="MODELS", help="models for each version")
    parser.add_argument("--survey", type=int, metavar="MODELS", help="draw models of everything instead, and print figures of them")
    options = parser.parse_args(None if arguments is None else list(arguments))
    if options.survey:
        figures = survey(options.survey)
        print("\n".join(f"{what}: {figure}" for what, figure in figures.items()))
        return 1 if figures["wrong"] else 0
    bad = 0
    counts: dict[str, int] = defaultdict(int)
    for key, signature in sorted(all_signatures().items()):
        fits = signature.name == options.k if options.x else options.k.lower() in signature.name.lower()
        if signature.deprecated or not fits or options.f not in ("", signature.folder):
            continue
        counts["versions"] += 1
        if key not in opspecs():
            if not waived(signature, "*"):
                counts["without an opspec"] += 1
                print(f"{signature.label}: no opspec")
            continue
        found, wrong = reached(key, options.n)
        missing = sorted(f for f in schema_features(signature) - found if not waived(signature, f))
        for message, seed in wrong.items():
            bad += 1
            print(f"{signature.label}, seed {seed}: {message}")
        if missing:
            bad += 1
            print(f"{signature.label} does not reach {', '.join(missing)}")
    print(", ".join(f"{count} {what}" for what, count in counts.items()), f"{bad} problems", sep=", ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
