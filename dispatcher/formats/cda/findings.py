"""What a check gathers: problems with the place in the document, in French, without anybody's data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from lxml import etree

from dispatcher.formats.cda.elements import V3
from dispatcher.report.model import Problem, Severity

Element = etree._Element
NS = {"h": V3}
_OURS = "{" + V3 + "}*"


def tag(name: str) -> str:
    """Clark name in the CDA namespace."""
    return "{" + V3 + "}" + name


def local(element: Element) -> str:
    """Name without namespace."""
    return str(element.tag).rpartition("}")[2]


def place(element: Element) -> str:
    """Where an element stands: ``ClinicalDocument/recordTarget/patientRole/id[2]``."""
    steps = []
    node: Element | None = element
    while node is not None:
        parent = node.getparent()
        same = [sibling for sibling in parent if sibling.tag == node.tag] if parent is not None else []
        steps.append(f"{local(node)}[{same.index(node) + 1}]" if len(same) > 1 else local(node))
        node = parent
    return "/".join(reversed(steps))


def all_of(element: Element, path: str) -> list[Element]:
    """Descendants by a path of CDA names: ``recordTarget/patientRole/id``."""
    return element.findall(_steps(path))


def first_of(element: Element, path: str) -> Element | None:
    """The first of them, or None."""
    return element.find(_steps(path))


@cache
def _steps(path: str) -> str:
    return "/".join(tag(step) for step in path.split("/"))


def by_name(element: Element) -> dict[str, list[Element]]:
    """The children under their names, in one look; for elements that are asked many things."""
    found: dict[str, list[Element]] = {}
    for child in element.iterchildren(_OURS):
        found.setdefault(str(child.tag), []).append(child)
    return found


def has_template(element: Element, root: str) -> bool:
    """The element declares this template."""
    return any(t.get("root") == root for t in element.iterchildren(tag("templateId")))


@dataclass(slots=True)
class Findings:
    """Problems in the order they were met."""

    problems: list[Problem] = field(default_factory=list)

    def error(self, code: str, where: Element | str, message: str) -> None:
        """Something the official rules refuse, or that makes the document wrong."""
        self._add(code, where, message, Severity.ERROR)

    def warning(self, code: str, where: Element | str, message: str) -> None:
        """Something a person should look at."""
        self._add(code, where, message, Severity.WARNING)

    def info(self, code: str, where: Element | str, message: str) -> None:
        """Something to know."""
        self._add(code, where, message, Severity.INFO)

    def need(self, element: Element, paths: Iterable[tuple[str, str]], code: str) -> None:
        """Each path must lead somewhere; ``(path, French name)``."""
        for path, name in paths:
            if first_of(element, path) is None:
                self.error(code, element, f"{name} : élément « {path} » absent, il est obligatoire.")

    def _add(self, code: str, where: Element | str, message: str, severity: Severity) -> None:
        where = where if isinstance(where, str) else place(where)
        self.problems.append(Problem(code=code, severity=severity, where=where, message=message))
