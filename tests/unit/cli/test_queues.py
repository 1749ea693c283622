from __future__ import annotations

import pytest
from bincli.queues import MAX_BYTES, Message, delete, peek_all, queue_at, receive_batches, send

from tests.unit.cli.moto_stack import MotoStack


def test_a_queue_knows_its_depth_and_its_dead_letters(stack: MotoStack) -> None:
    url, sqs = stack.output("IntakeQueue"), stack.client("sqs")
    stack.send(url, ["a", "b", "c"])
    next(receive_batches(sqs, stack.output("ResultsQueue")), None)
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=60)

    queue = queue_at(sqs, url)

    assert (queue.visible, queue.in_flight, queue.delayed, queue.messages) == (2, 1, 0, 3)
    assert queue.dead_letters == stack.dead_letters("Intake")
    assert queue_at(sqs, stack.dead_letters("Intake")).dead_letters is None


def test_messages_that_were_peeked_return_even_after_an_error(stack: MotoStack) -> None:
    url, sqs = stack.output("IntakeQueue"), stack.client("sqs")
    stack.send(url, [str(number) for number in range(23)], ERROR_CODE="SOME")

    with pytest.raises(RuntimeError), peek_all(sqs, url) as messages:
        assert {message.body for message in messages} == {str(number) for number in range(23)}
        assert messages[0].attributes == {"ERROR_CODE": "SOME"}
        raise RuntimeError

    assert len(stack.bodies(url)) == 23


def test_messages_deleted_during_a_peek_stay_deleted(stack: MotoStack) -> None:
    url, sqs = stack.output("IntakeQueue"), stack.client("sqs")
    stack.send(url, ["a", "b"])

    with peek_all(sqs, url) as messages:
        delete(sqs, url, [message for message in messages if message.body == "a"])

    assert stack.bodies(url) == ["b"]


def test_large_messages_are_sent_in_several_requests(stack: MotoStack) -> None:
    url = stack.output("ResultsQueue")
    messages = [Message("", str(number) * (MAX_BYTES // 3)) for number in range(7)]

    assert send(stack.client("sqs"), url, messages) == messages
    assert len(stack.bodies(url)) == 7


def test_messages_rejected_by_a_queue_are_not_considered_sent() -> None:
    class Refusing:
        def send_message_batch(self, **request: object) -> dict[str, object]:
            return {"Successful": [{"Id": "1"}], "Failed": [{"Id": "0", "Code": "InternalError"}]}

    assert send(Refusing(), "url", [Message("", "a"), Message("", "b")]) == [Message("", "b")]
