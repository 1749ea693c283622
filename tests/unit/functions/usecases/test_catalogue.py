from __future__ import annotations

from bintally.domain.verdicts import Verdict
from bintally.usecases.catalogue import check_catalogue

from tests.fakes import Fakes
from tests.unit.functions.examples import order_file
from tests.unit.functions.usecases.runs import imported
from tests.unit.functions.usecases.test_orders import EARLY, LATE, judged

ORDERS = "consignment_id,bin_id,expected,sku,item_volume_l\nC-1,a,3,MUG,\nC-1,b,2,BOX,7\nC-1,c,1,,\nC-1,d,1,NEW,\n"


def volumes_in(fakes: Fakes) -> dict[str, float | None]:
    return {bin_id: line.item_volume_l for (_, bin_id), line in fakes.orders.items.items()}


def test_lines_without_a_volume_get_that_of_their_sku() -> None:
    fakes = Fakes()
    fakes.catalogue.data = b"sku,volume_l\nMUG,0.35\nbad\nBOX,1\n"

    imported(fakes, ORDERS)

    assert volumes_in(fakes) == {"a": 0.35, "b": 7.0, "c": None, "d": None}


def test_without_a_catalogue_the_lines_are_imported_all_the_same() -> None:
    fakes = Fakes()

    assert imported(fakes, ORDERS).accepted == 4
    assert volumes_in(fakes) == {"a": None, "b": 7.0, "c": None, "d": None}


def test_orders_that_need_no_catalogue_do_not_read_it() -> None:
    fakes = Fakes()
    fakes.catalogue.read = NotImplemented  # type: ignore[method-assign]

    assert imported(fakes, "consignment_id,bin_id,expected,sku,item_volume_l\nC-1,a,3,,\nC-1,b,3,MUG,1\n").accepted == 2


def test_orders_imported_again_take_a_corrected_volume_and_are_judged_again() -> None:
    fakes = Fakes()
    fakes.catalogue.data = b"sku,volume_l\nMUG,35\n"
    imported(fakes, ORDERS, EARLY)
    judged(fakes)
    fakes.catalogue.data = b"sku,volume_l\nMUG,0.35\n"

    imported(fakes, ORDERS, LATE)

    assert volumes_in(fakes)["a"] == 0.35
    verdicts = {bin_id: line.verdict for (_, bin_id), line in fakes.orders.items.items()}
    assert verdicts == {"a": Verdict.PENDING, "b": Verdict.MATCH, "c": Verdict.MATCH, "d": Verdict.MATCH}


def test_a_new_catalogue_gets_a_report() -> None:
    fakes = Fakes()
    fakes.catalogue.data = b"sku,volume_l\nMUG,0.35\nbad\n"

    catalogue, report = check_catalogue(fakes.catalogue, order_file("catalogue/items.csv"))

    assert (catalogue.volumes, catalogue.refused_rows) == ({"MUG": 0.35}, 1)
    assert report == "s3://jobs/orders/reports/catalogue/items.csv"
