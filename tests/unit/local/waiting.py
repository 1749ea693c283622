import time


def eventually(check, what, seconds=20.0):
    """The first truthy result of `check`. Fails if there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := check()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.01)
    return result
