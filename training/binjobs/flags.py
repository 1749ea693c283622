"""Flags shared by the jobs, and how flags of train.py become hyperparameters."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from binlab.train.recipe import add_flags


def place_flags(parser: argparse.ArgumentParser) -> None:
    env = os.environ.get
    region = env("AWS_REGION") or env("AWS_DEFAULT_REGION") or "us-east-1"
    group = parser.add_argument_group("destination")
    group.add_argument("--output", type=s3_uri, required=True, help="s3://bucket/prefix for code and results")
    group.add_argument("--region", default=region, help="(default: %(default)s)")
    group.add_argument("--kms-key", help="KMS key for code, volumes and results (default: the bucket's encryption)")
    group.add_argument("--dry-run", action="store_true", help="print the request as JSON and send nothing")


def job_flags(parser: argparse.ArgumentParser, instance: str) -> None:
    place_flags(parser)
    group = parser.add_argument_group("the job")
    group.add_argument("--role", required=True, help="ARN of the execution role")
    group.add_argument("--image", help="container image (default: the AWS PyTorch training image)")
    group.add_argument("--instance-type", default=instance, help="(default: %(default)s)")
    group.add_argument("--volume", type=int, default=50, metavar="GB", help="disk size (default: %(default)s)")
    group.add_argument("--hours", type=float, default=6, help="maximum run time (default: %(default)s)")
    group.add_argument("--name", default="bintally", help="prefix of the job name (default: %(default)s)")
    group.add_argument("--wait", action="store_true", help="wait for the job and show its log")
    group.add_argument("--subnets", nargs="+", default=[], metavar="ID", help="subnets, to run in a VPC")
    group.add_argument(
        "--security-groups", nargs="+", default=[], metavar="ID", help="security groups, to run in a VPC"
    )
    group.add_argument(
        "--isolated", action="store_true", help="run without network; the image must contain every library"
    )


def learning_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=s3_uri, required=True, help="s3://bucket/prefix of the prepared photos")
    parser.add_argument("--weights", type=s3_uri, help="weights file to start from (default: download torchvision's)")
    parser.add_argument(
        "flags", nargs="*", metavar="-- FLAGS", help="flags of train.py, for example: -- --recipe best --batch 64"
    )
    job_flags(parser, "ml.g5.xlarge")
    group = parser.add_argument_group("price")
    group.add_argument("--on-demand", action="store_true", help="do not use spot instances: dearer, never interrupted")
    group.add_argument("--wait-hours", type=float, help="maximum wait for spot plus run time (default: twice --hours)")


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Check flags that depend on each other. Exits with code 2."""
    given = vars(options)
    if options.dry_run:
        options.wait = False
    if bool(given.get("subnets")) != bool(given.get("security_groups")):
        parser.error("--subnets and --security-groups belong together: give both or none")
    if given.get("wait_hours") and options.wait_hours < options.hours:
        parser.error(f"--wait-hours {options.wait_hours:g} is shorter than --hours {options.hours:g}")
    if given.get("isolated") and options.command == "prepare" and not options.data:
        parser.error("--isolated cannot collect over the network: give --data s3://bucket/prefix of your photos")
    if given.get("isolated") and options.command == "collect":
        parser.error("--isolated cannot collect over the network: run this step without it")
    if given.get("isolated") and options.command in ("train", "tune") and not options.weights:
        parser.error("--isolated cannot download weights: give --weights s3://bucket/file")


def s3_uri(text: str) -> str:
    bucket = text.removeprefix("s3://").split("/")[0]
    if not text.startswith("s3://") or not bucket:
        raise argparse.ArgumentTypeError(f"{text!r} is not like s3://bucket/prefix")
    return text.rstrip("/")


def hyperparameters(flags: Sequence[str]) -> dict[str, str]:
    """Turn `--lr 1e-4 --batch 64` into {"lr": "1e-4", "batch": "64"}. Exits with code 2 if train.py would."""
    parser = argparse.ArgumentParser(prog="train.py", usage="jobs.py ... -- FLAGS", add_help=False, allow_abbrev=False)
    add_flags(parser)
    for name in ("--limit", "--stop-on"):
        parser.add_argument(name)
    words = [word for flag in flags for word in flag.split("=", 1)]
    parser.parse_args(words)
    return {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
