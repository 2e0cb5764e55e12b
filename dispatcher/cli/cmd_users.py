"""``dispatcher users list|add|role|password|disable|enable|unlock|totp``: who signs in to the console."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from dispatcher.cli.asking import ask, give_up
from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.errors import ConfigError
from dispatcher.french import counted
from dispatcher.service import account_care as care
from dispatcher.service.account_names import folded
from dispatcher.service.rights import IN_FRENCH, Role, roles_of

Name = Annotated[str, typer.Argument(help="Nom du compte.")]
Roles = Annotated[
    list[Role],
    typer.Option("--role", help="À répéter pour plusieurs rôles ; ce que chacun permet : docs/comptes.md."),
]
Stdin = Annotated[bool, typer.Option("--password-stdin", help="Lit le mot de passe sur l'entrée standard.")]
OneTime = Annotated[
    bool, typer.Option("--one-time", help="Affiche un mot de passe à usage unique, à changer dès la première entrée.")
]
group = typer.Typer(help="Les comptes de la console.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="users")


@group.command("list")
def listing(json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False) -> None:
    """Tous les comptes, leurs rôles et leur état."""
    parts = office()
    try:
        found = care.listing(parts.store, parts.clock, parts.desk.cipher)
    finally:
        parts.close()
    if json:
        print_json([_json(one) for one in found])
        return
    table(
        "",
        ("Compte", "Rôles", "Second facteur", "Dernière entrée", "Créé le", "Par", "Remarque"),
        [
            (
                one.row.name,
                ", ".join(sorted(IN_FRENCH[role] for role in roles_of(one.row.roles))),
                f"{counted(one.codes_left, 'code')} de secours" if one.row.totp is not None else "non",
                moment(one.row.signed_in_at),
                moment(one.row.created_at)[:10],
                one.row.created_by.removeprefix("operator:"),
                _remark(one),
            )
            for one in found
        ],
        empty="Aucun compte. Le premier : « dispatcher users add NOM --role administrator ».",
    )


@group.command("add")
def add(name: Name, role: Roles, password_stdin: Stdin = False, one_time: OneTime = False) -> None:
    """Crée un compte. Le mot de passe est demandé, lu sur l'entrée standard, ou fabriqué : aucun par défaut."""
    password = _password(password_stdin, one_time)
    parts = office()
    try:
        made = care.create(parts.store, parts.clock, _secrets(), name, role, password, actor=actor())
    finally:
        parts.close()
    say(f"Compte « {folded(name)} » créé.")
    _hand_over(made)


@group.command("password")
def password(name: Name, password_stdin: Stdin = False, one_time: OneTime = False) -> None:
    """Donne un nouveau mot de passe ; les sessions ouvertes du compte se ferment."""
    new = _password(password_stdin, one_time)
    parts = office()
    try:
        made = care.set_password(parts.store, _secrets(), name, new, actor=actor())
    finally:
        parts.close()
    say(f"Mot de passe de « {folded(name)} » changé ; ses sessions sont fermées.")
    _hand_over(made)


@group.command("role")
def role(name: Name, role: Roles) -> None:
    """Donne ces rôles au compte, et aucun autre."""
    parts = office()
    try:
        care.set_roles(parts.store, name, role, actor=actor())
    finally:
        parts.close()
    say(f"« {folded(name)} » : {', '.join(sorted(IN_FRENCH[one] for one in set(role)))}.")


@group.command("disable")
def disable(name: Name) -> None:
    """Ferme un compte : ses sessions s'arrêtent, plus personne n'entre sous ce nom. Le journal le garde."""
    _disabled(name, True)
    say(f"Compte « {folded(name)} » fermé.")


@group.command("enable")
def enable(name: Name) -> None:
    """Rouvre un compte fermé."""
    _disabled(name, False)
    say(f"Compte « {folded(name)} » rouvert.")


@group.command("unlock")
def unlock(name: Name) -> None:
    """Oublie les essais manqués : personne n'a plus à patienter pour ce compte."""
    parts = office()
    try:
        care.unlock(parts.store, parts.desk.cipher, name, actor=actor())
    finally:
        parts.close()
    say(f"« {folded(name)} » peut entrer de nouveau.")


@group.command("totp")
def totp(name: Name, off: Annotated[bool, typer.Option("--off", help="Retire le second facteur.")] = False) -> None:
    """Met en place un second facteur (application de codes à six chiffres), ou le retire."""
    parts, secrets = office(), _secrets()
    try:
        if off:
            care.drop_totp(parts.store, name, actor=actor())
            say(f"« {folded(name)} » n'a plus de second facteur.")
            return
        offer = care.offer_totp(parts.store, secrets, name)
        say(f"À saisir dans l'application : {offer.secret}")
        say(f"Ou, comme lien ou code QR : {offer.uri}")
        code = ask("Code affiché par l'application :")
        codes = care.confirm_totp(
            parts.store, parts.clock, parts.desk.cipher, secrets, name, offer.secret, code, actor=actor()
        )
    finally:
        parts.close()
    if not codes:
        complain("Ce code n'est pas le bon : rien n'est changé. Vérifier l'heure du téléphone et celle de ce poste.")
        raise typer.Exit(FAILURES)
    say("Second facteur en service. Codes de secours, chacun bon une fois, à garder sous clé :")
    for one in codes:
        say(f"  {one}")


def _secrets() -> Any:
    from dispatcher import wiring

    return wiring.console_secrets()


def _disabled(name: str, disabled: bool) -> None:
    parts = office()
    try:
        care.set_disabled(parts.store, name, disabled, actor=actor())
    finally:
        parts.close()


def _password(from_stdin: bool, one_time: bool) -> str | None:
    """What was typed or piped; None: one is to be made. Raises :class:`ConfigError`: both asked for, nothing given."""
    if from_stdin and one_time:
        raise ConfigError("« --password-stdin » et « --one-time » ne vont pas ensemble.", hint="Choisir l'un des deux.")
    if one_time:
        return None
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    try:
        first = str(typer.prompt("Mot de passe", hide_input=True))
        second = str(typer.prompt("Le même, encore une fois", hide_input=True))
    except typer.Abort:
        typer.echo()
        give_up()
    if first != second:
        raise ConfigError("Les deux saisies diffèrent : rien n'est changé.", hint="Recommencer.")
    return first


def _hand_over(one_time: str) -> None:
    if one_time:
        say(f"Mot de passe à usage unique, à changer dès la première entrée : {one_time}")


def _remark(one: care.Standing) -> str:
    row = one.row
    told = [
        "fermé" if row.disabled else "",
        f"des inconnus patientent {one.waits} s" if one.waits else "",
        "doit changer son mot de passe" if row.must_change else "",
        f"vient de {row.issuer}" if row.origin else "",
    ]
    return " ; ".join(filter(None, told))


def _json(one: care.Standing) -> dict[str, object]:
    row = one.row
    return {
        "name": row.name,
        "roles": row.roles.split(),
        "totp": row.totp is not None,
        "recovery_codes": one.codes_left,
        "must_change": row.must_change,
        "disabled": row.disabled,
        "issuer": row.issuer,
        "failed": one.failed,
        "waits_seconds": one.waits,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "signed_in_at": row.signed_in_at,
    }
