"""Finds the files of ``mappings/`` and ``samples/``, installed or from a checkout.

Installed, both folders are the packages ``dispatcher.mappings`` and ``dispatcher.samples``; in a bare checkout they
stand beside ``dispatcher/``. Nobody else builds paths to them.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import tempfile
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path


def _data_folder(name: str) -> Traversable:
    try:
        return importlib.resources.files(f"dispatcher.{name}")
    except ModuleNotFoundError:
        return Path(__file__).resolve().parent.parent / name


def mapping(*parts: str) -> Traversable:
    """A file or folder of ``mappings/``, for example ``mapping("terminology", "units.csv")``."""
    return _data_folder("mappings").joinpath(*parts)


def sample(*parts: str) -> Traversable:
    """A file or folder of ``samples/``; everybody in them is invented."""
    return _data_folder("samples").joinpath(*parts)


@contextlib.contextmanager
def mapping_folder(*parts: str) -> Iterator[Path]:
    """A folder of ``mappings/`` as a real one, for libraries that open by path; copied when the package is zipped."""
    folder = mapping(*parts)
    if isinstance(folder, Path):
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="dispatcher-") as name:
        for item in folder.iterdir():
            if item.is_file():
                (Path(name) / item.name).write_bytes(item.read_bytes())
        yield Path(name)


def mapping_text(*parts: str) -> str:
    """The text (UTF-8) of a file of ``mappings/``."""
    return mapping(*parts).read_text(encoding="utf-8")


def mapping_bytes(*parts: str) -> bytes:
    """The bytes of a file of ``mappings/``."""
    return mapping(*parts).read_bytes()
