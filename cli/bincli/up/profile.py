"""How other programs find the local stack: an AWS profile, lines for a shell to source, and variables for SAM.

All of them hold the key of the running stack. They are removed when it ends, and the key with it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

NAME = "bintally-local"
CONFIG_FILE = "aws-config"
SHELL_FILE = "aws.env"
SAM_FILE = "sam-env.json"
FILES = (CONFIG_FILE, SHELL_FILE, SAM_FILE)
SERVICES = {
    "sagemaker": "AWS_ENDPOINT_URL_SAGEMAKER",
    "sagemaker_runtime": "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
    "application_auto_scaling": "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING",
}
VARIABLES = ("AWS_PROFILE", "AWS_CONFIG_FILE")
# What takes precedence over a profile. So do the endpoints of single services, such as AWS_ENDPOINT_URL_S3.
STRONGER = (
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_DEFAULT_PROFILE "
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
)
LEAVE = f"unset {' '.join(VARIABLES)}"
SHELL = """\
# Points the AWS CLI and the SDKs in this terminal, and in no other, at the local stack.
# To go back to your own AWS: {leave} (or close the terminal).
unset {stronger} $(env | sed -n 's/^\\(AWS_ENDPOINT_URL[A-Z0-9_]*\\)=.*/\\1/p')
export AWS_PROFILE={profile} AWS_CONFIG_FILE={config}
# Not through a proxy.
for bintally_host in 127.0.0.1 localhost; do
  case ",${{NO_PROXY:-}}," in
    *",$bintally_host,"*) ;;
    *) export NO_PROXY="${{NO_PROXY:+$NO_PROXY,}}$bintally_host" ;;
  esac
  case ",${{no_proxy:-$bintally_host}}," in
    *",$bintally_host,"*) ;;
    *) export no_proxy="$no_proxy,$bintally_host" ;;
  esac
done
unset bintally_host
"""


def profile(environment: Mapping[str, str]) -> str:
    """A config file for the AWS SDKs. `environment` is that of the stack's clients (binlocal.environment)."""
    services = "".join(f"{name} =\n  endpoint_url = {environment[variable]}\n" for name, variable in SERVICES.items())
    return (
        f"# For the running local stack; removed when it ends.\n[profile {NAME}]\n"
        f"region = {environment['AWS_REGION']}\n"
        f"aws_access_key_id = {environment['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {environment['AWS_SECRET_ACCESS_KEY']}\n"
        f"endpoint_url = {environment['AWS_ENDPOINT_URL']}\n"
        f"services = {NAME}\n\n[services {NAME}]\n{services}"
    )


def shell_lines(config: Path) -> str:
    """What sh, bash or zsh sources to use the profile in the file `config`."""
    return SHELL.format(leave=LEAVE, stronger=STRONGER, profile=NAME, config=shlex.quote(str(config)))


@contextmanager
def written_environment(folder: Path, environment: Mapping[str, str], variables: Mapping[str, str]) -> Iterator[None]:
    """Write the files, for this user alone, and remove them on exit.

    `environment` points an SDK at the stack. `variables` are those that the template gives its functions, for
    `sam local invoke --env-vars`.
    """
    from binlocal.gate import DOCKER_HOST
    from binlocal.state import write_private

    endpoints = {
        name: url.replace("127.0.0.1", DOCKER_HOST) for name, url in environment.items() if "ENDPOINT_URL" in name
    }
    try:
        write_private(folder / CONFIG_FILE, profile(environment))
        write_private(folder / SAM_FILE, json.dumps({"Parameters": {**variables, **endpoints}}, indent=2) + "\n")
        write_private(folder / SHELL_FILE, shell_lines(folder / CONFIG_FILE))
        yield
    finally:
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
