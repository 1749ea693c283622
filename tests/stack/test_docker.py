"""Every event file through `make invoke-docker`: a function in a container beside `bintally up --docker`."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from binlocal.bridge import inspect_bridge
from binlocal.environment import create_client
from binlocal.errors import StackError
from binlocal.lambda_image import TEMPLATE, image_name, runtime_of
from binlocal.state import find_running

from tests.documents import ROOT
from tests.stack.beside import OWN, SAM_PROGRAMS, running_up

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]
ROW = re.compile(r"^\| `((?:intake|submit|collect|orders|reconcile)/[\w-]+\.json)` \|.*\| (.*) \|$", re.MULTILINE)
EVENTS = ROW.findall((ROOT / "events" / "README.md").read_text())
ORDER_FILES = {"orders.csv": "2026-05-04/delivery 17.csv", "orders.json": "2026-05-04/delivery-18.json"}


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A shell beside a stack that containers reach, with the two order files in its bucket."""
    if not (SAM_PROGRAMS / "sam").exists():
        pytest.skip("The SAM command is not installed: make build installs it.")
    try:
        inspect_bridge()
    except StackError as error:
        pytest.skip(f"No container can be started: {error}")
    image = image_name(runtime_of(TEMPLATE))
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode:
        pytest.skip(f"There is no image {image}: make lambda-image builds it.")
    folder = tmp_path_factory.mktemp("docker")
    with running_up(folder, "--docker") as environment:
        bring_order_files(folder / OWN)
        yield environment


def bring_order_files(stack: Path) -> None:
    state = find_running(stack)
    assert state is not None
    s3 = create_client(state["environment"], "s3")
    for name, key in ORDER_FILES.items():
        body = (ROOT / "events" / "messages" / name).read_bytes()
        s3.put_object(Bucket=state["outputs"]["OrdersBucket"], Key=key, Body=body)


def test_every_event_file_is_in_the_table_of_the_events_readme() -> None:
    folders = ("intake", "submit", "collect", "orders", "reconcile")
    files = {path.relative_to(ROOT / "events").as_posix() for f in folders for path in (ROOT / "events" / f).iterdir()}

    assert {name for name, _ in EVENTS} == files


@pytest.mark.parametrize(("event", "works"), EVENTS, ids=[name for name, _ in EVENTS])
def test_the_function_answers_in_a_container(beside: dict[str, str], event: str, works: str) -> None:
    """In the order of the table. A job that only a test makes is unknown here: its message goes back to the queue."""
    function = f"{event.partition('/')[0].capitalize()}Function"
    words = ["make", "-s", "invoke-docker", f"FUNCTION={function}", f"EVENT=events/{event}"]
    done = subprocess.run(words, cwd=ROOT, env=beside, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert "errorMessage" not in answer
    unknown = not works.startswith(("yes", "after"))
    assert len(answer.get("batchItemFailures", [])) == unknown, done.stderr
