"""PostgreSQL's own programs: ``pg_dump``, ``pg_restore``, ``psql``. A password travels in the environment only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from dispatcher.errors import StoreError
from dispatcher.store.copies import ASIDE, PAUSED_SQL, libpq

SAID = 200
"""Characters kept of what a program complains: its first line only, since later ones may quote a row."""


def dump(url: str, target: Path, snapshot: str) -> None:
    """Write the database at that snapshot to ``target`` (custom format). Raises :class:`StoreError`."""
    where, secret = libpq(url)
    target.touch(mode=0o600)
    command = [_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", f"--exclude-schema={ASIDE}*"]
    command += [f"--snapshot={snapshot}", f"--file={target}", "--no-password", f"--dbname={where}"]
    done = subprocess.run(command, env=os.environ | secret, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise _failed("pg_dump", done.stderr)


def fill(url: str, source: Path, reason: str) -> None:
    """Fill an empty database from ``source``, paused with ``reason``, in one transaction. Raises StoreError."""
    where, secret = libpq(url)
    environment = os.environ | secret
    read = [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(source)]
    write = [_program("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    write += ["--no-password", "--output", os.devnull, f"--dbname={where}"]
    with (
        subprocess.Popen(read, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader,  # noqa: S603
        subprocess.Popen(write, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as writer,  # noqa: S603
    ):
        assert reader.stdout is not None and writer.stdin is not None and writer.stderr is not None
        whole = False
        try:
            shutil.copyfileobj(reader.stdout, writer.stdin)
            if reader.wait() == 0:
                writer.stdin.write(PAUSED_SQL.format(reason=reason.replace("'", "''")).encode())
                whole = True
        except BrokenPipeError:
            reader.kill()
        if not whole and writer.poll() is None:
            writer.terminate()  # before the end of its input: nothing is committed
        said = writer.communicate()[1]
        if not whole or writer.returncode:
            raise _failed("pg_restore" if not said else "psql", said)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise StoreError(
            f"Le programme « {name} » de PostgreSQL manque sur ce poste.",
            hint="Installer les programmes clients de PostgreSQL, de la version du serveur au moins.",
            code="driver",
        )
    return found


def _failed(name: str, said: bytes) -> StoreError:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    text = lines[0][:SAID] if lines else "arrêté"
    return StoreError(
        f"« {name} » a échoué : {text}",
        hint="Vérifier l'adresse de la base, les droits, la place libre et la version de ce programme.",
        code="copy",
    )
