"""A small S3 on 127.0.0.1 that answers what collect.py asks, counts it, and fails as a test says."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 7  # keys in a page of a listing, so that a few make several


class FakeS3:
    """A bucket `bins` with `objects` by key. `faults` are what the next answers for a key are: busy, cut or other."""

    def __init__(self, root: Path | None = None) -> None:
        files = [path for path in root.rglob("*.*") if path.is_file()] if root else []
        self.objects = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
        self.faults: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.signed: list[str] = []
        self.endpoint = ""

    def page(self, prefix: str, after: str) -> str:
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        entries = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys[:PAGE])
        more = len(keys) > PAGE
        token = f"<NextContinuationToken>{escape(keys[PAGE - 1])}</NextContinuationToken>" if more else ""
        return f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}</ListBucketResult>"


@contextmanager
def serving(bucket: FakeS3) -> Iterator[FakeS3]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            _, name, key = f"{unquote(url.path)}/".split("/", 2)
            key, asked = key.rstrip("/"), parse_qs(url.query)
            bucket.signed += [key] if "Authorization" in self.headers else []
            if "list-type" in asked:
                bucket.asked["list"] += 1
                page = bucket.page(asked.get("prefix", [""])[0], asked.get("continuation-token", [""])[0])
                return self.answer(200, page.encode())
            bucket.asked[key] += 1
            fault = bucket.faults.get(key, []).pop(0) if bucket.faults.get(key) else None
            if fault == "busy":
                return self.answer(503, b"<Error><Code>SlowDown</Code><Message>Slower, please</Message></Error>")
            if name != "bins" or key not in bucket.objects:
                return self.answer(404, b"<Error><Code>NoSuchKey</Code><Message>No such key</Message></Error>")
            return self.answer(200, bucket.objects[key], fault)

        def answer(self, status: int, body: bytes, fault: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')
            self.end_headers()
            sent = {"cut": body[: len(body) // 2], "other": bytes(len(body))}.get(fault or "", body)
            self.wfile.write(sent)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        bucket.endpoint = f"http://127.0.0.1:{server.server_port}"
        try:
            yield bucket
        finally:
            server.shutdown()
            thread.join()
