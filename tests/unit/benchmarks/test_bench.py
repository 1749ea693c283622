"""`make bench`: its arithmetic, its page, and small runs of what needs no stack. No test looks at a speed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import aws_usage, bench
from benchmarks.measure import Options, compared, machine, rates, spread
from benchmarks.page import page, table
from benchmarks.targets import TARGETS, judged
from tests.documents import ROOT

RESULTS = json.loads((ROOT / "benchmarks" / "results.json").read_text())


def test_the_page_says_what_the_results_say() -> None:
    assert (ROOT / "docs" / "performance.md").read_text() == page(RESULTS)


def test_every_section_has_its_plot_and_no_machine_is_named() -> None:
    assert [name for name in RESULTS if not (ROOT / "docs" / "performance" / f"{name}.png").exists()] == []
    assert not any(each["measured"]["quick"] for each in RESULTS.values())
    assert set(machine()) == {"processor", "family", "cores", "flags", "memory_gib", "system", "python", "versions"}


def test_a_ratio_is_that_of_the_same_repeat() -> None:
    mine, other = compared({"ours": [4.0, 6.0, 20.0], "theirs": [2.0, 2.0, 10.0]}, "theirs", "photos/s")

    assert mine["value"] == {"median": 6.0, "min": 4.0, "max": 20.0}
    assert mine["ratio"] == spread([2.0, 3.0, 2.0])
    assert other["baseline"] and other["ratio"] == spread([1.0])


def test_the_ways_take_turns() -> None:
    done: list[str] = []
    found = rates({name: (2, lambda name=name: done.append(name)) for name in "ab"}, 3)

    assert "".join(done) == "abababab"  # the first round is not counted
    assert {name: len(each) for name, each in found.items()} == {"a": 3, "b": 3}


def test_a_target_is_a_least_or_a_most() -> None:
    assert TARGETS[0].reached(TARGETS[0].goal) and not TARGETS[0].reached(TARGETS[0].goal - 0.1)
    assert not next(each for each in TARGETS if not each.least).reached(1000)
    assert [value for _, value in judged({})] == [None] * len(TARGETS)


def test_words_are_to_the_left_and_numbers_to_the_right() -> None:
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | --: |\n| x | 1 |"


@pytest.mark.slow
@pytest.mark.parametrize("section", ["inference", "aws"])
def test_a_quick_run_writes_results_page_and_plot(section: str, tmp_path: Path) -> None:
    images = str(ROOT / "tests" / "photos")

    assert bench.main(["--images", images, "--only", section, "--quick", "--out", str(tmp_path)]) == 0

    found = json.loads((tmp_path / bench.RESULTS).read_text())
    assert found[section]["measured"]["quick"]
    assert "not to be quoted" in (tmp_path / bench.PAGE).read_text()
    assert (tmp_path / "performance" / f"{section}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_job_of_many_images_takes_fewer_requests_than_jobs_of_one() -> None:
    many, one = aws_usage.counted(4, 4), aws_usage.counted(2, 1)

    assert many["dynamodb TransactWriteItems"] < one["dynamodb TransactWriteItems"]
    assert many["write_units"] < one["write_units"]


def test_some_photos_are_taken_again_when_there_are_few(tmp_path: Path) -> None:
    options = bench.options_of(bench.parse(["--images", str(ROOT / "tests" / "photos"), "--quick"]), tmp_path)

    assert isinstance(options, Options)
    assert len(options.some(96)) == 9
    assert options.repeats == bench.QUICK_REPEATS
