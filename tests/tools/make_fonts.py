#!/usr/bin/env python3
"""Makes the fonts of ``mappings/fonts/`` from Liberation 2.x: cut to the characters of a report, unhinted, renamed.

Development only: needs fonttools and the Debian package fonts-liberation2 (or the upstream TTF files).
Run at the root of the repository:  python tests/tools/make_fonts.py [FOLDER OF THE LIBERATION FILES]

"Liberation" is a Reserved Font Name (SIL OFL 1.1 §3): the cut files are called "Labo Sans" and "Labo Mono".
``coverage.txt`` lists the characters that **every** one of the files has, for a check before anything is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parents[2] / "mappings" / "fonts"
FONTS = {
    "LiberationSans-Regular.ttf": ("LaboSans-Regular.ttf", "Labo Sans", "Regular"),
    "LiberationSans-Bold.ttf": ("LaboSans-Bold.ttf", "Labo Sans", "Bold"),
    "LiberationMono-Regular.ttf": ("LaboMono-Regular.ttf", "Labo Mono", "Regular"),
}
RANGES = [
    (0x20, 0x7E),  # ASCII
    (0xA0, 0x24F),  # Latin-1, Latin Extended A and B
    (0x250, 0x2AF),  # phonetic letters that stand in some names (ə)
    (0x2B0, 0x2FF),  # spacing modifiers
    (0x300, 0x36F),  # combining marks
    (0x370, 0x3FF),  # Greek
    (0x400, 0x45F),  # Cyrillic
    (0x1E00, 0x1EFF),  # Latin Extended Additional: Vietnamese names
    (0x2010, 0x205E),  # dashes, quotes, bullets, ellipsis, per mille, primes
    (0x2070, 0x209F),  # raised and lowered digits
    (0x20A0, 0x20BF),  # currency
    (0x2100, 0x214F),  # ℓ № ™ Ω
    (0x2150, 0x218F),  # fractions, Roman numbers
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # ≈ ≠ ≤ ≥ ∞ √
    (0x2500, 0x25FF),  # box drawing of old text reports, ▲ ▼ ■
    (0x2640, 0x2642),  # ♀ ♂
    (0xFB00, 0xFB04),  # ligatures
]
COPYRIGHT = (
    "Digitized data copyright (c) 2010 Google Corporation. Copyright (c) 2012 Red Hat, Inc. "
    "Cut and renamed from Liberation 2.x; licensed under the SIL Open Font License, Version 1.1."
)


def cut(source: Path, target: Path, family: str, style: str) -> set[int]:
    """One font, cut and renamed; gives the characters it has."""
    font = TTFont(source, recalcTimestamp=False)
    options = subset.Options()
    options.hinting = False
    options.layout_features = ["kern", "mark", "mkmk", "ccmp"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.glyph_names = False
    options.drop_tables += ["DSIG", "FFTM"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[code for low, high in RANGES for code in range(low, high + 1)])
    cutter.subset(font)
    compact = family.replace(" ", "")
    names = {
        0: COPYRIGHT,
        1: family,
        2: style,
        3: f"{compact}-{style}-1",
        4: f"{family} {style}",
        6: f"{compact}-{style}",
    }
    for number, text in names.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    font["name"].names = [record for record in font["name"].names if record.platformID == 3]
    font.save(target, reorderTables=True)
    return set(TTFont(target).getBestCmap())


def ranges(codes: Iterable[int]) -> str:
    """``20-7E`` lines, hexadecimal."""
    lines: list[list[int]] = []
    for code in sorted(codes):
        if lines and code == lines[-1][1] + 1:
            lines[-1][1] = code
        else:
            lines.append([code, code])
    return "".join(f"{low:X}-{high:X}\n" for low, high in lines)


def main() -> int:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("/usr/share/fonts/truetype/liberation2")
    TARGET.mkdir(parents=True, exist_ok=True)
    common: set[int] | None = None
    for name, (target, family, style) in FONTS.items():
        have = cut(source / name, TARGET / target, family, style)
        common = have if common is None else common & have
        print(f"{target}: {len(have)} characters, {(TARGET / target).stat().st_size} bytes")
    (TARGET / "coverage.txt").write_text(ranges(common or ()), encoding="ascii")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
