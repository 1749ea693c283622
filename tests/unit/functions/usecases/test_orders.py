from __future__ import annotations

import itertools
from functools import partial

import pytest
from bintally.domain.objects import StoredObject
from bintally.domain.verdicts import NO_LONGER_ORDERED, Finding, Verdict
from bintally.usecases.orders import MARGIN_SECONDS, PART, ImportSummary
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import CrashError, Fakes
from tests.unit.functions.examples import order_file
from tests.unit.functions.usecases.runs import after_each_crash, imported, with_each_interruption

HEADER = "consignment_id,bin_id,expected,due_at"
FIRST = f"{HEADER}\nC-1,a,3,\nC-1,b,2,\nC-2,a,1,\n"
AMENDED = f"{HEADER}\nC-1,a,5,\n"
EARLY, LATE = order_file(at="2026-05-04T08:00:00.000Z"), order_file(at="2026-05-04T09:00:00.000Z")


def expected_in(fakes: Fakes) -> dict[tuple[str, str], int]:
    return {key: line.expected for key, line in fakes.orders.items.items()}


def standing_in(fakes: Fakes) -> dict[tuple[str, str], int]:
    """What is expected by the lines that are not withdrawn."""
    lines = fakes.orders.items.items()
    return {key: line.expected for key, line in lines if line.verdict is not Verdict.WITHDRAWN}


def judged(fakes: Fakes) -> None:
    """Every line has a verdict."""
    findings = [
        (line, Finding(Verdict.MATCH, "As expected.", line.expected), 1) for line in fakes.orders.items.values()
    ]
    fakes.orders.judge(findings, "")


def test_a_file_becomes_lines_and_a_report() -> None:
    fakes = Fakes()

    done = imported(fakes, FIRST, EARLY)

    assert expected_in(fakes) == {("C-1", "a"): 3, ("C-1", "b"): 2, ("C-2", "a"): 1}
    assert {line.order_version for line in fakes.orders.items.values()} == {EARLY.order}
    assert (done.accepted, done.refused, done.report) == (3, 0, "s3://jobs/orders/reports/orders.csv")
    assert fakes.reports.written == {"orders.csv": (3, ())}


def test_bad_rows_are_reported_and_the_good_stand() -> None:
    fakes = Fakes()

    done = imported(fakes, f"{HEADER}\nC-1,a,3,\nC-1,b,many,\nC-1,c,1,\n")

    assert (done.accepted, done.refused) == (2, 1)
    accepted, refused = fakes.reports.written["orders.csv"]
    assert (accepted, [row.line for row in refused]) == (2, [3])


@pytest.mark.parametrize("text", ["", "no order file", "\x00\x00", "[", HEADER])
def test_a_file_without_lines_still_has_a_report(text: str) -> None:
    fakes = Fakes()

    assert imported(fakes, text).accepted == 0
    assert fakes.orders.items == {}
    assert list(fakes.reports.written) == ["orders.csv"]


def test_the_same_file_three_times_is_one_set_of_lines() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)
    judged(fakes)
    once = fakes.state()

    for _ in range(2):
        imported(fakes, FIRST, EARLY)

    assert fakes.state() == once


def test_the_same_orders_imported_again_keep_their_verdicts() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)
    judged(fakes)

    imported(fakes, FIRST, LATE)

    lines = fakes.orders.items.values()
    assert {line.verdict for line in lines} == {Verdict.MATCH}
    assert {line.order_version for line in lines} == {LATE.order}


def test_an_amended_order_wins_and_is_judged_again() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)
    judged(fakes)

    imported(fakes, AMENDED, LATE)

    amended = fakes.orders.items["C-1", "a"]
    assert (amended.expected, amended.verdict, amended.counted, amended.bin_revision) == (5, Verdict.PENDING, None, 0)
    assert fakes.orders.items["C-1", "b"].verdict is Verdict.WITHDRAWN  # the file has C-1 without it
    assert fakes.orders.items["C-2", "a"].verdict is Verdict.MATCH  # a consignment that the file does not name


def test_another_due_date_is_an_amendment() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)
    judged(fakes)

    imported(fakes, f"{HEADER}\nC-1,a,3,2026-06-01\n", LATE)

    line = fakes.orders.items["C-1", "a"]
    assert (line.verdict, line.due_at) == (Verdict.PENDING, "2026-06-01T23:59:59.999Z")


def test_an_older_file_that_comes_late_does_not_win() -> None:
    fakes = Fakes()
    imported(fakes, AMENDED, LATE)

    imported(fakes, FIRST, EARLY)

    assert standing_in(fakes) == {("C-1", "a"): 5, ("C-2", "a"): 1}


def test_files_that_add_in_any_order_end_with_the_newest_of_each_line() -> None:
    files = [
        (f"{HEADER}\nC-1,a,1,\nC-1,b,1,\n", order_file("one.csv", at="2026-05-04T08:00:00.000Z")),
        (f"{HEADER}\nC-1,a,2,\n", order_file("two.csv", at="2026-05-04T08:00:00.001Z", sequencer="00")),
        (f"{HEADER}\nC-1,b,3,\n", order_file("two.csv", at="2026-05-04T08:00:00.001Z", sequencer="001")),
    ]
    for order in itertools.permutations(files):
        fakes = Fakes()
        for text, source in order:
            imported(fakes, text, source, adds=True)
        assert standing_in(fakes) == {("C-1", "a"): 2, ("C-1", "b"): 3}


@pytest.mark.parametrize("batch_size", [100, 1])
def test_a_second_import_completes_a_crashed_one(batch_size: int) -> None:
    calm = Fakes()
    imported(calm, FIRST, EARLY)

    for fakes in after_each_crash(lambda: Fakes(batch_size), lambda fakes: imported(fakes, FIRST, EARLY)):
        assert fakes.state() == calm.state()
        assert fakes.reports.written == calm.reports.written


def test_two_files_at_once_end_with_the_newer() -> None:
    for run, other in itertools.permutations([(FIRST, EARLY), (AMENDED, LATE)]):
        all_fakes = with_each_interruption(
            lambda: Fakes(batch_size=1),
            lambda fakes, run=run: imported(fakes, *run),
            lambda fakes, other=other: imported(fakes, *other),
        )
        for fakes in all_fakes:
            assert standing_in(fakes) == {("C-1", "a"): 5, ("C-2", "a"): 1}


# ---- A file replaces its consignments


def test_a_line_missing_from_the_file_is_withdrawn() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)

    done = imported(fakes, AMENDED, LATE)

    line = fakes.orders.items["C-1", "b"]
    assert (line.verdict, line.reason, line.replace_version) == (Verdict.WITHDRAWN, NO_LONGER_ORDERED, LATE.order)
    assert done.withdrawn == 1
    assert fakes.orders.judged == ["C-1"]  # which may be finished now


def test_a_file_that_adds_withdraws_nothing() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)

    done = imported(fakes, AMENDED, LATE, adds=True)

    assert standing_in(fakes) == {("C-1", "a"): 5, ("C-1", "b"): 2, ("C-2", "a"): 1}
    assert done.withdrawn == 0


@pytest.mark.parametrize("bad", ["C-1,b,many,\n", "C-7,,1,\n", '"open'])
def test_a_file_with_rejected_rows_withdraws_nothing(bad: str) -> None:
    """What it lacks may be what could not be read."""
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)

    done = imported(fakes, AMENDED + bad, LATE)

    assert (done.refused, done.withdrawn) == (1, 0)
    assert standing_in(fakes) == {("C-1", "a"): 5, ("C-1", "b"): 2, ("C-2", "a"): 1}


def test_a_line_that_returns_is_judged_again() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)
    judged(fakes)
    imported(fakes, AMENDED, LATE)

    imported(fakes, FIRST, order_file(at="2026-05-04T10:00:00.000Z"))

    line = fakes.orders.items["C-1", "b"]
    assert (line.verdict, line.counted, line.bin_revision) == (Verdict.PENDING, None, 0)


def test_a_consignment_without_lines_is_withdrawn() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)

    done = imported(fakes, '{"consignment_id": "C-1", "lines": []}', LATE)

    assert standing_in(fakes) == {("C-2", "a"): 1}
    assert (done.accepted, done.refused, done.withdrawn) == (0, 0, 2)


def test_a_late_verdict_does_not_restore_a_withdrawn_line() -> None:
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)
    line = fakes.orders.items["C-1", "b"]
    imported(fakes, AMENDED, LATE)

    assert fakes.orders.judge([(line, Finding(Verdict.MATCH, "As expected.", 2), 1)], "") == set()
    assert fakes.orders.items["C-1", "b"].verdict is Verdict.WITHDRAWN


Files = list[tuple[dict[tuple[str, str], int], bool]]  # the lines of each file, and whether it adds
files = st.lists(
    st.tuples(
        st.dictionaries(
            st.tuples(st.sampled_from(["C-1", "C-2"]), st.sampled_from("abc")), st.integers(0, 3), min_size=1
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def expected_after(all_files: Files) -> dict[tuple[str, str], int]:
    """The lines that remain after these files in order."""
    standing: dict[tuple[str, str], int] = {}
    for lines, adds in all_files:
        named = {consignment for consignment, _ in lines}
        kept = {key: number for key, number in standing.items() if adds or key[0] not in named}
        standing = {**kept, **lines}
    return standing


def written(lines: dict[tuple[str, str], int]) -> str:
    return HEADER + "".join(f"\n{consignment},{bin_id},{number}," for (consignment, bin_id), number in lines.items())


@given(files=files, data=st.data())
@settings(max_examples=5 * settings.default.max_examples)
def test_interleaved_and_repeated_imports_end_like_sequential_ones(files: Files, data: st.DataObject) -> None:
    """Also if runs die: then the message is delivered again."""
    fakes = Fakes(batch_size=1)
    sources = [order_file(f"{number}.csv", at=f"2026-05-04T08:00:00.00{number}Z") for number in range(len(files))]

    def take(number: int) -> None:
        imported(fakes, written(files[number][0]), sources[number], adds=files[number][1])

    def take_until_done(number: int) -> None:
        try:
            take(number)
        except CrashError:
            take(number)

    for number in data.draw(st.permutations(list(range(len(files))) * 2)):
        step, other = data.draw(st.integers(1, 8)), data.draw(st.sampled_from(range(len(files))))
        if data.draw(st.booleans()):
            fakes.steps.before(step, partial(take, other))
        else:
            fakes.steps.crash_before(step)
        take_until_done(number)

    assert standing_in(fakes) == expected_after(files)


# ---- Large files, and little time

LINES = 3 * PART + 1
LARGE = HEADER + "".join(f"\nC-{number % 7},bin-{number},1," for number in range(LINES))


class FakeClock:
    """Each reading takes a second; `seconds` are left at first."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        self.seconds -= 1
        return self.seconds


def runs_of(fakes: Fakes, text: str, source: StoredObject, seconds: float) -> list[ImportSummary]:
    """Every run of an import, each with so many seconds."""
    runs = []
    while not runs or not runs[-1].is_finished:
        assert len(runs) < 20, "it does not end"
        runs.append(imported(fakes, text, source, time_left=FakeClock(seconds)))
    return runs


def test_an_import_that_runs_out_of_time_continues_where_it_stopped() -> None:
    fakes, at_once = Fakes(), Fakes()
    imported(at_once, LARGE, LATE)
    imported(fakes, f"{HEADER}\nC-0,old,1,", EARLY)
    imported(at_once, f"{HEADER}\nC-0,old,1,", EARLY)
    puts = []
    fakes.orders.put, put = lambda lines, now: (puts.append(len(lines)), put(lines, now)), fakes.orders.put  # type: ignore[method-assign]

    runs = runs_of(fakes, LARGE, LATE, seconds=MARGIN_SECONDS + 1)

    assert [run.is_finished for run in runs] == [False, False, True]
    assert puts == [PART, PART, PART, 1]  # nothing is written twice
    assert fakes.state() == at_once.state()
    assert runs[-1].withdrawn == 1
    assert fakes.reports.written["orders.csv"] == (LINES, ())


def test_even_without_time_each_run_does_one_part() -> None:
    fakes = Fakes()

    assert len(runs_of(fakes, LARGE, EARLY, seconds=0)) == 5
    assert len(fakes.orders.items) == LINES


def test_a_run_that_is_killed_is_continued_from_its_last_part() -> None:
    fakes = Fakes()
    fakes.steps.crash_before(25)  # in the third part
    with pytest.raises(CrashError):
        imported(fakes, LARGE, EARLY)
    assert fakes.reports.progress(EARLY).written == 2 * PART  # type: ignore[union-attr]
    before = fakes.steps.count

    done = imported(fakes, LARGE, EARLY)

    assert (done.accepted, done.is_finished) == (LINES, True)
    assert fakes.steps.count - before < 25
    assert len(fakes.orders.items) == LINES


def test_other_content_under_the_same_name_is_imported_from_the_start() -> None:
    """A bucket may keep no versions."""
    fakes = Fakes()
    imported(fakes, LARGE, EARLY, time_left=lambda: 0.0)

    imported(fakes, FIRST, EARLY)

    assert {("C-1", "a"), ("C-1", "b"), ("C-2", "a")} <= expected_in(fakes).keys()


def test_a_finished_import_can_be_repeated() -> None:
    """The table may have been restored from a backup meanwhile."""
    fakes = Fakes()
    imported(fakes, FIRST, EARLY)
    fakes.orders.items.clear()

    imported(fakes, FIRST, EARLY)

    assert len(fakes.orders.items) == 3
