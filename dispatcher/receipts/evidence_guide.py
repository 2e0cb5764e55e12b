"""The guide in every ZIP of evidence: how a third party checks it with ``openssl`` and ``sha256sum`` alone.

Lines that begin with four blanks are commands, to be run as they stand in the unpacked folder, each block as a whole; a
test runs them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the ZIP holds besides what it always does."""

    dispatch: str
    laboratory: str
    stamped: bool = False
    kept_back: bool = False
    """Lines that only their digest stands for."""
    certificate: bool = False
    received: bool = False
    """Receipts as they were received."""
    extracts: bool = False
    mail: bool = False
    content: bool = False


def guide(held: Held) -> str:
    """French text."""
    lines = _LINES.replace("@", _KEPT_BACK if held.kept_back else "")
    parts = [_HEAD.format(dispatch=held.dispatch, laboratory=held.laboratory), _FILES, _SIGNATURE, lines, _ANCHORS]
    if held.stamped:
        parts.append(_STAMPS)
    parts.append(_WHAT)
    if held.certificate:
        parts.append(_CERTIFICATE)
    if held.received:
        parts.append(_RECEIVED)
    if held.extracts:
        parts.append(_EXTRACTS)
    if held.mail:
        parts.append(_MAIL)
    parts.append(_CONTENT if held.content else _NO_CONTENT)
    return "\n".join(f"{number}. {text}" if number else text for number, text in enumerate(parts))


_HEAD = """\
PREUVE DE L'ENVOI {dispatch}
{laboratory}

Ce dossier se vérifie sans le logiciel qui l'a produit, avec « openssl » (3.0 ou plus récent) et « sha256sum », présents
sur tout poste Linux. Ouvrir un terminal dans ce dossier et recopier les commandes : ce sont les lignes en retrait.
Chacune dit ce qui est juste ; ce qui ne l'est pas est dit en capitales ou arrête la commande.

« resume.pdf » résume l'envoi pour un lecteur pressé ; il ne prouve rien à lui seul.
"""

_FILES = """\
RIEN N'A CHANGÉ DANS CE DOSSIER
Attendu : chaque fichier suivi de « OK » (ou « Réussi »).

    sha256sum --check --strict SHA256SUMS
"""

_SIGNATURE = """\
LE LABORATOIRE A SIGNÉ CE DOSSIER
Attendu : « CMS Verification successful ». Seul « certificats/laboratoire.pem » est admis comme signataire.

    openssl cms -verify -binary -inform DER -in SHA256SUMS.p7s \\
      -content SHA256SUMS -certfile certificats/laboratoire.pem \\
      -nointern -noverify -out /dev/null

Ce certificat est-il bien celui du laboratoire ? Voici son nom et son empreinte, que le laboratoire peut confirmer par
une autre voie :

    openssl x509 -in certificats/laboratoire.pem -noout \\
      -subject -issuer -dates -fingerprint -sha256

L'autorité qui l'a délivré (IGC-Santé pour la plupart des laboratoires) publie son certificat racine. L'enregistrer sous
« racine.pem » à côté de ce dossier, puis (attendu : « OK ») :

    if test -f ../racine.pem
    then
      openssl verify -purpose any -no_check_time -CAfile ../racine.pem \\
        -untrusted certificats/laboratoire.pem certificats/laboratoire.pem
    else
      echo "racine.pem absente : non vérifié"
    fi
"""

_KEPT_BACK = """\
Une ligne « non donnée » porte un motif écrit par une personne, qui pourrait nommer un patient. Son texte n'est pas
ici ; son empreinte y est, et mène à son ancre comme les autres. Le laboratoire peut montrer ce texte, que l'empreinte
prouvera.
"""

_LINES = """\
LES LIGNES DU JOURNAL SONT CELLES QUI ONT ÉTÉ ÉCRITES
Le journal du laboratoire ne fait que croître. L'empreinte d'une ligne couvre l'empreinte de la ligne d'avant et son
propre texte. « journal/liens.txt » donne, pour chaque ligne de cet envoi : son numéro, l'empreinte de la ligne d'avant,
la sienne, son ancre. Attendu : « juste » à chaque ligne.
@
    (
      while read numero avant empreinte ancre
      do
        test -f "journal/ligne-$numero.json" ||
          { echo "ligne $numero : non donnée"; continue; }
        { printf '%s\\n' "$avant"; cat "journal/ligne-$numero.json"; } |
          sha256sum | grep -q "^$empreinte " ||
          { echo "ligne $numero : FAUSSE"; exit 1; }
        echo "ligne $numero : juste"
      done < journal/liens.txt
    )

L'ancre a été signée sur toutes les lignes d'une période, dont celles des autres envois, qui ne sont pas ici. Leurs
empreintes sont réunies deux à deux, étage par étage, jusqu'à une seule : la racine. Le chemin d'une ligne donne sa
voisine à chaque étage, à gauche ou à droite. Attendu : « signée » à chaque ligne.

    (
      while read numero avant empreinte ancre
      do
        while read cote voisine
        do
          if test "$cote" = gauche
          then paire="$voisine $empreinte"
          else paire="$empreinte $voisine"
          fi
          empreinte=$(printf 'noeud %s\\n' "$paire" | sha256sum | cut -c1-64)
        done < "journal/ligne-$numero.chemin"
        grep -q "^racine des lignes : $empreinte\\$" "journal/$ancre.txt" ||
          { echo "ligne $numero : PAS DANS SON ANCRE"; exit 1; }
        echo "ligne $numero : signée, $ancre"
      done < journal/liens.txt
    )
"""

_ANCHORS = """\
LE LABORATOIRE A SIGNÉ CES ANCRES
Attendu : « CMS Verification successful » par ancre. La date qu'elle porte est celle de la machine du laboratoire.

    (
      for ancre in journal/ancre-*.txt
      do
        openssl cms -verify -binary -inform DER -in "${ancre%.txt}.p7s" \\
          -content "$ancre" -noverify -out /dev/null || exit 1
      done
    )

Qui les a signées (le certificat peut être plus ancien que celui du point 2) :

    for ancre in journal/ancre-*.p7s
    do
      openssl pkcs7 -inform DER -in "$ancre" -print_certs -noout
    done
"""

_STAMPS = """\
UNE AUTORITÉ D'HORODATAGE A DATÉ CES ANCRES
Voici les dates :

    for tampon in journal/ancre-*.tsr
    do
      openssl ts -reply -in "$tampon" -text 2> /dev/null | grep "Time stamp"
    done

Avec le certificat racine de l'autorité, sous « horodatage.pem » à côté de ce dossier. Attendu : « Verification: OK ».

    (
      if test -f ../horodatage.pem
      then
        for tampon in journal/ancre-*.tsr
        do
          openssl ts -verify -data "${tampon%.tsr}.p7s" -in "$tampon" \\
            -CAfile ../horodatage.pem || exit 1
        done
      else
        echo "horodatage.pem absent : non vérifié"
      fi
    )
"""

_WHAT = """\
CE QUE LE JOURNAL DIT DE L'ENVOI
« envoi.json » rassemble les faits. Chaque empreinte qu'il donne (fichier source, documents écrits, courrier scellé,
certificat, accusés) est aussi dans une ligne du journal. Attendu : « au journal » pour chacune.

    (
      for empreinte in $(grep -o '"[0-9a-f]\\{64\\}"' envoi.json | tr -d '"')
      do
        grep -q "$empreinte" journal/ligne-*.json ||
          { echo "$empreinte : PAS AU JOURNAL"; exit 1; }
        echo "$empreinte : au journal"
      done
    )

Pour reconnaître un fichier que l'on détient (le fichier source, le courrier reçu), calculer son empreinte par
« sha256sum FICHIER » et la chercher dans « envoi.json ».
"""

_CERTIFICATE = """\
LE COURRIER A ÉTÉ CHIFFRÉ POUR CE CERTIFICAT
Attendu : le nom et les dates du certificat, puis « au journal ».

    openssl x509 -in certificats/destinataire.pem -noout -subject -dates
    if grep -q "$(openssl x509 -in certificats/destinataire.pem -outform DER |
      sha256sum | cut -c1-64)" journal/ligne-*.json
    then echo "certificat du destinataire : au journal"
    else echo "certificat du destinataire : PAS AU JOURNAL"; false
    fi
"""

_RECEIVED = """\
CE QUI EST REVENU
Le dialogue avec le serveur de l'opérateur (« -smtp.txt », à l'heure du laboratoire), les avis de remise (« -dsn.eml »)
et de lecture (« -mdn.eml ») sont donnés tels que reçus. Attendu : « au journal » pour chacun.

    (
      for accuse in accuses/A*
      do
        grep -q "$(sha256sum "$accuse" | cut -c1-64)" journal/ligne-*.json ||
          { echo "$accuse : PAS AU JOURNAL"; exit 1; }
        echo "$accuse : au journal"
      done
    )
"""

_EXTRACTS = """\
AVIS DONNÉS EN EXTRAIT
Ces avis nomment ou pourraient nommer le patient, ou répètent le courrier : seul un extrait (qui, quand, les champs du
rapport) en est donné, dans « accuses/extraits ». L'empreinte de l'avis entier est dans « envoi.json » et au journal ;
le laboratoire le détient.
"""

_MAIL = """\
LE COURRIER SCELLÉ
« courrier.eml » est le courrier tel que remis à l'opérateur. Attendu : « au journal ».

    if grep -q "$(sha256sum courrier.eml | cut -c1-64)" journal/ligne-*.json
    then echo "courrier scellé : au journal"
    else echo "courrier scellé : PAS AU JOURNAL"; false
    fi
"""

_CONTENT = """\
CONTENU MÉDICAL
Ce dossier contient, dans « contenu », des résultats d'examens : le remettre à qui a le droit de les lire, à personne
d'autre. Attendu : « au journal » pour chaque document.

    (
      for document in contenu/*
      do
        grep -q "$(sha256sum "$document" | cut -c1-64)" journal/ligne-*.json ||
          { echo "$document : PAS AU JOURNAL"; exit 1; }
        echo "$document : au journal"
      done
    )
"""

_NO_CONTENT = """\
PAS DE CONTENU MÉDICAL
Ce dossier ne contient aucun résultat ni le nom du patient : seulement des empreintes, dont on ne peut rien tirer, et
qui suffisent à reconnaître le fichier source, les documents et le courrier quand on les détient.
"""
