"""evaluate.py from photos to a report, with the shipped model on synthetic bins."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from binlab.data.dataset import read_split, split_of_model
from binlab.data.synthetic import write_bin
from binmodel.artifact import load_artifact, shipped

from tests.unit.training.scripts import Scripts

RESPONSE = (Path(__file__).with_name("rekognition") / "three-things.json").read_bytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bins of 1 to 5 items, and bins out of range, some in every split."""
    root = tmp_path_factory.mktemp("bins")
    for number in range(60):
        write_bin(root, 10 * number, (1, 2, 3, 4, 5, 0, 8)[number % 7])
    return root


Evaluate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def evaluate(scripts: Scripts) -> Evaluate:
    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return scripts.run("evaluate.py", *arguments, environment={**os.environ, **environment})

    return run


def test_a_split_becomes_metrics_a_report_and_plots(evaluate: Evaluate, data: Path, tmp_path: Path) -> None:
    done = evaluate("--data", data, "--split", "train", "--out", tmp_path, "--figures", tmp_path / "figures", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    found, stored = json.loads(done.stdout), json.loads((tmp_path / "metrics.json").read_text())
    counts = [image.count for image in split_of_model(data, load_artifact(shipped()).data)["train"]]
    inside = [count for count in counts if 1 <= count <= 5]

    assert found["images"] == stored["images"] == len(inside)
    assert found["balanced_accuracy"] == pytest.approx(stored["balanced_accuracy"], abs=1e-4)
    assert sum(map(sum, found["confusion"]["images"])) == len(counts)
    assert found["out_of_range"]["groups"]["empty"]["images"] == counts.count(0)
    assert (found["rekognition"], found["unreadable"], found["split_as_in_training"]) == (None, [], False)
    assert (tmp_path / "report.html").read_text().count("data:image/jpeg") > 0
    plots = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert plots == {"confusion", "reliability", "risk-coverage", "lift", "out-of-range"}


def test_the_output_is_a_table_and_paths(evaluate: Evaluate, data: Path, tmp_path: Path) -> None:
    done = evaluate("--data", data, "--split", "train", "--out", tmp_path, "--limit", 6)

    assert done.returncode == 0, done.stderr[-2000:]
    assert "RMSE, expected value" in done.stdout
    assert "wrong among the settled" in done.stdout
    assert str(tmp_path / "report.html") in done.stdout


def test_a_broken_photo_is_named_and_left_out(evaluate: Evaluate, tmp_path: Path) -> None:
    for number in range(12):
        write_bin(tmp_path, 10 * number, 1 + number % 5)
    broken = read_split(tmp_path)["train"][0]
    broken.path.write_bytes(b"no photo")
    done = evaluate("--data", tmp_path, "--split", "train", "--out", tmp_path / "out")

    assert done.returncode == 3, done.stderr[-2000:]
    assert f"{broken.id} could not be counted" in done.stdout
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["unreadable"][0]["id"] == broken.id


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "{nowhere}"], "No labelled photos"),
        (["--data", "{data}", "--model", "{nowhere}"], "There is no model"),
        (["--data", "{data}", "--match-risk", "0.6"], "--match-risk must be from 0 to 0.49"),
        (["--data", "{data}", "--limit", "0"], "--limit must be at least 1"),
    ],
)
def test_what_cannot_be_evaluated_is_reported(
    evaluate: Evaluate, data: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    filled = [argument.format(data=data, nowhere=tmp_path / "nowhere") for argument in arguments]
    done = evaluate(*filled, "--out", tmp_path / "out")

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


class Service(BaseHTTPRequestHandler):
    """Rekognition that throttles the first `throttled` requests, answers `limit` of the others, then refuses."""

    asked = 0
    throttled = 0
    limit = 1000

    def do_POST(self) -> None:
        type(self).asked += 1
        assert self.headers["X-Amz-Target"] == "RekognitionService.DetectLabels"
        assert json.loads(self.rfile.read(int(self.headers["Content-Length"])))["Image"]["Bytes"]
        if self.asked <= self.throttled:
            self.answer(400, b'{"__type": "ThrottlingException", "message": "Slow down."}')
        elif self.asked > self.throttled + self.limit:
            self.answer(400, b'{"__type": "AccessDeniedException", "message": "Not today."}')
        else:
            self.answer(200, RESPONSE)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def service() -> Iterator[tuple[type[Service], dict[str, str]]]:
    """The handler, and the variables with which a process finds it."""
    handler = type("Service", (Service,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield (
        handler,
        {
            "AWS_ENDPOINT_URL_REKOGNITION": f"http://127.0.0.1:{server.server_port}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        },
    )
    server.shutdown()
    server.server_close()


def test_rekognition_is_asked_once(
    evaluate: Evaluate, data: Path, tmp_path: Path, service: tuple[type[Service], dict[str, str]]
) -> None:
    handler, variables = service
    handler.throttled = 1
    asking = ["--data", data, "--split", "train", "--limit", 6, "--out", tmp_path, "--rekognition"]
    asking += ["--rekognition-limit", 2, "--json"]
    first = evaluate(*asking, **variables)
    asked = handler.asked
    second = evaluate(*asking, **variables)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr[-2000:]
    assert (asked, handler.asked) == (3, 3), "two photos and a request that was throttled, and nothing again"
    assert "2 photos, at most $0.00" in first.stderr
    found = json.loads(first.stdout)["rekognition"]
    assert (found["images"], found["mean_instances"]) == (2, 3)
    assert json.loads(second.stdout)["rekognition"] == found


def test_a_refusal_by_rekognition_affects_that_photo_alone(
    evaluate: Evaluate, data: Path, tmp_path: Path, service: tuple[type[Service], dict[str, str]]
) -> None:
    handler, variables = service
    handler.limit = 2
    asking = ["--data", data, "--split", "train", "--limit", 6, "--out", tmp_path, "--rekognition"]
    done = evaluate(*asking, "--rekognition-limit", 4, **variables)

    assert done.returncode == 3
    assert "Rekognition stopped after 2 of 4 photos" in done.stderr
    assert "Not today." in done.stderr
    assert json.loads((tmp_path / "metrics.json").read_text())["rekognition"]["images"] == 2
