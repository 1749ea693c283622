"""The address of Docker's bridge, found through a fake `docker` command."""

import json
import sys

import httpx
import pytest
from binlocal.bridge import bridge_address, gateway, is_own
from binlocal.errors import StackError

from tests.unit.local.gated import running_ministack, running_sagemaker

# Another address of this machine, as the bridge's gateway is one. Only Linux has all of 127.0.0.0/8.
ELSEWHERE = "127.0.0.2"


def printed(*configs):
    """The output of `docker network inspect bridge`."""
    return json.dumps([{"Name": "bridge", "IPAM": {"Config": list(configs)}}])


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """Makes the `docker` command print a text and exit with a code."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def says(text, code=0):
        stream = 2 if code else 1
        command = tmp_path / "docker"
        command.write_text(f"#!/bin/sh\ncat >&{stream} <<'TEXT'\n{text}\nTEXT\nexit {code}\n")
        command.chmod(0o755)

    return says


@pytest.mark.parametrize(
    ("configs", "address"),
    [
        ([{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}], "172.17.0.1"),
        ([{"Subnet": "172.17.0.0/16"}], "172.17.0.1"),
        ([{"Subnet": "10.20.0.0/24", "Gateway": "10.20.0.254"}], "10.20.0.254"),
    ],
)
def test_the_gateway_is_dockers_or_the_first_address_of_the_subnet(configs, address):
    assert str(gateway(printed(*configs))) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        printed(),
        printed({"Subnet": "172.17.0.0/16", "Gateway": "0.0.0.0"}),  # noqa: S104
        printed({"Subnet": "0.0.0.0/0", "Gateway": "0.0.0.0"}),  # noqa: S104
        printed({"Subnet": "172.17.0.0/16", "Gateway": "192.168.1.10"}),
        printed({"Subnet": "fd00::/64", "Gateway": "fd00::1"}),
        printed({"Gateway": "172.17.0.1"}),
    ],
)
def test_an_address_outside_the_subnet_is_rejected(text):
    with pytest.raises(StackError, match="no IPv4 gateway"):
        gateway(text)


def test_docker_on_this_machine_has_a_local_bridge(docker):
    docker(printed({"Subnet": "127.0.0.0/8", "Gateway": "127.0.0.1"}))

    assert bridge_address() == "127.0.0.1"


def test_docker_in_a_virtual_machine_has_no_local_bridge(docker):
    docker(printed({"Subnet": "192.0.2.0/24", "Gateway": "192.0.2.77"}))

    assert not is_own("192.0.2.77")
    assert bridge_address() is None


def test_dockers_own_error_is_reported(docker):
    docker("Cannot connect to the Docker daemon.", code=1)

    with pytest.raises(StackError, match=r"Cannot connect to the Docker daemon\. Start it, or omit --docker"):
        bridge_address()


def test_a_missing_docker_command_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StackError, match="docker command is not installed"):
        bridge_address()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second address of this machine")
@pytest.mark.allow_hosts(["127.0.0.1", ELSEWHERE])
@pytest.mark.parametrize(
    ("running", "endpoint"),
    [(running_ministack, "AWS_ENDPOINT_URL"), (running_sagemaker, "AWS_ENDPOINT_URL_SAGEMAKER")],
)
def test_a_server_listens_on_the_bridge_only_if_requested(tmp_path, running, endpoint):
    for bridge in (None, ELSEWHERE):
        (tmp_path / str(bridge)).mkdir()
        with running(tmp_path / str(bridge), bridge) as environment:
            host = environment[endpoint].removeprefix("http://")
            there = f"http://{ELSEWHERE}:{host.rpartition(':')[2]}/"
            if bridge is None:
                with pytest.raises(httpx.ConnectError):
                    httpx.get(there)
            else:
                assert httpx.get(there, headers={"Host": host}).status_code == 403
