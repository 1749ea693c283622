"""A network that has learnt already, as the teacher of the next (born-again networks; Furlanello et al., 2018,
arXiv:1805.04770).

Its answers are less sure than records of photographs that do not show all they should, so the next network learns less
of what is wrong with them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from binmodel.predict import softmax
from binmodel.preprocess import Pixels

from binlab.train.loop import Probabilities, logits_of
from binlab.train.weights import finetuned_network


def answers_of_teacher(folder: Path, pixels: Pixels, shift: npt.NDArray[np.float32]) -> Probabilities:
    """What the network in `folder` says of `pixels` (N, S, S, 3) and of their mirror images, on average: (N, outputs).

    `shift` is what was added to its logits at its end, and is taken out again.
    """
    network = finetuned_network(len(shift), folder).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    seen = [softmax(logits_of(network, view) - shift) for view in (pixels, pixels[:, :, ::-1])]
    return np.asarray(np.mean(seen, axis=0), np.float32)
