"""The flags that jobs share, and how flags of train.py become hyperparameters."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from binlab.train.recipe import add_flags


def place_flags(parser: argparse.ArgumentParser) -> None:
    env = os.environ.get
    region = env("AWS_REGION") or env("AWS_DEFAULT_REGION") or "us-east-1"
    group = parser.add_argument_group("where to")
    group.add_argument("--output", type=s3_uri, required=True, help="s3://bucket/prefix for code and results")
    group.add_argument("--region", default=region, help="(default: %(default)s)")
    group.add_argument("--kms-key", help="encrypt code, volumes and results with this key (default: the bucket's own)")
    group.add_argument("--dry-run", action="store_true", help="print the request as JSON; needs no account")


def job_flags(parser: argparse.ArgumentParser, instance: str) -> None:
    place_flags(parser)
    group = parser.add_argument_group("the job")
    group.add_argument("--role", required=True, help="ARN of the role that it runs as")
    group.add_argument("--image", help="container image (default: AWS's PyTorch for training)")
    group.add_argument("--instance-type", default=instance, help="(default: %(default)s)")
    group.add_argument("--volume", type=int, default=50, metavar="GB", help="disk (default: %(default)s)")
    group.add_argument("--hours", type=float, default=6, help="ends it after this long (default: %(default)s)")
    group.add_argument("--name", default="bintally", help="its name begins with this (default: %(default)s)")
    group.add_argument("--wait", action="store_true", help="stay and show its log")
    group.add_argument("--subnets", nargs="+", default=[], metavar="ID", help="run inside a VPC: these subnets ...")
    group.add_argument("--security-groups", nargs="+", default=[], metavar="ID", help="... and these security groups")
    group.add_argument("--isolated", action="store_true", help="no network: the image has to hold every library")


def learning_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=s3_uri, required=True, help="s3://bucket/prefix of what `prepare` wrote")
    parser.add_argument("--weights", type=s3_uri, help="file to start from (default: torchvision's, over the network)")
    parser.add_argument("flags", nargs="*", metavar="-- FLAGS", help="of train.py, as in: -- --recipe best --batch 64")
    job_flags(parser, "ml.g5.xlarge")
    group = parser.add_argument_group("price")
    group.add_argument("--on-demand", action="store_true", help="no spot instances: dearer, never interrupted")
    group.add_argument("--wait-hours", type=float, help="waiting and running together (default: twice --hours)")


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """What one flag can't say alone. Ends the program with status 2."""
    given = vars(options)
    if options.dry_run:
        options.wait = False
    if bool(given.get("subnets")) != bool(given.get("security_groups")):
        parser.error("--subnets and --security-groups belong together: give both or none")
    if given.get("wait_hours") and options.wait_hours < options.hours:
        parser.error(f"--wait-hours {options.wait_hours:g} is shorter than --hours {options.hours:g}")
    if given.get("isolated") and options.command == "prepare" and not options.data:
        parser.error("--isolated has no network to collect over: give --data s3://bucket/prefix of your photographs")
    if given.get("isolated") and options.command in ("train", "tune") and not options.weights:
        parser.error("--isolated can't download weights: give --weights s3://bucket/file")


def s3_uri(text: str) -> str:
    bucket = text.removeprefix("s3://").split("/")[0]
    if not text.startswith("s3://") or not bucket:
        raise argparse.ArgumentTypeError(f"{text!r} is not like s3://bucket/prefix")
    return text.rstrip("/")


def hyperparameters(flags: Sequence[str]) -> dict[str, str]:
    """From `--rate 1e-4 --batch 64` to {"rate": "1e-4", "batch": "64"}. Ends the program where train.py would."""
    parser = argparse.ArgumentParser(prog="train.py", usage="jobs.py ... -- FLAGS", add_help=False, allow_abbrev=False)
    add_flags(parser)
    for name in ("--limit", "--stop-on"):
        parser.add_argument(name)
    words = [word for flag in flags for word in flag.split("=", 1)]
    parser.parse_args(words)
    return {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
