"""The AWS profile by which the AWS CLI and any SDK find the local stack, and the lines that a shell sources for it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

NAME = "bintally-local"
CONFIG_FILE = "aws-config"
SHELL_FILE = "aws.env"
SERVICES = {"sagemaker": "AWS_ENDPOINT_URL_SAGEMAKER", "sagemaker_runtime": "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"}
VARIABLES = ("AWS_PROFILE", "AWS_CONFIG_FILE")
# What goes before a profile. Endpoints of single services too: AWS_ENDPOINT_URL_S3 and so on.
STRONGER = (
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_DEFAULT_PROFILE "
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
)
LEAVE = f"unset {' '.join(VARIABLES)}"
SHELL = """\
# Points the AWS CLI and the SDKs of this terminal, and no other, at the local stack.
# Back to your own AWS: {leave} (or close the terminal).
unset {stronger} $(env | sed -n 's/^\\(AWS_ENDPOINT_URL[A-Z0-9_]*\\)=.*/\\1/p')
export AWS_PROFILE={profile} AWS_CONFIG_FILE={config}
# Past your proxy, where you have one.
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
    """A config file of the AWS SDKs. `environment` is that of the stack's clients (binlocal.environment)."""
    services = "".join(f"{name} =\n  endpoint_url = {environment[variable]}\n" for name, variable in SERVICES.items())
    return (
        f"# Of the local stack that runs; gone when it ends.\n[profile {NAME}]\n"
        f"region = {environment['AWS_REGION']}\n"
        f"aws_access_key_id = {environment['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {environment['AWS_SECRET_ACCESS_KEY']}\n"
        f"endpoint_url = {environment['AWS_ENDPOINT_URL']}\n"
        f"services = {NAME}\n\n[services {NAME}]\n{services}"
    )


def shell_lines(config: Path) -> str:
    """What to source, in sh, bash or zsh, for the profile in the file `config`."""
    return SHELL.format(leave=LEAVE, stronger=STRONGER, profile=NAME, config=shlex.quote(str(config)))
