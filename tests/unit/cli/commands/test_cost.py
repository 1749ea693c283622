from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from bincli.cost.prices import TABLE, read_prices
from bincli.cost.usage import read_usage
from bincli.errors import CommandError
from bincli.main import app
from binlocal.template import load_template
from typer.testing import CliRunner

ROOT = Path(__file__).parents[4]


def run(*words: str) -> list[dict]:
    result = CliRunner().invoke(app, ["cost", "--json", *words])
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_it_covers_every_engine_at_four_volumes() -> None:
    found = [(record["site"]["engine"], record["site"]["images_a_day"]) for record in run()]

    volumes = (0, 10_000, 100_000, 1_000_000)
    assert found == [(engine, number) for engine in ("async", "batch", "lambda") for number in volumes]


def test_a_record_has_its_prices_with_date_region_and_sources() -> None:
    (record,) = run("--images", "1000", "--engine", "batch")

    assert record["prices"]["region"] == "us-east-1"
    assert re.fullmatch(r"\d{4}-\d{2}", record["prices"]["date"])
    assert all(source.startswith("https://aws.amazon.com/") for source in record["prices"]["sources"].values())
    assert record["usd_a_month"] == pytest.approx(sum(item["dollars"] for item in record["items"]), abs=0.01)


def test_people_see_a_table_with_what_the_estimate_rests_on() -> None:
    result = CliRunner().invoke(app, ["cost"])

    assert "DynamoDB writes\t" in result.stdout
    assert "people's time\t" in result.stdout
    assert "Nobody has checked them" in result.stdout


def test_too_few_instances_are_reported() -> None:
    result = CliRunner().invoke(app, ["cost", "--images", "1000000", "--instances", "1", "--rate", "5"])

    assert "1 x ml.c6i.xlarge can't count 1,000,000 photos a day." in result.stdout


def test_an_instance_type_without_a_price_is_an_error() -> None:
    result = CliRunner().invoke(app, ["cost", "--instance", "ml.p5.48xlarge"])

    assert (result.exit_code, "no instance type ml.p5.48xlarge" in result.stderr) == (1, True)


def test_another_price_table_is_used(tmp_path: Path) -> None:
    table = json.loads(TABLE.read_text())
    table["s3"]["million_puts"] *= 2
    table["region"] = "eu-west-1"
    (tmp_path / "prices.json").write_text(json.dumps(table))

    (before,), (after,) = (
        run("--images", "9", "--engine", "async"),
        run(*("--images", "9", "--engine", "async", "--prices", str(tmp_path / "prices.json"))),
    )
    assert after["usd_a_month"] >= before["usd_a_month"]
    assert after["prices"]["region"] == "eu-west-1"


@pytest.mark.parametrize("text", ["not json", "[]", "{}", '{"sagemaker": {"instance_hour": {}}}'])
def test_a_file_that_is_not_a_price_table_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)

    with pytest.raises(CommandError):
        read_prices(path).instance_hour("ml.c6i.xlarge")


def test_every_instance_type_of_the_template_has_a_price_and_a_rate() -> None:
    parameters = load_template(ROOT / "template.yaml")["Parameters"]
    types = {
        *parameters["InferenceInstanceType"]["AllowedValues"],
        *parameters["BatchInstanceTypes"]["Default"].split(","),
    }

    assert types <= read_prices().table["sagemaker"]["instance_hour"].keys()
    assert types <= read_usage()["images_per_second"].keys()


def test_the_fixed_part_counts_what_the_template_has() -> None:
    resources = load_template(ROOT / "template.yaml")["Resources"].values()
    assumed = read_usage()["assumed"]

    def number(kind: str) -> int:
        return sum(each["Type"] == kind for each in resources)

    assert assumed["alarms"] == pytest.approx(number("AWS::CloudWatch::Alarm"), abs=3)
    assert assumed["dashboards"] == number("AWS::CloudWatch::Dashboard")
    assert assumed["keys"] == number("AWS::KMS::Key")
