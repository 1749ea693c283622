"""Names that other programs and stored data rely on. Adding one is free; a rename or removal needs a migration note."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.template.deployed import ROOT, source, stack

NAMES = json.loads((ROOT / "tests" / "template" / "persisted_names.json").read_text())


def schema_fields(event: str) -> list[str]:
    schema = json.loads((ROOT / "events" / "schemas" / f"{event}.json").read_text())
    return sorted(schema["properties"])


def message_fields(name: str) -> list[str]:
    lines = (ROOT / "events" / "messages" / name).read_text().splitlines()
    return sorted({field for line in lines for field in json.loads(line)})


def table_names(properties: dict[str, Any]) -> dict[str, list[str]]:
    indexes = {index["IndexName"]: index["KeySchema"] for index in properties.get("GlobalSecondaryIndexes", [])}
    schemas = {properties["TableName"]: properties["KeySchema"], **indexes}
    return {name: [key["AttributeName"] for key in schema] for name, schema in schemas.items()}


def present() -> dict[str, Any]:
    functions = stack().of_type("AWS::Lambda::Function")
    tables = stack().of_type("AWS::DynamoDB::Table").values()
    return {
        "parameters": sorted(source()["Parameters"]),
        "outputs": sorted(source()["Outputs"]),
        "variables": sorted({name for each in functions for name in stack().environment(each)}),
        "tables": {name: keys for properties in tables for name, keys in table_names(properties).items()},
        "events": {
            path.stem: schema_fields(path.stem) for path in sorted((ROOT / "events" / "schemas").glob("*.json"))
        },
        "manifest": message_fields("manifest.jsonl"),
        "predictions": message_fields("predictions.jsonl"),
    }


def flat(names: Any, place: str = "") -> Iterable[str]:
    if isinstance(names, dict):
        return [each for key, value in names.items() for each in flat(value, f"{place}/{key}")]
    return [f"{place}/{name}" for name in names]


def test_no_name_is_renamed_or_removed() -> None:
    assert set(flat(NAMES)) - set(flat(present())) == set()


def test_every_name_is_listed() -> None:
    assert set(flat(present())) - set(flat(NAMES)) == set()


def test_an_index_keeps_the_order_of_its_keys() -> None:
    assert present()["tables"] == NAMES["tables"]
