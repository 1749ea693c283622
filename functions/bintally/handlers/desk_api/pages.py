"""The desk's static files: hashed addresses, compression, ETag and a strict Content-Security-Policy.

`/` is `index.html`, with `assets/` in it replaced by `assets/<hash of all files>/`. The other files of the folder are
served below that address and never change there, so browsers keep them for a year.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "desk"
INDEX = "index.html"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
COMPRESSED = (".png", ".woff2")  # already
FOR_EVER, ALWAYS_CHECKED = "public, max-age=31536000, immutable", "no-cache"


@dataclass(frozen=True)
class File:
    """A file as it is sent. `zipped` is None where that would not make it smaller."""

    body: bytes
    zipped: bytes | None
    media_type: str
    caching: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@cache
def files(folder: Path = FOLDER) -> Mapping[str, File]:
    """The files by their paths."""
    bodies = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in TYPES}
    joined = b"".join(name.encode() + b"\0" + hashlib.sha256(body).digest() for name, body in bodies.items())
    assets = f"assets/{hashlib.sha256(joined).hexdigest()[:12]}/"
    index = bodies.pop(INDEX).replace(b"assets/", assets.encode())
    found = {f"/{assets}{name}": _file(name, body, FOR_EVER) for name, body in bodies.items()}
    return {"/": _file(INDEX, index, ALWAYS_CHECKED), **found}


def _file(name: str, body: bytes, caching: str) -> File:
    suffix = Path(name).suffix
    zipped = None if suffix in COMPRESSED else gzip.compress(body, mtime=0)
    return File(body, zipped, TYPES[suffix], caching)


def security_headers(sign_in_url: str, photos_url: str) -> dict[str, str]:
    """Nothing runs and nothing is loaded but the desk's own files, and photos. The URLs are origins, or ""."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' blob: data: {photos_url}",
        "connect-src": f"'self' {sign_in_url} {photos_url}",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {' '.join(value.split())}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
    }


def page(method: str, path: str, headers: Mapping[str, str], security: Mapping[str, str]) -> dict[str, Any]:
    """The answer of payload format 2.0. The names in `headers` are in lower case, as API Gateway sends them."""
    if method not in ("GET", "HEAD"):
        return _answer(405, {**security, "Allow": "GET, HEAD"}, b"Method not allowed.")
    file = files().get(path)
    if file is None:
        return _answer(404, security, b"Not found.")
    sent = {**security, "Content-Type": file.media_type, "Cache-Control": file.caching, "ETag": file.etag}
    sent["Vary"] = "Accept-Encoding"
    if file.etag in headers.get("if-none-match", ""):
        return _answer(304, sent, b"")
    zipped = file.zipped if "gzip" in headers.get("accept-encoding", "") else None
    if zipped is not None:
        sent["Content-Encoding"] = "gzip"
    return _answer(200, sent, b"" if method == "HEAD" else zipped or file.body)


def _answer(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    default = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    encoded = base64.b64encode(body).decode()
    return {"statusCode": status, "headers": {**default, **headers}, "body": encoded, "isBase64Encoded": True}
