"""The way a dispatch took once, as it would be taken today: same address and format, the certificate of today."""

from __future__ import annotations

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import UnitOfWork
from dispatcher.report.model import IdType
from dispatcher.routing.route import Envelope, Route
from dispatcher.routing.trace import from_json
from dispatcher.service import oppositions
from dispatcher.service.desk import Desk
from dispatcher.service.patients import envelope_address

NEVER_ROUTED = "il n'a jamais eu d'adresse ni de format"
NO_CHANNEL = "le canal « {channel} » n'est plus dans les réglages"
NO_CERTIFICATE = "aucun certificat utilisable aujourd'hui pour {address}"


def same_way(desk: Desk, uow: UnitOfWork, dispatch: Dispatch) -> Route | str:
    """The route, or why nothing may leave that way today (French): an opposition, the trust space, a certificate.

    Raises StoreError, KeyringError.
    """
    refused = oppositions.refuses(uow, dispatch, desk.sources)
    if refused is not None:
        return refused.reason
    to = envelope_address(uow, dispatch)
    if not (dispatch.channel and dispatch.format and to):
        return NEVER_ROUTED
    if dispatch.channel not in desk.channels:
        return NO_CHANNEL.format(channel=dispatch.channel)
    refused = desk.channels[dispatch.channel].gate.refuses(to, dispatch.label, desk.clock.now())
    if refused is not None:
        return refused.reason
    certificate = ""
    if dispatch.envelope == Envelope.SMIME:
        found = desk.certificates.answer(to, desk.clock.now()).chosen
        if found is None:
            return NO_CERTIFICATE.format(address=dispatch.address)
        certificate = found.fingerprint
    return _route(dispatch, to, certificate)


def _route(dispatch: Dispatch, to: str, certificate: str) -> Route:
    kept = from_json(dispatch.decision).route
    return Route(
        address=to,
        label=dispatch.label,
        id=dispatch.recipient_id,
        id_type=IdType(dispatch.recipient_id_type),
        channel=dispatch.channel,
        format=dispatch.format,
        envelope=Envelope(dispatch.envelope),
        certificate=certificate,
        title=kept.title if kept else "",
        family=kept.family if kept else "",
        given=kept.given if kept else "",
        last_message=kept.last_message if kept else False,
    )
