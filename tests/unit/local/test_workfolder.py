import os
import signal
import subprocess
import sys

import pytest
from binlocal.errors import StackError
from binlocal.workfolder import MARKER, claim, is_locked, locked

from tests.unit.local.waiting import eventually

HOLDER = """
import sys, time
from pathlib import Path
from binlocal.workfolder import locked
with locked(Path(sys.argv[1])):
    time.sleep(600)
"""


def test_a_new_folder_is_locked_and_private(tmp_path):
    folder = tmp_path / "a" / "stack"

    with locked(folder):
        assert is_locked(folder)

    assert not is_locked(folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_a_public_folder_becomes_private(tmp_path):
    tmp_path.chmod(0o777)

    with locked(tmp_path):
        assert tmp_path.stat().st_mode & 0o077 == 0


def test_an_empty_folder_and_one_with_our_marker_are_accepted(tmp_path):
    with locked(tmp_path):
        (tmp_path / "tmp").mkdir()
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("content", ["tmp/thesis.txt", "sagemaker/model.bin", "stack.json", ".git/HEAD"])
def test_a_folder_with_other_files_is_rejected_and_left_unchanged(tmp_path, content):
    existing = tmp_path / content
    existing.parent.mkdir(exist_ok=True)
    existing.write_text("years of work")

    with pytest.raises(StackError, match=f"{tmp_path} contains files"), locked(tmp_path):
        pass

    assert existing.read_text() == "years of work"
    assert not (tmp_path / MARKER).exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a folder away")
def test_a_folder_of_another_user_is_rejected_even_with_our_marker(tmp_path):
    (tmp_path / MARKER).touch()
    os.chown(tmp_path, 65534, 65534)

    with pytest.raises(StackError, match="another user"), locked(tmp_path):
        pass


def test_two_stacks_do_not_share_a_folder(tmp_path):
    with locked(tmp_path):
        with pytest.raises(StackError, match=f"is already running in {tmp_path}"), locked(tmp_path):
            pass
        assert is_locked(tmp_path), "the second one does not take the lock"


def test_the_lock_is_released_when_its_holder_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path]) as holder:
        eventually(lambda: is_locked(tmp_path), "the holder")
        holder.send_signal(signal.SIGKILL)

    assert not is_locked(tmp_path)
    with locked(tmp_path):
        pass


def test_a_missing_folder_is_not_locked(tmp_path):
    assert not is_locked(tmp_path / "nowhere")


def test_a_folder_of_an_earlier_version_is_accepted_without_a_marker(tmp_path):
    (tmp_path / "local" / "tmp").mkdir(parents=True)

    claim(tmp_path / "local", scratch=tmp_path)

    assert (tmp_path / "local" / MARKER).exists()
