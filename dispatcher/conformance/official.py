"""Runs the official rules on a document: CDA schema, then the schematrons, each layer named in the problem's code.

Layers: ``xsd``; ``strucmin`` (French minimal header), ``ihe``, ``modeles``, ``ans`` (content templates), ``termino``
(UCUM), ``volet`` (the CR-BIO volume of the version the document declares; not for level 1, whose body is a PDF,
nor for another type of document).
Compiling is done on first use and takes some seconds, a document a fraction of one. XSLT 2.0 needs Saxon: extra
``conformance``.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from dispatcher.conformance.installed import schema
from dispatcher.conformance.kit import PROFILES, Kit, find_kit
from dispatcher.conformance.schema_faults import in_french
from dispatcher.conformance.schematron import stylesheet
from dispatcher.errors import ConfigError
from dispatcher.formats.cda.check_header import is_cr_bio
from dispatcher.report.model import Problem, Severity

CDA = "{urn:hl7-org:v3}"
CR_BIO = "1.2.250.1.213.1.1.1.55"
PDF_COPY = "1.2.250.1.213.1.1.2.243"
FIRST_WITH_PDF_COPY = "2023.01"
"""Volumes before this one did not ask for a PDF copy."""
_WARNINGS = frozenset({"warning", "warn", "info", "information", "hint"})
_NAMESPACE = re.compile(r"Q\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one document, and which of them were asked."""

    problems: tuple[Problem, ...]
    layers: tuple[str, ...]
    """``xsd``, the profiles, and ``volet 2024.01`` for a level 3 document."""


class OfficialRules:
    """The rules of one kit. May be shared between threads: documents go through one at a time."""

    def __init__(self, kit: Kit, saxon: Any, schema: etree.XMLSchema) -> None:
        self.kit = kit
        self._saxon = saxon
        self._schema = schema
        self._compiled: dict[Path, Any] = {}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path) -> OfficialRules:
        """The kit in ``folder``.

        Raises :class:`dispatcher.errors.ConfigError`: no kit there, kit incomplete, or Saxon not installed.
        """
        return cls.of(find_kit(Path(folder)))

    @classmethod
    def of(cls, kit: Kit) -> OfficialRules:
        """The rules of a kit found before. Raises :class:`ConfigError`: schema unreadable, Saxon not installed."""
        try:
            import saxonche
        except ImportError as error:
            raise ConfigError(
                "Les règles officielles ont besoin du moteur Saxon, qui n'est pas installé.",
                hint="Installez l'option « conformance » du programme : pip install 'dispatcher-labo[conformance]'.",
            ) from error
        return cls(kit, saxonche.PySaxonProcessor(license=False), schema(kit))

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions of the CR-BIO model the kit knows, oldest first."""
        return tuple(self.kit.volumes)

    def check(self, data: bytes) -> list[Problem]:
        """The problems of :meth:`examine`; empty when the document passes."""
        return list(self.examine(data).problems)

    def compile(self) -> None:
        """Compile every rule a new document of ours will need, so that the first one does not wait.

        Raises :class:`dispatcher.errors.ConfigError` when a rule is broken.
        """
        with self._lock:
            for path in (*map(self.kit.profile, PROFILES), list(self.kit.volumes.values())[-1]):
                self._executable(path)

    def examine(self, data: bytes) -> Verdict:
        """What the rules say: ``official-<layer>``, errors and warnings.

        Raises :class:`dispatcher.errors.ConfigError` when a rule itself cannot run: that is no verdict on the document.
        """
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
        try:
            root = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            line = getattr(error, "lineno", 0) or 0
            return _unread(f"ligne {line}", "Le fichier n'est pas du XML bien formé.")
        if root.getroottree().docinfo.internalDTD is not None:
            return _unread("DOCTYPE", "Déclaration DOCTYPE refusée.")
        document = root if root.tag == CDA + "ClinicalDocument" else next(root.iter(CDA + "ClinicalDocument"), None)
        with self._lock:
            problems = self._schema_problems(root)
            if document is None:
                problems.append(_problem("xml", "", "Élément « ClinicalDocument » introuvable."))
                return Verdict(tuple(problems), ("xsd",))
            layers, unknown = self._layers(document)
            node = self._saxon.parse_xml(xml_text=etree.tostring(root, encoding="unicode"))
            for layer, path in layers.items():
                problems += self._run(layer.partition(" ")[0], path, node)
        return Verdict((*problems, *unknown), ("xsd", *layers))

    def _schema_problems(self, root: etree._Element) -> list[Problem]:
        if self._schema.validate(root):
            return []
        return [_problem("xsd", f"ligne {error.line}", in_french(error)) for error in self._schema.error_log]

    def _layers(self, document: etree._Element) -> tuple[dict[str, Path], list[Problem]]:
        """Schematrons this document goes through, by layer; a problem when the kit lacks its volume."""
        layers = {layer: self.kit.profile(layer) for layer in PROFILES}
        if document.find(f"{CDA}component/{CDA}nonXMLBody") is not None or not is_cr_bio(document):
            return layers, []
        version = self._version_of(document)
        if version in self.kit.volumes:
            return layers | {f"volet {version}": self.kit.volumes[version]}, []
        known = ", ".join(self.versions)
        return layers, [_problem("volet", "", f"Version du modèle CR-BIO inconnue du kit (connues : {known}).")]

    def _version_of(self, document: etree._Element) -> str:
        """The declared version; undeclared, a document with a PDF copy is judged by the newest volume."""
        for template in document.iterchildren(CDA + "templateId"):
            if template.get("root") == CR_BIO and template.get("extension"):
                return template.get("extension", "")
        copied = any(t.get("root") == PDF_COPY for t in document.iter(CDA + "templateId"))
        fitting = [v for v in self.versions if (v >= FIRST_WITH_PDF_COPY) == copied]
        return (fitting or list(self.versions))[-1]

    def _run(self, layer: str, path: Path, node: Any) -> list[Problem]:
        try:
            answer = self._executable(path).transform_to_string(xdm_node=node)
        except ConfigError:
            raise
        except Exception as error:  # Saxon raises one class for everything; a rule that cannot run is no verdict
            raise _broken(path) from error
        return [
            _problem(
                layer,
                _NAMESPACE.sub("", fail.get("at", "")),
                " ".join((fail.text or "").split()),
                Severity.WARNING if fail.get("role") in _WARNINGS else Severity.ERROR,
            )
            for fail in etree.fromstring(answer.encode()).iter("fail")
        ]

    def _executable(self, path: Path) -> Any:
        if path not in self._compiled:
            compiler = self._saxon.new_xslt30_processor()
            try:
                self._compiled[path] = compiler.compile_stylesheet(stylesheet_text=stylesheet(path))
            except Exception as error:  # Saxon raises one class for everything
                if isinstance(error, ConfigError):
                    raise
                raise _broken(path) from error
        return self._compiled[path]


def _broken(path: Path) -> ConfigError:
    return ConfigError(
        f"Les règles officielles « {path.name} » n'ont pas pu s'exécuter.",
        hint="Le kit de conformité est incomplet ou abîmé ; installez-le à nouveau.",
    )


def _unread(where: str, said: str) -> Verdict:
    return Verdict((_problem("xml", where, said),), ())


def _problem(layer: str, where: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(code=f"official-{layer}", severity=severity, where=where, message=message)
