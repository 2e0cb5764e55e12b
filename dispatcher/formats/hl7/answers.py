"""Answers to a LIS, built with hl7apy (decision D6): the technical acknowledgement (ACK) and the trade ones (ZAM).

ANS, "Volet de transmission d'un document CDA-R2 en HL7v2" 2.1: "Le message d'acquittement", "Accusés métiers" (ZAM^Z01
to Z03^ZAM_Z01, HL7 v2.6, tables AckMetierZAM, SMTPERRORCODE, applicationErrorCondition). Values in, ER7 text out,
segments ended by CR; who sends it, and when, is somebody else's matter.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hl7apy import SUPPORTED_LIBRARIES
from hl7apy.core import Message as ApyMessage

from dispatcher.clock import paris
from dispatcher.formats.er7.messages import cut
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.separators import HL7_USUAL

PROFILE = "2.1^CISIS_CDA_HL7_V2"
_ZAM_VERSION = "2.6"
_OLDEST = "2.5"
"""ERR is of no use in older versions: they are answered in this one."""
_CHARSET = "UNICODE UTF-8"
_SYSTEM = "AckMetierZAM"
_CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "198": "Non-conformant cardinality",
    "199": "Other HL7 Error",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing",
    "203": "Unsupported version",
    "207": "Application error",
}
"""HL7 table 0357 (messageErrorCondition), as far as the volet uses it."""


class Outcome(StrEnum):
    """MSA-1 (HL7 table 0008)."""

    ACCEPTED = "AA"
    ERROR = "AE"
    """The message is faulty."""
    REFUSED = "AR"
    """Refused for now: it may be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came back to a message of ours: its MSA."""

    code: str
    """``AA``, ``AE``, ``AR``, or in the enhanced mode ``CA``, ``CE``, ``CR``."""
    control_id: str
    """MSA-2: of the message it acknowledges."""


class Notice(StrEnum):
    """Trigger of a ZAM."""

    DMP = "Z01"
    DELIVERY = "Z02"
    """From a DSN: the mail reached the box, or did not."""
    READING = "Z03"
    """From an MDN: the document was read or filed, or was not."""


_STATUS = {
    Notice.DMP: ("ACK_RECEPTION_DMP", "Accusé de réception DMP"),
    Notice.DELIVERY: ("ACK_RECEPTION_MSS", "Accusé de réception MSSanté"),
    Notice.READING: ("ACK_LECTURE_MSS", "Accusé de lecture"),
}
_PERSON = {
    Notice.DELIVERY: ("DESTINATAIRE_MSS", "Destinataire MSSanté"),
    Notice.READING: ("LECTEUR_MSS", "Lecteur du courriel MSSanté"),
}
_ERROR_SYSTEM = {
    Notice.DMP: "DMP_ERROR_CODE",
    Notice.DELIVERY: "SMTPERRORCODE",
    Notice.READING: "applicationErrorCondition",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What an answer needs of the message it answers: its MSH, texts escaped with the usual separators."""

    application: str
    """MSH-3."""
    facility: str
    """MSH-4."""
    receiving_application: str
    receiving_facility: str
    event: str
    """MSH-9.2."""
    control_id: str
    processing: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One ERR of an acknowledgement."""

    condition: str
    """HL7 table 0357: ``101``, ``203``…"""
    location: str = ""
    """``PID^1^5``: segment, its rank, field (ERR-2)."""
    severity: str = "E"
    """HL7 table 0516: ``E``, ``F``, ``I``, ``W``."""
    text: str = ""
    """For a person (ERR-8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a document did not arrive or was not filed."""

    code: str
    """SMTP code (Z02), 900 to 906 (Z03) or the DMP's own."""
    label: str = ""
    severity: str = "E"


def origin_of(msh: Segment) -> Origin:
    """The header of a message, whatever its separators."""
    version = msh.component(12)
    return Origin(
        application=_again(msh, 3),
        facility=_again(msh, 4),
        receiving_application=_again(msh, 5),
        receiving_facility=_again(msh, 6),
        event=msh.component(9, 2),
        control_id=HL7_USUAL.escaped(msh.text(10)),
        processing=msh.component(11) or "P",
        version=version if version in SUPPORTED_LIBRARIES and version >= _OLDEST else _OLDEST,
    )


def _again(segment: Segment, number: int) -> str:
    """An HD with the usual separators."""
    composite = segment.composite(number)
    parts = []
    for place in range(1, len(composite) + 1):
        inner = composite.split(place)
        parts.append("&".join(HL7_USUAL.escaped(inner.whole(sub)) for sub in range(1, len(inner) + 1)))
    return "^".join(parts)


def acknowledge(
    origin: Origin, *, control_id: str, at: datetime, outcome: Outcome = Outcome.ACCEPTED, faults: Sequence[Fault] = ()
) -> str:
    """``ACK^<event>^ACK``: sender and receiver swapped, MSH-11 copied, MSA-2 the control id of the message answered."""
    message = _message("ACK", origin.version)
    event = f"ACK^{origin.event}^ACK" if origin.event else "ACK"
    _header(message, origin, kind=event, control_id=control_id, at=at)
    message.msa.msa_1 = outcome.value
    message.msa.msa_2 = origin.control_id
    for fault in faults:
        segment = message.add_segment("ERR")
        if fault.location:
            segment.err_2 = fault.location
        segment.err_3 = _condition(fault.condition)
        segment.err_4 = fault.severity
        if fault.text:
            segment.err_8 = HL7_USUAL.escaped(fault.text)
    return _text(message)


def trade_notice(
    origin: Origin,
    notice: Notice,
    *,
    control_id: str,
    at: datetime,
    happened_at: datetime,
    address: str = "",
    person_id: str = "",
    failure: Failure | None = None,
) -> str:
    """``ZAM^Z01|Z02|Z03^ZAM_Z01`` about the document of one message and, for MSSanté, one recipient.

    ``happened_at`` is the time of the receipt told (EVN-2); ``failure`` None says that it went well. Raises
    ``ValueError``: an MSSanté notice without the address it is about.
    """
    if notice is not Notice.DMP and not address:
        raise ValueError(f"{notice.value}: no address")
    message = _message("ZAM_Z01", _ZAM_VERSION)
    _header(message, origin, kind=f"ZAM^{notice.value}^ZAM_Z01", control_id=control_id, at=at)
    message.msh.msh_21 = PROFILE
    message.add_segment("EVN").evn_2 = _stamp(happened_at)
    answer = "Y" if failure is None else "N"
    value = f"{answer}^^expandedYes-NoIndicator"
    _observation(message, 1, "CWE", _STATUS[notice], sub_id=origin.control_id, value=value)
    if notice in _PERSON:
        who = f"^^X.400^{HL7_USUAL.escaped(address)}"
        _observation(message, 2, "XTN", _PERSON[notice], sub_id=HL7_USUAL.escaped(person_id), value=who)
    if failure is not None:
        error = message.add_segment("ERR")
        error.err_3 = _condition("207")
        error.err_4 = failure.severity
        code, label = HL7_USUAL.escaped(failure.code), HL7_USUAL.escaped(failure.label)
        error.err_5 = f"{code}^{label}^{_ERROR_SYSTEM[notice]}"
    return _text(message)


def acknowledgement(text: str) -> Said | None:
    """What an acknowledgement says, in any separators; None when it is none."""
    for message in cut(text).messages:
        for one in message.segments:
            if one.name == "MSA":
                return Said(code=one.component(1).upper(), control_id=one.text(2))
    return None


# ------------------------------------------------------------------------------------------------ pieces


def _message(structure: str, version: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hl7apy announces its own deprecations
        return ApyMessage(structure, version=version)


def _header(message: Any, origin: Origin, *, kind: str, control_id: str, at: datetime) -> None:
    msh = message.msh
    values = {
        3: origin.receiving_application,
        4: origin.receiving_facility,
        5: origin.application,
        6: origin.facility,
        7: _stamp(at),
        9: kind,
        10: HL7_USUAL.escaped(control_id),
        11: origin.processing,
        17: "FRA",
        18: _CHARSET,
    }
    for number, value in values.items():
        if value:
            setattr(msh, f"msh_{number}", value)


def _observation(message: Any, rank: int, kind: str, what: tuple[str, str], *, sub_id: str, value: str) -> None:
    obx = message.add_segment("OBX")
    obx.obx_1 = str(rank)
    obx.obx_2 = kind
    obx.obx_3 = f"{what[0]}^{what[1]}^{_SYSTEM}"
    if sub_id:
        obx.obx_4 = sub_id
    obx.obx_5 = value
    obx.obx_11 = "F"


def _condition(code: str) -> str:
    return f"{code}^{_CONDITIONS.get(code, 'Other HL7 Error')}^messageErrorCondition"


def _stamp(moment: datetime) -> str:
    """In France, with its offset: nobody has to guess the season."""
    return paris(moment).strftime("%Y%m%d%H%M%S%z")


def _text(message: Any) -> str:
    return f"{message.to_er7()}\r"
