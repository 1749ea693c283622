"""The address at which containers on Docker's default network reach this machine."""

import errno
import json
import socket
import subprocess
from ipaddress import IPv4Address, IPv4Network

from binlocal.errors import StackError

INSPECT = ("docker", "network", "inspect", "bridge")


def bridge_address() -> str | None:
    """The gateway address of Docker's default network.

    None if Docker runs in a virtual machine, like Docker Desktop, which forwards containers to this machine's loopback
    address. Raises StackError if Docker is not running.
    """
    address = gateway(inspect_bridge())
    return str(address) if is_own(address) else None


def inspect_bridge() -> str:
    try:
        done = subprocess.run(INSPECT, capture_output=True, text=True, check=False)
    except OSError as error:
        raise StackError("The docker command is not installed. Install Docker, or omit --docker.") from error
    if done.returncode:
        raise StackError(f"Docker does not respond: {done.stderr.strip()} Start it, or omit --docker.")
    return done.stdout


def gateway(networks: str) -> IPv4Address:
    """The IPv4 gateway in the output of `docker network inspect`, by default the subnet's first address."""
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
    """Whether this machine can listen on the address."""
    with socket.socket() as probe:
        try:
            probe.bind((str(address), 0))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return False
            raise
    return True
