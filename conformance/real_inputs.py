"""Inputs for real models: at least three each, the first of which is what the model was made for (a sound, an image, a text).

Sounds and images are made here, so that they are the same everywhere: a voiced sound with formants, notes with harmonics, text
drawn by Pillow. Others are silence, noise, blank or random images, and further texts.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import numpy as np

__all__ = ["Feeds", "Read", "bert_ids", "features", "file_bytes", "images", "letters", "phonemes", "sounds", "speech_frames"]

Array = np.ndarray[Any, Any]
Feeds = dict[str, Array]


def voiced_sound(seconds: float, rate: int) -> Array:
    """Like a sung vowel: harmonics of a gliding pitch near 120 Hz under the formants of "a", in syllables. float32 in -1..1."""
    t = np.arange(int(seconds * rate)) / rate
    pitch = 120 + 15 * np.sin(2 * np.pi * 3 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    sound = np.zeros_like(t)
    for k in range(1, 30):
        gain = sum(np.exp(-(((120 * k - formant) / width) ** 2)) for formant, width in ((700, 130), (1220, 160), (2600, 250)))
        sound += (gain + 0.02) * np.sin(k * phase)
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * t - np.pi / 2)
    return np.asarray(0.3 * sound * syllables / np.abs(sound).max(), np.float32)


def notes(samples: int, rate: int) -> Array:
    """A rising chord of decaying tones, as of plucked strings. float32 in -1..1."""
    t = np.arange(samples) / rate
    sound = np.zeros(samples)
    for i, pitch in enumerate((220.0, 277.18, 329.63, 440.0)):
        age = np.maximum(t - 0.3 * i, 0)
        sound += np.where(t >= 0.3 * i, np.exp(-3 * age), 0) * sum(np.sin(2 * np.pi * pitch * k * age) / k for k in (1, 2, 3, 4))
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def speech_frames(rate: int, count: int) -> list[Array]:
    """``count`` frames of 32 ms, each behind the last 4 ms before it: [1, 576] at 16 kHz, [1, 288] at 8 kHz. Then silence and noise."""
    frame, context = rate * 32 // 1000, rate * 4 // 1000
    sound = np.concatenate([np.zeros(context, np.float32), voiced_sound(1.0, rate)])
    start = 3 * frame
    voiced = [sound[start + i * frame : start + i * frame + context + frame][None] for i in range(count)]
    noise = np.random.default_rng(1).standard_normal((1, context + frame)).astype(np.float32) * np.float32(0.1)
    return [*voiced, np.zeros_like(voiced[0]), noise]


def sounds(samples: int, rate: int) -> list[Array]:
    """Notes, a voice, noise: each [1, samples, 1]."""
    noise = np.random.default_rng(2).standard_normal(samples).astype(np.float32) * np.float32(0.1)
    voice = voiced_sound(samples / rate + 0.1, rate)[:samples]
    return [x.reshape(1, samples, 1) for x in (notes(samples, rate), voice, noise)]


def images(height: int, width: int) -> list[Array]:
    """Two lines of text drawn on paper, a gradient, noise: each [1, 3, height, width], scaled to -1..1."""
    from PIL import Image, ImageDraw, ImageFont

    made = []
    for text in ("Reference 2024", "onnx & 3.14"):
        image = Image.new("RGB", (width, height), (250, 248, 240))
        font = ImageFont.load_default(size=height * 0.6 if height <= 64 else height * 0.25)
        ImageDraw.Draw(image).text((width * 0.04, height * 0.12), text, fill=(20, 20, 60), font=font)
        made.append(np.asarray(image, np.float32).transpose(2, 0, 1) / np.float32(255))
    made.append(np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (3, height, width)))
    made.append(np.random.default_rng(3).random((3, height, width), np.float32))
    return [np.ascontiguousarray((x[None] - np.float32(0.5)) / np.float32(0.5)) for x in made]


def file_bytes() -> list[Array]:
    """The first and the last 1024 bytes of a file, 256 where it is shorter: Python source, JSON, random bytes. int32 [1, 2048]."""
    with open(__file__, "rb") as file:
        source = file.read()
    document = json.dumps([{"id": i, "name": f"item {i}", "tags": ["a", "b"], "ok": i % 3 == 0} for i in range(40)]).encode()
    files = [source.strip(), document, b"short,table\n1,2\n3,4\n", np.random.default_rng(4).bytes(5000)]
    made = []
    for content in files:
        codes = np.full((1, 2048), 256, np.int32)
        head, tail = content[:1024], content[-1024:]
        codes[0, : len(head)] = list(head)
        codes[0, 2048 - len(tail) :] = list(tail)
        made.append(codes)
    return made


def bert_ids() -> list[Feeds]:
    """Sentences in the word pieces of BERT (uncased): "this is an example sentence", "hello world", a batch with padding."""
    rows = [
        [[101, 2023, 2003, 2019, 2742, 6251, 102]],
        [[101, 7592, 2088, 102]],
        [[101, 1996, 4248, 2829, 4419, 102], [101, 7592, 2088, 102, 0, 0]],
    ]
    made: list[Feeds] = []
    for row in rows:
        ids: Array = np.array(row, np.int64)
        made.append({"input_ids": ids, "attention_mask": (ids != 0).astype(np.int64), "token_type_ids": np.zeros_like(ids)})
    return made


class Read:
    """Access to further files of a model's wheel."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def json(self, name: str) -> Any:
        return json.loads(self._files[name])


def phonemes(read: Read, name: str) -> list[Feeds]:
    """Words in the phonetic alphabet of a Piper voice: "hello", "a test", "yes". No noise: its scales are 0."""
    table = read.json(name)["phoneme_id_map"]
    made: list[Feeds] = []
    for text in ("həlˈoʊ", "ɐ tˈɛst", "jˈɛs"):
        ids = [*table["^"], *(i for c in text for i in (*table["_"], *table[c])), *table["_"], *table["$"]]
        made.append({
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([0.0, 1.0, 0.0], np.float32),
        })  # fmt: skip
    return made


def letters(read: Read, vocabulary: str | None, input_name: str) -> list[Feeds]:
    """Arabic sentences without vowel signs, as the numbers of their letters."""
    texts = ("ذهب الولد الى المدرسة", "السلام عليكم", "كتاب")
    if vocabulary:
        table = read.json(vocabulary)["char_to_idx"]
        unknown = table.get("<UNK>", 1)
    else:  # the table of the two-way recurrent model stands in its source: 4 + position in this list
        table = {c: 4 + i for i, c in enumerate("ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوي .,،؛:؟!()-\"'\n")}
        unknown = 1
    plain = ["".join(c for c in unicodedata.normalize("NFD" if vocabulary else "NFC", t) if unicodedata.category(c) != "Mn") for t in texts]
    return [{input_name: np.array([[table.get(c, unknown) for c in text]], np.int64)} for text in plain]


def features() -> list[Feeds]:
    """Four features of a tuning problem: one row, many rows, values far outside."""
    rows = ([[5.0, 1.0, 3.0, 0.0]], np.random.default_rng(5).uniform(0, 20, (50, 4)).tolist(), [[-1e4, 1e4, 0.0, 7.0]])
    return [{"input": np.array(row, np.float32)} for row in rows]
