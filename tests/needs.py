"""What a test needs and may not find: asked for here and nowhere else, so that every skip says what is missing.

A missing program, server or package skips with what to install; under ``CI`` it fails. The kit and the judge in
``../shared`` are no part of the product: without them a test skips everywhere, and the end of the run lists it
(``tests/conftest.py``).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Beside the repository: the official CDA kit, an outside judge."""
KIT = SHARED / "ans-cda"
JUDGE = SHARED / "tools" / "validate_cda.py"


def missing(reason: str) -> NoReturn:
    """Skip with ``reason``; under CI fail with it."""
    if os.environ.get("CI"):
        pytest.fail(f"needed under CI: {reason}", pytrace=False)
    pytest.skip(reason)


def needs_program(binary: str, package: str, *, root: bool = False) -> str:
    """Path of a program; else ``missing`` with the package to install, or that it must be started by root."""
    path = shutil.which(binary) or (binary if Path(binary).exists() else None)
    if path is None:
        missing(f"{binary} missing: apt-get install {package}")
    if root and os.geteuid() != 0:
        missing(f"{binary} needs root")
    return path


def needs_shared(path: Path) -> Path:
    """A file or folder of ``../shared``, or a skip (under CI too)."""
    if not path.exists():
        pytest.skip(f"../{path.relative_to(SHARED.parent)} is not beside the repository")
    return path


def needs_judge() -> Path:
    """The outside judge of CDA documents with its kit of official rules, or a skip (under CI too)."""
    needs_shared(KIT)
    return needs_shared(JUDGE)
