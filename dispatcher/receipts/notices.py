"""Any mail that came back, as bytes → what it says, one :class:`Notice` per recipient told about.

DSN (RFC 3464, 6522), MDN (RFC 8098), the error mails of the ANS guide, failure mails of no standard, automatic
replies; signed or forwarded ones too. Nothing raises: what cannot be understood is a problem, in French, without names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dispatcher.receipts import addresses, cms, failure, plain, wording
from dispatcher.receipts.dsn import Block, StatusReport, class_of, looks_like_report, read_fields
from dispatcher.receipts.mailview import MailView
from dispatcher.receipts.mdn import CODE_LABELS, Disposition, looks_like_mdn, read_disposition
from dispatcher.receipts.mime import Part, decode_words, parse
from dispatcher.receipts.notice import Cause, Kind, Notice, shorten
from dispatcher.report.model import Problem, Severity

__all__ = ["Cause", "Kind", "Notice", "Opener", "Reading", "read"]

_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_MAX_LAYERS = 3
Reading = tuple[tuple[Notice, ...], tuple[Problem, ...]]
_DECIPHER = "Le déchiffrer avec la clé à laquelle il est adressé, puis le relire."
Opener = Callable[[bytes], bytes | None]
"""Gives the MIME entity inside an enveloped CMS structure, or None when none of our keys opens it."""


def read(data: bytes, opener: Opener | None = None) -> Reading:
    """Read one mail of any origin. Gives the notices, and what was odd about the mail."""
    problems: list[Problem] = []
    if not data.strip():
        return (), (_problem("empty", Severity.ERROR, "Le fichier est vide : attendu un courriel (avis ou accusé)."),)
    view = _unwrap(data, problems, opener)
    if view is None:
        return (), tuple(problems)
    notices = _read_view(view, problems, _MAX_LAYERS)
    if all(notice.kind is Kind.OTHER for notice in notices):
        problems.append(
            _problem(
                "not-a-notice",
                Severity.WARNING,
                "Ni avis de remise, ni accusé de lecture, ni courriel d'erreur reconnu : à lire par une personne.",
            )
        )
    return tuple(dict.fromkeys(_finish(notice, view) for notice in notices)), tuple(problems)


def _problem(code: str, severity: Severity, message: str) -> Problem:
    return Problem(code=code, severity=severity, message=message)


def _unwrap(data: bytes, problems: list[Problem], opener: Opener | None) -> MailView | None:
    """Parse, and take signed or enciphered content out of its wrapping. None when the bytes are no mail at all."""
    bare = _bare_cms(data)
    root, outer = parse(bare or data), list[Part]()
    if bare:
        problems.append(_unverified())
    for _ in range(_MAX_LAYERS):
        inner = _opened(root, problems, opener)
        if inner is None:
            break
        outer.insert(0, root)
        root = inner
    if any("pkcs7-signature" in leaf.media_type for leaf in root.leaves()):
        problems.append(_unverified())
    text = "" if root.headers or outer or root.parts else root.text()
    if text and not (looks_like_report(text) or looks_like_mdn(text)):
        problems.append(
            _problem(
                "not-a-mail", Severity.ERROR, "Ce n'est pas un courriel : aucun en-tête lisible en début de fichier."
            )
        )
        return None
    return MailView(root=root, outer=tuple(outer))


def _opened(root: Part, problems: list[Problem], opener: Opener | None) -> Part | None:
    """The entity inside an opaque S/MIME part; None when there is none, or it cannot be opened."""
    wrapped = next((leaf for leaf in root.leaves() if leaf.media_type in _SMIME), None)
    if wrapped is None:
        return None
    content = wrapped.content()
    if cms.is_encrypted(content):
        inside = opener(content) if opener is not None else None
        if inside is None:
            tried = "aucune clé du canal ne l'ouvre" if opener is not None else "son contenu n'a pas été lu"
            problems.append(_problem("encrypted", Severity.ERROR, f"Avis chiffré : {tried}. {_DECIPHER}"))
            return None
        problems.append(_problem("deciphered", Severity.INFO, "Avis chiffré, ouvert avec une clé du canal."))
        return parse(inside)
    try:
        inner = cms.signed_content(content)
    except cms.NotCms:
        problems.append(
            _problem("bad-signature-format", Severity.WARNING, "Partie S/MIME illisible : structure CMS non reconnue.")
        )
        return None
    problems.append(_unverified())
    return parse(inner)


def _bare_cms(data: bytes) -> bytes:
    """Content of a ``.p7m`` file, which holds the structure alone without a mail around it; empty when it is none."""
    if data[:1] != b"\x30":
        return b""
    try:
        return cms.signed_content(data)
    except cms.NotCms:
        return b""


def _unverified() -> Problem:
    return _problem(
        "signature-not-verified", Severity.INFO, "Avis signé : le contenu a été lu, la signature n'a pas été vérifiée."
    )


def _read_view(view: MailView, problems: list[Problem], layers: int) -> tuple[Notice, ...]:
    if found := _status_notices(view):
        return found
    if found := _disposition_notices(view, problems):
        return found
    if plain.is_integration_error(view):
        return (_integration_notice(view),)
    if failure.is_failure(view):
        own = failure.names_somebody(view)
        return (() if own else _forwarded(view, problems, layers)) or _failure_notices(view)
    if forwarded := _forwarded(view, problems, layers):
        return forwarded
    if plain.is_auto_reply(view):
        return (_auto_reply(view),)
    return (_base(view, Kind.OTHER, recipient=view.sender),)


# ------------------------------------------------------------------------------------------------ DSN


def _status_notices(view: MailView) -> tuple[Notice, ...]:
    for leaf in view.leaves:
        if leaf.embedded() is not None or leaf.media_type.startswith(("image/", "application/pdf")):
            continue
        declared = leaf.media_type in {"message/delivery-status", "message/global-delivery-status"}
        text = leaf.whole_text() if declared else wording.cut_original(leaf.whole_text()[:200_000])[0]
        if (declared or leaf.media_type.startswith(("text/", "message/", "application/"))) and looks_like_report(text):
            report = read_fields(text)
            if blocks := [block for block in report.blocks if declared or _may_say(view, report, block)]:
                return tuple(_status_notice(view, report, block) for block in blocks)
    return ()


def _may_say(view: MailView, report: StatusReport, block: Block) -> bool:
    """Fields in a part of another type count in a report or in a server's words: a person may quote or attach some.

    Success asks for more: the report's own structure, or the server's fields about the mail before those of the block.
    """
    if view.is_report:
        return True
    if class_of(block.action, block.status) == "success":
        return view.from_daemon and bool(report.message)
    return view.from_daemon or not view.header("from")


def _status_notice(view: MailView, report: StatusReport, block: Block) -> Notice:
    action, status = block.action, block.status
    diagnostic = block.fields.get("diagnostic-code") or ""
    if not diagnostic and class_of(action, status) != "success":
        diagnostic = failure.explain(view, block.recipient)
    return _base(
        view,
        Kind.DSN,
        recipient=block.recipient,
        original_recipient=block.original_recipient,
        action=action,
        status=status,
        class_=class_of(action, status),
        message_id=report.message_id,
        envid=report.envid,
        diagnostic=diagnostic,
    )


# ------------------------------------------------------------------------------------------------ MDN


def _disposition_notices(view: MailView, problems: list[Problem]) -> tuple[Notice, ...]:
    for leaf in view.leaves:
        if leaf.embedded() is not None:
            continue
        declared = leaf.media_type in {"message/disposition-notification", "message/global-disposition-notification"}
        text = leaf.whole_text() if declared else wording.cut_original(leaf.whole_text()[:200_000])[0]
        may_say = declared or view.is_report  # a person may quote or attach the fields
        if may_say and looks_like_mdn(text) and (said := read_disposition(text, view.own_text)) is not None:
            return (_disposition_notice(view, said, problems),)
    return ()


def _disposition_notice(view: MailView, said: Disposition, problems: list[Problem]) -> Notice:
    error, code, class_ = said.error, said.code, said.class_
    if plain.is_integration_error(view):
        if not error:
            problems.append(
                _problem(
                    "contradictory",
                    Severity.WARNING,
                    "L'objet annonce un échec d'intégration, le champ Disposition n'en dit rien : l'échec est retenu.",
                )
            )
        error, class_ = True, "permanent"
        code = code or plain.integration_code(view)
    diagnostic = said.diagnostic or (plain.integration_reason(view, code) if error else None)
    return _base(
        view,
        Kind.MDN,
        recipient=said.recipient or view.sender,
        original_recipient=said.original_recipient,
        action=said.action,
        class_=class_,
        message_id=said.message_id,
        code=code,
        diagnostic=diagnostic,
        error=error,
    )


# ------------------------------------------------------------------------------------------------ mails without fields


def _integration_notice(view: MailView) -> Notice:
    code = plain.integration_code(view)
    addressee = view.sole_addressee
    return _base(
        view,
        Kind.ERROR_MAIL,
        recipient=view.sender if view.sender and not view.from_daemon else addressee,
        original_recipient=addressee if addressee != view.sender else None,
        action="failed",
        class_="permanent",
        code=code,
        diagnostic=plain.integration_reason(view, code),
        error=True,
    )


def _failure_notices(view: MailView) -> tuple[Notice, ...]:
    kind = Kind.DSN if view.report_type == "delivery-status" else Kind.ERROR_MAIL
    return tuple(
        _base(
            view,
            kind,
            recipient=told.recipient,
            original_recipient=told.original_recipient,
            action=told.action,
            status=told.status,
            class_=told.class_,
            diagnostic=told.diagnostic,
        )
        for told in failure.read_failures(view)
    )


def _auto_reply(view: MailView) -> Notice:
    if plain.is_abandoned(view):
        return _base(view, Kind.ERROR_MAIL, recipient=view.sender, action="failed", class_="permanent")
    return _base(view, Kind.AUTO_REPLY, recipient=view.sender)


def _forwarded(view: MailView, problems: list[Problem], layers: int) -> tuple[Notice, ...]:
    """A notice somebody forwarded as an attachment."""
    if layers <= 0:
        return ()
    for inner in view.embedded:
        own: list[Problem] = []
        forwarded = MailView(root=inner)
        notices = tuple(
            replace(_finish(notice, forwarded), forwarders=(*notice.forwarders, view.author or ""))
            for notice in _read_view(forwarded, own, layers - 1)
            if notice.kind in {Kind.DSN, Kind.MDN, Kind.ERROR_MAIL}
        )
        if notices:
            problems.append(
                _problem("forwarded", Severity.INFO, "L'avis se trouvait dans un courriel transféré en pièce jointe.")
            )
            problems.extend(own)
            return notices
    return ()


# ------------------------------------------------------------------------------------------------ common


def _base(
    view: MailView,
    kind: Kind,
    *,
    recipient: str | None,
    original_recipient: str | None = None,
    action: str | None = None,
    status: str | None = None,
    class_: str | None = None,
    message_id: str | None = None,
    envid: str | None = None,
    code: str | None = None,
    diagnostic: str | None = None,
    error: bool = False,
) -> Notice:
    cause = Cause.NOT_INTEGRATED if code in CODE_LABELS else None
    if cause is None and class_ in {"permanent", "temporary"}:
        cause = wording.cause_of(status, diagnostic or view.own_text[:2000])
    return Notice(
        kind=kind,
        action=action,
        status=status,
        class_=class_,
        recipient=recipient,
        original_recipient=original_recipient,
        message_id=message_id,
        envid=envid,
        code=code,
        diagnostic=shorten(decode_words(diagnostic or "")),
        sender=view.author,
        related=view.in_reply_to,
        cause=cause,
        error=error,
    )


def _finish(notice: Notice, view: MailView) -> Notice:
    """Fill in the Message-ID from the returned mail, else from what the notice answers."""
    if notice.message_id:
        return notice
    found = view.returned_message_id or next(iter(view.in_reply_to), None)
    envid = notice.envid or (view.header("x-original-envelope-id").strip() or None)
    original = notice.original_recipient
    return replace(notice, message_id=found, envid=envid and addresses.unxtext(envid), original_recipient=original)
