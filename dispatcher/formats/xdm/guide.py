"""INDEX.HTM and README.TXT: what a person sees who opens the archive by hand.

French, without any patient data: sender, how to open, what each file is (IHE ITI TF-2 ITI-32, file contents).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from dispatcher import __version__
from dispatcher.clock import paris
from dispatcher.formats.base import LaboratoryIdentity
from dispatcher.formats.xdm import codes

SOFTWARE = "dispatcher-labo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """What both files say."""

    laboratory: LaboratoryIdentity
    created_at: datetime
    sender_address: str = ""
    titles: tuple[str, ...]
    """Title of each document, in the order of the archive."""

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Path of each document from the top of the archive, and its title."""
        folder = f"{codes.ROOT}/{codes.SUBSET}"
        return [(f"{folder}/{codes.document_name(n)}", title) for n, title in enumerate(self.titles, 1)]

    @property
    def sender(self) -> list[str]:
        """Lines of the sender's identity."""
        laboratory, address = self.laboratory, self.laboratory.address
        lines = [laboratory.name, *address.lines, f"{address.postcode} {address.town}".strip()]
        if laboratory.phone:
            lines.append(f"Téléphone : {laboratory.phone}")
        if self.sender_address:
            lines.append(f"Messagerie : {self.sender_address}")
        if laboratory.finess and not laboratory.neutral:
            lines.append(f"FINESS : {laboratory.finess}")
        if laboratory.neutral:
            lines.append("DOCUMENT D'ESSAI : laboratoire non configuré, à ne pas classer au dossier d'un patient.")
        return [line for line in lines if line]


def readme(guide: Guide) -> bytes:
    """README.TXT, UTF-8 with its mark so that every text editor shows the accents, CRLF."""
    lines = [
        "Archive de documents de santé (IHE XDM)",
        "",
        "Expéditeur",
        *(f"  {line}" for line in guide.sender),
        "",
        "Logiciel émetteur",
        f"  {SOFTWARE}, version {__version__}",
        f"  Archive créée le {paris(guide.created_at):%d/%m/%Y à %H:%M}",
        "",
        "Comment ouvrir cette archive",
        "  Un logiciel de cabinet ou d'établissement compatible MSSanté classe ces documents",
        "  dans le dossier du patient. Pour les lire sans lui, ouvrir la copie PDF jointe au",
        "  même message : elle a le même contenu.",
        "",
        "Contenu",
        *_tree(guide.rows),
        "",
    ]
    return "\ufeff".encode() + "\r\n".join(lines).encode()


def _tree(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [
        f"  {codes.INDEX}",
        f"  {codes.README}",
        f"  {codes.ROOT}/{codes.SUBSET}/{codes.METADATA}   description des documents",
        *(f"  {path}   {title}" for path, title in rows),
    ]


def index(guide: Guide) -> bytes:
    """INDEX.HTM, XHTML Basic 1.1, UTF-8."""
    sender = "<br />\n".join(escape(line) for line in guide.sender)
    links = "\n".join(f'<li><a href="{path}">{escape(title)}</a> ({path})</li>' for path, title in guide.rows)
    page = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML Basic 1.1//EN" "http://www.w3.org/TR/xhtml-basic/xhtml-basic11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
<title>Documents de santé</title>
</head>
<body>
<h1>Documents de santé</h1>
<h2>Expéditeur</h2>
<p>{sender}</p>
<h2>Documents</h2>
<ul>
{links}
</ul>
<p>Ces documents sont destinés à un logiciel qui les classe dans le dossier du patient. Pour les lire sans lui,
ouvrez la copie PDF jointe au même message.</p>
<p>Mode d'emploi : <a href="{codes.README}">{codes.README}</a></p>
</body>
</html>
"""
    return page.replace("\n", "\r\n").encode()
