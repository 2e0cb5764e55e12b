"""The document being written: what goes in, what was noticed on the way, identifiers that depend on nothing else."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from dispatcher.formats.base import LaboratoryIdentity, WriteContext
from dispatcher.formats.cda.elements import MAX_EXTENSION, as_root, is_root
from dispatcher.formats.markup import Element, leaf
from dispatcher.report.model import Practitioner, Problem, Report, Severity, When


@dataclass(slots=True)
class Draft:
    """One report on its way to CDA. The same report and context always give the same bytes."""

    report: Report
    context: WriteContext
    problems: list[Problem] = field(default_factory=list)
    validators: dict[str, Practitioner] = field(default_factory=dict)
    """Names met in results and whom they mean (:mod:`dispatcher.formats.cda.who`)."""
    _seed: uuid.UUID = field(init=False)

    def __post_init__(self) -> None:
        self._seed = uuid.uuid5(uuid.NAMESPACE_OID, self.context.ids.document)

    @property
    def laboratory(self) -> LaboratoryIdentity:
        return self.context.laboratory

    @property
    def released_at(self) -> When:
        """When the laboratory released the report; the edition time when the file does not say."""
        return self.report.reported_at or self.context.created_at

    def warn(self, code: str, where: str, message: str, severity: Severity = Severity.WARNING) -> None:
        """Note a problem for a person; never a name or a result in ``message``."""
        self.problems.append(Problem(code=code, severity=severity, where=where, message=message))

    def derived_id(self, name: str) -> str:
        """An upper-case UUID that only depends on the document id and ``name``."""
        return str(uuid.uuid5(self._seed, name)).upper()

    def identifier(self, parent: Element, name: str, text: str) -> None:
        """Write an id given as UUID, OID, or any other text, which is then a number of the laboratory."""
        if is_root(text):
            leaf(parent, name, {"root": as_root(text)})
        else:
            number = text if len(text) <= MAX_EXTENSION else str(uuid.uuid5(uuid.NAMESPACE_OID, text)).upper()
            leaf(parent, name, {"root": self.laboratory.oid, "extension": number})

    def own_number(self, parent: Element, text: str, what: str) -> None:
        """``id`` of a number unique inside the laboratory. Too long for the rule, a derived number replaces it."""
        number = text.strip()
        if len(number) > MAX_EXTENSION:
            self.warn(
                "identifier-too-long",
                what,
                f"{what} : le numéro compte {len(number)} caractères, le CDA en admet {MAX_EXTENSION} ; "
                "un numéro dérivé le remplace dans le document.",
            )
            number = self.derived_id("number:" + number)
        leaf(parent, "id", {"root": self.laboratory.oid, "extension": number})
