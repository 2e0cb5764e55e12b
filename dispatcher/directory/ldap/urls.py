"""One value behind an LDAP address (RFC 4516), as authorities publish their revocation lists: ``ldap://host/dn?attr``.

IGC-Santé does so: the distribution point in the list signer's own certificate is such an address.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from dispatcher.directory.ldap.faults import LdapFault
from dispatcher.directory.ldap.link import LdapLink
from dispatcher.settings.ldap import LdapSettings
from dispatcher.settings.syncing import WebSection


def fetch(url: str, settings: WebSection) -> bytes:
    """The first value of the attribute in the entry. Raises :class:`LdapFault`.

    Without TLS for ``ldap://``: only for what carries its own signature.
    """
    parts = urlsplit(url)
    attribute = unquote(parts.query.partition("?")[0])
    base = unquote(parts.path.lstrip("/"))
    if not attribute or not base:
        raise LdapFault(
            f"{url} : adresse LDAP sans entrée ou sans attribut.", hint="Attendu : ldap://serveur/dn?attribut."
        )
    plain = LdapSettings.model_construct(
        url=f"{parts.scheme}://{parts.netloc}",
        start_tls=False,
        ca_file=settings.ca_file,
        client_cert=None,
        client_key=None,
        bind_dn="",
        password_file=None,
        base=base,
        timeout_seconds=max(1, int(settings.timeout_seconds)),
    )
    names = dict.fromkeys((attribute, attribute.removesuffix(";binary"), f"{attribute.removesuffix(';binary')};binary"))
    with LdapLink.open(parts.netloc, plain) as link:
        for record in link.search("(objectClass=*)", tuple(names), below=False):
            for value in record.get(attribute):
                return value
    raise LdapFault(
        f"{url} : l'entrée ne porte pas « {attribute} ».",
        hint="Vérifier l'adresse dans « directory.revocation.lists ».",
    )
