"""Opening an IHE_XDM archive that somebody else made: leniently about its form, strictly about its safety.

Bytes of a zip in, :class:`XdmArchive` out. Names are compared without case (``IHE_XDM.zip``, ``metadata.xml`` are met);
absolute names, ``..``, links, encryption, doubles and zip bombs are refused with a
:class:`~dispatcher.errors.FormatError` before anything is inflated. Nothing is written to a disk.
"""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from dispatcher.errors import FormatError
from dispatcher.formats.xdm import codes
from dispatcher.report.model import Problem, Severity

MAX_MEMBERS = 200
MAX_MEMBER_BYTES = 60_000_000
MAX_TOTAL_BYTES = 120_000_000
MAX_RATIO = 200
"""Inflated to deflated size of one member beyond 1 MB; XML and base64 stay far below."""
_RATIO_FROM = 1_000_000
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,  # NotImplementedError among them: unknown compression
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive. ``name`` as in the zip, with slashes."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryData:
    """One object of METADATA.XML in plain values. Repeated slots and classifications keep their order."""

    id: str
    mime_type: str = ""
    title: str = ""
    description: str = ""
    slots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    classifications: tuple[tuple[str, str, str, str], ...] = ()
    """Scheme (or ``node:`` and the node), code, coding scheme, name."""
    authors: tuple[tuple[str, ...], ...] = ()
    """authorPerson values of each author classification."""
    identifiers: tuple[tuple[str, str], ...] = ()
    """Identification scheme, value."""

    def slot(self, name: str) -> tuple[str, ...]:
        """Values of the first slot of that name, or nothing."""
        return next((values for held, values in self.slots if held == name), ())

    def codes(self, scheme: str) -> tuple[str, ...]:
        """Codes classified under ``scheme``."""
        return tuple(code for held, code, _, _ in self.classifications if held == scheme)

    def identifier(self, scheme: str) -> str:
        """Value of the identifier under ``scheme``, or the empty text."""
        return next((value for held, value in self.identifiers if held == scheme), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """METADATA.XML in plain values."""

    submission_sets: tuple[EntryData, ...] = ()
    entries: tuple[EntryData, ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    """HasMember associations: source, target."""
    well_formed: bool = True
    """False when the parser had to guess (undeclared prefixes are met)."""
    ids: tuple[str, ...] = ()
    """Every id of the file, in order."""
    root: etree._Element | None = field(default=None, repr=False, compare=False)
    """What was parsed; None when nothing could be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XdmArchive:
    """An opened archive."""

    members: tuple[Member, ...]
    metadata: Metadata | None
    metadata_name: str = ""
    problems: tuple[Problem, ...] = ()

    def find(self, path: str) -> Member | None:
        """The member of that path, whatever its case and slashes."""
        wanted = path.replace("\\", "/").casefold()
        return next((m for m in self.members if m.name.casefold() == wanted), None)

    def document_of(self, entry: EntryData) -> Member | None:
        """The member an entry speaks of; its URI is read from the subset folder, from IHE_XDM, or from the top."""
        uri = "".join(entry.slot("URI")).replace("\\", "/").lstrip("/")
        folder = self.metadata_name.rpartition("/")[0]
        parent = folder.rpartition("/")[0]
        for base in (folder, parent, ""):
            if uri and (found := self.find(f"{base}/{uri}" if base else uri)) is not None:
                return found
        return None

    @property
    def documents(self) -> tuple[Member, ...]:
        """The documents the metadata speak of, else every XML file beside them."""
        if self.metadata is not None:
            held = [m for entry in self.metadata.entries if (m := self.document_of(entry)) is not None]
            if held:
                return tuple(held)
        names = {self.metadata_name.casefold()}
        return tuple(m for m in self.members if m.name.casefold().endswith(".xml") and m.name.casefold() not in names)


def read_archive(data: bytes) -> XdmArchive:
    """Everything in the archive. Raises :class:`~dispatcher.errors.FormatError` when it must not be opened."""
    members = tuple(_members(data))
    problems: list[Problem] = []
    held = next((m for m in members if m.name.rpartition("/")[2].upper() == codes.METADATA), None)
    if held is None:
        said = "METADATA.XML absent : les documents sont donnés sans leurs métadonnées."
        problems.append(Problem(code="xdm-no-metadata", severity=Severity.WARNING, where="archive", message=said))
        return XdmArchive(members=members, metadata=None, problems=tuple(problems))
    metadata = read_metadata(held.content)
    if not metadata.well_formed:
        said = "METADATA.XML mal formé : lu au mieux."
        problems.append(Problem(code="xdm-bad-metadata", severity=Severity.WARNING, where=held.name, message=said))
    return XdmArchive(members=members, metadata=metadata, metadata_name=held.name, problems=tuple(problems))


# --- the zip ----------------------------------------------------------------------------------------------------------


def _refused(said: str, code: str, where: str = "archive") -> FormatError:
    return FormatError(f"Archive XDM refusée : {said}", where=where, code=code)


def _members(data: bytes) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            names = _names(infos)
            _weigh(infos)
            for info, name in zip(infos, names, strict=True):
                if not info.is_dir():
                    yield Member(name=name, content=_inflate(archive, info))
    except _UNREADABLE as fault:
        raise _refused("le fichier n’est pas un zip lisible.", "xdm-bad-zip") from fault


def _names(infos: list[zipfile.ZipInfo]) -> list[str]:
    """Safe names with slashes; two that differ only by case are one name for most readers."""
    names: list[str] = []
    for number, info in enumerate(infos, 1):
        name = info.filename.replace("\\", "/")
        parts = name.rstrip("/").split("/")
        unsafe = name.startswith("/") or ":" in name or "\0" in name or any(part in ("", ".", "..") for part in parts)
        if unsafe or stat.S_ISLNK(info.external_attr >> 16):
            raise _refused(
                "nom de fichier dangereux (chemin absolu, « .. » ou lien).", "xdm-unsafe-name", f"n° {number}"
            )
        if info.flag_bits & 0x1:
            raise _refused("fichier chiffré à l’intérieur.", "xdm-encrypted", f"n° {number}")
        names.append(name)
    if len({name.casefold() for name in names}) < len(names):
        raise _refused("deux fichiers portent le même nom.", "xdm-double-name")
    return names


def _weigh(infos: list[zipfile.ZipInfo]) -> None:
    """Sizes as declared; :func:`_inflate` never reads more than that."""
    if len(infos) > MAX_MEMBERS:
        raise _refused(f"{len(infos)} fichiers, {MAX_MEMBERS} au plus.", "xdm-too-many")
    for number, info in enumerate(infos, 1):
        if info.file_size > MAX_MEMBER_BYTES:
            raise _refused("un fichier est trop volumineux une fois décompressé.", "xdm-too-large", f"n° {number}")
        if info.file_size > _RATIO_FROM and info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise _refused("taux de compression anormal.", "xdm-bomb", f"n° {number}")
    if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        raise _refused("contenu trop volumineux une fois décompressé.", "xdm-too-large")


def _inflate(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as held:
        content = held.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise _refused("taille annoncée et taille réelle diffèrent.", "xdm-bad-zip")
    return content


# --- the metadata -----------------------------------------------------------------------------------------------------


def read_metadata(content: bytes) -> Metadata:
    """METADATA.XML in plain values; what cannot be understood is left out, never raised."""
    root, well_formed = _parse(content)
    if root is None:
        return Metadata(well_formed=False)
    packages = [_entry(e) for e in _named(root, "RegistryPackage")]
    links = [
        (e.get("sourceObject") or "", e.get("targetObject") or "")
        for e in _named(root, "Association")
        if (e.get("associationType") or "").rpartition(":")[2] == "HasMember"
    ]
    return Metadata(
        submission_sets=tuple(p for p in packages if p.codes(f"node:{codes.SUBMISSION_SET_NODE}")) or tuple(packages),
        entries=tuple(_entry(e) for e in _named(root, "ExtrinsicObject")),
        members=tuple(links),
        well_formed=well_formed,
        ids=tuple(value for e in root.iter(etree.Element) if (value := e.get("id"))),
        root=root,
    )


def _parse(content: bytes) -> tuple[etree._Element | None, bool]:
    for recover in (False, True):
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=recover)
        try:
            root: etree._Element | None = etree.fromstring(content, parser)
        except (etree.XMLSyntaxError, ValueError):
            continue
        if root is not None:
            return (_without_prefixes(root) if recover else root), not recover
    return None, False


def _without_prefixes(root: etree._Element) -> etree._Element:
    """Where a prefix is not declared it stays in the name: taken off, so that elements are found by name."""
    for element in root.iter(etree.Element):
        element.tag = str(element.tag).rpartition("}")[2].rpartition(":")[2]
    return root


def _named(root: etree._Element, name: str) -> Iterator[etree._Element]:
    """Of that name in any namespace, or in none."""
    return root.iter(f"{{*}}{name}")


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return element.iterchildren(f"{{*}}{name}")


def _slots(element: etree._Element) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (slot.get("name") or "", tuple("".join(map(str, value.itertext())).strip() for value in _named(slot, "Value")))
        for slot in _children(element, "Slot")
    )


def _localized(element: etree._Element, name: str) -> str:
    for held in _children(element, name):
        for text in _named(held, "LocalizedString"):
            return text.get("value") or ""
    return ""


def _entry(element: etree._Element) -> EntryData:
    classifications: list[tuple[str, str, str, str]] = []
    authors: list[tuple[str, ...]] = []
    for classification in _children(element, "Classification"):
        scheme = classification.get("classificationScheme") or f"node:{classification.get('classificationNode') or ''}"
        slots = dict(_slots(classification))
        system = "".join(slots.get("codingScheme", ()))
        code = classification.get("nodeRepresentation") or ("node" if scheme.startswith("node:") else "")
        classifications.append((scheme, code, system, _localized(classification, "Name")))
        if scheme in (codes.AUTHOR, codes.SET_AUTHOR):
            authors.append(slots.get("authorPerson", ()))
    return EntryData(
        id=element.get("id") or "",
        mime_type=element.get("mimeType") or "",
        title=_localized(element, "Name"),
        description=_localized(element, "Description"),
        slots=_slots(element),
        classifications=tuple(classifications),
        authors=tuple(authors),
        identifiers=tuple(
            (e.get("identificationScheme") or "", e.get("value") or "")
            for e in _children(element, "ExternalIdentifier")
        ),
    )
