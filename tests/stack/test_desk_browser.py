"""The desk in a real browser: people sign in, count by keyboard, undo, and lose nothing while the desk is away.

Needs an installed Chromium, and is skipped without one. Screenshots go to .work/screens/.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from binlocal.stack import Stack, running_stack
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.stack.conftest import ROOT, Floor, eventually, plain

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed."),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
HOSTILE = "<b>bin & 'x'"
BINS = ["A-1", "A-2", "A-3", HOSTILE]
SCREENS = ROOT / ".work" / "screens"
SECONDS = 30_000  # milliseconds; a bound, not a wait


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, drawings: list[bytes]) -> Iterator[Floor]:
    """A stack of its own, where BINS wait for a look: nothing holds as many items as ordered."""
    with running_stack(workdir=tmp_path_factory.mktemp("desk"), schedule_seconds=2) as stack:
        floor = Floor(stack)
        for number, bin_id in enumerate(BINS):
            floor.drop(f"{bin_id}/photo.jpg", drawings[number])
        rows = "\n".join(f'C-1,"{bin_id}",40' for bin_id in BINS)
        floor.order("orders.csv", f"consignment_id,bin_id,expected\n{rows}\n".encode())
        eventually(lambda: waiting(floor) == set(BINS), "the bins wait for a look")
        yield floor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def waiting(floor: Floor) -> set[str]:
    return {bin_id for bin_id, line in floor.lines("C-1").items() if line.get("attention") == "look"}


def decisions(floor: Floor) -> dict[str, str]:
    """The count of each bin's decisions that were not undone."""
    pages = floor.dynamodb.get_paginator("scan").paginate(TableName=floor.stack.outputs["DecisionsTable"])
    stored = [plain(item) for page in pages for item in page["Items"]]
    standing = [item for item in stored if "undone_by" not in item]
    found = {item["bin_id"]: item.get("count", "cannot tell") for item in standing}
    assert len(found) == len(standing), "no answer is stored twice"
    return found


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


def taken(page: Page, name: str) -> None:
    """Screenshots in both themes, on a desk and on a phone."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        for width, height in ((1280, 800), (360, 740)):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=SCREENS / f"{name}-{theme}-{width}.png")


def test_a_person_counts_undoes_and_loses_nothing_while_the_desk_is_away(site: Floor, browser: Browser) -> None:
    page = signed_in(browser, site.stack, "counter")
    name, last = page.locator("#bin"), page.locator("#last-text")
    expect(page.locator("#review")).to_be_visible(timeout=SECONDS)
    taken(page, "review")
    first = name.inner_text()

    page.keyboard.press("3")
    expect(last).to_contain_text(f"{first}: 3 counted; 40 expected by C-1: SHORT")
    page.keyboard.press("u")
    expect(name).to_have_text(first)
    answers = {first: "2"}
    page.keyboard.press("2")
    page.context.set_offline(True)
    answers[name.inner_text()] = "cannot tell"
    page.keyboard.press(" ")
    expect(page.locator("#notice")).to_contain_text("kept here until the desk can be reached")
    taken(page, "offline")
    page.context.set_offline(False)
    expect(page.locator("#notice")).to_be_hidden(timeout=SECONDS)
    answers[name.inner_text()] = "12"
    page.keyboard.press("6")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    answers[name.inner_text()] = "0"
    page.keyboard.press("0")

    expect(page.get_by_role("heading", name="Nothing waits for a look")).to_be_visible(timeout=SECONDS)
    taken(page, "empty")
    eventually(lambda: decisions(site) == answers, "every answer is stored once")
    assert set(answers) == set(BINS), "the hostile id was shown as text"
    eventually(lambda: not waiting(site), "nothing waits")


def test_who_may_only_look_has_lines_and_no_review(site: Floor, browser: Browser) -> None:
    page = signed_in(browser, site.stack, "viewer")

    expect(page.get_by_role("heading", name="Lines")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_role("link", name="Review")).to_have_count(0)
    page.goto(f"{page.url.split('#')[0]}#review")
    expect(page.get_by_role("heading", name="Lines")).to_be_visible(timeout=SECONDS)
