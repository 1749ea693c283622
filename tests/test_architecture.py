"""docs/architecture.md against what it describes: tables and indexes, states, messages, rooms."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from binlocal.template import load_template
from bintally.domain.image import TRANSITIONS
from bintally.domain.jobs import UNFINISHED, Job, JobStatus, job_of

from tests.documents import ROOT
from tests.fakes import Fakes
from tests.test_rooms import FOLDERS, OURS

TEXT = (ROOT / "docs" / "architecture.md").read_text()
RESOURCES = load_template(ROOT / "template.yaml")["Resources"]
TABLES = {
    name.removesuffix("Table"): resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::DynamoDB::Table"
}
STREAMS = {"KEYS_ONLY": "keys only", "NEW_AND_OLD_IMAGES": "new and old images", None: ""}


def section(title: str) -> str:
    return re.split(r"^## ", TEXT.split(f"\n## {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def tables(title: str) -> list[list[list[str]]]:
    """The cells of each table of a section, without its heading row and without backticks."""
    blocks = re.findall(r"(?:^\|.*\n)+", section(title), re.MULTILINE)
    return [[cells(line) for line in block.splitlines()[2:]] for block in blocks]


def cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.split("|")[1:-1]]


def keys(schema: list[dict[str, str]]) -> list[str]:
    """Partition key and sort key, "" for none."""
    names = {key["KeyType"]: key["AttributeName"] for key in schema}
    return [names["HASH"], names.get("RANGE", "")]


def test_the_tables_are_those_of_the_template() -> None:
    shown = {row[0]: [row[1], row[2], row[-1]] for row in tables("Tables")[0]}

    assert shown == {
        name: [*keys(table["KeySchema"]), STREAMS[table.get("StreamSpecification", {}).get("StreamViewType")]]
        for name, table in TABLES.items()
    }


def test_the_indexes_are_those_of_the_template() -> None:
    shown = {(row[0], row[1]): row[2:4] for row in tables("Tables")[1]}

    assert shown == {
        (name, index["IndexName"]): keys(index["KeySchema"])
        for name, table in TABLES.items()
        for index in table.get("GlobalSecondaryIndexes", [])
    }


def transitions(title: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^ +(\S+) --> (\w+)", section(title), re.MULTILINE))


def test_the_states_of_an_image_are_those_of_the_domain() -> None:
    allowed = {(str(old or "[*]"), str(new)) for old, following in TRANSITIONS.items() for new in following}

    assert transitions("States of an image") == allowed


def test_the_states_of_a_job_are_those_that_it_can_come_into() -> None:
    assert transitions("States of a job") == job_transitions()
    assert all(f"`{status}`" in section("States of a job") for status in UNFINISHED)


OPERATIONS: dict[str, Any] = {
    "create": lambda jobs, job: jobs.create(job, "1"),
    "open": lambda jobs, job: jobs.open(job, "1"),
    "mark_sent": lambda jobs, job: jobs.mark_sent(job, {}, "1"),
    "defer": lambda jobs, job: jobs.defer(replace(job, transform_attempt=job.transform_attempt + 1), "1"),
    "done": lambda jobs, job: jobs.close(job.job_id, JobStatus.DONE, "", "1"),
    "failed": lambda jobs, job: jobs.close(job.job_id, JobStatus.FAILED, "why", "1"),
    "abandon": lambda jobs, job: jobs.abandon(job, "1"),
}


def job_transitions() -> set[tuple[str, str]]:
    """From which status to which other the operations of the port `Jobs` bring a job, in any order."""
    found: set[tuple[str, str]] = set()
    paths: list[tuple[str, ...]] = [()]
    reached = {"[*]"}
    while paths:
        path = paths.pop()
        before = status_after(path)
        for name in OPERATIONS:
            after = status_after((*path, name))
            if after != before:
                found.add((before, after))
            if after not in reached:
                reached.add(after)
                paths.append((*path, name))
    return found


def status_after(path: tuple[str, ...]) -> str:
    jobs, job = Fakes().jobs, job_of([("0" * 32, 0)])
    for name in path:
        OPERATIONS[name](jobs, held(jobs, job))
    return str(held(jobs, job).status) if jobs.read([job.job_id]) else "[*]"


def held(jobs: Any, job: Job) -> Job:
    return jobs.read([job.job_id]).get(job.job_id, job)  # type: ignore[no-any-return]


def test_the_events_that_go_out_are_those_that_have_a_schema() -> None:
    shown = set(re.findall(r"`([A-Z]\w+(?:Counted|Rejected|Found|Reconciled))`", section("Messages")))

    assert shown == {path.stem for path in (ROOT / "events" / "schemas").glob("*.json")}


def test_the_rooms_are_all_of_them() -> None:
    shown = [row[0] for row in tables("Rooms")[0]]
    named = {name for row in shown for name in re.findall(r"\w+", row)}

    assert OURS - {"bintally"} <= named
    assert set(FOLDERS) <= named
    inside = {path.name for path in (ROOT / "functions/bintally").iterdir() if (path / "__init__.py").exists()}
    assert inside <= {row.split("/")[-1] for row in shown if row.startswith("functions/")}


@pytest.mark.parametrize("word", ["Pending", "ByDue", "Unfinished"])
def test_what_is_called_sparse_has_a_key_of_its_own(word: str) -> None:
    """A sparse index is one whose partition key is not every item's."""
    (row,) = [row for row in tables("Tables")[1] if row[1] == word]

    assert row[4].startswith("sparse")
    assert row[2] not in {key for table in TABLES.values() for key in keys(table["KeySchema"])}
