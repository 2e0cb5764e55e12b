"""Use case: open a notice that came enciphered for one of our channels, with any key it ever had."""

from __future__ import annotations

import logging

from dispatcher.errors import KeyringError, SealError
from dispatcher.ports import Keyring
from dispatcher.receipts.notices import Opener
from dispatcher.sealing.opening import decipher

log = logging.getLogger(__name__)


def opener(keyring: Keyring, channel: str) -> Opener:
    """Gives what an enveloped structure holds, or None when no key of the channel opens it.

    Keys that have expired are tried too: a notice may come late.
    """

    def open_structure(structure: bytes) -> bytes | None:
        try:
            pairs = keyring.readers(channel)
        except KeyringError as error:
            log.warning("channel %s: its keys cannot be read (%s)", channel, error.code)
            return None
        for pair in pairs:
            try:
                return decipher(structure, pair.key, pair.certificate)
            except SealError:
                continue
        return None

    return open_structure
