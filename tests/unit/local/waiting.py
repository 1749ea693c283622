import time


def eventually(look, what, seconds=20.0):
    """The first truthy answer of `look`; fails when there is none within the time."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.01)
    return answer
