from __future__ import annotations

import pytest
from bincli.errors import CommandError
from bincli.up.parameters import check_parameters, read_parameters
from binlocal.stack import ROOT
from binlocal.template import load_template

TEMPLATE = load_template(ROOT / "template.yaml")["Parameters"]


def test_parameters_are_given_by_name() -> None:
    given = ["BatchWindow=2", "KeyPattern=(?P<bin_id>a=b)", "BatchWindow=3", "AlertEmail="]

    assert read_parameters(given, TEMPLATE) == {
        "BatchWindow": "3",
        "KeyPattern": "(?P<bin_id>a=b)",
        "AlertEmail": "",
    }


@pytest.mark.parametrize(
    ("setting", "why"), [("BatchWindow", "not of the form NAME=VALUE"), ("Batchwindow=1", "no parameter Batchwindow")]
)
def test_a_misspelt_parameter_is_reported(setting: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        read_parameters([setting], TEMPLATE)


def test_the_templates_own_values_pass() -> None:
    check_parameters({name: str(each["Default"]) for name, each in TEMPLATE.items()}, TEMPLATE)
    check_parameters({"KeyPattern": r"^[^/]+/(?P<bin_id>[A-Z]-\d+)", "SiteTimeZone": "Europe/Berlin"}, TEMPLATE)
