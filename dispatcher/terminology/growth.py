"""Whether a culture found something, by what its result says in words.

What is not understood counts as found: a needless urgent mail costs a glance, a positive blood culture taken for a
negative one costs a life. So a result says no only when every word of it is understood: words that say no, words that
name what they deny, and words that mean nothing (media, durations). Any other word, a number, a germ that nothing in
its own clause denies: found. Pure.
"""

from __future__ import annotations

import re

from dispatcher.terminology.rows import fold

_WHOLE = re.compile(
    r"0+(?:[.,]0+)?(?: ?/ ?\d+)?|[-–—]+|N|RAS|R\.A\.S|RIEN A SIGNALER"  # « 0/4 »: of four bottles
)
"""All of a result that says no."""
_NO = re.compile(r"NEG(?:ATI\w+)?|STERILES?|NONE|NEANT")
_NO_TO = re.compile(r"ABSENCE|ABSENTE?S?|AUCUNE?S?|PAS|SANS|NI|NON|NO|NOT|NUL(?:LE)?S?|RIEN|0+")
"""It denies what follows it too."""
_OPEN = re.compile(r"EN COURS|EN ATTENTE|IMPOSSIBLE|NON FAITE?S?|NON REALISEE?S?")
"""Not read yet, or never."""
_LOOKED_FOR = re.compile(r"RECHERCHES?")
"""What follows was looked for, not found."""
_SORT = re.compile(
    r"GERMES?|BACTERI\w+|MICRO-?ORGANISMES?|LEVURES?|CHAMPIGNONS?|COCCI|COCCO?BACILLES?|BACILLES?|GRAM|BAAR|PARASITES?"
)
"""What a denial may go on listing: « absence de cocci, bacilles et levures »."""
_GROWTH = re.compile(
    r"FLORE|COLONIES?|CROISSANCE|POUSSE|DEVELOPPEMENT|GROWTH|DETECTEE?S?|DETECTED|ISOLEE?S?|RETROUVEE?S?|OBSERVEE?S?"
    r"|VISIBLES?|VUE?S?|MISE?S?|EVIDENCE|PATHOGENES?|MICROBIEN\w*|FONGI\w+|SIGNIFICATI\w+"
)
_GERM = re.compile(
    r"GERMES?|BACTERI\w+|MICRO-?ORGANISMES?|MICROBI\w+|LEVURES?|CHAMPIGNONS?|FONGI\w+|COCCI|COCCO?BACILLES?|BACILLES?"
    r"|BAAR|FLORE|COLONIES?|CROISSANCE|POUSSE|DEVELOPPEMENT|PRESENCE|GROWTH|DETECTEE?S?|DETECTED|ISOLEE?S?|RETROUVEE?S?"
    r"|OBSERVEE?S?|VISIBLES?|VUE?S?|MIS|MISE|EVIDENCE|PATHOGENES?|SIGNIFICATI\w+|PARASITES?|GRAM|ACIDO"
    r"|ALCOOLO|RESISTANTS?|LEUCOCYTES?|ELEMENTS?"
)
"""What a denial may go on listing: « absence de cocci, bacilles et levures »."""
_GERM = re.compile(
    r"\w*(?:COCCUS|COQUES?|COCCIQUES?)|STAPH\w*|STREPTO\w*|PNEUMOCO\w*|ESCHERICHIA|COLI|COLIBACILLES?|KLEBSIELL\w+|PSEUDOMONAS"
    r"|PROTEUS|SERRATIA|CITROBACTER|ACINETOBACTER|SALMONELL\w+|SHIGELL\w+|HAEMOPHILUS|NEISSERIA|LISTERIA|BACTEROIDES"
    r"|CLOSTRIDI\w+|CANDIDA|CRYPTOCO\w+|ASPERGILL\w+|CAMPYLOBACTER|BRUCELL\w+|LEGIONELL\w+|MYCOBACTERI\w+|YERSINIA"
    r"|AUREUS|ALBICANS|PNEUMONIAE|INFLUENZAE|MENINGITIDIS|MONOCYTOGENES|DIFFICILE|TUBERCULOSIS|EPIDERMIDIS|[ESKPHNLC]"
)
"""Like growth denied only where the denial stands before it in the same part of the sentence."""
_HARMLESS = re.compile(
    r"@|LE|LA|LES|L|UN|UNE|DES|DU|DE|D|AU|AUX|EN|ET|OU|SUR|DANS|PAR|POUR|A|CE|CES|CETTE|EST|SONT|ETE|ONT|APRES|AFTER|AVANT"
    r"|DEPUIS|PENDANT|ENCORE|TOUJOURS|RESTE|DEMEURE|STADE|DATE|JOURS?|DAYS?|HEURES?|SEMAINES?|H|J|N|ML|UFC|CFU"
    r"|(?:HEMO|COPRO|MYCO)?CULTURES?|EXAMENS?|DIRECTE?S?|MICROSCOPIQUES?|BACTERIOLOGIQUES?|MYCOLOGIQUES?|RESULTATS?"
    r"|FLACONS?|AEROBIES?|MILIEUX?|LIQUIDES?|SOLIDES?|ENRICHI\w*|INCUBATION|PROLONGEE?S?|GELOSES?|LCR|ANAEROBIES?|CEPHALO|RACHIDIEN"
    r"|CEPHALORACHIDIEN|SANG|PRELEVEMENTS?|ECHANTILLONS?|PROVISOIRES?|DEFINITI\w+|FINALE?S?|PARTIELS?|LECTURES?|CONTROLES?"
    r"|SIGNALER|ANALYSES?|SEUIL|LIMITE|DETECTION|COURS|ATTENTE|IMPOSSIBLES?|FAITE?S?|REALISEE?S?"
)
_STAIN = re.compile(r"\bGRAM *[:.(]? *(?:NEG|POS)\w*|\bGRAM ?[+-]")
"""A trait of a germ is no answer: « bacilles à Gram négatif »."""
_TIME = re.compile(
    r"\bJ ?\d+\b|\b\d+ ?(?:H|HEURES?|J|JOURS?|DAYS?|SEMAINES?)\b|\b\d+ ?(?:ERE?|EME|E|ND|NDE)\b|\b\d+ ?° ?C?\b"
    r"|\bFLACONS? N?°? ?\d+\b|\b\d+ FLACONS?\b|< ?\d+(?: ?\^ ?\d+)?"
)
_NO_PRESENCE = re.compile(r"(?:PAS|ABSENCE|SANS) DE PRESENCE|AUCUNE PRESENCE")
_ANSWERED = re.compile(
    r"(?P<what>[A-Z' ]+?) ?[:=] ?(?:ABSENCE|ABSENTE?S?|NEG(?:ATI\w+)?|NON|0+|AUCUNE?S?|RIEN)(?= *(?:$|[.;,)]))"
)
"""« Levures : absence » is « absence de levures »."""
_CLAUSE = re.compile(r"(?<!\b[A-Z])\.(?!\d)|[;:()/\n]")
"""Not behind the initial of a genus: « E. coli »."""
_PART = re.compile(r",| ET ")
_WORD = re.compile(r"@|[^\W_]+(?:[.,]\d+)*|[^\w\s,.'°-]")


def grew(value: str) -> bool:
    """Whether something was found, or may have been."""
    lines = [folded for line in value.splitlines() if (folded := fold(line).strip(" .:;!()[]"))]
    if not lines or (len(lines) == 1 and _WHOLE.fullmatch(lines[0])):
        return False
    said = "\n".join(_plain(line) for line in lines)
    says_no = bool(_OPEN.search(said))
    for clause in _CLAUSE.split(said):
        denied = _denied(clause)
        if denied is None:
            return True
        says_no = says_no or denied
    return not says_no


def _plain(line: str) -> str:
    """Without traits; a time or a bottle is ``@``: what stands behind it is another answer."""
    said = _NO_PRESENCE.sub("PAS", _TIME.sub(" @ ", _STAIN.sub("GRAM", line)))
    return _ANSWERED.sub(r"ABSENCE DE \g<what>", said)


def _denied(clause: str) -> bool | None:
    """Whether it says no; None when something in it is not denied, or not understood."""
    says_no = listing = False
    for part in _PART.split(clause):
        denied = False  # by a word before, in this very part
        for word in _WORD.findall(part):
            if _NO.fullmatch(word):
                says_no = True
            elif _NO_TO.fullmatch(word):
                says_no = denied = True
            elif _LOOKED_FOR.fullmatch(word):
                denied = True
            elif _SORT.fullmatch(word) and (denied or listing):
                listing = True
            elif _HARMLESS.fullmatch(word):
                denied = denied and word != "@"
                listing = listing and word != "@"
            elif not (denied and (_GERM.fullmatch(word) or _GROWTH.fullmatch(word))):
                return None
    return says_no
