"""How mail servers and people word failures, delays and absences, in French and English, with a few others.

Patterns of ours, from the notices of Postfix, Exim, sendmail, qmail, Exchange, Domino, Gmail, Yahoo, French providers
and many old gateways. Text is compared in lower case with straight apostrophes (:func:`plain`).
"""

from __future__ import annotations

import re

from dispatcher.receipts.notice import Cause

_ADDRESS = re.compile(r"[^\s<>()\"',:;]{1,200}@[^\s<>()\"',:;]{1,200}")


def plain(text: str) -> str:
    """Lower case, straight apostrophes, blanks folded, addresses as a bare ``@`` (their dots end no sentence)."""
    without = _ADDRESS.sub("@", text)
    return " ".join(without.lower().replace("\u2019", "'").replace("\u2018", "'").split())


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


DAEMON_LOCAL = _any(
    r"^mailer-?daemon", r"^mail-?daemon", r"^mdaemon", r"^post[-_]?master", r"^mail\.?delivery", r"^ndr\b", r"^imss\b",
    r"^bounce", r"^e500_smtp", r"^inetgw", r"^symantec", r"^mail-?system", r"^remise|^non-?remis",
)  # fmt: skip
DAEMON_NAME = _any(
    r"mail delivery", r"delivery (?:sub)?system", r"system administrator", r"administrateur (?:syst|de messagerie)",
    r"mail administrator", r"postmaster", r"mailer-daemon", r"microsoft outlook", r"syst.me de (?:messagerie|remise)",
    r"mail server",
)  # fmt: skip

FAILURE_SUBJECT = _any(
    r"undeliver", r"non[- ]?deliver", r"deliver[a-z]* (?:failure|failed|problem|error|status|warning)",
    r"(?:failure|failed|mail) delivery", r"returned (?:mail|to sender|message|-)", r"retour (?:de|du) (?:courr|mess)",
    r"mail (?:could|not|error|system error|failed)", r"message (?:delivery|delayed|not|undeliver|could not)",
    r"failure notice", r"failed mail", r"could not be delivered", r"processing error", r"(?:has|been) delayed",
    r"not (?:yet )?been delivered", r"warning: (?:message|could|mail)", r"delivery .*delayed", r"user unknown",
    r"error during delivery", r"rejected",
    r"non[ -]?(?:remis|d.livr|distribu|livr)", r".chec de (?:la )?(?:remise|distribution|livraison|l'envoi)",
    r"notification d'.tat de remise", r"remise .*(?:.chec|retard|impossible)", r"(?:avis|accus.) de non",
    r"retour .{0,3} l'exp.diteur", r"message (?:bloqu|refus|rejet)", r"n'a pas (?:pu|.t.) .*(?:remis|d.livr|distribu)",
    r"utilisateur (?:inconnu|non recens)", r"retard|diff.r.", r"bo.te .*(?:pleine|satur|inactive|d.sactiv|ferm)",
)  # fmt: skip

STRONG = _any(
    r"this is the (?:qmail|deliver|postfix|[\w .()-]{0,40}) ?(?:send )?program (?:at|at host)\b",
    r"this message was created automatically by mail delivery software",
    r"permanent fatal (?:delivery )?errors", r"transient non-fatal errors", r"transcript of session follows",
    r"delivery has failed to these recipients", r"did not reach the following recipient",
    r"was(?:n't| not) able to deliver (?:your|the) (?:following )?message",
    r"was(?:n't| not) delivered to the following", r"unable to deliver (?:your )?message",
    r"delivery to the following recipients? (?:has )?(?:been )?(?:failed|delayed)",
    r"(?:following|these) (?:address|recipient)[^.]{0,30} (?:failed|did not receive)",
    r"(?:could|can) ?not be delivered to", r"message could not be delivered", r"non-delivery report",
    r".chec de la remise", r"votre message n'(?:a pas|est pas|a)(?: pu)?[^.]{0,40}(?:remis|d.livr|distribu|parvenu)",
    r"message n'a (?:pas )?pu .tre (?:remis|d.livr|distribu|achemin|transmis|livr)",
    r"ce message (?:a .t. cr.. automatiquement par|est g.n.r. automatiquement par) le (?:syst|serveur)",
)  # fmt: skip
"""Words only a mail server writes: enough alone, with a recipient, to call it a failure mail."""

FAILURE = _any(
    r"not (?:be )?(?:successfully )?deliver", r"cannot be delivered", r"(?:un|n't |not )able to deliver", r"undeliver",
    r"deliver[a-z]* .{0,60}(?:fail|abort|problem)", r"fatal error", r"did(?: not|n't) (?:reach|receive)",
    r"not (?:accepted|recogni[sz]ed|listed|known)", r"over ?quota|quota (?:exceeded|violation)|exceed.{0,12}quota",
    r"mailbox (?:is )?(?:full|unavailable|inactive|disabled|not found)|full mailbox", r"(?:user|recipient) unknown",
    r"unknown (?:user|recipient|address)", r"no such user|no mailbox|no valid recipients|unknown host|user not known",
    r"returned (?:because|to sender)", r"(?:was|been) (?:automatically )?rejected", r"intended recipient",
    r"not (?:yet )?been delivered", r"(?:has|been) (?:delayed|postponed)", r"failed recipient|invalid .{0,20}userid",
    r"not a valid (?:user|recipient|mailbox|address)",
    r"did not exactly match", r"address .{0,40}(?:wrong|no longer valid)", r"has not been collected",
    r"n'a (?:pas |pu )?(?:pu |encore )?.t.?r?e? ?(?:remis|d.livr|distribu|achemin|transmis|livr|envoy)",
    r"impossible (?:de|d')(?: )?(?:remettre|d.livrer|distribuer|acheminer|livrer)", r"non[ -](?:remis|d.livr|distribu)",
    r"n'est pas parvenu", r".chec (?:de|permanent|d.finitif)",
    r"(?:utilisateur|destinataire|adresse|bo.te|compte)[^.]{0,60}(?:inconnu|n'existe|introuvable|non recens|invalide)",
    r"bo.te[^.]{0,40}(?:pleine|satur|d.sactiv|inactive|ferm|supprim)", r"quota[^.]{0,30}(?:d.pass|atteint)",
    r"l'adresse n'a pas .t. trouv", r"no (?:pudo|ha podido) ser entregado", r"nicht zugestellt",
    r"non .{1,3} stato possibile", r"n.o p(?:o|ô)de ser|nao pode ser", r"не может быть",
)  # fmt: skip

DELAY = _any(
    r"not yet been delivered", r"has been delayed", r"(?:is|was) delayed", r"(?:been|is) postponed",
    r"delivery attempts will continue", r"will (?:be retried|continue (?:to try|trying|attempts)|keep trying)",
    r"warning message only", r"just a warning", r"transient non-fatal error",
    r"could not send message for (?:the )?past", r"message .{0,40}delayed \d+",
    r"n'a (?:pas encore|toujours pas) (?:pu )?.t", r"(?:remise|distribution|livraison) .{0,40}(?:retard|diff.r)",
    r"(?:nouvelles? tentatives?|tentatives? de remise) (?:de .{1,20} )?(?:ser|vont|se poursui|continu)",
    r"(?:message|courrier) .{0,30}(?:est|a .t.) (?:retard|diff.r)",
)  # fmt: skip
DEFINITIVE = _any(
    r"permanent (?:fatal )?(?:delivery )?error", r"failed permanently", r"(?:i've|have) given up", r"giving up on",
    r"not going to try again", r"was aborted", r"d.finitivement", r"erreur permanente", r".chec d.finitif",
)  # fmt: skip

INACTIVE = _any(
    r"(?:adresse|bo.te|messagerie|compte)[^.]{0,60}n'est plus (?:[^.]{0,20})?"
    r"(?:activ|utilis|relev|consult|valide|en service|surveill)",
    r"(?:adresse|bo.te|compte)[^.]{0,90}"
    r"(?:n'existe plus|a .t. (?:d.sactiv|ferm|supprim)|est (?:d.sactiv|inactive|ferm))",
    r"a quitt. (?:l'|la |le |ses |son |notre )", r"ne (?:fait plus partie|travaille plus)",
    r"cess. (?:son|ses) (?:activ|fonc)",
    r"no longer (?:active|in use|monitored|valid|works|employed|available|with)",
    r"(?:mailbox|account|address)[^.]{0,30}(?:is |has been )(?:disabled|discontinued|deactivated|inactive|closed)",
)  # fmt: skip
"""A mailbox nobody reads any more, as its former owner or its server says it."""

CAUSES: tuple[tuple[Cause, re.Pattern[str], tuple[str, ...]], ...] = (
    (Cause.FULL, _any(r"quota", r"(?:mailbox|folder) (?:is )?full|full mailbox", r"bo.te[^.]{0,40}(?:pleine|satur)",
                      r"too much mail", r"insufficient (?:system )?storage", r"space not enough"),
     (".2.2", ".3.1")),
    (Cause.INACTIVE, INACTIVE, (".2.1", ".1.6")),
    (Cause.UNKNOWN_DOMAIN, _any(r"unknown host", r"host (?:unknown|not found)",
                                r"domain[^.]{0,30}(?:not|inconnu|introuv)",
                                r"domaine[^.]{0,30}(?:inconnu|introuv|n'existe)", r"nxdomain"),
     (".1.2", ".4.4")),
    (Cause.UNKNOWN_USER, _any(r"user (?:unknown|not (?:found|known))", r"unknown (?:user|recipient|address|or illegal)",
                              r"no such user|no mailbox|not listed|recipient (?:unknown|not found|name is not)",
                              r"(?:utilisateur|destinataire|adresse)[^.]{0,50}"
                              r"(?:inconnu|(?:n'|in)exist|introuv|non recens)",
                              r"does(?:n't| not) (?:have|exist)|mailbox (?:unavailable|not found)|addressee unknown"),
     (".1.1", ".1.10", ".1.3", ".1.0")),
    (Cause.TOO_LARGE, _any(r"too (?:large|big)", r"size (?:limit|exceeds)", r"trop (?:volumineu|gros|long)",
                           r"taille[^.]{0,30}(?:d.pass|maxim)"), (".3.4", ".2.3")),
    (Cause.POLICY, _any(r"spam", r"policy", r"blocked|blacklist|blocklist", r"virus", r"access denied", r"ind.sirable",
                        r"refus[^.]{0,30}(?:politique|r.gle|filtr)", r"not accepting mail"), (".7.",)),
    (Cause.UNREACHABLE, _any(r"time[d]? ?out", r"connection (?:refused|timed)", r"not respond", r"queue too long",
                             r"unreachable|not reachable|injoignable", r"ne r.pond pas",
                             r"d.lai[^.]{0,20}(?:d.pass|expir)"),
     (".4.", ".3.2")),
)  # fmt: skip

AUTO_SUBJECT = _any(
    r"^(?:re ?: ?|tr ?: ?)*(?:r.ponse automatique|automatic reply)",
    r"^(?:re ?: ?|tr ?: ?)*(?:auto(?:matic)?[- ]?(?:reply|response|answer)|auto ?:)",
    r"^(?:re ?: ?)*(?:out of (?:the )?office|ooo\b|oof\b|vacation|on leave|away from)",
    r"\bout of (?:the )?office\b", r"r.ponse automatique", r"^(?:re ?: ?)*(?:message|avis) d'absen",
    r"^(?:re ?: ?)*absen(?:ce|te?|t\(e\))(?:$| ?[:(-]| (?:au )?\d)",
    r"absen(?:ce|te?|t\(e\)) (?:du (?:bureau|cabinet|\d|[a-z]{3,5}di)|jusqu|temporaire|prolong)",
    r"^(?:re ?: ?)*(?:(?:je suis|actuellement) absent|(?:je suis |actuellement )?en cong)",
    r"^(?:re ?: ?)*(?:cong.s?\b|vacances|fermeture (?:du|de|annuelle|estivale)|cabinet ferm)",
    r"^(?:re ?: ?)*(?:r.ponse|notification) (?:d'absence|auto\b)|^auto-?r.ponse|^r.pondeur\b|^message automatique",
    r"^\[auto[- ]?reply\]|^(?:en vacances|arr.t maladie|hors du bureau|indisponible (?:jusqu|du ))",
    r"^cabinet (?:m.dical |dentaire )?ferm|^(?:votre message a|nous avons) bien (?:.t. )?re.u",
    r"accus. de r.ception automatique", r"\best absent\(e\)",
    r"abwesenheit|automatische antwort", r"respuesta autom|risposta automatica",
)  # fmt: skip
AUTO_BODY = _any(
    r"(?:ceci|il s'agit d')(?: est)? une r.ponse automatique", r"r.ponse (?:automatique|g.n.r.e automatiquement)",
    r"message automatique[^.]{0,30}(?:absence|merci de ne pas r.pondre)",
    r"this is an auto(?:matic|mated|-?)[ -]?(?:reply|response)",
    r"i am (?:currently )?out of (?:the )?office",
    r"confirm(?:er|ation)[^.]{0,60}(?:exp.diteur|sender)[^.]{0,60}(?:click|cliqu)",
    r"(?:message|courriel|e-?mail) (?:est |a .t. )?(?:g.n.r.|envoy.) automatiquement",
    r"ceci est un message automatique",
    r"(?:actuellement|je suis) (?:absente?|en cong.s?) (?:du (?:cabinet|bureau|service)|jusqu'au|et )",
    r"(?:authentifi|identifi)[^.]{0,60}(?:cliqu|lien ci)", r"cliqu[^.]{0,60}(?:authentifi|(?:pas|.tes) un robot)",
    r"account is protected by", r"added to (?:the |my )?[^.]{0,20}(?:allowed|approved|white) ?list",
    r"requires? (?:[a-z-]+ )?(?:verification|that you verify)",
)  # fmt: skip

_COPY_LINES = re.compile(
    r"""(?imx)^[^\S\n>]{0,40}>?[-*|=_\#~\[(+\ \t]{0,120}(?:
      (?:(?:this|here|below|following|included|attach\w*)\ is|below\ (?:this|the\ next)\ line\ is|voici
          |ci-(?:dessous|joint))
          [^\n]{0,30}\b(?:copy|copie|first\ part|header)\b
    | (?:a\ )?copy\ of\ (?:the|your)\ (?:original\ )?(?:message|mail|email)
    | copie\ (?:de\ votre|du|de\ l'e-?)\s?(?:message|mail|courriel)
    | (?:the\ )?(?:first\ \d+\ lines|headers?|body|a\ summary|beginning)\b
          [^\n]{0,40}\b(?:message|mail)[^\n]{0,30}\bfollow
    | (?:original|returned|unsent|old|undelivered|rejected|bounced)\ (?:message|mail|e-?mail)\b
          [^\n]{0,30}(?:follow|head|detail|attach|below|:|-|$)
    | message\ (?:headers?|text|body)\b
    | start\ of\ returned
    | (?:message|courriel|mail|texte)\ (?:original|d['’]origine|initial|retourn[ée])
    | en-?t[êe]tes?\ (?:de|du)\b[^\n]{0,20}\b(?:message|courriel|origin)
    | mensaje\ original | forwarded\ message | your\ message\ reads | message\ transf[ée]r[ée]
    )""",
)


def cut_original(text: str) -> tuple[str, str]:
    """The notice's own words, and the copy of the original mail that follows them (or empty)."""
    for match in _COPY_LINES.finditer(text):
        if text[: match.start()].strip():
            return text[: match.start()], text[match.end() :]
    block = re.search(r"(?m)^(?:>?Return-Path|Received): .*\n(?:[ \t].*\n)*(?:[\w-]+: )", text, re.I)
    if block and text[: block.start()].strip():
        return text[: block.start()], text[block.start() :]
    return text, ""


def cause_of(status: str | None, text: str) -> Cause | None:
    """Why, as far as status and words tell."""
    words = plain(text)
    by_words = next((cause for cause, pattern, _ in CAUSES if pattern.search(words)), None)
    tail = (status or "")[1:]
    by_status = next(
        (
            cause
            for cause, _, ends in CAUSES
            if tail and any(tail == end or (end.endswith(".") and tail.startswith(end)) for end in ends)
        ),
        None,
    )
    return by_status or by_words
