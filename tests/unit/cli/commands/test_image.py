from __future__ import annotations

from bincli.commands.image import FOLDER, view
from bincli.image.build import PushedImage

from tests.unit.cli.printing import Printed

URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bintally-counter@sha256:ab"


def printed(*, built: bool) -> Printed:
    output = Printed()
    output.emit([], view(PushedImage(URI, "sha256:ab", "1234", built), output))
    return output


def test_only_the_address_goes_to_standard_output() -> None:
    assert printed(built=True).stdout == f"{URI}\n"
    assert printed(built=False).stdout == f"{URI}\n"


def test_an_image_that_was_there_is_said() -> None:
    assert "The tag 1234 is in ECR already" in printed(built=False).stderr
    assert printed(built=True).stderr == ""


def test_the_folder_is_the_container() -> None:
    assert (FOLDER / "Dockerfile").is_file()
