import pytest
from hypothesis import settings

# NumPy and torch take longer than Hypothesis' 200 ms on a busy machine, which is no failure.
settings.register_profile("training", deadline=None)


@pytest.fixture(autouse=True, scope="session")
def _no_deadline() -> None:
    settings.load_profile("training")
