"""Variables of the official TensorFlow implementation, turned into a state dict of the generator."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

_PARTS = {
    "weights": "conv{}.weight",
    "LayerNorm/gamma": "norm{}.weight",
    "LayerNorm/beta": "norm{}.bias",
}


def zoo_key(variable: str) -> str:
    """``g_64_conv2/LayerNorm/beta`` (``:0`` at the end or not) -> ``levels.64.norm2.bias``."""
    match = re.fullmatch(r"g_(noise|\d+)_conv(\d+)/(.+?)(?::0)?", variable)
    if match is None:
        raise ValueError(f"{variable!r} is not a variable of cIMLE's generator")
    level, layer, part = match.groups()
    home = "noise_encoder." if level == "noise" else ""
    if layer == ("3" if level == "noise" else "100"):
        return f"{home}head.{'weight' if part == 'weights' else 'bias'}"
    return f"{home}layers." + _PARTS[part].format(layer) if home else f"levels.{level}." + _PARTS[part].format(layer)


def generator_state(variables: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """State dict of :class:`CIMLEGenerator`; kernels change from ``[k, k, in, out]`` to ``[out, in, k, k]``.

    The official generator concatenates (features of the level below, label, noise), the zoo's has the label first.
    """
    state = {zoo_key(name): _torch_layout(value) for name, value in variables.items()}
    noise = state["noise_encoder.head.weight"].shape[0]
    classes = state["noise_encoder.layers.conv1.weight"].shape[1] - noise
    for key in state:
        if re.fullmatch(r"levels\.\d+\.conv1\.weight", key):
            below = state[key].shape[1] - classes - noise
            features, label, rest = state[key].split([below, classes, noise], 1)
            state[key] = torch.cat([label, features, rest], 1)
    return state


def widths_of(state: Mapping[str, Tensor]) -> list[int]:
    """Channels of every level of a state dict, coarse to fine."""
    heights = sorted(int(m[1]) for key in state if (m := re.fullmatch(r"levels\.(\d+)\.norm2\.bias", key)))
    return [state[f"levels.{height}.norm2.bias"].shape[0] for height in heights]


def _torch_layout(value: np.ndarray) -> Tensor:
    tensor = torch.as_tensor(np.asarray(value))
    return tensor.permute(3, 2, 0, 1).contiguous() if tensor.dim() == 4 else tensor
