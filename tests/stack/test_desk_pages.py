"""The pages of the desk in a real browser: lines, consignments, bins, the day, bringing in and taking out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from bintally.domain.canary import PREFIX
from playwright.sync_api import Browser, Page, Route, expect

from tests.stack.browser import IN_BROWSER, SECONDS, accessible, chromium, go, seen, signed_in, waiting_site
from tests.stack.conftest import Floor, eventually

pytestmark = IN_BROWSER
HOSTILE = "<img src=x onerror=alert(1)> & 'q' \u202eabc"
BINS = ["A-1", "A-2", HOSTILE]
PAGES = [
    "review",
    "confirm",
    "lines",
    "consignments",
    "consignment?id=C-1",
    "bins",
    "bins?id=A-1",
    "today",
    "bring-in",
    "take-out",
]
LINES = 2_000
ORDERS = "consignment_id,bin_id,expected\nC-9,B-1,3\nC-9,B-2,many\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, drawings: list[bytes]) -> Iterator[Floor]:
    with waiting_site(tmp_path_factory.mktemp("desk-pages"), drawings, BINS) as floor:
        yield floor


@pytest.fixture(scope="module")
def supervisor(site: Floor) -> Iterator[Page]:
    with chromium() as browser:
        page = signed_in(browser, site.stack, "supervisor")
        page.get_by_role("navigation").wait_for()
        yield page


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_accessible_in_both_themes_on_a_desk_and_on_a_phone(supervisor: Page, address: str) -> None:
    accessible(supervisor, address)


def test_a_bin_is_found_by_scanning_one_after_the_other_and_hostile_ids_are_text(supervisor: Page) -> None:
    go(supervisor, "bins")
    expect(supervisor.get_by_role("textbox", name="Bin")).to_be_focused()
    for scanned, shown in (("A-1", "A-1"), ("nowhere", "No such bin"), (HOSTILE, HOSTILE)):
        supervisor.keyboard.type(scanned)  # what was there is selected, so it is replaced
        supervisor.keyboard.press("Enter")
        expect(supervisor.get_by_role("heading", name=shown, exact=True)).to_be_visible(timeout=SECONDS)
        expect(supervisor.get_by_role("textbox", name="Bin")).to_be_focused()
    assert not supervisor.locator("img[src='x']").count()


def test_a_supervisor_accepts_a_difference_that_somebody_counted(site: Floor, supervisor: Page) -> None:
    go(supervisor, "review")
    supervisor.locator("#review").wait_for()
    bin_id = supervisor.locator("#bin").inner_text()
    supervisor.keyboard.press("2")
    eventually(lambda: site.lines("C-1")[bin_id].get("attention") == "act", "the line waits for a supervisor")

    go(supervisor, "consignment?id=C-1")
    supervisor.get_by_label(f"Reason to accept {bin_id}").select_option("damaged")
    supervisor.get_by_role("button", name="Accept").click()
    expect(supervisor.get_by_text("Damaged items, supervisor")).to_be_visible(timeout=SECONDS)
    eventually(lambda: "attention" not in site.lines("C-1")[bin_id], "the line waits no longer")
    go(supervisor, "today")
    expect(supervisor.get_by_text("1 undone").or_(supervisor.get_by_text("0 undone"))).to_be_visible(timeout=SECONDS)
    go(supervisor, f"bins?id={quote(bin_id)}")
    expect(supervisor.get_by_text("2 by supervisor")).to_be_visible(timeout=SECONDS)


def test_photos_and_orders_are_brought_in_and_what_is_wrong_is_said(
    site: Floor, supervisor: Page, drawings: list[bytes], tmp_path: Path
) -> None:
    files = {"B-1.jpg": drawings[3], "B-2.jpg": drawings[4], "notes.txt": b"no photo"}
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    go(supervisor, "bring-in")
    supervisor.locator("input[type=file][multiple]").set_input_files([tmp_path / name for name in files])

    expect(supervisor.get_by_text("not sent: not a photo (JPEG or PNG)")).to_be_visible(timeout=SECONDS)
    expect(supervisor.get_by_text("2 of 3 photos done, 1 failed.")).to_be_visible(timeout=SECONDS)
    assert site.bin("B-1") and site.bin("B-2")

    supervisor.get_by_label("Or paste rows, with a heading").fill(ORDERS)
    supervisor.get_by_role("button", name="Check the orders").click()
    expect(supervisor.get_by_text("1 line can be imported, 1 row is wrong.")).to_be_visible(timeout=SECONDS)
    supervisor.get_by_role("button", name="Import the good rows").click()
    expect(supervisor.get_by_role("link", name="C-9")).to_be_visible(timeout=SECONDS)
    eventually(lambda: set(site.lines("C-9")) == {"B-1"}, "the good row is imported")


def test_one_bad_name_and_one_failed_upload_stop_no_other_photo(
    site: Floor, supervisor: Page, drawings: list[bytes], tmp_path: Path
) -> None:
    """The desk refuses names of the smoke test's photos."""
    names = ["F-1.jpg", f"{PREFIX}x.jpg", "F-2.jpg", "F-3.jpg"]
    for name, drawing in zip(names, drawings, strict=False):
        (tmp_path / name).write_bytes(drawing)
    failed: list[str] = []

    def fail_once(route: Route) -> None:
        is_first = route.request.method == "PUT" and "F-2.jpg" in route.request.url and not failed
        failed.append(route.request.url) if is_first else None
        route.abort() if is_first else route.continue_()

    go(supervisor, "today")  # leaves the list of another test
    go(supervisor, "bring-in")
    supervisor.route("**/*", fail_once)
    supervisor.locator("input[type=file][multiple]").set_input_files([tmp_path / name for name in names])
    expect(supervisor.get_by_text("2 of 4 photos done, 2 failed.")).to_be_visible(timeout=SECONDS)
    supervisor.get_by_role("button", name="Send the failed ones again").click()
    expect(supervisor.get_by_text("3 of 4 photos done, 1 failed.")).to_be_visible(timeout=SECONDS)
    supervisor.unroute("**/*")
    assert len(failed) == 1
    assert all(site.bin(bin_id) for bin_id in ("F-1", "F-2", "F-3"))


def test_what_waits_is_taken_out_as_csv_and_on_paper(supervisor: Page) -> None:
    go(supervisor, "take-out")
    with supervisor.expect_download() as download:
        supervisor.get_by_role("button", name="Download Lines that wait as CSV").click()
    text = download.value.path().read_text("utf-8-sig")
    assert text.splitlines()[0].startswith("consignment_id,bin_id,expected")
    assert "C-1" in text

    supervisor.evaluate("window.print = () => document.body.dataset.printed = 'yes'")
    supervisor.get_by_role("button", name="Print").click()
    expect(supervisor.locator("body[data-printed=yes]")).to_be_attached(timeout=SECONDS)
    assert "40" not in supervisor.get_by_role("table", name="Bins to count").inner_text(), "people count blind"


def test_a_counter_sees_only_the_pages_of_a_counter(site: Floor, supervisor: Page) -> None:
    browser = supervisor.context.browser
    assert isinstance(browser, Browser)
    page = signed_in(browser, site.stack, "counter")
    page.get_by_role("navigation").wait_for()

    assert page.get_by_role("navigation").get_by_role("link").all_inner_texts() == [
        "Review",
        "Bins",
        "Today",
        "Bring in",
    ]
    go(page, "bins?id=A-2")
    expect(page.get_by_text("Hidden until somebody has counted this photo")).to_be_visible(timeout=SECONDS)


def test_two_thousand_lines_come_while_somebody_scrolls(supervisor: Page) -> None:
    supervisor.route("**/api/lines?*", many_lines)
    supervisor.set_viewport_size({"width": 1280, "height": 800})
    go(supervisor, "lines?verdict=SHORT")
    rows = supervisor.locator("tbody tr")

    while (shown := rows.count()) < LINES:
        supervisor.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(rows).not_to_have_count(shown)

    expect(rows.last).to_contain_text(f"B-{LINES - 1}")
    seen(supervisor, ("light", 1280), "lines-2000")
    expect(supervisor.get_by_role("button", name="Show more")).to_be_hidden()
    supervisor.unroute("**/api/lines?*")


def many_lines(route: Route) -> None:
    """A page of LINES lines that wait."""
    asked = parse_qs(urlsplit(route.request.url).query)
    start, limit = int(asked.get("after", ["0"])[0]), int(asked["limit"][0])
    end = min(start + limit, LINES)
    line = {
        "consignment_id": "C-1", "expected": 3, "due_at": None, "verdict": "SHORT", "reason": "2 counted, 3 expected.",
        "risk": 0.9, "counted": 2, "counted_at_least": None, "probability_fewer": 0.9, "probability_more": 0.0,
        "overdue": False, "waits_for": "look", "accepted": None, "cancelled": False,
    }  # fmt: skip
    lines = [{**line, "bin_id": f"B-{number}"} for number in range(start, end)]
    route.fulfill(json={"lines": lines, "next": str(end) if end < LINES else None})
