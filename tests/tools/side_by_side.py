"""One report in every format, side by side, as a picture: what each recipient sees.

Usage: python -m tests.tools.side_by_side [FILE] [--out PICTURE]

FILE (default: the sample of 25 results) goes through ``dispatcher convert``; the PDF's first page is drawn by
``pdftoppm``, the CDA's narrative by Chromium through a plain stylesheet (``cda_plain.xsl``), the HPRIM texts as they
stand. Needs Debian's packages ``chromium`` and ``poppler-utils``, and Pillow.
"""

from __future__ import annotations

import argparse
import base64
import html
import subprocess
import sys
import tempfile
from pathlib import Path

from lxml import etree
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LABORATORY = ROOT / "samples" / "config" / "dispatcher.toml"
SAMPLE = ROOT / "samples" / "hl7" / "bilan_25_resultats.hl7"
PICTURE = ROOT / "docs" / "side_by_side.png"
WIDTH, HEIGHT = 2400, 1290
COLOURS = 32
"""Enough for text on white, and a fifth of the bytes."""
CHROMIUM = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #dde3e8; font: 20px "DejaVu Sans", sans-serif; width: {width}px; height: {height}px; }}
.row {{ display: flex; gap: 14px; padding: 14px; height: 100%; box-sizing: border-box; }}
.panel {{ background: #fff; flex: 1; display: flex; flex-direction: column; overflow: hidden; border: 1px solid #99a; }}
.panel b {{ background: #234; color: #fff; padding: 6px 12px; }}
.panel img, .panel iframe {{ border: 0; width: 100%; flex: 1; object-fit: contain; object-position: top; }}
.panel pre {{ margin: 0; padding: 10px; font: 11.6px/1.36 "DejaVu Sans Mono", monospace; overflow: hidden; }}
.small pre {{ font-size: 10px; white-space: pre-wrap; word-break: break-all; }}
.half {{ display: flex; flex-direction: column; gap: 14px; flex: 1; overflow: hidden; }}
</style><div class="row">
<div class="panel"><b>PDF/A, page 1</b><img src="data:image/png;base64,{pdf}"></div>
<div class="panel"><b>CDA CR-BIO 2024.01, texte du document</b><iframe srcdoc="{cda}"></iframe></div>
<div class="panel"><b>HPRIM Médecins</b><pre>{medecins}</pre></div>
<div class="half"><div class="panel small"><b>HPRIM Santé</b><pre>{sante}</pre></div>
<div class="panel small"><b>HL7 v2 reçu</b><pre>{source}</pre></div></div>
</div>"""


def main() -> int:
    """Make the picture; 0 when it is there."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("file", nargs="?", type=Path, default=SAMPLE)
    asked.add_argument("--out", type=Path, default=PICTURE)
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = _converted(wanted.file.resolve(), folder)
        subprocess.run(
            ["pdftoppm", "-r", "110", "-png", "-f", "1", "-l", "1", made["pdf"], folder / "page"], check=True
        )
        page = next(folder.glob("page*.png"))
        view = etree.XSLT(etree.parse(str(HERE / "cda_plain.xsl")))(etree.parse(str(made["cda"])))
        (folder / "all.html").write_text(
            PAGE.format(
                width=WIDTH,
                height=HEIGHT,
                pdf=base64.b64encode(page.read_bytes()).decode(),
                cda=html.escape(str(view)),
                medecins=html.escape(made["hprim-medecins"].read_text("latin-1").replace("\r", "")),
                sante=html.escape(made["hprim-sante"].read_text("latin-1").replace("\r", "")),
                source=html.escape(wanted.file.read_bytes().decode("utf-8").replace("\r", "\n")),
            ),
            encoding="utf-8",
        )
        shot = folder / "shot.png"
        subprocess.run(
            [
                *CHROMIUM,
                f"--user-data-dir={folder / 'profile'}",
                f"--window-size={WIDTH},{HEIGHT}",
                f"--screenshot={shot}",
                (folder / "all.html").as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=90,
        )
        Image.open(shot).convert("RGB").quantize(COLOURS).save(wanted.out, optimize=True)
    print(f"{wanted.out}: {wanted.out.stat().st_size // 1000} kB")
    return 0


def _converted(file: Path, folder: Path) -> dict[str, Path]:
    """The file in each format, by the command itself."""
    made = {}
    for target in ("pdf", "cda", "hprim-medecins", "hprim-sante"):
        out = folder / target
        subprocess.run(
            [sys.executable, "-m", "dispatcher", "--config", LABORATORY, "convert", file, "--to", target, "--out", out],
            check=True,
            capture_output=True,
            cwd=ROOT,
        )
        made[target] = next(out.iterdir())
    return made


if __name__ == "__main__":
    raise SystemExit(main())
