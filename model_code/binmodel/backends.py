"""Backends that run the network: ONNX Runtime with int8 weights (the default), or torch with float weights on a GPU.

A backend maps a normalised batch, float32 (N, 3, S, S), to float32 (N, columns): the logits of the artifact's outputs,
followed by the log litres if the model has a volume.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from binmodel.artifact import ONNX_INT8, SAFETENSORS, Artifact
from binmodel.preprocess import Batch

Logits = npt.NDArray[np.float32]
Run = Callable[[Batch], Logits]


@dataclass(frozen=True)
class Backend:
    """`run` is fastest when `concurrency` threads call it at the same time, each with its own batch."""

    run: Run
    concurrency: int


def onnx_backend(artifact: Artifact, threads: int | None) -> Backend:
    """One thread for each batch: threads that share a batch would wait for the slowest of them at every layer."""
    return Backend(onnx_session(artifact.verified(ONNX_INT8), 1), threads or os.cpu_count() or 1)


def onnx_session(path: Path, threads: int | None) -> Run:
    """Runs an ONNX file on the CPU with `threads` threads (None: one for each core), its outputs side by side."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    if not has_vnni():  # sums of 8-bit products would overflow; exact arithmetic has a third of the speed
        options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(batch: Batch) -> Logits:
        return np.concatenate(session.run(None, {name: batch}), axis=1, dtype=np.float32)

    return run


def has_vnni(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor adds 8-bit products without overflow (AVX-VNNI or AVX-512 VNNI). False if unknown."""
    return cpuinfo.exists() and "vnni" in cpuinfo.read_text()


def torch_backend(artifact: Artifact, threads: int | None) -> Backend:
    """The float network, on the GPU if there is one."""
    import torch
    from safetensors.torch import load_file

    from binmodel.network import build_network

    if threads:
        torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = build_network(len(artifact.outputs), volume=artifact.volume is not None)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.load_state_dict(load_file(artifact.verified(SAFETENSORS)))
    network.to(device).eval()

    def run(batch: Batch) -> Logits:
        with torch.inference_mode():
            columns = network(torch.from_numpy(batch).to(device))
        return np.asarray(columns.float().cpu().numpy(), dtype=np.float32)

    return Backend(run, 1)


BACKENDS: dict[str, Callable[[Artifact, int | None], Backend]] = {"onnx": onnx_backend, "torch": torch_backend}
