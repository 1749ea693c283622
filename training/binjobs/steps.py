"""The steps that run as processing jobs: collect, prepare, package, evaluate. Each runs our scripts in AWS's image."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sagemaker.core import image_uris, shapes
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import FrameworkProcessor

from binjobs.code import stage, stage_serving, write_script

PYTORCH = {"framework": "pytorch", "version": "2.8.0", "py_version": "py312", "image_scope": "training"}
ROOT = "/opt/ml/processing"
RAW, PREPARED, PACKAGE, EVALUATION = (f"{ROOT}/{name}" for name in ("raw", "prepared", "package", "evaluation"))
Command = Sequence[str]


def collect(session: Session, options: argparse.Namespace, folder: Path) -> str:
    """Collect photos of the public bucket to OUTPUT/raw: a sample, or with `--all` every one."""
    return _run(session, options, stage(folder, install=True), [_collecting(options)], {}, "raw")


def prepare(session: Session, options: argparse.Namespace, folder: Path) -> str:
    """Clean and split the photos, collected first unless `--data` names them. The results go to OUTPUT/prepared."""
    commands: list[Command] = [["python", "prepare.py", "--data", RAW, "--out", PREPARED, "--side", str(options.side)]]
    if not options.data:
        commands.insert(0, _collecting(options))
    inputs = {"raw": options.data} if options.data else {}
    return _run(session, options, stage(folder, install=not options.isolated), commands, inputs, "prepared")


def package(session: Session, options: argparse.Namespace, folder: Path) -> str:
    """Package what one or several training jobs wrote: OUTPUT/package gets the artifact and model.tar.gz."""
    code = stage(folder, install=not options.isolated)
    stage_serving(code)
    models = {f"model-{number}": place for number, place in enumerate(options.model)}
    folders = [f"{ROOT}/{name}" for name in models]
    unpacking: list[Command] = [["tar", "-xzf", f"{each}/model.tar.gz", "-C", each] for each in folders]
    packaging = ["python", "package.py", "--data", PREPARED, "--model", *folders]
    packaging += ["--out", f"{PACKAGE}/artifact", "--bundle", f"{PACKAGE}/model.tar.gz"]
    packaging += ["--licence", "model_code/weights/LICENSE", *options.flags]
    inputs = {"prepared": options.data, **models}
    return _run(session, options, code, [*unpacking, packaging], inputs, "package")


def evaluate(session: Session, options: argparse.Namespace, folder: Path) -> str:
    """Measure OUTPUT/package on the test photos; OUTPUT/evaluation gets metrics.json and the report."""
    command = ["python", "evaluate.py", "--data", PREPARED, "--model", f"{PACKAGE}/artifact", "--out", EVALUATION]
    inputs = {"prepared": options.data, "package": options.package or f"{options.output}/package"}
    return _run(session, options, stage(folder, install=not options.isolated), [command], inputs, "evaluation")


STEPS: dict[str, Callable[[Session, argparse.Namespace, Path], str]] = {
    "collect": collect, "prepare": prepare, "package": package, "evaluate": evaluate,
}  # fmt: skip


def _collecting(options: argparse.Namespace) -> Command:
    what = ["--all"] if getattr(options, "all", False) else ["--photos", str(options.photos)]
    return ["python", "collect.py", "--out", RAW, "--workers", "64", *what]


def _run(
    session: Session,
    options: argparse.Namespace,
    code: Path,
    commands: Sequence[Command],
    inputs: Mapping[str, str],
    output: str,
) -> str:
    """Start a job with `inputs` (place by name) in folders of those names. The folder `output` goes below OUTPUT."""
    processor = FrameworkProcessor(
        image_uri(options), role=options.role, instance_count=1, instance_type=options.instance_type, command=["bash"],
        volume_size_in_gb=options.volume, volume_kms_key=options.kms_key, output_kms_key=options.kms_key,
        max_runtime_in_seconds=seconds(options.hours), base_job_name=options.name, sagemaker_session=session,
        network_config=NetworkConfig(
            enable_network_isolation=options.isolated, security_group_ids=options.security_groups or None,
            subnets=options.subnets or None, encrypt_inter_container_traffic=True,
        ),
    )  # fmt: skip
    script = write_script(code / "steps.sh", commands)
    place = shapes.ProcessingS3Output(
        s3_uri=f"{options.output}/{output}", local_path=f"{ROOT}/{output}", s3_upload_mode="EndOfJob"
    )
    processor.run(
        script.name, source_dir=str(code), inputs=[_input(*each) for each in inputs.items()], wait=options.wait,
        logs=options.wait, outputs=[shapes.ProcessingOutput(output_name=output, s3_output=place)],
    )  # fmt: skip
    return str(processor.latest_job.processing_job_name)


def _input(name: str, place: str) -> shapes.ProcessingInput:
    source = shapes.ProcessingS3Input(
        s3_uri=place, local_path=f"{ROOT}/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
    )
    return shapes.ProcessingInput(input_name=name, s3_input=source)


def image_uri(options: argparse.Namespace) -> str:
    given: dict[str, Any] = {"region": options.region, "instance_type": options.instance_type}
    return options.image or str(image_uris.retrieve(**PYTORCH, **given))


def seconds(hours: float) -> int:
    return round(hours * 3600)
