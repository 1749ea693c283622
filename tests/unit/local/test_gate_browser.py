"""The attack itself: a page of another origin, in a real browser, tries to run code through the stack."""

import base64
import io
import json
import os
import shutil
import subprocess
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from tests.unit.local.gated import running_ministack

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
# What a page may send without asking first: POST with text/plain. Then it says what it could read, and that it is done.
PAGE = """<!doctype html><script>
const post = (path, body) => fetch(STACK + path, {method: "POST", headers: {"Content-Type": "text/plain"}, body})
  .then(async answer => `${answer.status} ${await answer.text()}`, error => `no answer: ${error}`);
(async () => {
  const made = await post("/2015-03-31/functions", FUNCTION);
  const invoked = await post("/2015-03-31/functions/attack/invocations", "{}");
  await fetch("/done", {method: "POST", body: JSON.stringify({made, invoked})});
})();
</script>"""


def attack_on(stack_url, written):
    """The page, whose function writes the file `written`."""
    code = f"def handler(event, context):\n    open({str(written)!r}, 'w').write('ran')\n    return 'ran'\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", code)
    function = {
        "FunctionName": "attack",
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
    }
    page = PAGE.replace("STACK", json.dumps(stack_url)).replace("FUNCTION", json.dumps(json.dumps(function)))
    return page.encode()


class Site:
    """A site on a port of its own; `seen` is what its page reported."""

    def __init__(self, page):
        self.seen = None
        self.done = Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(page if self.path == "/" else b"")

            def do_POST(self):
                site.seen = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer(b"")
                site.done.set()

            def answer(self, body):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    @contextmanager
    def running(self):
        with self.server:
            Thread(target=self.server.serve_forever, daemon=True).start()
            yield self
            self.server.shutdown()


@pytest.mark.skipif(not BROWSER, reason=f"none of {', '.join(BROWSERS)} is installed")
def test_a_page_of_another_origin_runs_no_code_and_reads_nothing(tmp_path):
    written = tmp_path / "written-by-the-page"
    with (
        running_ministack(tmp_path) as stack,
        Site(attack_on(stack["AWS_ENDPOINT_URL"], written)).running() as site,
    ):
        command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", site.url]
        environment = {**os.environ, "HOME": str(tmp_path)}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as browser:
            reported = site.done.wait(60)
            browser.terminate()

    assert reported, "the page never ran"
    assert not written.exists()
    assert {name: report.split(":")[0] for name, report in site.seen.items()} == dict.fromkeys(site.seen, "no answer")
