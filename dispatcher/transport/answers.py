"""From settings to the lines towards the LIS of a source; nothing is connected yet."""

from __future__ import annotations

from dispatcher.ports import AnswerLine
from dispatcher.settings import AnswersSettings, MllpSettings
from dispatcher.transport.mllp import MllpLine, MllpOptions
from dispatcher.transport.return_folder import ReturnFolder
from dispatcher.transport.tls import TlsOptions


def answer_lines(settings: AnswersSettings) -> dict[str, AnswerLine]:
    """``folder`` and ``mllp``, those that are set."""
    lines: dict[str, AnswerLine] = {}
    if settings.folder is not None:
        lines["folder"] = ReturnFolder(settings.folder, settings.done_suffix)
    if settings.mllp is not None:
        lines["mllp"] = MllpLine(_options(settings.mllp))
    return lines


def _options(wanted: MllpSettings) -> MllpOptions:
    tls = TlsOptions(
        ca_file=wanted.ca_file,
        client_cert=wanted.client_cert,
        client_key=wanted.client_key,
        server_name=wanted.server_name,
    )
    return MllpOptions(
        host=wanted.host,
        port=wanted.port,
        tls=tls if wanted.tls else None,
        timeout_seconds=wanted.timeout_seconds,
    )
