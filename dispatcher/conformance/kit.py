"""The kit on disk: the ANS test kit "testContenuCDA", as published (github ansforge) or cut down to the CR-BIO.

Looked for: ``infrastructure/cda/CDA_extended.xsd``, ``schematrons/`` with the profiles and at least one CR-BIO volume,
and ``jeuxDeValeurs/``. The folder given may be the kit itself or hold it one or two levels down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dispatcher.errors import ConfigError

XSD = "infrastructure/cda/CDA_extended.xsd"
PROFILES = {
    "strucmin": "schematrons/profils/structurationMinimale/ASIP-STRUCT-MIN-StrucMin.sch",
    "ihe": "schematrons/profils/IHE.sch",
    "modeles": "schematrons/profils/CI-SIS_ModelesDeContenusCDA.sch",
    "ans": "schematrons/profils/CI-SIS_Modeles_ANS.sch",
    "termino": "schematrons/profils/terminologies/schematron/terminologie.sch",
}
"""Layer name to schematron; every document goes through all of them."""
_VOLUME = re.compile(r"CI-SIS_BIO-CR-BIO_(\d{4}\.\d{2})\.sch")


@dataclass(frozen=True, slots=True)
class Kit:
    """Where the rules stand. ``volumes``: version of the CR-BIO model to its schematron, oldest first."""

    root: Path
    volumes: dict[str, Path]

    @property
    def xsd(self) -> Path:
        return self.root / XSD

    def profile(self, layer: str) -> Path:
        """The schematron of one of :data:`PROFILES`."""
        return self.root / PROFILES[layer]


def find_kit(folder: Path) -> Kit:
    """The kit in ``folder``. Raises :class:`ConfigError` that lists what is missing."""
    candidates = [folder, *sorted(folder.glob("*/")), *sorted(folder.glob("*/*/"))] if folder.is_dir() else []
    root = next((c for c in candidates if (c / XSD).is_file()), None)
    if root is None:
        raise ConfigError(
            f"Aucun kit de conformité de l'ANS dans « {folder} » : le fichier {XSD} est introuvable.",
            hint="Indiquez le dossier qui contient « infrastructure », « schematrons » et « jeuxDeValeurs ».",
        )
    volumes = {
        found[1]: path
        for path in sorted((root / "schematrons").glob("CI-SIS_BIO-CR-BIO_*.sch"))
        if (found := _VOLUME.fullmatch(path.name))
    }
    faults = [f"{path} absent" for path in PROFILES.values() if not (root / path).is_file()]
    faults += [] if volumes else ["aucun volet CI-SIS_BIO-CR-BIO_AAAA.NN.sch dans schematrons"]
    faults += [] if (root / "jeuxDeValeurs").is_dir() else ["dossier jeuxDeValeurs absent"]
    if faults:
        raise ConfigError(
            f"Le kit de conformité de « {root} » est incomplet.",
            faults=tuple(faults),
            hint="Téléchargez à nouveau le kit de test CDA de l'ANS et gardez ses dossiers tels quels.",
        )
    return Kit(root, volumes)
