import pytest


@pytest.fixture(autouse=True)
def credentials_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients are made in these tests; without keys in the environment they would ask the network for some."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
