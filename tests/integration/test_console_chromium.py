"""The console in a real browser, on the store of a demo: every page at both widths, judged by axe; live, keyboard,
without a script, on paper. A page that is added is judged here without a word more.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from dispatcher import wiring
from dispatcher.cli.demo import play
from dispatcher.console.app import build, page_modules
from dispatcher.console.serve import Serving
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import DispatchFilter
from dispatcher.settings import ConsoleSettings, load
from dispatcher.wiring import Office
from tests.console.kit import PASSWORD, FakeAccounts
from tests.needs import missing, needs_program
from tests.tools.console_demo import Alice

WIDTHS = (1280, 390)
NO_PAGES = re.compile(r"^/oidc/|/(pdf|original|csv|preuve|fichier)$")
"""What leads elsewhere, or is a file."""


@dataclass
class Shown:
    office: Office
    application: Starlette
    url: str
    paths: list[str]


@pytest.fixture(scope="module")
def shown() -> Iterator[Shown]:
    """The console, served on a demo's store; whoever opens it is alice."""
    with tempfile.TemporaryDirectory(prefix="console-") as name:
        folder = Path(name)
        play(folder, lambda text: None)
        office = wiring.build(load(folder / "dispatcher.toml"))
        application = build(office, FakeAccounts(), lambda parts: ())
        serving = Serving(Alice(application), ConsoleSettings(port=0))
        serving.start()
        yield Shown(office, application, serving.url.rstrip("/"), paths(office))
        serving.stop()
        office.close()


def paths(office: Office) -> list[str]:
    """Every page that can be asked for, with a number of the demo where it needs one."""
    with office.store.reading() as uow:
        held = uow.dispatches.list(DispatchFilter(states=(State.HELD,), limit=1))[0].id
        file = uow.files.list(states=(FileState.QUARANTINED,), limit=1)[0].id
        batch = uow.batches.list(limit=1)[0].id
        read = uow.dispatches.list(DispatchFilter(states=(State.READ,), limit=1))[0].id
    numbers = {"/attente/": held, "/fichiers/": file, "/quarantaine/": file, "/lots/": batch, "/envois/": read}
    found = []
    for route in (route for module in page_modules() for route in module.routes()):
        if "GET" not in (route.methods or ()) or NO_PAGES.search(route.path):
            continue
        number = next((one for start, one in numbers.items() if route.path.startswith(start)), "")
        path = re.sub(r"\{[^}]*\}", number, route.path, count=1)
        if "{" not in path and (number or "{" not in route.path):
            found.append(path)
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    path = needs_program("chromium", "chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright missing: pip install playwright axe-playwright-python")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=WIDTHS)
def page(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": request.param, "height": 900}, locale="fr-FR")
    yield context.new_page()
    context.close()


def test_every_page_at_both_widths(page: Any, shown: Shown) -> None:
    """Nothing serious for axe, no sideways scrolling, nothing the policy had to stop."""
    from axe_playwright_python.sync_playwright import Axe

    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    faults = []
    assert len(shown.paths) >= 4
    for path in shown.paths:
        answer = page.goto(shown.url + path)
        if not answer.ok:
            faults.append(f"{path}: {answer.status}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            faults.append(f"{path}: {wide} pixels too wide")
        found = Axe().run(page).response["violations"]
        faults += [f"{path}: {one['id']} {one['nodes'][0]['html']}" for one in found if one["impact"] in SERIOUS]
        page.emulate_media(color_scheme="dark")
        dark = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
        faults += [f"{path}, dark: {one['nodes'][0]['html']}" for one in dark]
        page.emulate_media(color_scheme="light")
    assert faults == []
    assert told == []


SERIOUS = {"serious", "critical"}


def test_a_page_renews_itself(chromium: Any, shown: Shown) -> None:
    """Somebody closes what is held; the figure on an open page follows, and the page is not loaded anew."""
    page = chromium.new_page(locale="fr-FR")
    page.goto(f"{shown.url}/")
    held = page.locator("#people .value").first
    before = int(held.inner_text())
    page.evaluate("window.sameDocument = true")
    said = page.locator("#said").element_handle()
    with shown.office.store.transaction() as uow:
        one = uow.dispatches.list(DispatchFilter(states=(State.HELD,), limit=1))[0]
        uow.dispatches.move(one.id, State.CLOSED, actor="operator:test", reason="essai")
    page.wait_for_selector(f"#people li:first-child .value:text-is('{before - 1}')", timeout=20_000)
    assert page.evaluate("window.sameDocument") is True
    assert said.evaluate("one => one.isConnected"), "a screen reader hears changes of an element that stays"
    page.close()


def test_a_page_that_hears_nothing_says_so(chromium: Any, shown: Shown) -> None:
    page = chromium.new_page(locale="fr-FR")
    page.clock.install()
    page.goto(f"{shown.url}/")
    page.context.set_offline(True)
    page.clock.run_for(60_000)
    page.wait_for_selector("#stale:not([hidden])", timeout=10_000)
    assert "Page non renouvelée depuis" in page.locator("#stale").inner_text()
    page.context.set_offline(False)
    page.clock.run_for(10_000)
    page.wait_for_selector("#stale", state="hidden", timeout=10_000)
    page.close()


def test_the_keyboard(chromium: Any, shown: Shown) -> None:
    page = chromium.new_page(locale="fr-FR")
    page.goto(f"{shown.url}/mon-compte")
    page.keyboard.press("?")
    dialog = page.locator("#keys")
    assert dialog.is_visible()
    assert "Tout va bien ?" in dialog.inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url(f"{shown.url}/")
    page.keyboard.press("?")
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.goto(f"{shown.url}/mon-compte")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_timeout(300)
    assert page.url.endswith("/mon-compte"), "switched off"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.close()


def test_without_a_script(chromium: Any, shown: Shown) -> None:
    """Signing in, reading, the menu of a telephone, signing out."""
    serving = Serving(shown.application, ConsoleSettings(port=0))
    serving.start()
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800}, locale="fr-FR")
    page = context.new_page()
    try:
        page.goto(serving.url)
        page.fill("#name", "alice")
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.wait_for_selector(".verdict h1")
        assert not page.locator("#menu").is_visible()
        page.click(".open-menu")
        assert page.locator("#menu a[aria-current=page]").is_visible()
        page.click("text=Se déconnecter")
        page.wait_for_selector("text=Vous êtes déconnecté")
    finally:
        context.close()
        serving.stop()


def test_on_paper(chromium: Any, shown: Shown) -> None:
    """No menu, no button; what stays is black on white."""
    page = chromium.new_page(locale="fr-FR")
    page.goto(f"{shown.url}/")
    page.emulate_media(media="print")
    assert not page.locator("#menu").is_visible()
    assert not page.locator(".bottom").is_visible()
    assert page.locator(".verdict").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()
