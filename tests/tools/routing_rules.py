"""``python -m tests.tools.routing_rules`` writes ``docs/acheminement.md`` from the table of routing rules."""

from __future__ import annotations

from pathlib import Path

from dispatcher.routing.delivery import CARRIED, FORMATS
from dispatcher.routing.holds import HOLDS, OUTSIDE, Reason
from dispatcher.routing.table import RULES, Audience, May, Rule

PAGE = Path(__file__).resolve().parents[2] / "docs" / "acheminement.md"
_MAY = {
    May.CHOOSE: "choisit",
    May.PASS: "laisse passer",
    May.PAPER: "met sur papier",
    May.HOLD: "retient",
}
_HEAD = """# L'acheminement : qui reçoit un compte rendu, où, et pourquoi

Pour chaque destinataire que nomme un compte rendu, le programme suit les règles ci-dessous, **dans l'ordre**.
Chacune choisit, laisse passer, met sur papier ou retient ; la première qui met sur papier ou retient arrête la
suite. Ce que chacune a dit est gardé avec l'envoi : « dispatcher explain ENVOI » le montre, en français ou en JSON.

Trois principes. **Jamais par le nom seul** : un destinataire est trouvé par une adresse donnée, un code de la table
du laboratoire ou un numéro national ; le nom sert seulement à arrêter un envoi dont le numéro serait celui d'un
autre. **Jamais au hasard** : deux possibilités égales attendent une personne. **Jamais hors de l'espace de
confiance** ni en clair.

Page écrite par `python -m tests.tools.routing_rules` d'après `dispatcher/routing/table.py`.

## Les règles, dans l'ordre

| n° | règle | pour | ce qu'elle regarde | ce qu'elle peut faire | d'où elle vient |
|---|---|---|---|---|---|"""
_CODES = """
## Les motifs d'attente

Le code est affiché par « dispatcher list », la phrase complète par « dispatcher show » et « dispatcher explain »,
avec les candidats quand il y en a. Après correction : « dispatcher release ENVOI » relance la recherche ; «
dispatcher release ENVOI --to ADRESSE » prend l'adresse choisie, qui passe les mêmes contrôles.

| code | règle | ce qui a été trouvé | que faire |
|---|---|---|---|"""
_FORMATS = """
## Canal et format

La ligne de la table du laboratoire l'emporte (colonnes « canal » et « format »), puis le domaine de l'adresse
([routing.domains] dans [settings.md](settings.md)), puis le canal par défaut et son format.

| format | nom | canaux qui le transmettent |
|---|---|---|"""
_TAIL = """
HPRIM Santé part en pièce jointe (`.HPR`), avec les fichiers que ses résultats `FIC` nomment ; sur un canal
`apicrypt`, dans le corps du message, et un compte rendu qui renvoie à des fichiers y est retenu. HPRIM Médecins
part en pièce jointe, ou dans le corps du message sur un canal `apicrypt`.

## Le contrôle du nom

Le nom du fichier est comparé à tous ceux que les annuaires donnent au même numéro. S'accordent : accents,
majuscules, traits d'union, particules collées, « de » absent, « St » et « Saint », un titre dans le champ du nom, nom
et prénom intervertis ou dans le même champ, initiales, abréviation suivie d'un point, un nom sur deux (marital, de
naissance) quand le prénom est le même, un nom coupé à quinze lettres ou plus, une lettre fautive dans un nom d'au moins
treize lettres. Ne s'accordent pas : deux prénoms différents, même d'une lettre (« Stéphane » et « Stéphanie »),
« Jean » et « Jean-Paul », DUPOND et DUPONT, LE ROUX et ROUX. Un point ou un titre ne confirme rien.
Un envoi ainsi retenu à tort se règle une fois pour toutes : indiquer l'adresse de cette personne dans la table du
laboratoire, avec ce nom en libellé. L'adresse d'une ligne est elle aussi comparée : le nom du fichier doit être celui
de l'annuaire ou celui du libellé. Une adresse du fichier l'est avec le numéro du fichier et avec la ligne de son code.

## Les patients

Rien ne part vers un patient sans `patients = true` dans [routing]. L'adresse est formée de son INS qualifiée
(`matricule@patient.mssante.fr`, 15 caractères, clé vérifiée) ; une autre adresse dans le fichier est retenue, si
bien que les résultats d'un enfant vont à sa propre boîte. Les consignes du message (invisible au patient, `FIN`) et
les oppositions sont suivies. L'adresse d'un patient n'est écrite nulle part en clair : listes et journaux montrent
un pseudonyme.

## Les oppositions

Une opposition enregistrée sous un code (`code:D004`) vaut aussi pour le RPPS, l'ADELI, le FINESS ou le SIRET que nomme
la ligne de ce code dans la table, à la préparation comme à la remise.

« dispatcher directory opposition add | list | remove ». Celle d'un patient vaut pour sa boîte (`--for patient`) ou
pour les envois aux professionnels (`--for professionnels`) ; celle d'un professionnel ou d'une structure (`--for
destinataire`) pour tout envoi. Un numéro de patient (`patient:`) ou un code (`code:`) n'est celui de la même
personne que dans le logiciel qui l'a donné : `--source` le nomme dès qu'il y a plusieurs sources ; une opposition
enregistrée sans source vaut pour toutes, et un fichier envoyé à la main est regardé pour toutes. Seule une
empreinte à clé du numéro est gardée, avec qui, quand et pourquoi. Elle est suivie à la préparation (papier) et
regardée de nouveau au moment de la remise (mis en attente).
"""


def page() -> str:
    """The text of ``docs/acheminement.md``."""
    lines = [_HEAD]
    lines += [_row(number, rule) for number, rule in enumerate(RULES, start=1)]
    lines += [_CODES]
    for code, reason in HOLDS.items():
        lines.append(_reason(code, ", ".join(rule.title for rule in RULES if code in rule.holds), reason))
    lines += [_reason(code, "–", reason) for code, reason in OUTSIDE.items()]
    lines += [_FORMATS]
    for name, told in FORMATS.items():
        families = ", ".join(f"`{family}`" for family, can in CARRIED.items() if name in can)
        lines.append(f"| `{name}` | {told} | {families} |")
    return "\n".join([*lines, _TAIL])


def _row(number: int, rule: Rule) -> str:
    may = ", ".join(_MAY[may] for may in rule.may)
    held = f" : {', '.join(f'`{code}`' for code in rule.holds)}" if rule.holds else ""
    whom = {Audience.ALL: "tous", Audience.PROFESSIONALS: "professionnels", Audience.PATIENT: "patient"}[rule.audience]
    return f"| {number} | **{rule.title}** (`{rule.name}`) | {whom} | {rule.looks_at} | {may}{held} | {rule.source} |"


def _reason(code: str, rule: str, reason: Reason) -> str:
    return f"| `{code}` | {rule} | {reason.means} | {reason.do} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
