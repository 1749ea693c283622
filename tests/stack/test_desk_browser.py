"""The review in a real browser: people sign in, count by keyboard, undo, and lose nothing while the desk is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stack.browser import (
    IN_BROWSER,
    SECONDS,
    VIEWS,
    chromium,
    decisions,
    seen,
    signed_in,
    stored,
    waiting,
    waiting_site,
)
from tests.stack.conftest import Floor, eventually

pytestmark = IN_BROWSER
HOSTILE = "<b>bin & 'x'"
BINS = ["A-1", "A-2", "A-3", HOSTILE]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, drawings: list[bytes]) -> Iterator[Floor]:
    with waiting_site(tmp_path_factory.mktemp("desk"), drawings, BINS) as floor:
        yield floor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def taken(page: Page, name: str) -> None:
    for view in VIEWS:
        seen(page, view, name)


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
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    seen(page, VIEWS[0], "keys")
    page.keyboard.press("3")  # does nothing behind the dialog
    page.keyboard.press("Escape")
    expect(name).to_have_text(first)
    page.keyboard.press("r")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
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
    reasons = {bin_id: item.get("reason_code", "") for bin_id, item in stored(site).items()}
    assert reasons == {bin_id: "hidden" if bin_id == first else "" for bin_id in BINS}
    eventually(lambda: not waiting(site), "nothing waits")
    page.context.close()


def test_who_may_only_look_has_lines_and_no_review(site: Floor, browser: Browser) -> None:
    page = signed_in(browser, site.stack, "viewer")

    expect(page.get_by_role("heading", name="Lines")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_role("link", name="Review")).to_have_count(0)
    page.goto(f"{page.url.split('#')[0]}#review")
    expect(page.get_by_role("heading", name="Lines")).to_be_visible(timeout=SECONDS)


def test_two_people_at_once_never_get_the_same_bin(site: Floor, browser: Browser, drawings: list[bytes]) -> None:
    bins = [f"T-{number}" for number in range(8)]
    for bin_id, drawing in zip(bins, drawings, strict=False):
        site.drop(f"{bin_id}/photo.jpg", drawing)
    rows = "\n".join(f"C-2,{bin_id},40" for bin_id in bins)
    site.order("more.csv", f"consignment_id,bin_id,expected\n{rows}\n".encode())
    eventually(lambda: waiting(site, "C-2") == set(bins), "the bins wait for a look")
    pages = [signed_in(browser, site.stack, role) for role in ("counter", "supervisor")]
    for page in pages:
        page.locator("#review").wait_for(timeout=SECONDS)
    answered: list[str] = []

    def each_answers() -> bool:
        for page in pages:
            if page.locator("#review").is_visible():
                answered.append(page.locator("#bin").inner_text())
                page.keyboard.press("1")
        return len(answered) >= len(bins)

    eventually(each_answers, "both answer until nothing waits")
    assert sorted(answered) == bins
    eventually(lambda: {*bins} <= decisions(site).keys(), "every answer is stored, and none twice")
