"""Awkward and malicious keys; S3 accepts each of them."""

from __future__ import annotations

import unicodedata

from tests.unit.functions.examples import HOSTILE_KEYS

MORE_KEYS = [
    " ",
    "  a  b  .jpg",
    "a/ leading.jpg",
    "a/trailing .jpg",
    "+",
    "a+b/c+d.jpg",
    "%",
    "%41/%2e%2e/%00.jpg",
    "a%2Fb.jpg",
    "100%25.jpg",
    unicodedata.normalize("NFC", "é/é.jpg"),
    unicodedata.normalize("NFD", "é/é.jpg"),
    "../../../etc/passwd",
    "a//b.jpg",
    "/",
    "a\r\nb.jpg",
    "a\tb.jpg",
    "a/\x1b[31mred.jpg",
    "\ufeffa.jpg",
    "a\u200bb.jpg",
    "a/?versionId=1#top",
    "a&b=c.jpg",
    "'; DROP TABLE Images; --",
    "a`id`$(id).jpg",
    "<script>alert(1)</script>.jpg",
    "{{7*7}}.jpg",
    '{"image_id": "x"}',
    "a/photo.jpg.out",
    "async/output/x.out",
    "jobs/",
    "s3://intake/a.jpg",
    "arn:aws:s3:::intake/a.jpg",
    "CON.jpg",
    "😀/👩‍👩‍👧.jpg",
    "a\\b\\c.jpg",
    "~root/.ssh/id_rsa",
]
KEYS = [*HOSTILE_KEYS, *MORE_KEYS]
