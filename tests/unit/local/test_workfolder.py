import os
import signal
import subprocess
import sys

import pytest
from binlocal.errors import StackError
from binlocal.workfolder import MARK, claim, held, is_held

from tests.unit.local.waiting import eventually

HOLDER = """
import sys, time
from pathlib import Path
from binlocal.workfolder import held
with held(Path(sys.argv[1])):
    time.sleep(600)
"""


def test_a_new_folder_is_ours_and_closed_to_others(tmp_path):
    folder = tmp_path / "a" / "stack"

    with held(folder):
        assert is_held(folder)

    assert not is_held(folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_was_open_to_others_is_closed(tmp_path):
    tmp_path.chmod(0o777)

    with held(tmp_path):
        assert tmp_path.stat().st_mode & 0o077 == 0


def test_an_empty_folder_and_one_with_our_mark_are_taken(tmp_path):
    with held(tmp_path):
        (tmp_path / "tmp").mkdir()
    with held(tmp_path):
        pass


@pytest.mark.parametrize("content", ["tmp/thesis.txt", "sagemaker/model.bin", "stack.json", ".git/HEAD"])
def test_a_folder_of_somebody_else_is_refused_and_stays_as_it_is(tmp_path, content):
    kept = tmp_path / content
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("years of work")

    with pytest.raises(StackError, match=f"{tmp_path} holds files"), held(tmp_path):
        pass

    assert kept.read_text() == "years of work"
    assert not (tmp_path / MARK).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a folder away")
def test_a_folder_of_another_user_is_refused_even_with_our_mark(tmp_path):
    (tmp_path / MARK).touch()
    os.chown(tmp_path, 65534, 65534)

    with pytest.raises(StackError, match="another user"), held(tmp_path):
        pass


def test_two_stacks_do_not_share_a_folder(tmp_path):
    with held(tmp_path):
        with pytest.raises(StackError, match=f"runs already in {tmp_path}"), held(tmp_path):
            pass
        assert is_held(tmp_path), "the second one takes nothing from the first"


def test_the_folder_is_free_again_when_its_holder_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path]) as holder:
        eventually(lambda: is_held(tmp_path), "the holder")
        holder.send_signal(signal.SIGKILL)

    assert not is_held(tmp_path)
    with held(tmp_path):
        pass


def test_nobody_holds_a_folder_that_is_not_there(tmp_path):
    assert not is_held(tmp_path / "nowhere")


def test_a_folder_of_an_earlier_version_has_no_mark_and_is_ours_by_its_place(tmp_path):
    (tmp_path / "local" / "tmp").mkdir(parents=True)

    claim(tmp_path / "local", scratch=tmp_path)

    assert (tmp_path / "local" / MARK).exists()
