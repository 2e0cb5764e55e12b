"""What evidence is made with: who signs the journal and its anchors, who prints the summary."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from dispatcher import resources
from dispatcher.formats.pdf.engine import Layout
from dispatcher.formats.pdf.summary import SummaryPrinter
from dispatcher.keyring.credentials import der_certificates
from dispatcher.sealing.proof import require_stamping
from dispatcher.service.anchor import Anchoring, signer_of
from dispatcher.service.prove import Proving
from dispatcher.transport.timestamps import HttpStamper

if TYPE_CHECKING:
    from dispatcher.wiring import Office


def anchoring_of(office: Office) -> Anchoring:
    """What signs the journal. Raises ``DispatcherError``: roots unreadable, module missing."""
    wanted = office.settings.journal
    names = [wanted.signer] if wanted.signer else list(office.channels)
    if wanted.timestamp_url:
        require_stamping()
    return Anchoring(
        store=office.store,
        clock=office.clock,
        signer=lambda at: signer_of(office.desk.keyring, names, at),
        every=timedelta(hours=wanted.anchor_hours),
        stamper=HttpStamper(wanted.timestamp_url, wanted.timestamp_seconds) if wanted.timestamp_url else None,
        roots=stamp_roots(office),
    )


def stamp_roots(office: Office) -> tuple[bytes, ...]:
    """Certificates (DER) that time-stamps must go back to. Raises ``KeyringError``."""
    path = office.settings.journal.timestamp_roots
    return der_certificates(path) if path is not None else ()


def proving_of(office: Office, closing: ExitStack) -> Proving:
    """Usable for the life of ``closing``. Raises ``DispatcherError``."""
    return Proving(
        store=office.store,
        clock=office.clock,
        anchoring=anchoring_of(office),
        printer=evidence_printer(closing),
        laboratory=office.settings.laboratory.name,
    )


def evidence_printer(closing: ExitStack) -> SummaryPrinter:
    """Of the summary in a proof; fonts are unpacked for the life of ``closing``."""
    fonts = str(closing.enter_context(resources.mapping_folder("fonts")))
    layout = Layout(
        source=resources.mapping_bytes("layouts", "evidence.typ"),
        fonts=(fonts,),
        coverage=resources.mapping_text("fonts", "coverage.txt"),
        name="evidence.typ",
    )
    return SummaryPrinter(layout)
