"""Import of official weights: converts their tensor names to those of the zoo.

The official networks use the old spectral norm (``weight_orig``, ``weight_u``, ``weight_v``) and other module names. A
method that supports importing has an :class:`OfficialLayout` as its class attribute ``official``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from zoo import checkpoints
from zoo.errors import ZooError
from zoo.interfaces import Method

Rename = tuple[str, str | Callable[[re.Match[str]], str]]

_SPECTRAL_NORM: tuple[Rename, ...] = (
    (r"\.weight_orig$", ".parametrizations.weight.original"),
    (r"\.weight_([uv])$", r".parametrizations.weight.0._\1"),
)

SPADE_DECODER: tuple[Rename, ...] = (
    (r"^(head_0|G_middle_\d|up_\d)\.", r"decoder.blocks.\1."),
    (r"^conv_img\.", "decoder.conv_img."),
    (r"\.mlp_shared\.0\.", ".mlp_shared."),
)
CONV_ENCODER: tuple[Rename, ...] = ((r"^layer(\d)\.0\.", lambda m: f"convs.layers.{int(m[1]) - 1}.conv."),)
MULTISCALE_DISCRIMINATOR: tuple[Rename, ...] = (
    (r"^discriminator_(\d+)\.", r"scales.\1."),
    (r"\.model0\.0\.", ".stem."),
    (r"\.model(\d+)\.0\.0\.", lambda m: f".layers.{int(m[1]) - 1}.conv."),
    (r"\.model\d+\.0\.", ".logits."),
)


@dataclass(frozen=True)
class OfficialLayout:
    """Mapping from official keys to keys of the zoo, as regular expressions and replacements.

    Attributes:
        generator: Replacements for keys of the generator, applied in order.
        encoder: The same for the encoder.
        discriminator: The same for the discriminator.
        dropped: Patterns of official keys that the official forward pass does not use.
    """

    generator: tuple[Rename, ...]
    encoder: tuple[Rename, ...] = ()
    discriminator: tuple[Rename, ...] = MULTISCALE_DISCRIMINATOR
    dropped: tuple[str, ...] = ()

    def names(self, part: str, state: Mapping[str, Tensor]) -> dict[str, str]:
        """Official names by zoo key for one network ("generator", "encoder" or "discriminator")."""
        rules: tuple[Rename, ...] = (*getattr(self, part), *_SPECTRAL_NORM)
        used = (key for key in state if not any(re.search(pattern, key) for pattern in self.dropped))
        return {rename(key, rules): key for key in used}

    def convert(self, part: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Convert the state dict of one official network to the zoo's keys."""
        return {key: state[name] for key, name in self.names(part, state).items()}


def rename(key: str, rules: tuple[Rename, ...]) -> str:
    """Apply the replacements in order."""
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def load_official(network: nn.Module, part: str, state: Mapping[str, Tensor], layout: OfficialLayout) -> None:
    """Load an official state dict into a network of the zoo.

    Args:
        network: The network.
        part: "generator", "encoder" or "discriminator".
        state: The official state dict.
        layout: The key mapping of the method.

    Raises:
        ZooError: For a tensor that is missing, unknown or of the wrong shape; names the tensor and both shapes.
    """
    names, given, own = layout.names(part, state), layout.convert(part, state), network.state_dict()
    if missing := sorted(own.keys() - given.keys()):
        raise ZooError(
            f"The official {part} lacks the tensor {missing[0]} ({len(missing)} missing in total); "
            "check that the file belongs to this network and this method."
        )
    for key, tensor in own.items():
        if given[key].shape != tensor.shape:
            raise ZooError(
                f"Tensor {names[key]} of the official {part} has shape {list(given[key].shape)}, but {key} has "
                f"{list(tensor.shape)} with these settings; give the dataset (--data) and the settings (--set) with "
                "which the weights were trained."
            )
    if extra := sorted(given.keys() - own.keys()):
        raise ZooError(
            f"The official {part} holds the unknown tensor {names[extra[0]]} of shape "
            f"{list(given[extra[0]].shape)} ({len(extra)} unknown in all); give the settings (--set) with which the "
            "weights were trained, or check that the file belongs to this method."
        )
    network.load_state_dict(given)


def import_official(method: Method, files: Mapping[str, Path], out: Path) -> None:
    """Write a checkpoint with official weights.

    Without a file, the discriminator stays untrained; it is not needed for synthesis and evaluation.

    Args:
        method: The untrained method.
        files: Official files by network: "generator", "encoder", "discriminator".
        out: Output checkpoint.

    Raises:
        ZooError: For a method without official weights, a missing encoder file, an unreadable file, and tensors that do
            not fit (see :func:`load_official`).
    """
    layout: OfficialLayout | None = getattr(method, "official", None)
    if layout is None:
        raise ZooError(f"There are no official weights to import for the method {method.name}; train it instead.")
    if method.encoder is not None and "encoder" not in files:
        raise ZooError(f"The method {method.name} has an encoder: give its file too, with --encoder latest_net_E.pth.")
    for part, path in files.items():
        network = getattr(method, part)
        if network is None:
            raise ZooError(f"The method {method.name} has no {part}: leave out --{part}.")
        load_official(network, part, read_official(path), layout)
    checkpoints.save(out, {"config": method.config.to_dict(), "method": method.state_dict(), "ema": None})


def read_official(path: Path) -> dict[str, Tensor]:
    """Read an official ``latest_net_X.pth``, which is a plain state dict.

    Raises:
        ZooError: For a file that is missing, damaged or not a state dict.
    """
    if not path.is_file():
        raise ZooError(f"There is no file {path}: give an official latest_net_G.pth (or _E, _D).")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged archives raise many undocumented errors
        raise ZooError(f"The file {path} cannot be read as PyTorch weights; download it again.") from error
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ZooError(f"The file {path} is not a state dict of one network; give an official latest_net_X.pth.")
    return state
