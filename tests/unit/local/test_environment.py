import os
import re

import pytest
from binlocal.environment import client_environment, create_client, no_proxy, server_environment
from binlocal.ministack import ministack_environment

CLIENT = client_environment("http://127.0.0.1:4001", "http://127.0.0.1:4002")


def test_clients_of_sagemaker_and_of_other_services_use_different_ports():
    endpoints = {
        service: create_client(CLIENT, service).meta.endpoint_url
        for service in ("s3", "lambda", "sagemaker", "sagemaker-runtime")
    }

    assert endpoints == {
        "s3": "http://127.0.0.1:4001",
        "lambda": "http://127.0.0.1:4001",
        "sagemaker": "http://127.0.0.1:4002",
        "sagemaker-runtime": "http://127.0.0.1:4002",
    }


def test_servers_do_not_inherit_the_users_aws_setup(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the user's own")
    monkeypatch.setenv("https_proxy", "http://proxy.example.org")

    environment = server_environment(CLIENT)

    assert "AWS_PROFILE" not in environment
    assert "https_proxy" not in environment
    assert environment["AWS_ACCESS_KEY_ID"] == CLIENT["AWS_ACCESS_KEY_ID"]
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert environment["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] == "http://127.0.0.1:4002"


def test_ministack_binds_loopback_and_persists_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("BIND_HOST", "0.0.0.0")  # noqa: S104 (must be overridden)
    monkeypatch.setenv("PERSIST_STATE", "1")

    environment = ministack_environment(CLIENT, tmp_path)

    assert (environment["BIND_HOST"], environment["GATEWAY_PORT"]) == ("127.0.0.1", "4001")
    assert environment["PERSIST_STATE"] == environment["S3_PERSIST"] == "0"
    assert environment["IOT_MTLS_ENABLED"] == environment["SFTP_ENABLED"] == "0"
    assert environment["TMPDIR"] == str(tmp_path)


def test_each_run_has_random_keys_that_are_not_account_ids():
    keys = {client_environment("http://127.0.0.1:1", "http://127.0.0.1:2")["AWS_ACCESS_KEY_ID"] for _ in range(50)}

    assert len(keys) == 50
    assert all(re.fullmatch(r"LOCAL[0-9A-F]{32}", key) for key in keys)


def test_functions_get_the_key_as_their_session_token(tmp_path):
    assert ministack_environment(CLIENT, tmp_path)["AWS_SESSION_TOKEN"] == CLIENT["AWS_ACCESS_KEY_ID"]


def test_our_clients_ignore_the_callers_aws_setup(monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\ns3 =\n  addressing_style = virtual\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "of-a-stack-that-has-ended")

    client = create_client(CLIENT, "s3")

    assert client.meta.region_name == "us-east-1"
    assert "virtual" not in str(client.meta.config.s3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "127.0.0.1,localhost"),
        (".corp,10.0.0.0/8", ".corp,10.0.0.0/8,127.0.0.1,localhost"),
        ("localhost,.corp", "localhost,.corp,127.0.0.1"),
    ],
)
def test_an_existing_no_proxy_is_kept(before, after):
    assert no_proxy(before) == after
