"""What a dialect can say: one pydantic model, frozen, unknown keys refused.

Each key carries its meaning in French, an example in TOML and the formats it applies to; the table of
``docs/dialectes.md`` is made of them and a test compares. Nothing here reads a file or changes a message.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from pydantic import model_validator as whole

from dispatcher.dialects.kinds import (
    At,
    Charset,
    Emptied,
    Filled,
    Finess,
    Flag,
    Letter,
    Mask,
    Names,
    Oid,
    OrderLetter,
    Result,
    Role,
    Suffix,
    System,
    Template,
    Text,
    Word,
    Zone,
    check_state,
)

Format = Literal["hl7v2", "hprim-sante", "hprim-medecins"]
ALL: tuple[Format, ...] = ("hl7v2", "hprim-sante", "hprim-medecins")
ER7: tuple[Format, ...] = ("hl7v2", "hprim-sante")
HL7: tuple[Format, ...] = ("hl7v2",)


class Part(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def key(default: Any, sense: str, example: str, formats: tuple[Format, ...] = ALL, **rules: Any) -> Any:
    """One key: default, meaning (French), example (TOML, its table left out), formats it applies to."""
    return Field(default, description=sense, examples=[example], json_schema_extra={"formats": list(formats)}, **rules)


# ------------------------------------------------------------------------------------------------ tables


class Numbers(Part):
    """[numbers]"""

    decimal: Literal[".", ","] = key(
        ".",
        "séparateur décimal des résultats ; un nombre écrit autrement est signalé",
        'decimal = ","',
    )
    thousands: Literal["", ".", ",", "'"] = key(
        "",
        "séparateur de milliers, en plus du blanc toujours compris ; « . » demande decimal = « , »",
        'thousands = "\'"',
    )

    @whole(mode="after")
    def _differ(self) -> Numbers:
        if self.decimal == self.thousands:
            raise ValueError("« decimal » et « thousands » ne peuvent pas être le même signe")
        return self


class Codes(Part):
    """[codes]"""

    systems: dict[Text, System] = key(
        {},
        "sens des noms de système des codes (OBX-3, OBR-4, valeurs codées) : LOINC, local ou un OID",
        'systems = { 99LAB = "LOINC", BIOL = "local" }',
        ER7,
    )
    first: Role | None = key(
        None,
        "ce qu’est le premier code d’OBX-3, quoi qu’en dise son nom de système : loinc, local ou ignore",
        'first = "local"',
        ER7,
    )
    second: Role | None = key(None, "de même pour le second code d’OBX-3", 'second = "loinc"', ER7)


class Fields(Part):
    """[fields]"""

    filler: At | None = key(
        None, "numéro de dossier du laboratoire (d’ordinaire OBR-3, L9)", 'filler = "OBR-18.1"', ALL
    )
    placer: At | None = key(None, "numéro de la demande chez le prescripteur (OBR-2)", 'placer = "ORC-4.1"', ER7)
    prescriber: At | None = key(
        None,
        "prescripteur (OBR-16) ; les autres places habituelles ne sont alors plus lues",
        'prescriber = "PV1-7"',
        ER7,
    )
    validator: At | None = key(None, "biologiste qui a validé (OBR-32)", 'validator = "OBX[3.1=VALID]-5"', ER7)
    patient_id: At | None = key(
        None, "numéro du patient au laboratoire (PID-3, P.2, L1) ; l’INS reste lue", 'patient_id = "PID-18.1"'
    )
    visit_id: At | None = key(None, "numéro de séjour (PV1-19, P.4)", 'visit_id = "PV1-50.1"', ER7)
    birth_name: At | None = key(
        None,
        "nom de naissance, s’il est ailleurs que PID-5, P.6 ou L2 ; vide dans le fichier : le nom habituel vaut",
        'birth_name = "PID-6.1"',
    )
    used_name: At | None = key(None, "nom utilisé", 'used_name = "PID-9.1"')
    given: At | None = key(None, "prénom", 'given = "PID-5.3"')
    chapter: At | None = key(None, "chapitre ou secteur (OBR-24, OBX.15 d’HPRIM)", 'chapter = "OBR-21.1"', ER7)
    specimen: At | None = key(None, "nature de l’échantillon (SPM-4, OBR-15)", 'specimen = "OBR-13"', ER7)
    collected: At | None = key(None, "date et heure de prélèvement (OBR-7)", 'collected = "OBX-14"', ER7)
    received: At | None = key(None, "date et heure de réception au laboratoire (OBR-14)", 'received = "OBR-8"', ER7)
    reported: At | None = key(None, "date du compte rendu (OBR-22, L10)", 'reported = "MSH-7"')


class Copies(Part):
    """[copies]"""

    fields: tuple[At, ...] = key(
        (),
        "champs qui nomment des destinataires en copie, en plus d’OBR-28 ; répétitions et segments répétés compris",
        'fields = ["PV1-9", "ZPR-3"]',
        ER7,
    )
    comments: tuple[Annotated[str, Field(min_length=2, max_length=40)], ...] = key(
        (), "débuts des commentaires (NTE, C) qui sont en fait des copies", 'comments = ["CC:", "Copie à :"]', ER7
    )
    person: Template = key(
        "{id} {name}",
        "comment chacun y est écrit : {id}, {name}, {family}, {given}, {ignore} et ce qui les sépare",
        'person = "{name} ({id})"',
        ER7,
    )
    separator: Annotated[str, Field(min_length=1, max_length=5)] = key(
        ";", "ce qui sépare deux personnes dans un tel commentaire", 'separator = "/"', ER7
    )


class StatusLetters(Part):
    """[status]"""

    result: dict[Letter, Result] = key(
        {},
        'état d’un résultat (OBX-11, RES-10) vers la table HL7 0085 ; "" est l’absence d’état',
        'result = { V = "F", "" = "F" }',
    )
    order: dict[Letter, OrderLetter] = key(
        {}, "état d’une demande (OBR-25) vers la table HL7 0123", 'order = { V = "F", T = "F" }', ER7
    )

    @whole(mode="after")
    def _truthful(self) -> StatusLetters:
        for name, known in (("result", self.result), ("order", self.order)):
            for letter, meant in known.items():
                check_state(name, letter, meant)
        return self


class PeopleNumber(Part):
    """[[practitioners.numbers]]"""

    type: Literal["RPPS", "ADELI", "FINESS", "local"] = key(
        ..., "ce qu’est un numéro qui convient ; la première règle qui convient l’emporte", 'type = "RPPS"', ER7
    )
    mask: Mask | None = key(
        None,
        "forme du numéro : # un chiffre, ? un signe, * n’importe quoi ; absent : tout numéro convient",
        'mask = "###########"',
        ER7,
    )
    component: Annotated[int, Field(ge=1, le=30)] = key(
        1, "composante où ce numéro se trouve ; il devient alors le numéro de la personne", "component = 9", ER7
    )


class Practitioners(Part):
    """[practitioners]"""

    name_order: Names = key(
        "family-given",
        "ordre des noms : family-given, given-family (deux composantes inversées), joined (« DURAND Paul » d’un "
        "bloc), joined-given-first (« Paul DURAND »)",
        'name_order = "joined"',
        ER7,
    )
    numbers: tuple[PeopleNumber, ...] = key(
        (), "règles qui disent la sorte d’un numéro", 'numbers = [{ type = "ADELI", mask = "#########" }]', ER7
    )


class PatientRules(Part):
    """[patient]"""

    name_order: Names = key(
        "family-given",
        "ordre des noms du patient, mêmes mots que pour [practitioners] ; HPRIM Médecins : lignes 2 et 3",
        'name_order = "given-family"',
    )
    authorities: dict[Text, Oid] = key(
        {},
        "noms d’autorité des numéros de patient (PID-3, composante 4) vers leur OID",
        'authorities = { INSNIR = "1.2.250.1.213.1.4.8" }',
        HL7,
    )


class Results(Part):
    """[results]"""

    comments: tuple[Mask, ...] = key(
        (), "codes d’OBX qui sont un commentaire du résultat au-dessus", 'comments = ["COM", "RQ*"]', ER7
    )
    conclusions: tuple[Mask, ...] = key(
        (), "codes d’OBX qui sont la conclusion de la demande", 'conclusions = ["CONCL"]', ER7
    )
    titles: tuple[Mask, ...] = key(
        (), "codes d’OBX qui ne sont qu’un titre : ce qui suit forme un groupe sous ce titre", 'titles = ["TIT*"]', ER7
    )
    drop: tuple[Mask, ...] = key(
        (),
        "codes d’OBX qui ne sont pas des résultats (facturation, signature) : écartés, et dits",
        'drop = ["B_*"]',
        ER7,
    )


class LaboratoryNames(Part):
    """[laboratory]"""

    name: Text = key("", "nom du laboratoire, à la place de celui du fichier", 'name = "Laboratoire du Port"')
    finess: Finess = key("", "son FINESS, à la place du code du fichier", 'finess = "990000010"')


class Files(Part):
    """[files]"""

    patterns: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = key(
        (), "noms de fichiers pris, pour une source qui n’en dit rien", 'patterns = ["*.hpr", "*.HPR"]'
    )
    done_suffix: Suffix | None = key(
        None, "le SIL pose un fichier de fin de ce suffixe, pour une source qui n’en dit rien", 'done_suffix = ".FIN"'
    )


class Dialect(Part):
    """The whole file."""

    format: Format = key(..., "format des fichiers : hl7v2, hprim-sante ou hprim-medecins", 'format = "hl7v2"')
    title: Annotated[str, Field(min_length=1, max_length=120)] = key(
        ..., "ce que ce dialecte décrit, en une ligne", 'title = "SIL du site nord"'
    )
    charset: Charset | None = key(
        None,
        "jeu de caractères, quoi que déclare le fichier ; « encoding » de la source l’emporte",
        'charset = "cp850"',
    )
    timezone: Zone | None = key(
        None, "fuseau des heures écrites sans décalage (sinon Europe/Paris)", 'timezone = "Indian/Reunion"', ER7
    )
    null_words: tuple[Word, ...] = key(
        (),
        "mots qui veulent dire « rien » ; jamais cherchés dans un résultat, son drapeau ni un état",
        'null_words = ["NEANT", "-"]',
    )
    ignore: tuple[Emptied, ...] = key((), "champs lus comme vides", 'ignore = ["PV1-8", "OBX-17"]')
    constants: dict[Filled, Text] = key(
        {}, "champs qui valent toujours ceci, quoi que dise le fichier", 'constants = { OBR-24 = "HEMATOLOGIE" }'
    )
    defaults: dict[Filled, Text] = key(
        {}, "champs qui valent ceci quand le fichier n’en dit rien", 'defaults = { OBR-24 = "BIOCHIMIE" }'
    )
    flags: dict[Letter, Flag] = key(
        {},
        'signes d’anormalité (OBX-8, RES-9) vers la table HL7 0078 ; "" à droite : rien à signaler',
        'flags = { "*" = "A", "+" = "H", "-" = "L" }',
    )
    numbers: Numbers = Numbers()
    codes: Codes = Codes()
    fields: Fields = Fields()
    copies: Copies = Copies()
    status: StatusLetters = StatusLetters()
    practitioners: Practitioners = Practitioners()
    patient: PatientRules = PatientRules()
    results: Results = Results()
    laboratory: LaboratoryNames = LaboratoryNames()
    files: Files = Files()
    _name: str = PrivateAttr(default="")

    @property
    def name(self) -> str:
        """Name under which it is told: that of its file."""
        return self._name
