import json

from binlocal.sagemaker.__main__ import create_server, load_faults
from binmodel.connections import TimeoutProtocol
from starlette.applications import Starlette


def test_the_plan_comes_from_the_option_or_the_variable_or_is_empty(tmp_path, monkeypatch):
    named, other = tmp_path / "named.json", tmp_path / "other.json"
    named.write_text('{"seed": 1}')
    other.write_text('{"seed": 2}')
    monkeypatch.delenv("BINTALLY_FAULTS", raising=False)
    assert load_faults(None, None).plan.seed == 0

    monkeypatch.setenv("BINTALLY_FAULTS", str(other))

    assert load_faults(None, None).plan.seed == 2
    assert load_faults(named, None).plan.seed == 1


def test_after_a_restart_the_saved_plan_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("BINTALLY_FAULTS", raising=False)
    (tmp_path / "faults.json").write_text(json.dumps({"plan": {"seed": 5}, "counts": {}, "chances": {}}))
    named = tmp_path / "named.json"
    named.write_text('{"seed": 1}')

    assert load_faults(named, tmp_path).plan.seed == 5


def test_the_server_closes_the_connections_of_slow_clients():
    config = create_server(Starlette(), 9000, "key").config

    assert (config.host, config.http, config.ws) == ("127.0.0.1", TimeoutProtocol, "none")
