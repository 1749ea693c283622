"""How a person gets to the desk of a local stack."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from binlocal.desk import Desk

GRAPHICAL = ("DISPLAY", "WAYLAND_DISPLAY")  # without one of these, Linux has text browsers at most


def desk_text(desk: Desk | None) -> str:
    """Where the desk is and how to sign in, as a paragraph; "" without one."""
    if desk is None:
        return ""
    users = "\n".join(f"  {role:14}{password}" for role, password in desk.passwords.items())
    return f"The desk, and the name and password of a user for each role:\n\n{desk.address}\n\n{users}\n\n"


def has_browser() -> bool:
    """Whether this machine can show a page in a window."""
    return sys.platform == "darwin" or any(map(os.environ.get, GRAPHICAL))


def open_in_browser(desk: Desk) -> None:
    """Open the desk if this machine has a browser in a window."""
    if has_browser():
        webbrowser.open(desk.address)
