"""The whole family of errors, on one page.

Every error says, in French and for the person who must act, what was found, what was expected and what to do next.
None ever carries a patient's name, a result or a key: use the dispatch number, the file name, the line or field.

Families and what becomes of the item (decided in ``service/`` only):

=====================  =======================================================
``ConfigError``        the program does not start; all faults listed at once
``FormatError``        the source file is quarantined
``RenderError``        the dispatch is held: a document could not be written
``DirectoryError``     reference data could not be read; the one held is kept
``TrustError``         the list of allowed domains is refused; the one held is kept
``KeyringError``       no usable key or certificate: ours pauses, theirs holds
``SealError``          the mail could not be built or sealed: held
``TransportError``     see :class:`Refused`, :class:`TryLater`, :class:`OurFault`, :class:`OutcomeUnknown`
``SignInError``        nobody is let in
``StoreError``         the database said no
=====================  =======================================================
"""

from __future__ import annotations

import errno

SYSTEM = {
    errno.ENOENT: "introuvable",
    errno.EACCES: "accès refusé",
    errno.EPERM: "accès refusé",
    errno.EISDIR: "c'est un dossier",
    errno.ENOTDIR: "un élément du chemin n'est pas un dossier",
    errno.EEXIST: "existe déjà",
    errno.ENOSPC: "disque plein",
    errno.EDQUOT: "quota de disque atteint",
    errno.EROFS: "disque en lecture seule",
    errno.EIO: "erreur du disque",
    errno.ENAMETOOLONG: "nom trop long",
    errno.EADDRINUSE: "déjà pris par un autre programme",
    errno.EADDRNOTAVAIL: "adresse absente de cette machine",
    errno.ELOOP: "liens symboliques en boucle",
    errno.EMFILE: "trop de fichiers ouverts",
    errno.ENFILE: "trop de fichiers ouverts sur cette machine",
    errno.EFBIG: "fichier trop grand",
    errno.EINVAL: "nom ou opération refusé par le système",
    errno.EBUSY: "occupé par un autre programme",
    errno.ETXTBSY: "occupé par un autre programme",
    errno.ENOTEMPTY: "dossier non vide",
    errno.EXDEV: "sur un autre disque",
    errno.EMLINK: "trop de liens",
    errno.ENXIO: "périphérique absent",
    errno.ENODEV: "périphérique absent",
    errno.ENOMEM: "mémoire épuisée",
    errno.ESTALE: "partage réseau à remonter",
    errno.ETIMEDOUT: "délai dépassé",
    errno.EHOSTDOWN: "machine éteinte",
    errno.EHOSTUNREACH: "machine injoignable",
    errno.ENETUNREACH: "réseau injoignable",
    errno.ENETDOWN: "réseau coupé",
    errno.ECONNREFUSED: "connexion refusée",
    errno.ECONNRESET: "connexion rompue",
    errno.ECONNABORTED: "connexion rompue",
    errno.ENOTCONN: "partage réseau déconnecté",
    errno.EPIPE: "connexion rompue",
    errno.EINTR: "interrompu",
    errno.EAGAIN: "momentanément indisponible",
    errno.ENOLCK: "verrou impossible",
    errno.EDEADLK: "verrou impossible",
    errno.ENOTSUP: "non pris en charge par ce disque",
    errno.ENOSYS: "non pris en charge par ce système",
}


def in_french(error: OSError) -> str:
    """What the system says of a file, a folder or a port. A rare cause is told by its number: never in English."""
    if error.errno is None:
        return "erreur du système"
    return SYSTEM.get(error.errno) or f"erreur {error.errno} du système"


class DispatcherError(Exception):
    """Root of the family. ``code`` is stable text for programs, ``hint`` the next step for a person (French)."""

    code = "dispatcher-error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(DispatcherError):
    """Settings are wrong. ``faults`` lists every one found, each with its section and key."""

    code = "config"

    def __init__(self, message: str, *, faults: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.faults = faults


class NameTaken(ConfigError):
    """Another living service stands under the name of this node: this one does not start."""

    code = "node-name-taken"


class IntakeError(DispatcherError):
    """A source folder or file cannot be taken in."""

    code = "intake"


class FormatError(DispatcherError):
    """A file cannot be read: which line or segment and field, what was found, what was expected."""

    code = "format"

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        found: str = "",
        expected: str = "",
        hint: str = "",
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.where = where
        self.found = found
        self.expected = expected


class RenderError(DispatcherError):
    """A report cannot be written in the format asked for; the message names the missing or refused element."""

    code = "render"


class DirectoryError(DispatcherError):
    """Directory data cannot be read or imported."""

    code = "directory"


class TrustError(DispatcherError):
    """A list of allowed domains is refused; ``reasons`` says why, one sentence each."""

    code = "trust"

    def __init__(self, message: str, *, reasons: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reasons = reasons


class KeyringError(DispatcherError):
    """No key or certificate can be used for this purpose on this date."""

    code = "key"


class SealError(DispatcherError):
    """The mail cannot be built, signed or encrypted."""

    code = "seal"


class TransportError(DispatcherError):
    """A hand-over did not end in acceptance. Raised only as one of the four classes below.

    ``reply`` is the three-digit SMTP reply (RFC 5321 §4.2) or None, ``status`` the enhanced status (RFC 3463) or "",
    ``stage`` where it happened: ``connect``, ``tls``, ``login``, ``mail``, ``rcpt``, ``data``, ``final-dot``.
    """

    code = "transport"

    def __init__(
        self, message: str, *, reply: int | None = None, status: str = "", stage: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.reply = reply
        self.status = status
        self.stage = stage
        self.dialogue = ""
        """What was said, as far as it went (:attr:`dispatcher.outbox.dispatch.Accepted.dialogue`)."""


class Refused(TransportError):
    """The other side refused for good (5xx about this recipient or content)."""

    code = "refused"


class TryLater(TransportError):
    """The other side asks to come back (4xx, connection refused or lost before the final dot)."""

    code = "try-later"


class OurFault(TransportError):
    """Login, certificate, TLS to our own operator, configuration, disk: pauses the channel, uses up no attempt (D9)."""

    code = "our-fault"


class OutcomeUnknown(TransportError):
    """The line was lost after the final dot: accepted or not, nobody here can say. Never resent blindly (promise 2)."""

    code = "unknown"


class NotBegun(TransportError):
    """Its place in the pace had passed before its first command could leave: nothing of it has."""

    code = "not-begun"


class SignInError(DispatcherError):
    """The house that was to say who somebody is did not, or not so that it can be believed."""

    code = "sign-in"


class StoreError(DispatcherError):
    """The database refused or lost a write."""

    code = "store"


class IllegalMove(StoreError):
    """A state change that is not in the table of allowed moves (outbox/states.py)."""

    code = "illegal-move"


class LeaseLost(StoreError):
    """The row now belongs to another worker: nothing was written (fencing)."""

    code = "lease-lost"
