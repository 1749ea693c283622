"""The review in a real browser: people sign in, count by keyboard, undo, and lose nothing while the desk is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from bincli.deployment import Deployment
from bintally.domain.attention import Group
from bintally.domain.decisions import Decision
from bintally.usecases.decide import decide
from playwright.sync_api import Browser, Page, expect

from tests.stack.browser import (
    IN_BROWSER,
    SECONDS,
    VIEWS,
    accessible,
    chromium,
    decisions,
    go,
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
    # Checks after each bin, no line settled without a person, and no audits, which are drawn at random.
    parameters = {"CheckShare": "1", "MatchRisk": "0", "AuditShare": "0"}
    with waiting_site(tmp_path_factory.mktemp("desk"), drawings, BINS, **parameters) as floor:
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


def settle(floor: Floor) -> None:
    """Somebody has counted whatever waits, so that a test does not depend on those before it."""
    deployment = Deployment(floor.stack.name, floor.stack.outputs, floor.stack.client)
    for bin_id in {bin_id for _, bin_id in deployment.orders.queued(Group.LOOK)}:
        decide(deployment, Decision(bin_id, str(uuid4()), "", "bob", "", 1, blind=True), now=datetime.now(UTC))
    eventually(lambda: not [*deployment.orders.queued(Group.LOOK)], "nothing waits")


def test_two_people_at_once_never_get_the_same_bin(site: Floor, browser: Browser, drawings: list[bytes]) -> None:
    settle(site)
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
    for page in pages:
        page.context.close()  # an open page takes new bins


def an_hour_passes(floor: Floor) -> None:
    """All decisions were made an hour earlier."""
    for item in stored(floor).values():
        earlier = datetime.fromisoformat(item["decided_at"]).astimezone(UTC) - timedelta(hours=1)
        at = earlier.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        floor.dynamodb.update_item(
            TableName=floor.stack.outputs["DecisionsTable"],
            Key={name: {"S": item[name]} for name in ("bin_id", "decision_id")},
            UpdateExpression="SET decided_at = :at, decided_on = :day",
            ExpressionAttributeValues={":at": {"S": at}, ":day": {"S": at[:10]}},
        )


def test_photos_that_were_counted_already_come_again_and_change_nothing(
    site: Floor, browser: Browser, drawings: list[bytes]
) -> None:
    settle(site)
    before = decisions(site)
    an_hour_passes(site)
    for bin_id, drawing in zip(("N-1", "N-2"), drawings, strict=False):
        site.drop(f"{bin_id}/photo.jpg", drawing)
    site.order("again.csv", b"consignment_id,bin_id,expected\nC-3,N-1,40\nC-3,N-2,40\n")
    eventually(lambda: waiting(site, "C-3") == {"N-1", "N-2"}, "the bins wait for a look")
    page = signed_in(browser, site.stack, "counter")
    name, last = page.locator("#bin"), page.locator("#last-text")
    page.locator("#review").wait_for(timeout=SECONDS)

    asked = []
    for _ in range(4):  # two bins, each followed by a check
        asked.append(name.inner_text())
        page.keyboard.press("4")
        expect(last).to_contain_text("expected by C-3" if asked[-1] in ("N-1", "N-2") else "a check of how we count")
    page.keyboard.press("u")
    expect(name).to_have_text(asked[-1])
    page.keyboard.press(" ")
    expect(last).to_contain_text("you can't tell; a check of how we count")
    expect(page.get_by_role("heading", name="Nothing waits for a look")).to_be_visible(timeout=SECONDS)

    assert asked[::2] == ["N-1", "N-2"] or asked[::2] == ["N-2", "N-1"]
    assert {*asked[1::2]} <= before.keys()
    assert decisions(site) == before | {"N-1": "4", "N-2": "4"}, "no count is changed by a check"
    page.context.close()
    page = signed_in(browser, site.stack, "supervisor")
    expect(page.get_by_role("heading", name="Nothing waits for a look")).to_be_visible(timeout=SECONDS)
    go(page, "today")
    people = page.get_by_role("region", name="Checks by person").get_by_role("row", name="counter")
    expect(people).to_contain_text("2")
    expect(page.get_by_role("region", name="Counted differently")).to_contain_text(asked[1])
    taken(page, "today-checks")
    page.context.close()


def test_probable_matches_are_confirmed_in_one_go_and_the_marked_ones_stay(
    site: Floor, browser: Browser, drawings: list[bytes]
) -> None:
    bins = [f"G-{number}" for number in range(4)]
    for bin_id, drawing in zip(bins, drawings, strict=False):
        site.drop(f"{bin_id}/photo.jpg", drawing)
    eventually(lambda: all(site.bin(bin_id) for bin_id in bins), "the bins are counted")
    counts = {bin_id: site.bin(bin_id)["count"] for bin_id in bins}
    rows = "\n".join(f"C-4,{bin_id},{count}" for bin_id, count in counts.items())
    site.order("probable.csv", f"consignment_id,bin_id,expected\n{rows}\n".encode())
    eventually(lambda: waiting(site, "C-4") == set(bins), "without any allowed risk, no line is settled")
    before = decisions(site)
    page = signed_in(browser, site.stack, "supervisor")
    page.locator("#review").wait_for(timeout=SECONDS)

    accessible(page, "confirm")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="G-2").click()
    expect(page.get_by_role("button", name="G-2")).to_contain_text("Not confirmed")
    seen(page, ("light", 1280), "confirm-marked")
    page.get_by_role("button", name="Confirm 3 bins").click()
    expect(page.get_by_role("status")).to_contain_text("3 bins confirmed. 1 left for the review.")
    expect(page.get_by_role("heading", name="No probable matches wait")).to_be_visible()
    confirmed = {bin_id: count for bin_id, count in counts.items() if bin_id != "G-2"}
    assert decisions(site) == before | confirmed
    reasons = {item["reason_code"] for bin_id, item in stored(site).items() if bin_id in confirmed}
    assert reasons == {"grid"}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("3 bins wait again.")
    assert decisions(site) == before
    eventually(lambda: waiting(site, "C-4") == set(bins), "all wait again")
