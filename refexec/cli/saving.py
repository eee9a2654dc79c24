"""Writing values and reports: whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import numpy as np

from refexec.errors import UnsupportedType
from refexec.observe.protos import value_to_proto
from refexec.types import ValueType, element_type

__all__ = ["check_target", "plain", "save_values", "writing"]

SUFFIXES = (".npz", ".npy", ".pb", "")


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """A file beside ``path`` to write to; it takes the place of ``path`` when all went well, and is removed when not."""
    target = Path(path)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        os.replace(part, target)
    except BaseException:
        with suppress(FileNotFoundError):
            shutil.rmtree(part) if part.is_dir() else part.unlink()
        raise


def check_target(path: str | None, count: int, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Say before a long run that its result cannot be stored. Raises click.BadParameter."""
    if path is None:
        return
    target = Path(path)
    if target.suffix.lower() not in suffixes:
        raise click.BadParameter(f"{path}: a file ending in .npz, .npy or .pb, or a folder", param_hint="-o")
    if target.suffix.lower() in (".npy", ".pb") and count != 1:
        raise click.BadParameter(f"{path}: such a file holds one value, there are {count}; use .npz or a folder", param_hint="-o")
    if not target.absolute().parent.is_dir():
        raise click.BadParameter(f"{path}: its folder does not exist", param_hint="-o")
    if target.is_dir() and (target.suffix or any(target.iterdir())):
        raise click.BadParameter(f"{path} is a folder that is not empty", param_hint="-o")


def save_values(path: str, values: Mapping[str, Any], types: Mapping[str, ValueType | None]) -> None:
    """Write values by name: ``.npz``, ``.npy``, ``.pb``, or a folder of ``output_0.pb``, ``output_1.pb``, ....

    Raises UnsupportedType for values that the format cannot hold: NumPy's has arrays only, and no text that ends in NUL.
    """
    with writing(path) as part:
        match Path(path).suffix.lower():
            case ".npz":
                with zipfile.ZipFile(part, "x", zipfile.ZIP_DEFLATED) as archive:
                    for name, value in values.items():
                        if "\0" in name:
                            raise UnsupportedType("a name with NUL cannot stand in a .npz file; use a folder", name=name)
                        with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                            np.lib.format.write_array(member, _storable(value, name), allow_pickle=False)
            case ".npy":
                (name, value), = values.items()  # fmt: skip
                with part.open("xb") as file:
                    np.lib.format.write_array(file, _storable(value, name), allow_pickle=False)
            case ".pb":
                (name, value), = values.items()  # fmt: skip
                part.write_bytes(value_to_proto(value, types.get(name), name).SerializeToString(deterministic=True))
            case _:
                part.mkdir()
                for i, (name, value) in enumerate(values.items()):
                    content = value_to_proto(value, types.get(name), name).SerializeToString(deterministic=True)
                    (part / f"output_{i}.pb").write_bytes(content)


def _storable(value: Any, name: str) -> np.ndarray[Any, Any]:
    if not isinstance(value, np.ndarray):
        raise UnsupportedType("NumPy's formats hold tensors only; use a folder or a .pb file", name=name, type=type(value).__name__)
    if value.dtype.isbuiltin == 2:  # NumPy writes float8_e5m2 as "<f1", which it cannot read
        return value.view(f"V{value.dtype.itemsize}")
    if value.dtype != object:
        return value
    if any(text.endswith("\0") for text in value.flat):
        raise UnsupportedType("NumPy drops NUL at the end of text; use a folder or a .pb file", name=name)
    return value.astype(np.str_)


def plain(value: Any) -> Any:
    """A value as JSON: nested lists; numbers that JSON lacks as "nan", "inf", "-inf"; complex ones as [re, im]; pairs for a map."""
    if isinstance(value, np.ndarray):
        kind = element_type(value.dtype).kind
        if kind == "complex":
            return plain(np.stack([value.real, value.imag], axis=-1))
        if kind == "float":
            numbers = value.astype(np.float64)
            return numbers.tolist() if np.isfinite(numbers).all() else _named(numbers.tolist())
        if kind in ("int", "uint") and value.dtype.itemsize == 1:  # int4 and its like are held in bytes
            value = value.astype(np.int8 if kind == "int" else np.uint8)
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return [[plain(k), plain(v)] for k, v in value.items()]
    if isinstance(value, np.generic):
        return plain(np.asarray(value))
    return value


def _named(value: Any) -> Any:
    if isinstance(value, list):
        return [_named(v) for v in value]
    return value if np.isfinite(value) else str(value)
