"""A function needs only the settings that it uses."""

from __future__ import annotations

import pytest
from bintally.domain.errors import SettingError
from bintally.handlers import settings, wiring

from tests.unit.functions.aws import client
from tests.unit.functions.handlers.lambdas import event, failed, run

POLICY = {
    "INFERENCE_MODE",
    "ENGINES",
    "LAMBDA_THRESHOLD",
    "BATCH_THRESHOLD",
    "MICRO_BATCH_SIZE",
    "MAX_ATTEMPTS",
    "SWEEP_AFTER",
    "JOB_TIMEOUT",
    "RETRY_DELAY",
    "BATCH_INSTANCE_TYPES",
    "MAX_REQUESTS",
    "MAX_TRANSFORM_JOBS",
    "MAX_INVOCATIONS",
}
LEDGER = {"IMAGES_TABLE", "JOBS_TABLE", "JOBS_BUCKET"}
NEEDS = {
    "intake/s3-put.json": POLICY | LEDGER | {"INTAKE_BUCKET", "ENDPOINT_NAME"},
    "submit/schedule.json": POLICY | {"IMAGES_TABLE", "JOBS_TABLE"},
    "collect/test-notification.json": {"RESULT_TOPICS", "MODEL_NAME", "ENDPOINT_NAME"},
    "orders/csv-file.json": {"ORDERS_BUCKET", "JOBS_BUCKET", "CONSIGNMENTS_TABLE", "SITE_TIME_ZONE"},
    "reconcile/stream-lines.json": {
        "BINS_TABLE",
        "CONSIGNMENTS_TABLE",
        "AUDIT_SHARE",
        "DISCREPANCY_RATE",
        "DISCREPANCY_STEPS",
        "MATCH_RISK",
        "SECOND_LOOK",
        "SETTINGS_PARAMETER",
        "VARIANCE_THRESHOLD",
        "SITE_TIME_ZONE",
    },
}


def forget() -> None:
    for cached in (settings.settings, wiring.dependencies, wiring.find_bin):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def order_file(on_aws: dict[str, str]) -> None:
    client("s3").put_object(Bucket=on_aws["ORDERS_BUCKET"], Key="2026-05-04/delivery 17.csv", Body=b"")


@pytest.mark.parametrize("name", NEEDS)
def test_a_function_works_without_the_settings_of_others(
    on_aws: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {variable for variable in on_aws if not variable.startswith(("POWERTOOLS", "AWS"))}
    assert ours > NEEDS[name]
    for variable in ours - NEEDS[name]:
        monkeypatch.delenv(variable)
    forget()

    answer = run(name.split("/")[0], event(name))

    assert name.startswith(("submit", "reconcile")) or failed(answer) == []


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize(("name", "variable"), [(name, need) for name in NEEDS for need in sorted(NEEDS[name])])
def test_a_function_that_lacks_a_setting_of_its_own_names_it(
    on_aws: dict[str, str], name: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    forget()

    with pytest.raises(SettingError, match=variable):
        run(name.split("/")[0], event(name))
