"""Bins and consignments in a real browser: what a supervisor asks for, enlarged photos, and ids that try to do harm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from bincli.deployment import Deployment
from bintally.domain.decisions import Decision
from bintally.usecases.decide import decide
from playwright.sync_api import Browser, Page, expect

from tests.stack.browser import IN_BROWSER, SECONDS, accessible, chromium, go, signed_in, stored, waiting, waiting_site
from tests.stack.conftest import Floor, eventually

pytestmark = IN_BROWSER
MARKUP = "<script>alert(1)<svg onload=alert(4)><img src=x onerror=alert(2)>"
QUOTES = '\'" onfocus=alert(3) autofocus x="&amp;#{}?id=&\\'
REVERSED = "abc\u202e\u2067gpj.exe"
LONG = "LL" + "é" * 508  # with the name of its photo 1,024 bytes, the longest key
HOSTILE = [MARKUP, QUOTES, REVERSED, LONG]
BINS = ["A-1", "A-2", "A-3", *HOSTILE]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, drawings: list[bytes]) -> Iterator[Floor]:
    with waiting_site(tmp_path_factory.mktemp("desk-bins"), drawings, BINS) as floor:
        yield floor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def supervisor(site: Floor, browser: Browser) -> Page:
    page = signed_in(browser, site.stack, "supervisor")
    page.on("dialog", lambda dialog: pytest.fail(f"a script of the data ran: {dialog.message}"))
    page.get_by_role("navigation").wait_for()
    return page


@pytest.mark.parametrize("bin_id", HOSTILE, ids=["markup", "quotes", "reversed", "long"])
def test_a_hostile_id_is_text(supervisor: Page, bin_id: str) -> None:
    accessible(supervisor, f"bins?id={quote(bin_id, '')}")
    expect(supervisor.get_by_role("heading", name=bin_id, exact=True)).to_have_text(bin_id)
    expect(supervisor.get_by_role("textbox", name="Bin")).to_have_value(bin_id)
    expect(supervisor.get_by_text("was uploaded.")).to_be_visible()
    assert not supervisor.locator("main script, img[src=x], [onfocus], [onerror]").count()


def test_a_consignment_of_hostile_ids_is_a_table_of_text(supervisor: Page) -> None:
    accessible(supervisor, "consignment?id=C-1")
    supervisor.set_viewport_size({"width": 1280, "height": 800})
    for bin_id in BINS:
        expect(supervisor.get_by_role("link", name=bin_id, exact=True)).to_be_attached()
    assert not supervisor.locator("main script, img[src=x], [onfocus], [onerror]").count()
    supervisor.get_by_role("link", name=MARKUP, exact=True).click()
    expect(supervisor.get_by_role("heading", name=MARKUP, exact=True)).to_be_visible(timeout=SECONDS)


def test_consignments_that_wait_lead_to_their_lines(supervisor: Page) -> None:
    go(supervisor, "consignments")
    row = supervisor.get_by_role("row").filter(has=supervisor.get_by_role("link", name="C-1", exact=True))
    expect(row.get_by_role("cell").nth(3)).to_have_text(str(len(BINS)))
    row.get_by_role("link").click()
    expect(supervisor.get_by_role("heading", name="Consignment C-1")).to_be_visible(timeout=SECONDS)


def test_a_photo_opens_large_and_a_scan_goes_on_from_there(supervisor: Page) -> None:
    go(supervisor, "bins?id=A-1")
    supervisor.get_by_role("button", name="Photo of bin A-1").first.click()
    large = supervisor.get_by_role("dialog", name="Photo of bin A-1")
    expect(large.get_by_role("img")).to_have_js_property("complete", True, timeout=SECONDS)
    supervisor.keyboard.press("Escape")
    expect(large).to_have_count(0)

    supervisor.get_by_role("button", name="Photo of bin A-1").first.click()
    supervisor.keyboard.type("A-2")
    supervisor.keyboard.press("Enter")
    expect(supervisor.get_by_role("heading", name="A-2", exact=True)).to_be_visible(timeout=SECONDS)


@pytest.mark.parametrize(("typed", "said"), [("nowhere", "No such bin"), ("x" * 1025, "Not the number of a bin")])
def test_what_is_no_bin_is_said_and_the_field_stays(supervisor: Page, typed: str, said: str) -> None:
    go(supervisor, "bins")
    supervisor.get_by_role("textbox", name="Bin").fill(typed)
    supervisor.keyboard.press("Enter")
    expect(supervisor.get_by_role("heading", name=said)).to_be_visible(timeout=SECONDS)
    expect(supervisor.get_by_role("textbox", name="Bin")).to_be_focused()


def test_a_supervisor_asks_for_a_new_photo_and_for_another_look(site: Floor, supervisor: Page) -> None:
    go(supervisor, "consignment?id=C-1")
    row = supervisor.get_by_role("row").filter(has=supervisor.get_by_role("link", name="A-3", exact=True))
    row.get_by_text("Ask for…").click()
    row.get_by_role("button", name="A new photo").click()
    expect(row.get_by_role("status")).to_contain_text("A new photo is asked for", timeout=SECONDS)
    eventually(lambda: "Take a new photo" in site.lines("C-1")["A-3"]["reason"], "the line says so")
    assert stored(site)["A-3"]["reason_code"] == "new_photo"
    second = Decision("A-3", "second", stored(site)["A-3"]["image_id"], "bob", "", 2)
    decide(Deployment(site.stack.name, site.stack.outputs, site.stack.client), second, now=datetime.now(UTC))

    go(supervisor, "bins?id=A-3")
    supervisor.get_by_text("Ask for…").click()
    supervisor.get_by_role("button", name="Another look, without what people answered").click()
    expect(supervisor.get_by_text("It waits in the review again.")).to_be_visible(timeout=SECONDS)
    eventually(lambda: "A-3" in waiting(site), "the line waits for a look")
    assert "A-3" not in stored(site), "neither answer stands"


def test_a_supervisor_has_the_model_count_again(site: Floor, supervisor: Page) -> None:
    go(supervisor, "bins?id=A-2")
    supervisor.get_by_text("Ask for…").click()
    supervisor.get_by_role("button", name="Another count by the model").click()
    expect(supervisor.get_by_text("The model counts the photo again.")).to_be_visible(timeout=SECONDS)
    eventually(lambda: site.bin("A-2").get("recounts") == "1", "the bin shows the new count")


def test_a_counter_reads_that_numbers_are_hidden_and_can_ask_for_nothing(site: Floor, browser: Browser) -> None:
    page = signed_in(browser, site.stack, "counter")
    page.get_by_role("navigation").wait_for()
    go(page, "bins?id=A-1")
    expect(page.get_by_text("Hidden until somebody has counted this photo")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("Without counts, orders and verdicts")).to_be_visible()
    expect(page.get_by_text("Ask for…")).to_have_count(0)
    assert "40" not in page.locator("main").inner_text()
