"""docs/architecture.md against what it describes: tables and indexes, states, messages, rooms."""

from __future__ import annotations

import re

from bintally.domain.image import TRANSITIONS
from samtranslator.yaml_helper import yaml_parse

from tests.documents import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text()
RESOURCES = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
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


def transitions(title: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^ +(\S+) --> (\w+)", section(title), re.MULTILINE))


def test_the_states_of_an_image_are_those_of_the_domain() -> None:
    allowed = {(str(old or "[*]"), str(new)) for old, following in TRANSITIONS.items() for new in following}

    assert transitions("States of an image") == allowed


def test_the_events_that_go_out_are_those_that_have_a_schema() -> None:
    shown = set(re.findall(r"`([A-Z]\w+(?:Counted|Rejected|Found|Reconciled))`", section("Messages")))

    assert shown == {path.stem for path in (ROOT / "events" / "schemas").glob("*.json")}
