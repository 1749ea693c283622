"""People at the desk: a script answers every bin that waits, in a real browser, with what the label says.

    python benchmarks/desk.py --images DIR                       # 200 photos: about four minutes
    python benchmarks/desk.py --images DIR --limit 20 --json
    python benchmarks/desk.py --images DIR --out .work/labelled  # and export the answers as `bintally labels export`

One order line in six is altered. A counter answers until nothing waits, then a supervisor who takes the second looks.
States the milliseconds from a key to the next photo on the screen, and checks that every answer is stored once, that
each line has the verdict of its answer, and that `Today` counts them all. Needs an installed Chromium.

Exit status 1 if an answer is lost or stored twice, or if a verdict or a figure of the day is wrong.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bincli.demo.drop import run_drop
from bincli.demo.photos import Photo, balanced, in_folder
from bincli.demo.run import bring_orders, make_orders
from bincli.deployment import ROOT, Deployment
from bincli.output import Output
from binlocal.stack import Stack, running_stack
from bintally.domain.attention import Group
from bintally.domain.bins import bin_id_of
from playwright.sync_api import Browser, Locator, Page, TimeoutError, sync_playwright

PEOPLE = ("counter", "supervisor")
TWO_LOOKS = 12_000  # milliseconds; the page looks for work every 5 seconds
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# From a key to the frame that shows the next photo, in milliseconds.
STOPWATCH = """
window.times = [];
let pressed;
addEventListener("keydown", () => { pressed = performance.now(); }, true);
new MutationObserver(() => {
  if (pressed === undefined) return;
  const since = pressed;
  pressed = undefined;
  document.getElementById("photo").decode().then(() =>
    requestAnimationFrame(() => requestAnimationFrame(() => window.times.push(performance.now() - since))));
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["src"] });
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of labelled photos, or the dataset's")
    parser.add_argument("--limit", type=int, default=200, help="photos (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two answers (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="then export the answers as labels to DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def signed_in(browser: Browser, stack: Stack, person: str) -> Page:
    if stack.desk is None:
        sys.exit("desk.py: the stack has no desk.")
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(STOPWATCH)
    page.goto(stack.desk.address)
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=username]").fill(person)
    page.locator("input[name=password]").fill(stack.desk.passwords[person])
    page.keyboard.press("Enter")
    return page


def answer_all(page: Page, labels: dict[str, int], pause: float) -> list[str]:
    """Answer until nothing waits. Returns the bins that were answered, in order."""
    answered: list[str] = []
    while shown(page.locator("#review")):
        bin_id = page.locator("#bin").inner_text()
        answered.append(bin_id)
        press(page, labels[bin_id])
        time.sleep(pause)
    return answered


def shown(review: Locator) -> bool:
    """Whether there is a photo now, or the page's next look for work brings one."""
    try:
        review.wait_for(timeout=TWO_LOOKS)
    except TimeoutError:
        return False
    return True


def press(page: Page, count: int) -> None:
    page.keyboard.press(str(min(count, 6)))
    if count > 5:
        page.keyboard.type(str(count))
        page.keyboard.press("Enter")


def wrong_verdicts(deployment: Deployment, labels: dict[str, int], answered: set[str]) -> list[str]:
    """The bins whose line has not the verdict that their answer gives."""
    verdicts = {-1: "SHORT", 0: "MATCH", 1: "OVER"}
    lines = [line for line in deployment.orders.all() if line.bin_id in answered]
    return [line.bin_id for line in lines if line.verdict != verdicts[_sign(labels[line.bin_id] - line.expected)]]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def run(photos: Sequence[Photo], browser: Browser, options: argparse.Namespace, output: Output) -> dict[str, Any]:
    labels = {bin_id_of(photo.key): photo.label for photo in photos if photo.label is not None}
    with running_stack(workdir=ROOT / ".work" / "desk-benchmark", schedule_seconds=2) as stack:
        deployment = Deployment(stack.name, stack.outputs, stack.client)
        bring_orders(deployment, "orders.csv", make_orders(list(photos), datetime.now(UTC)), output)
        run_drop(photos, deployment, err=output.err)
        waiting = deployment.orders.count_queued(Group.LOOK, 10_000)
        started, answered, times = time.monotonic(), Counter[str](), []
        for person in PEOPLE:
            page = signed_in(browser, stack, person)
            answered.update(answer_all(page, labels, options.pause))
            times += page.evaluate("window.times")
            day = page.evaluate(
                "fetch('api/today', {headers: {Authorization: `Bearer ${sessionStorage.getItem('bintally.token')}`}})"
                ".then((answer) => answer.json())"
            )
            page.context.close()
        seconds = time.monotonic() - started
        stored = Counter(each.bin_id for bin_id in labels for each in deployment.decisions.of_bin(bin_id))
        if options.out:
            export(stack, options.out)
        return {
            "photos": len(photos), "waiting": waiting, "answers": answered.total(), "bins": len(answered),
            "lost": (answered - stored).total(), "twice": (stored - answered).total(),
            "wrong_verdicts": wrong_verdicts(deployment, labels, set(answered)),
            "today_is_right": day["looks"]["done"] == answered.total() and not day["waiting"]["look"],
            "still_waiting": deployment.orders.count_queued(Group.LOOK, 10_000),
            "key_to_next_ms": {"p50": round(median(times), 1), "p95": round(quantiles(times, n=20)[-1], 1)},
            "seconds": round(seconds, 1),
        }  # fmt: skip


def export(stack: Stack, folder: Path) -> None:
    """The answers as `bintally labels export` writes them."""
    import os
    import subprocess

    command = [str(Path(sys.executable).parent / "bintally"), "labels", "export", str(folder), "--stack", stack.name]
    subprocess.run(command, check=True, env={**os.environ, **stack.environment})


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("desk.py: Chromium is not installed.")
    photos = balanced(in_folder(options.images), options.limit)
    if not photos:
        sys.exit(f"desk.py: {options.images} has no labelled photos.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        found = run(photos, browser, options, Output.standard())
    print(json.dumps(found, indent=None if options.json else 2))
    wrong = [name for name in ("lost", "twice", "wrong_verdicts", "still_waiting") if found[name]]
    return 1 if wrong or not found["today_is_right"] else 0


if __name__ == "__main__":
    sys.exit(main())
