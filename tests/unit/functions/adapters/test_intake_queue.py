from __future__ import annotations

import pytest
from bintally.adapters.intake_queue import IntakeQueue
from bintally.domain.errors import StoreError

from tests.unit.functions.aws import client, table


def test_the_depth_is_the_number_of_waiting_messages(aws: None) -> None:
    url = table("IntakeQueue")
    assert IntakeQueue(client("sqs"), url).depth() == 0

    for _ in range(3):
        client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    client("sqs").receive_message(QueueUrl=url)  # a function works on one of them

    assert IntakeQueue(client("sqs"), url).depth() == 2


def test_a_queue_that_does_not_exist_is_an_error(aws: None) -> None:
    url = table("IntakeQueue").replace("Intake", "Other")

    with pytest.raises(StoreError, match=r"Reading https://.*OtherQueue"):
        IntakeQueue(client("sqs"), url).depth()
