from __future__ import annotations

import json

import pytest
from bincli.output import Note
from bincli.tables import Column, Table
from bincli.text import Styled

from tests.unit.cli.printing import Printed


def table() -> Table:
    made = Table([Column("Bin"), Column("Count")])
    made.add("P-17-C", "3")
    return made


def test_programs_get_one_record_on_a_line_and_nothing_else() -> None:
    output = Printed(as_json=True)

    output.emit([{"bin": "日本\x1b"}, {"bin": None}], iter(["not for programs"]))

    assert output.stdout.splitlines() == [json.dumps({"bin": "日本\x1b"}), '{"bin": null}']
    assert output.stderr == ""


def test_people_get_tables_and_sentences_in_their_order() -> None:
    output = Printed()

    output.emit(iter([{}]), ["Here they are.", table(), Styled("All of them.", "green")])

    assert output.rows == [["Here they are."], ["Bin", "Count"], ["P-17-C", "3"], ["All of them."]]


def test_records_are_printed_as_they_come() -> None:
    output = Printed(as_json=True)

    def records():
        yield {"number": 1}
        assert output.stdout == '{"number": 1}\n'
        yield {"number": 2}

    output.emit(records(), [])

    assert len(output.records) == 2


def test_a_note_does_not_get_into_a_pipe() -> None:
    pipe, terminal = Printed(), Printed(width=80)
    for output in (pipe, terminal):
        output.emit([], [Note("2 jobs")])

    assert (pipe.stdout, pipe.stderr) == ("", "2 jobs\n")
    assert (terminal.stdout, terminal.stderr) == ("2 jobs\n", "")


@pytest.mark.parametrize("width", [200, None])
def test_a_sentence_has_no_markup_no_emoji_and_only_the_line_breaks_of_a_terminal(width: int | None) -> None:
    output = Printed(width=width)

    output.emit([], ["[red]a[/] :bomb: \n" + "b" * 150])
    output.info("[red]a[/]\x1b")

    assert output.stdout == f"[red]a[/] :bomb: \\n{'b' * 150}\n"
    assert output.stderr == "[red]a[/]\\x1b\n"


def test_a_log_keeps_its_lines_and_no_controls() -> None:
    output = Printed()

    output.info_lines("[red]a\n\x1b[2Jb")

    assert output.stderr == "[red]a\n\\x1b[2Jb\n"
