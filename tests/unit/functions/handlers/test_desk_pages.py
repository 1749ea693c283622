"""The desk's static files."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from bintally.handlers.desk_api import pages
from bintally.handlers.desk_api.pages import FOLDER, TYPES, files, page, security_headers

SECURITY = security_headers("https://sign-in.example", "https://photos.example")


def get(path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer: dict[str, Any] = page(method, path, named, SECURITY)
    return answer["statusCode"], answer["headers"], base64.b64decode(answer["body"])


def test_every_file_has_a_known_type_and_lies_in_the_folder_itself() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} <= set(TYPES)
    assert all(path.is_file() for path in FOLDER.iterdir())


def test_the_page_is_checked_each_time_and_its_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script src="assets/app.js" type="module"></script>')
    (tmp_path / "app.js").write_text("import './a.js'")
    (tmp_path / "a.js").write_text("1")
    found = files(tmp_path)

    (address,) = re.findall(rb'src="(assets/\w{12})/app.js"', found["/"].body)
    assert set(found) == {"/", *(f"/{address.decode()}/{name}" for name in ("app.js", "a.js"))}
    assert {file.caching for path, file in found.items() if path != "/"} == {pages.FOR_EVER}
    assert found["/"].caching == pages.ALWAYS_CHECKED
    (tmp_path / "a.js").write_text("2")
    files.cache_clear()
    assert not set(files(tmp_path)) & set(found) - {"/"}, "another content has another address"


def test_a_page_is_compressed_for_those_who_can_read_that() -> None:
    status, headers, body = get(accept_encoding="gzip, br")

    assert (status, headers["Content-Encoding"], headers["Vary"]) == (200, "gzip", "Accept-Encoding")
    assert gzip.decompress(body) == files()["/"].body == get()[2]
    assert get(method="HEAD")[2] == b""


def test_a_page_that_has_not_changed_is_not_sent_again() -> None:
    etag = get()[1]["ETag"]

    assert (get(if_none_match=etag)[0], get(if_none_match=etag)[2]) == (304, b"")
    assert get(if_none_match='"other"')[0] == 200


@pytest.mark.parametrize("path", ["/index.html", "/../settings.py", "/assets/app.js", "/assets/x/index.html", "//"])
def test_nothing_else_is_served(path: str) -> None:
    assert get(path)[0] == 404
    assert get(path, "POST")[0] == 405


@pytest.mark.parametrize("path", ["/", "/unknown"])
def test_every_answer_forbids_what_the_page_does_not_need(path: str) -> None:
    headers = get(path)[1]
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["img-src"] == "'self' blob: data: https://photos.example"
    assert policy["connect-src"] == "'self' https://sign-in.example https://photos.example"
    assert headers["X-Content-Type-Options"] == "nosniff"


OWN = sorted(path for path in FOLDER.iterdir() if path.suffix in (".css", ".html", ".js"))
MOST = 60_000  # bytes, compressed


def test_the_page_is_light() -> None:
    assert sum(len(file.zipped or file.body) for file in files().values()) <= MOST


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_data_never_becomes_markup_and_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(r"https?://|(?:src|href)=\"//", text)
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=\"", text), "the policy would refuse it"


def test_every_element_that_the_scripts_name_is_in_the_page() -> None:
    page_ids = set(re.findall(r'id="([\w-]+)"', (FOLDER / "index.html").read_text()))
    named = {
        name for path in OWN if path.suffix == ".js" for name in re.findall(r'byId\("([\w-]+)"\)', path.read_text())
    }

    assert named <= page_ids
