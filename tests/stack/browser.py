"""The desk in a real browser. Tests are skipped where no Chromium is installed. Screenshots go to .work/screens/."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from binlocal.stack import PARAMETERS, Stack, running_stack
from playwright.sync_api import Browser, Page, sync_playwright

from tests.stack.conftest import ROOT, Floor, eventually, plain

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IN_BROWSER = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed."),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
QUOTE = '"'
SCREENS = ROOT / ".work" / "screens"
SECONDS = 30_000  # milliseconds; a bound, not a wait
VIEWS = [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]


@contextmanager
def waiting_site(workdir: Path, drawings: Sequence[bytes], bins: Sequence[str], **parameters: str) -> Iterator[Floor]:
    """A stack of its own, where the bins wait for a look: none holds as many items as ordered."""
    with running_stack(workdir=workdir, schedule_seconds=2, parameters={**PARAMETERS, **parameters}) as stack:
        floor = Floor(stack)
        for bin_id, drawing in zip(bins, drawings, strict=False):
            floor.drop(f"{bin_id}/p.jpg", drawing)
        rows = "\n".join(f'C-1,"{bin_id.replace(QUOTE, 2 * QUOTE)}",40' for bin_id in bins)
        floor.order("orders.csv", f"consignment_id,bin_id,expected\n{rows}\n".encode())
        eventually(lambda: waiting(floor) == set(bins), "the bins wait for a look")
        yield floor


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def signed_in(browser: Browser, stack: Stack, role: str) -> Page:
    assert stack.desk
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(SECONDS)
    page.goto(stack.desk.address)
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=username]").fill(role)
    page.locator("input[name=password]").fill(stack.desk.passwords[role])
    page.keyboard.press("Enter")
    return page


def go(page: Page, address: str) -> None:
    """Go to a page of the desk, and wait until it is there."""
    page.goto(f"{page.url.split('#')[0]}#{address}")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")  # hashchange is over
    page.locator(".page:not([aria-busy])").wait_for(state="attached")
    page.wait_for_load_state("networkidle")


def accessible(page: Page, address: str) -> None:
    """Look at a page in both themes, on a desk and on a phone: axe finds nothing, and nothing scrolls sideways."""
    go(page, address)
    for view in VIEWS:
        seen(page, view, address.replace("?id=", "-")[:40])
        violations = Axe().run(page).response["violations"]
        assert not [(each["id"], [node["target"] for node in each["nodes"]]) for each in violations], view
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (view, "scrolls sideways")


def seen(page: Page, view: tuple[str, int], name: str) -> None:
    """Look at the page in a theme and a width, and take a screenshot."""
    theme, width = view
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    page.screenshot(path=SCREENS / f"{name}-{theme}-{width}.png")


def waiting(floor: Floor, consignment_id: str = "C-1") -> set[str]:
    """The bins that wait for a look."""
    return {bin_id for bin_id, line in floor.lines(consignment_id).items() if line.get("attention") == "look"}


def stored(floor: Floor) -> dict[str, dict[str, Any]]:
    """Each bin's decision that was not undone."""
    pages = floor.dynamodb.get_paginator("scan").paginate(TableName=floor.stack.outputs["DecisionsTable"])
    items = [plain(item) for page in pages for item in page["Items"]]
    standing = [item for item in items if "undone_by" not in item]
    found = {item["bin_id"]: item for item in standing}
    assert len(found) == len(standing), "no answer is stored twice"
    return found


def decisions(floor: Floor) -> dict[str, str]:
    """The count of each bin's decision that was not undone."""
    return {bin_id: item.get("count", "cannot tell") for bin_id, item in stored(floor).items()}
