import json

from binlocal.sagemaker.__main__ import create_server, load_faults
from binmodel.clients import PromptProtocol
from starlette.applications import Starlette


def test_the_plan_is_the_file_named_or_that_of_the_variable_or_none(tmp_path, monkeypatch):
    named, other = tmp_path / "named.json", tmp_path / "other.json"
    named.write_text('{"seed": 1}')
    other.write_text('{"seed": 2}')
    monkeypatch.delenv("BINTALLY_FAULTS", raising=False)
    assert load_faults(None, None).plan.seed == 0

    monkeypatch.setenv("BINTALLY_FAULTS", str(other))

    assert load_faults(None, None).plan.seed == 2
    assert load_faults(named, None).plan.seed == 1


def test_after_a_restart_the_plan_is_the_one_that_was_there(tmp_path, monkeypatch):
    monkeypatch.delenv("BINTALLY_FAULTS", raising=False)
    (tmp_path / "faults.json").write_text(json.dumps({"plan": {"seed": 5}, "counts": {}, "chances": {}}))
    named = tmp_path / "named.json"
    named.write_text('{"seed": 1}')

    assert load_faults(named, tmp_path).plan.seed == 5


def test_a_client_that_is_too_slow_is_not_waited_for():
    config = create_server(Starlette(), 9000, "key").config

    assert (config.host, config.http, config.ws) == ("127.0.0.1", PromptProtocol, "none")
