from __future__ import annotations

import pytest
from bincli.queues import MOST_BYTES, Letter, borrowed, delete, look_at, send, taken

from tests.unit.cli.operated import Operated


def test_a_queue_knows_its_depth_and_its_dead_letters(stack: Operated) -> None:
    url, sqs = stack.output("IntakeQueue"), stack.client("sqs")
    stack.send(url, ["a", "b", "c"])
    next(taken(sqs, stack.output("ResultsQueue")), None)
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=60)

    queue = look_at(sqs, url)

    assert (queue.visible, queue.in_flight, queue.delayed, queue.messages) == (2, 1, 0, 3)
    assert queue.dead_letters == stack.dead_letters("Intake")
    assert look_at(sqs, stack.dead_letters("Intake")).dead_letters is None


def test_what_was_borrowed_is_there_again_also_after_an_error(stack: Operated) -> None:
    url, sqs = stack.output("IntakeQueue"), stack.client("sqs")
    stack.send(url, [str(number) for number in range(23)], ERROR_CODE="SOME")

    with pytest.raises(RuntimeError), borrowed(sqs, url) as letters:
        assert {letter.body for letter in letters} == {str(number) for number in range(23)}
        assert letters[0].attributes == {"ERROR_CODE": "SOME"}
        raise RuntimeError

    assert len(stack.bodies(url)) == 23


def test_what_is_deleted_while_it_is_borrowed_stays_deleted(stack: Operated) -> None:
    url, sqs = stack.output("IntakeQueue"), stack.client("sqs")
    stack.send(url, ["a", "b"])

    with borrowed(sqs, url) as letters:
        delete(sqs, url, [letter for letter in letters if letter.body == "a"])

    assert stack.bodies(url) == ["b"]


def test_large_messages_are_sent_in_several_requests(stack: Operated) -> None:
    url = stack.output("ResultsQueue")
    letters = [Letter("", str(number) * (MOST_BYTES // 3)) for number in range(7)]

    assert send(stack.client("sqs"), url, letters) == letters
    assert len(stack.bodies(url)) == 7


def test_what_a_queue_refuses_is_not_taken_for_sent() -> None:
    class Refusing:
        def send_message_batch(self, **request: object) -> dict[str, object]:
            return {"Successful": [{"Id": "1"}], "Failed": [{"Id": "0", "Code": "InternalError"}]}

    assert send(Refusing(), "url", [Letter("", "a"), Letter("", "b")]) == [Letter("", "b")]
