import json

import pytest
from bincli.commands.bins import show_bins
from bincli.deployment import Deployment
from bincli.errors import CommandError

from tests.unit.cli.fakes import OUTPUTS, FakeDynamo
from tests.unit.cli.printing import Printed


def item(bin_id, **more):
    image = {"image_id": "0", "bucket": "intake", "key": f"{bin_id}/photo.jpg", "version_id": "v", "sequencer": "0"}
    facts = {"captured_at": "2026-05-04T16:00:00.000Z", "status": "COUNTED", "source": "model", "revision": 1}
    return image | facts | {"bin_id": bin_id} | more


COUNTED = item("P-17-C", count=3, confidence=0.62, probabilities={"2": 0.3, "3": 0.62, "4": 0.08}, model="resnet50@1")
UNREADABLE = item("[red]日本", status="UNREADABLE", reason="The image is damaged.")


ITEMS = (COUNTED, UNREADABLE, item("Q", count=1), item("R", count=2))


def printed(bin_id=None, *, as_json=False, items=ITEMS, lines=(), **options):
    output = Printed(as_json=as_json)
    dynamo = FakeDynamo(binstable=items, consignmentstable=lines)
    show_bins(Deployment("fake", OUTPUTS, lambda service: dynamo), bin_id, output, **options)
    return output


def shown(*arguments, **options):
    return printed(*arguments, **options).stdout


def test_every_bin_of_every_page_is_shown():
    lines = shown().splitlines()

    assert len(lines) == 5
    assert next(line for line in lines if "P-17-C" in line).split()[:3] == ["P-17-C", "3", "62%"]


def test_a_bin_that_was_not_counted_says_why():
    assert "The image is damaged." in next(line for line in shown().splitlines() if "[red]日本" in line)


def test_json_is_one_line_for_each_bin():
    records = [json.loads(line) for line in shown(as_json=True).splitlines()]

    assert [record["bin_id"] for record in records] == ["P-17-C", "Q", "R", "[red]日本"]
    assert records[0]["probabilities"] == {"2": 0.3, "3": 0.62, "4": 0.08}
    assert records[0]["image"] == "s3://intake/P-17-C/photo.jpg"
    assert records[3]["count"] is None


def test_one_bin_is_shown_with_the_probability_of_each_count():
    text = shown("P-17-C")

    assert "resnet50@1" in text
    assert "P(3)" in text
    assert "62%" in text
    assert "Q/photo.jpg" not in text


SURE = item(
    "S", count=3, confidence=0.6, probabilities={"2": 0.25, "3": 0.75}, empty=0.05, over_range=0.15,
    interval={"low": 2, "high": None, "coverage": 0.9},
)  # fmt: skip


def test_the_table_has_intervals_if_the_model_provides_them():
    header, *rows = shown(items=(*ITEMS, SURE)).splitlines()

    assert "Interval" in header
    assert "2 or more items, 90%" in next(row for row in rows if row.startswith("S"))
    assert "Interval" not in shown()


def test_one_bin_is_shown_with_its_interval_and_what_is_out_of_range():
    rows = {line.split("\t")[0]: line.split("\t")[1].strip() for line in shown("S", items=[SURE]).splitlines()}

    assert rows["interval"] == "2 or more items, 90%"
    shares = {name: line.split()[-1] for name, line in rows.items() if name.startswith("P(")}
    assert shares == {"P(0)": "5%", "P(2)": "20%", "P(3)": "60%", "P(more than 3)": "15%"}


def test_json_shows_what_is_out_of_range():
    record = json.loads(shown("S", as_json=True, items=[SURE]))

    assert (record["empty"], record["over_range"]) == (0.05, 0.15)
    assert record["interval"] == {"low": 2, "high": None, "coverage": 0.9}
    assert (record["count"], record["at_least"]) == (3, None)
    assert json.loads(shown("Q", as_json=True))["interval"] is None


FULL = item("F", count=3, volume={
    "litres": 2.1, "low": 0.9, "high": 12, "coverage": 0.9, "log_sd": 0.52, "count_weight": 0.8, "volume_weight": 0.6,
})  # fmt: skip


def test_the_volume_is_shown_if_the_model_estimates_it():
    header, *rows = shown(items=(*ITEMS, FULL)).splitlines()

    assert "Volume" in header
    assert "2.1 l (0.90 l to 12 l, 90%)" in next(row for row in rows if row.startswith("F"))
    assert "2.1 l (0.90 l to 12 l, 90%)" in shown("F", items=[FULL])
    assert "Volume" not in shown()


def test_json_has_the_volume_but_not_what_verdicts_need_of_it():
    volume = {"litres": 2.1, "low": 0.9, "high": 12.0, "coverage": 0.9}

    assert json.loads(shown("F", as_json=True, items=[FULL]))["volume"] == volume
    assert json.loads(shown("Q", as_json=True))["volume"] is None


OVER_RANGE = item(
    "T", at_least=6, confidence=0.92, probabilities={"4": 0.5, "5": 0.5}, empty=0.0, over_range=0.92,
    interval={"low": 6, "high": None, "coverage": 0.9},
)  # fmt: skip


def test_a_bin_over_range_has_more_than_a_number_for_people_and_no_count_for_programs():
    table, details = shown(items=[OVER_RANGE]), shown("T", items=[OVER_RANGE])
    record = json.loads(shown("T", as_json=True, items=[OVER_RANGE]))

    assert table.splitlines()[1].split()[:3] == ["T", "6+", "92%"]
    assert "6 or more items, 90%" in table
    assert "at_least" not in details
    assert ["count", "6+"] in [line.split() for line in details.splitlines()]
    assert (record["count"], record["at_least"]) == (None, 6)


def test_an_empty_bin_is_counted():
    empty = item("E", count=0, confidence=0.7, probabilities={"1": 1.0}, empty=0.7, over_range=0.0)

    assert shown(items=[empty]).splitlines()[1].split()[:3] == ["E", "0", "70%"]


def test_one_bin_as_json_is_one_line():
    assert json.loads(shown("Q", as_json=True))["count"] == 1


@pytest.mark.parametrize("as_json", [True, False])
def test_an_unknown_bin_is_an_error(as_json):
    with pytest.raises(CommandError, match="Bin X not found"):
        shown("X", as_json=as_json)


def test_a_stack_without_bins_has_an_empty_list():
    assert shown(as_json=True, items=()) == ""


def test_bins_that_no_line_names_are_listed_and_a_withdrawn_line_names_none():
    line = {"consignment_id": "C-1", "expected": 1, "order_version": "1", "reason": "", "verdict": "PENDING"}
    lines = [line | {"bin_id": "P-17-C"}, line | {"bin_id": "Q", "verdict": "WITHDRAWN"}, line | {"bin_id": "absent"}]

    records = [json.loads(each) for each in shown(as_json=True, lines=lines, unordered=True).splitlines()]

    assert [record["bin_id"] for record in records] == ["Q", "R", "[red]日本"]


def test_a_bin_is_found_by_its_id_in_any_form():
    assert "Regal-Ä" in shown("Regal-A\u0308 ", items=[item("Regal-Ä", count=1, confidence=0.9)])
