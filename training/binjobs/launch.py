"""Start the jobs: training, hyperparameter tuning, and the steps of `binjobs.steps`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binlab.hpo.space import SPACE, Choice
from binlab.train.monitor import METRIC_DEFINITIONS, METRICS, OBJECTIVE
from botocore.exceptions import BotoCoreError, ClientError
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter
from sagemaker.core.training import configs
from sagemaker.train.distributed import Torchrun
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

from binjobs import fetch, registry, steps
from binjobs.account import BucketError, add_to_requests, uploaded
from binjobs.code import packed, stage
from binjobs.steps import image_uri, seconds

INPUTS, CHECKPOINTS = "/opt/ml/input/data", "/opt/ml/checkpoints"
REFUSALS = (BotoCoreError, ClientError, BucketError, OSError)


def start(session: Session, options: argparse.Namespace, folder: Path) -> str:
    """Start the job of `options.command`, with its code staged in `folder`. Returns its name; raises REFUSALS."""
    jobs = {"train": train, "tune": tune, "register": registry.register, "fetch": fetch.fetch, **steps.STEPS}
    return jobs[options.command](session, options, folder)


def train(session: Session, options: argparse.Namespace, folder: Path) -> str:
    """Run train.py on `--instances` instances; it resumes from its checkpoint after a spot interruption."""
    code = stage(folder, install=not options.isolated)
    trainer = _trainer(session, options, str(code), {**options.hyperparameters, "checkpoints": CHECKPOINTS})
    trainer.distributed = Torchrun()
    trainer.checkpoint_config = configs.CheckpointConfig(s3_uri=options.checkpoints)
    trainer.with_metric_definitions(
        [configs.MetricDefinition(name=m["Name"], regex=m["Regex"]) for m in METRIC_DEFINITIONS]
    )
    trainer.train(_channels(options), wait=options.wait, logs=options.wait)
    return str(trainer._latest_training_job.training_job_name)


def tune(session: Session, options: argparse.Namespace, folder: Path) -> str:
    """A Bayesian search over `binlab.hpo.space`: `--trials` runs on one instance each.

    Trials keep no checkpoints, because all trials of a tuning job share one location. The code is uploaded here,
    because the tuner would upload it outside --output.
    """
    code = packed(stage(folder / "code", install=not options.isolated), folder / "sourcedir.tar.gz")
    source = uploaded(session, code, f"{options.name}/code")
    _keep_tuning_safe(session, options)
    tuner = HyperparameterTuner(
        _trainer(session, options, source, options.hyperparameters), METRICS[OBJECTIVE], _ranges(), METRIC_DEFINITIONS,
        max_jobs=options.trials, max_parallel_jobs=options.parallel, early_stopping_type="Auto",
        random_seed=options.seed, base_tuning_job_name=options.name,
    )  # fmt: skip
    tuner.tune(_channels(options), wait=options.wait)
    return str(tuner.latest_tuning_job.hyper_parameter_tuning_job_name)


def _trainer(session: Session, options: argparse.Namespace, source: str, flags: Mapping[str, str]) -> ModelTrainer:
    """`source` is the code, as a folder or as s3://bucket/file.tar.gz."""
    spot = not options.on_demand
    max_wait = {"max_wait_time_in_seconds": seconds(options.wait_hours or 2 * options.hours)} if spot else {}
    starting = {"weights": f"{INPUTS}/weights/{Path(options.weights).name}"} if options.weights else {}
    vpc = {"subnets": options.subnets, "security_group_ids": options.security_groups} if options.subnets else {}
    return ModelTrainer(
        sagemaker_session=session, role=options.role, base_job_name=options.name, training_image=image_uri(options),
        source_code=_source(source, options),
        compute=configs.Compute(
            instance_type=options.instance_type, instance_count=getattr(options, "instances", 1),
            volume_size_in_gb=options.volume, volume_kms_key_id=options.kms_key, enable_managed_spot_training=spot,
        ),
        networking=configs.Networking(
            enable_network_isolation=options.isolated, enable_inter_container_traffic_encryption=True, **vpc
        ),
        stopping_condition=configs.StoppingCondition(max_runtime_in_seconds=seconds(options.hours), **max_wait),
        output_data_config=configs.OutputDataConfig(s3_output_path=options.output, kms_key_id=options.kms_key),
        hyperparameters={**starting, "cache": "/tmp/bintally", **flags},  # noqa: S108 - in the job's container
    )  # fmt: skip


def _source(source: str, options: argparse.Namespace) -> configs.SourceCode:
    installs = not options.isolated
    return configs.SourceCode(
        source_dir=source, entry_script="train.py", requirements="requirements.txt" if installs else None
    )


def _keep_tuning_safe(session: Session, options: argparse.Namespace) -> None:
    """Settings that ModelTrainer sends but HyperparameterTuner of sagemaker-train 1.27 drops."""
    safe = {"EnableNetworkIsolation": options.isolated, "EnableInterContainerTrafficEncryption": True}
    volume = {"VolumeKmsKeyId": options.kms_key} if options.kms_key else {}
    add_to_requests(
        session, "CreateHyperParameterTuningJob",
        {"TrainingJobDefinition": safe, "TrainingJobDefinition.ResourceConfig": volume},
    )  # fmt: skip


def _ranges() -> dict[str, Any]:
    return {
        name: CategoricalParameter(list(values.options))
        if isinstance(values, Choice)
        else ContinuousParameter(values.low, values.high, "Logarithmic" if values.log else "Linear")
        for name, values in SPACE.items()
    }


def _channels(options: argparse.Namespace) -> list[configs.InputData]:
    places = {"train": options.data, "weights": options.weights}
    return [configs.InputData(channel_name=name, data_source=place) for name, place in places.items() if place]
