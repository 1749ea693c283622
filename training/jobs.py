"""Run the steps as SageMaker jobs: collect, prepare, train on spot instances, tune, package, evaluate, register.

    python training/jobs.py train --dry-run --role arn:aws:iam::111122223333:role/bintally-training \\
        --data s3://my-bucket/bins/prepared --output s3://my-bucket/training  # prints the request, sends nothing
    python training/jobs.py train ... -- --recipe best --seed 8               # after `--`: flags of train.py
    python training/jobs.py COMMAND --help                                    # an example for each command

Needs the extra `sagemaker` (pip install -e '.[train,sagemaker]') and, without --dry-run, an AWS account and a role that
can read the data and write below --output: training/role.yaml makes one. Prints the highest price of a job before it
starts. Creates no bucket, makes nothing public, and sends no SDK telemetry.

Exit codes: 0 done; 2 bad usage, or AWS refused the request.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from binjobs.flags import check, hyperparameters, job_flags, learning_flags, place_flags, s3_uri
from binjobs.prices import price_of

Parser = argparse.ArgumentParser


def prepare_flags(parser: Parser) -> None:
    """Collect and clean photos, and write them to OUTPUT/prepared.

    python training/jobs.py prepare --role ROLE --output s3://my-bucket/bins --photos 10000
    python training/jobs.py prepare --role ROLE --output s3://my-bucket/bins --data s3://my-bucket/raw
    """
    parser.add_argument("--data", type=s3_uri, help="your photos in the dataset's layout (default: collect them)")
    parser.add_argument("--photos", type=int, default=10_000, help="number to collect (default: %(default)s)")
    parser.add_argument("--side", type=int, default=256, help="pixels of the shorter side (default: %(default)s)")
    job_flags(parser, "ml.m5.2xlarge")


def collect_flags(parser: Parser) -> None:
    """Collect photos of the public bucket to OUTPUT/raw, for `prepare --data OUTPUT/raw`.

    python training/jobs.py collect --role ROLE --output s3://my-bucket/bins --all   # every photo, about 30 GB
    """
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--photos", type=int, default=10_000, help="number to collect (default: %(default)s)")
    what.add_argument("--all", action="store_true", help="collect every photo")
    job_flags(parser, "ml.m5.2xlarge")


def package_flags(parser: Parser) -> None:
    """Package trained models: quantize, calibrate, measure. Writes the artifact and model.tar.gz to OUTPUT/package.

    python training/jobs.py package --role ROLE --output s3://my-bucket/bins --data s3://my-bucket/bins/prepared \\
        --model s3://my-bucket/training/bintally-1/output/model.tar.gz
    """
    parser.add_argument("--data", type=s3_uri, required=True, help="s3://bucket/prefix of the prepared photos")
    parser.add_argument(
        "--model", type=s3_uri, nargs="+", required=True, help="model.tar.gz of training jobs; several are averaged"
    )
    parser.add_argument("flags", nargs="*", metavar="-- FLAGS", help="flags of package.py, for example: -- --sizes 176")
    job_flags(parser, "ml.m5.2xlarge")


def evaluate_flags(parser: Parser) -> None:
    """Measure the packaged model on the test photos. Writes metrics.json and report.html to OUTPUT/evaluation.

    python training/jobs.py evaluate --role ROLE --output s3://my-bucket/bins --data s3://my-bucket/bins/prepared
    """
    parser.add_argument("--data", type=s3_uri, required=True, help="s3://bucket/prefix of the prepared photos")
    parser.add_argument("--package", type=s3_uri, help="what the package job wrote (default: OUTPUT/package)")
    job_flags(parser, "ml.m5.2xlarge")


def fetch_flags(parser: Parser) -> None:
    """Download OUTPUT/package and OUTPUT/evaluation, and show how to register the model.

    python training/jobs.py fetch --output s3://my-bucket/bins --to .work/aws
    """
    parser.add_argument("--to", type=Path, default=Path(".work/aws"), help="folder (default: %(default)s)")
    place_flags(parser)


def train_flags(parser: Parser) -> None:
    """Train on one or more instances; spot interruptions resume from the checkpoint.

    python training/jobs.py train --role ROLE --data s3://my-bucket/bins/prepared --output s3://my-bucket/training \\
        --instance-type ml.g5.xlarge --instances 2 -- --recipe best --seed 8
    """
    learning_flags(parser)
    parser.add_argument("--instances", type=int, default=1, help="number of instances (default: %(default)s)")
    parser.add_argument("--checkpoints", type=s3_uri, help="checkpoints of a job to continue (default: a new folder)")


def tune_flags(parser: Parser) -> None:
    """Search the space of hpo.py with SageMaker's tuner, with parallel trials.

    python training/jobs.py tune --role ROLE --data s3://my-bucket/bins/prepared --output s3://my-bucket/tuning \\
        --trials 20 --parallel 2 -- --stages 4x128
    """
    learning_flags(parser)
    parser.add_argument("--trials", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--parallel", type=int, default=2, help="parallel trials (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the search (default: %(default)s)")


def register_flags(parser: Parser) -> None:
    """Register the packaged model in the Model Registry, pending approval by a person.

    python training/jobs.py register --image 111122223333.dkr.ecr.us-east-1.amazonaws.com/bintally:1 \\
        --artifact .work/artifact --bundle .work/model.tar.gz --metrics .work/evaluation/metrics.json \\
        --output s3://my-bucket/models
    """
    add = parser.add_argument
    add("--image", required=True, help="inference container image, built from model_code/")
    add("--artifact", type=Path, default=Path(".work/artifact"), help="what package.py wrote (default: %(default)s)")
    add(
        "--bundle",
        type=Path,
        default=Path(".work/model.tar.gz"),
        help="what package.py --bundle wrote (default: %(default)s)",
    )
    add("--metrics", type=Path, help="metrics.json from evaluate.py")
    add("--group", default="bintally", help="model package group (default: %(default)s)")
    add("--instance-types", nargs="+", default=["ml.c6i.xlarge", "ml.c6i.2xlarge"], help="(default: %(default)s)")
    place_flags(parser)


COMMANDS: dict[str, Callable[[Parser], None]] = {
    "collect": collect_flags, "prepare": prepare_flags, "train": train_flags, "tune": tune_flags,
    "package": package_flags, "evaluate": evaluate_flags, "fetch": fetch_flags, "register": register_flags,
}  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    shape = argparse.RawDescriptionHelpFormatter
    parser = Parser(description=__doc__, formatter_class=shape)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add in COMMANDS.items():
        text = str(add.__doc__)
        add(commands.add_parser(name, help=text.split("\n")[0], description=text, formatter_class=shape))
    options = parser.parse_args(arguments)
    check(parser, options)
    options.hyperparameters = hyperparameters(options.flags) if options.command in ("train", "tune") else {}
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    logging.getLogger("sagemaker.config").setLevel(logging.ERROR)
    try:  # imported here: the SDK takes seconds to import
        from binjobs.account import DryRun, open_session
        from binjobs.launch import REFUSALS, start
    except ModuleNotFoundError as error:
        print(f"jobs.py: {error.name} is missing. Install it: pip install -e '.[train,sagemaker]'", file=sys.stderr)
        return 2
    dry_run, price = DryRun() if options.dry_run else None, price_of(options)
    if price and not dry_run:
        print(price, file=sys.stderr)
    try:
        session = open_session(options.region, options.output, options.kms_key, dry_run)
        with TemporaryDirectory() as folder:
            started = start(session, options, Path(folder))
    except REFUSALS as error:
        print(f"jobs.py {options.command}: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"price": price, **dry_run.as_json()}, indent=2) if dry_run else started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
