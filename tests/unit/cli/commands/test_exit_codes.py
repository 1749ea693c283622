"""The commands as a shell sees them: options and exit codes, on a stack in moto."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from bincli.main import app
from bintally.domain.image import Status
from typer.testing import CliRunner

from tests.unit.cli.moto_stack import MotoStack, announcement

pytestmark = pytest.mark.slow
DESCRIBED = """<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>
<Stacks><member><StackName>test</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
<CreationTime>2026-05-04T12:00:00Z</CreationTime><Outputs>{outputs}</Outputs></member></Stacks>
</DescribeStacksResult></DescribeStacksResponse>"""
OUTPUT = "<member><OutputKey>{}</OutputKey><OutputValue>{}</OutputValue></member>"


@pytest.fixture
def operated(stack: MotoStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MotoStack]:
    """The stack, with CloudFormation and Lambda, which moto can't replace here."""
    outputs = "".join(OUTPUT.format(*output) for output in stack.deployment.outputs.items())

    class Aws(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.answer(DESCRIBED.format(outputs=outputs))

        def do_GET(self) -> None:
            self.answer('{"Environment": {"Variables": {}}}')

        def answer(self, text: str) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Aws)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for name in ("CLOUDFORMATION", "LAMBDA"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", url)
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("BINTALLY_WORK", str(tmp_path / "work"))
    yield stack
    server.shutdown()
    server.server_close()


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command on the stack."""
    result = CliRunner().invoke(app, [*arguments, "--stack", "test"], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def test_a_clean_audit_ends_with_0_and_one_that_is_not_with_1(operated: MotoStack) -> None:
    operated.finished("a/1.jpg")
    assert run("audit", "--json")[:1] == (0,)

    operated.upload("b/1.jpg")
    code, out, _ = run("audit", "--notification-grace", "0", "--json")

    assert code == 1
    assert [lost["key"] for lost in json.loads(out)["unaccounted"]] == ["b/1.jpg"]


def test_dead_letters_go_back(operated: MotoStack) -> None:
    operated.send(operated.dead_letters("Intake"), [announcement(operated.upload("a/1.jpg"))])

    dry = run("redrive", "--dry-run")
    wet = run("redrive", "--json")

    assert (dry[0], dry[1].splitlines()[-1]) == (0, "1 dead letter would be sent back.")
    assert (wet[0], [json.loads(line)["moved"] for line in wet[1].splitlines()]) == (0, [1, 0, 0, 0])


def test_a_folder_is_uploaded_once(operated: MotoStack, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    (shelf / "P-17-C").mkdir(parents=True)
    (shelf / "P-17-C" / "a.jpg").write_bytes(b"photo")

    dry = run("backfill", str(shelf), "--dry-run")
    first = run("backfill", str(shelf))
    again = run("backfill", str(shelf), "--json")

    assert dry[1].startswith("1 photo to upload, 0.0 MB.")
    assert first[:2] == (0, "1 photo uploaded to the intake bucket.\n")
    assert json.loads(again[1]) == {
        "uploaded": 0, "unchanged": 1, "ignored": 0, "failed": {}, "skipped": {}, "stopped": False,
    }  # fmt: skip
    assert len(list((tmp_path / "work").glob("backfill-*.jsonl"))) == 1


def test_skipped_files_are_named_and_the_exit_code_is_3(operated: MotoStack, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "a.jpg").write_bytes(b"photo")
    (tmp_path / "id_rsa").write_bytes(b"PRIVATE KEY")
    (shelf / "key.jpg").symlink_to(tmp_path / "id_rsa")

    dry = run("backfill", str(shelf), "--dry-run")
    wet = run("backfill", str(shelf))
    again = run("backfill", str(shelf), "--json")

    assert (dry[0], wet[0], again[0]) == (3, 3, 3)
    assert wet[1].splitlines() == [
        "skipped key.jpg: a link, which is not followed",
        "1 photo uploaded to the intake bucket; 1 was skipped.",
    ]
    assert json.loads(again[1])["skipped"] == {"key.jpg": "a link, which is not followed"}
    held = operated.client("s3").list_objects_v2(Bucket=operated.output("IntakeBucket"))["Contents"]
    assert [found["Key"] for found in held] == ["a.jpg"]


def test_a_source_that_is_not_there_ends_with_1(operated: MotoStack, tmp_path: Path) -> None:
    code, _, err = run("backfill", str(tmp_path / "nowhere"))

    assert code == 1
    assert "neither a folder nor s3://" in err


def test_failed_photos_are_retried_and_others_end_with_3(operated: MotoStack) -> None:
    operated.finished("a/1.jpg", status=Status.FAILED)
    operated.finished("b/1.jpg")

    assert run("retry", "--failed")[0] == 0
    assert run("retry", "b/1.jpg")[0] == 3


@pytest.mark.parametrize(
    "arguments", [["retry"], ["retry", "a.jpg", "--failed"], ["backfill"], ["backfill", "x", "--rate", "0"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert run(*arguments)[0] == 2


def test_jobs_are_listed(operated: MotoStack) -> None:
    job, _ = operated.submitted("a/1.jpg")

    code, out, _ = run("jobs", "--unfinished", "--json")

    assert (code, json.loads(out)["job_id"]) == (0, job.job_id)
