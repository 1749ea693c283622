"""How smoothly the desk scrolls through thousands of order lines, in a real browser.

    python -m benchmarks.scrolling                # 2,000 lines: about a minute
    python -m benchmarks.scrolling --lines 500 --json

The lines are overdue and their bins have no photo, so all of them wait for a supervisor. A script scrolls from the
first to the last, 120 pixels a frame, while the page fetches the next ones. States the milliseconds between two frames:
a browser draws one each 16.7 ms. Needs an installed Chromium.

Exit status 1 if a line is missing on the page.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from statistics import median, quantiles
from typing import Any

from bincli.deployment import ROOT, Deployment
from binlocal.stack import running_stack
from bintally.domain.attention import Group
from playwright.sync_api import sync_playwright

from benchmarks.desk import FLAGS, signed_in

WAIT = 300  # seconds until all lines must wait
SCROLL = """
(lines) => new Promise((done) => {
  const times = [];
  let last = performance.now();
  const frame = (now) => {
    times.push(now - last);
    last = now;
    const shown = document.querySelectorAll("tbody tr").length;
    const atEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
    if ((atEnd && shown >= lines) || times.length > 60 * lines) return done({ times: times.slice(1), shown });
    scrollBy(0, 120);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=2_000, help="order lines (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def bring_lines(deployment: Deployment, lines: int) -> None:
    """An order file of so many lines that are overdue; ends when all of them wait."""
    rows = "\n".join(f"C-{number // 50},B-{number},3,2026-01-02" for number in range(lines))
    text = f"consignment_id,bin_id,expected,due_at\n{rows}\n".encode()
    deployment.client("s3").put_object(Bucket=deployment.outputs["OrdersBucket"], Key="many.csv", Body=text)
    ends = time.monotonic() + WAIT
    while deployment.orders.count_queued(Group.ACT, lines) < lines:
        if time.monotonic() > ends:
            sys.exit(f"scrolling.py: after {WAIT} seconds not all lines wait.")
        time.sleep(1)


def run(lines: int, chromium: str) -> dict[str, Any]:
    with running_stack(workdir=ROOT / ".work" / "scrolling-benchmark", schedule_seconds=2) as stack:
        bring_lines(Deployment(stack.name, stack.outputs, stack.client), lines)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = signed_in(browser, stack, "supervisor")
            page.get_by_role("navigation").wait_for()
            page.goto(f"{page.url.split('#')[0]}#lines?group=act")
            page.locator("tbody tr").first.wait_for()
            found = page.evaluate(SCROLL, lines)
    times = found["times"]
    return {
        "lines": lines, "shown": found["shown"], "frames": len(times),
        "frame_ms": {"p50": round(median(times), 1), "p95": round(quantiles(times, n=20)[-1], 1), "max": max(times)},
        "over_50_ms": sum(each > 50 for each in times),
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("scrolling.py: Chromium is not installed.")
    found = run(options.lines, chromium)
    print(json.dumps(found, indent=None if options.json else 2))
    return 0 if found["shown"] == options.lines else 1


if __name__ == "__main__":
    sys.exit(main())
