"""Where the containers of Docker's default network reach this machine."""

import errno
import json
import socket
import subprocess
from ipaddress import IPv4Address, IPv4Network

from binlocal.errors import StackError

INSPECT = ("docker", "network", "inspect", "bridge")


def bridge_address() -> str | None:
    """The gateway of Docker's default network, which is an address of this machine.

    None where Docker runs in a virtual machine, as Docker Desktop does: it takes containers to this machine's loopback
    address. Raises StackError where no Docker engine runs.
    """
    address = gateway(inspect_bridge())
    return str(address) if is_own(address) else None


def inspect_bridge() -> str:
    try:
        done = subprocess.run(INSPECT, capture_output=True, text=True, check=False)
    except OSError as error:
        raise StackError("There is no docker command. Install Docker, or leave out --docker.") from error
    if done.returncode:
        raise StackError(f"Docker does not answer: {done.stderr.strip()} Start it, or leave out --docker.")
    return done.stdout


def gateway(networks: str) -> IPv4Address:
    """The IPv4 gateway in what `docker network inspect` prints: the first address of the subnet unless it says more."""
    try:
        (network,) = json.loads(networks)
        for config in network["IPAM"]["Config"]:
            subnet = IPv4Network(config["Subnet"])
            address = IPv4Address(config.get("Gateway") or subnet[1])
            if address in subnet and not address.is_unspecified:
                return address
    except (LookupError, TypeError, ValueError):
        pass
    raise StackError("Docker's network `bridge` has no IPv4 gateway. See: docker network inspect bridge")


def is_own(address: IPv4Address) -> bool:
    """Whether this machine can listen there."""
    with socket.socket() as probe:
        try:
            probe.bind((str(address), 0))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return False
            raise
    return True
