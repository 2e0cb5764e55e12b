"""``python -m tests.tools.console_shots``: pictures of the console's first page for docs/console.md, made on a demo."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from dispatcher import wiring
from dispatcher.cli.demo import play
from dispatcher.cli.status_alarms import gathered
from dispatcher.console.app import build
from dispatcher.console.serve import Serving
from dispatcher.settings import ConsoleSettings, load
from tests.console.kit import FakeAccounts
from tests.tools.console_demo import Alice

DOCS = Path(__file__).resolve().parents[2] / "docs"
WIDTHS = (1280, 390)
COLOURS = 64


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="console-") as name, sync_playwright() as playwright:
        folder = Path(name)
        play(folder, lambda text: None)
        office = wiring.build(load(folder / "dispatcher.toml"))
        serving = Serving(Alice(build(office, FakeAccounts(), gathered)), ConsoleSettings(port=0))
        serving.start()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 700}, locale="fr-FR")
            page.goto(serving.url)
            picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
            picture.quantize(COLOURS).save(DOCS / f"console_{width}.png", optimize=True)
        browser.close()
        serving.stop()
        office.close()


if __name__ == "__main__":
    main()
