import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from binmodel.artifact import shipped
from binmodel.images import ImageError
from binmodel.manifest import Entry

from model_code import serve
from tests.unit.model_code.sample_images import NoMemory, grey_image, jpeg, light_predictor, png
from tests.unit.model_code.servers import LINES, all_of, begin, running

PHOTOS = {
    "photos/five.jpg": jpeg(grey_image(5)),
    "photos/two.png": png(grey_image(2)),
    "photos/text.jpg": b"not an image",
}
MODEL = "lightness@0123456789ab"


def read(entry: Entry) -> bytes:
    if entry.problem:
        raise entry.problem
    try:
        return PHOTOS[f"{entry.bucket}/{entry.key}"]
    except KeyError as error:
        raise ImageError("not_found", "The photo is not in the bucket.") from error


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(serve.build_app(light_predictor(), read, serve.Settings())) as client:
        yield client


def manifest(*keys: str) -> bytes:
    return "".join(json.dumps({"image_id": f"id-{key}", "uri": f"s3://photos/{key}"}) + "\n" for key in keys).encode()


def test_a_manifest_gives_one_line_for_each_line_in_order(client: httpx.Client) -> None:
    body = manifest("five.jpg", "text.jpg", "gone.jpg") + b"nonsense\n" + manifest("two.png")
    answer = client.post("/invocations", content=body, headers=LINES)
    lines = [json.loads(line) for line in answer.text.splitlines()]

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jsonlines")
    assert [line["image_id"] for line in lines] == ["id-five.jpg", "id-text.jpg", "id-gone.jpg", None, "id-two.png"]
    assert [line.get("count") for line in lines] == [5, None, None, None, 2]
    codes = [line["error"]["code"] for line in lines if "error" in line]
    assert codes == ["unsupported_format", "not_found", "bad_manifest_line"]
    assert {line["model"] for line in lines} == {MODEL}
    assert list(lines[0]["probabilities"]) == ["1", "2", "3", "4", "5"]


def test_an_empty_manifest_gives_an_empty_response(client: httpx.Client) -> None:
    answer = client.post("/invocations", content=b"\n", headers=LINES)

    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "application/x-image", "Image/JPEG; quality=1"])
def test_one_image_gives_one_object(client: httpx.Client, kind: str) -> None:
    answer = client.post("/invocations", content=PHOTOS["photos/five.jpg"], headers={"content-type": kind})

    assert answer.status_code == 200
    assert (answer.json()["count"], answer.json()["model"]) == (5, MODEL)


def test_an_invalid_image_is_a_400_with_the_reason(client: httpx.Client) -> None:
    answer = client.post("/invocations", content=b"", headers={"content-type": "image/jpeg"})

    assert answer.status_code == 400
    assert answer.json() == {"error": {"code": "empty_file", "message": "The file is empty (0 bytes)."}, "model": MODEL}


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/csv"}])
def test_other_content_is_a_415_that_names_the_accepted_types(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.post("/invocations", content=b"1,2", headers=headers)

    assert answer.status_code == 415
    assert "application/jsonlines" in answer.text


def test_a_request_over_the_limit_is_a_413(client: httpx.Client) -> None:
    with running(serve.build_app(light_predictor(), read, serve.Settings(max_payload_mb=1))) as small:
        assert small.post("/invocations", content=b" " * 2**20, headers=LINES).status_code == 200
        assert small.post("/invocations", content=b" " * (2**20 + 1), headers=LINES).status_code == 413
    assert client.post("/invocations", content=b"\n" * (serve.MAX_LINES + 1), headers=LINES).status_code == 413


def test_execution_parameters_follow_the_transform_job() -> None:
    env = {"SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "4", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"}
    with running(serve.build_app(light_predictor(), read, serve.Settings.from_environment(env))) as client:
        answer = client.get("/execution-parameters").json()

    assert answer == {"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 6}


@pytest.mark.parametrize(
    ("variables", "concurrency"),
    [
        ({}, 2),
        ({"BINTALLY_CONCURRENT_REQUESTS": "8"}, 8),
        ({"BINTALLY_CONCURRENT_REQUESTS": "8", "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "4"}, 4),
        ({"BINTALLY_CONCURRENT_REQUESTS": "8", "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": ""}, 8),
    ],
)
def test_the_concurrency_comes_from_the_environment(variables: dict[str, str], concurrency: int) -> None:
    assert serve.Settings.from_environment(variables).concurrency == concurrency


def test_a_server_without_a_model_exits_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^Error: There is no model in .*"):
        serve.main(["serve", "--model", str(tmp_path)])


def test_ping_responds_while_all_slots_are_in_use_and_others_wait() -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()
    at_once: list[int] = []

    def slow(entry: Entry) -> bytes:
        at_once.append(1)
        begun.release()
        assert go_on.wait(30)
        return PHOTOS["photos/five.jpg"]

    app = serve.build_app(light_predictor(), slow, serve.Settings(concurrency=2))
    with running(app) as client, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(client.post, "/invocations", content=manifest("x"), headers=LINES) for _ in range(3)]
        assert begun.acquire(timeout=30)
        assert begun.acquire(timeout=30)
        for _ in range(5):
            assert client.get("/ping", timeout=2).status_code == 200
        assert len(at_once) == 2
        go_on.set()
        assert [future.result(60).status_code for future in asked] == [200, 200, 200]


def test_the_manifest_of_a_disconnected_client_is_abandoned() -> None:
    begun, go_on, reads = threading.Event(), threading.Event(), []

    def slow(entry: Entry) -> bytes:
        reads.append(entry.key)
        begun.set()
        assert go_on.wait(30)
        return PHOTOS["photos/five.jpg"]

    app = serve.build_app(light_predictor(), slow, serve.Settings(concurrency=1))
    with running(app) as client:
        long, never = manifest(*["long.jpg"] * 2000), manifest(*["never.jpg"] * 2000)
        in_work = begin(client, long, len(long))
        assert begun.wait(30)
        waiting = begin(client, never, len(never))
        in_work.close()
        waiting.close()
        for _ in range(5):  # the server sees the closed connections first
            assert client.get("/ping").status_code == 200
        go_on.set()
        assert client.post("/invocations", content=manifest("last.jpg"), headers=LINES).status_code == 200

    assert set(reads) == {"long.jpg", "last.jpg"}
    assert len(reads) < 100


def test_an_incomplete_body_is_a_408() -> None:
    app = serve.build_app(light_predictor(), read, serve.Settings(body_seconds=0.2))
    with running(app) as client, begin(client, b"half a manif", 100) as connection:
        answer = all_of(connection)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"within 0.2 s" in answer


def test_a_web_page_is_refused() -> None:
    """After DNS rebinding a page has the same origin, but its POST still has an Origin header."""
    app = serve.build_app(light_predictor(), read, serve.Settings())
    with running(app) as client:
        for origin in ("https://evil.example", "null", str(client.base_url)):
            headers = {**LINES, "Origin": origin}
            assert client.post("/invocations", content=manifest("five.jpg"), headers=headers).status_code == 403


def test_running_out_of_memory_is_a_503() -> None:
    with running(serve.build_app(light_predictor(), read, serve.Settings(), NoMemory())) as client:
        answer = client.post("/invocations", content=PHOTOS["photos/two.png"], headers={"content-type": "image/png"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "internal")


@contextmanager
def slow_s3(begun: threading.Event, go_on: threading.Event) -> Iterator[str]:
    """An S3 server with one image, which it sends once `go_on` is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begun.set()
            go_on.wait(30)
            self.send_response(200)
            self.send_header("Content-Length", str(len(PHOTOS["photos/five.jpg"])))
            self.end_headers()
            self.wfile.write(PHOTOS["photos/five.jpg"])

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def refused(url: str) -> bool:
    try:
        httpx.get(f"{url}/ping", timeout=1)
    except httpx.TransportError:
        return True
    return False


@pytest.mark.skipif(not (shipped() / "model.json").exists(), reason="the shipped model is not there yet")
def test_a_stopping_server_finishes_its_request() -> None:
    begun, go_on = threading.Event(), threading.Event()
    with slow_s3(begun, go_on) as endpoint, ThreadPoolExecutor(1) as pool:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1"}
        process = subprocess.Popen(
            [sys.executable, serve.__file__, "serve", "--port", "0", "--threads", "1"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint, "BINTALLY_IMAGE_BUCKETS": "photos"},
        )
        with process:
            assert process.stderr is not None
            url = next(found[0] for line in process.stderr if (found := re.findall(r"http://[\d.]+:\d+", line)))
            asked = pool.submit(
                httpx.post, f"{url}/invocations", content=manifest("five.jpg"), headers=LINES, timeout=60
            )
            assert begun.wait(30)
            process.terminate()
            deadline = time.monotonic() + 30
            while not refused(url) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert refused(url)
            go_on.set()
            assert json.loads(asked.result(60).text)["image_id"] == "id-five.jpg"
            assert asked.result().status_code == 200
            process.communicate(timeout=30)
    assert process.returncode in (0, -signal.SIGTERM)
