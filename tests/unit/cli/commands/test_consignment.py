import json

import pytest
from bincli.commands.consignment import show_consignment, show_consignments, show_without_photo
from bincli.deployment import Deployment
from bincli.errors import CommandError

from tests.unit.cli.fakes import OUTPUTS, FakeDynamo
from tests.unit.cli.printing import Printed


def item(consignment_id, bin_id, verdict, **more):
    facts = {"expected": 3, "order_version": "1", "verdict": verdict, "reason": f"because {verdict}"}
    return {"consignment_id": consignment_id, "bin_id": bin_id} | facts | more


ODDS = {"risk": 0.012, "probability_fewer": 0.01, "probability_more": 0.002}
ITEMS = (
    item("C-2", "B-1", "MATCH", counted=3, due_at="2026-05-05T00:00:00.000Z", **ODDS),
    item("C-1", "B-1", "MATCH", counted=3, due_at="2026-05-04T00:00:00.000Z"),
    item("C-1", "B-2", "UNCERTAIN", counted=2),
    item("C-1", "B-3", "SHORT", counted=1, due_at="2026-05-03T00:00:00.000Z"),
)


def shown(consignment_id=None, *, as_json=False, items=ITEMS):
    output = Printed(as_json=as_json)
    deployment = Deployment("fake", OUTPUTS, lambda service: FakeDynamo(consignmentstable=items))
    if consignment_id is None:
        show_consignments(deployment, output)
    else:
        show_consignment(deployment, consignment_id, output)
    return output.stdout


def test_a_consignment_has_the_verdict_that_needs_attention_first():
    records = [json.loads(line) for line in shown(as_json=True).splitlines()]

    assert [(record["consignment_id"], record["verdict"], record["lines"]) for record in records] == [
        ("C-1", "SHORT", 3),
        ("C-2", "MATCH", 1),
    ]
    assert records[0]["verdicts"] == {"SHORT": 1, "UNCERTAIN": 1, "MATCH": 1}
    assert records[0]["due_at"] == "2026-05-03T00:00:00.000Z"


def test_the_lines_of_a_consignment_are_shown_riskiest_first():
    bins = [line.split()[0] for line in shown("C-1").splitlines()[1:]]

    assert bins == ["B-3", "B-2", "B-1"]


def test_a_line_as_json_has_its_reason():
    (line,) = shown("C-2", as_json=True).splitlines()

    assert json.loads(line) == {
        "consignment_id": "C-2",
        "bin_id": "B-1",
        "expected": 3,
        "counted": 3,
        "counted_at_least": None,
        "verdict": "MATCH",
        "risk": 0.012,
        "probability_fewer": 0.01,
        "probability_more": 0.002,
        "reason": "because MATCH",
        "due_at": "2026-05-05T00:00:00.000Z",
        "overdue": False,
        "audit": False,
        "item_volume_l": None,
        "sku": None,
        "cancelled": None,
    }


def test_a_line_over_range_has_more_than_a_number_for_people():
    over = item("C-3", "B-1", "OVER", counted_at_least=6)

    assert shown("C-3", items=[over]).splitlines()[1].split()[:4] == ["B-1", "3", "6+", "OVER"]
    record = json.loads(shown("C-3", as_json=True, items=[over]))
    assert (record["counted"], record["counted_at_least"]) == (None, 6)


def test_the_table_of_consignments_counts_their_verdicts():
    assert "1 SHORT, 1 UNCERTAIN, 1 MATCH" in shown()


def test_a_consignment_that_was_never_ordered_is_an_error():
    with pytest.raises(CommandError, match="Consignment C-9 not found"):
        shown("C-9")


def test_a_withdrawn_line_is_shown_last_and_leaves_the_verdict_and_the_date_of_its_consignment():
    items = (
        item("C-1", "B-0", "WITHDRAWN", due_at="2026-05-01T00:00:00.000Z"),
        item("C-1", "B-1", "MATCH", due_at="2026-05-04T00:00:00.000Z"),
        item("C-2", "B-0", "WITHDRAWN"),
    )

    records = [json.loads(line) for line in shown(as_json=True, items=items).splitlines()]

    assert [(record["verdict"], record["due_at"]) for record in records] == [
        ("MATCH", "2026-05-04T00:00:00.000Z"),
        ("WITHDRAWN", None),
    ]
    assert [line.split()[0] for line in shown("C-1", items=items).splitlines()[1:]] == ["B-1", "B-0"]


def test_a_consignment_is_found_by_its_id_in_any_form():
    assert "B-1" in shown("Lieferung-A\u0308", items=[item("Lieferung-Ä", "B-1", "MATCH")])


@pytest.mark.parametrize("as_json", [False, True])
def test_lines_of_bins_without_a_photo_are_listed(as_json):
    lines = [item("C-2", "a", "PENDING"), item("C-1", "b", "MISSING"), item("C-1", "c", "WITHDRAWN")]
    photo = {"image_id": "0", "bucket": "intake", "key": "a/p.jpg", "version_id": "v", "sequencer": "0", "bin_id": "a"}
    photo |= {"captured_at": "2026-05-04T16:00:00.000Z", "status": "COUNTED", "source": "model", "revision": 1}
    output = Printed(as_json=as_json)
    dynamo = FakeDynamo(consignmentstable=[*lines, item("C-0", "b", "PENDING")], binstable=[photo])

    show_without_photo(Deployment("fake", OUTPUTS, lambda service: dynamo), output)

    found = [each["consignment_id"] for each in output.records] if as_json else [row[0] for row in output.rows[1:]]
    assert found == ["C-0", "C-1"]


@pytest.mark.parametrize(
    ("lines", "says"), [([], "No consignments yet"), ([item("C-1", "a", "WITHDRAWN")], "No consignments yet")]
)
def test_without_orders_no_line_misses_its_photo(lines, says):
    output = Printed()
    dynamo = FakeDynamo(consignmentstable=lines, binstable=[])

    show_without_photo(Deployment("fake", OUTPUTS, lambda service: dynamo), output)

    assert says in output.stderr


def test_the_lines_of_a_consignment_begin_with_the_riskiest_and_say_how_many_are_wrong():
    risky = [
        item("C-4", f"B-{number}", "UNCERTAIN", counted=2, risk=risk, probability_fewer=risk, probability_more=0)
        for number, risk in enumerate((0.04, 0.3, 0.1))
    ]

    rows = shown("C-4", items=risky).splitlines()

    assert [row.split()[0] for row in rows[1:4]] == ["B-1", "B-2", "B-0"]
    assert rows[-1] == "Expected number of wrong lines: 0.4 of 3."
