"""Weights of the official releases, turned into state dicts of the zoo.

The official networks keep old-style spectral norm (``weight_orig``, ``weight_u``, ``weight_v``) and their own module
names; a method that can take such weights declares an :class:`OfficialLayout`.
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
ENCODER_TRUNK: tuple[Rename, ...] = ((r"^layer(\d)\.0\.", lambda m: f"trunk.layers.{int(m[1]) - 1}.conv."),)
MULTISCALE_DISCRIMINATOR: tuple[Rename, ...] = (
    (r"^discriminator_(\d+)\.", r"scales.\1."),
    (r"\.model0\.0\.", ".stem."),
    (r"\.model(\d+)\.0\.0\.", lambda m: f".layers.{int(m[1]) - 1}.conv."),
    (r"\.model\d+\.0\.", ".logits."),
)
_DISCRIMINATOR_SETTINGS = (
    r"^scales",
    "method.discriminator_width, method.discriminator_scales or method.discriminator_layers",
)


@dataclass(frozen=True)
class OfficialLayout:
    """How the keys of the official networks become keys of the zoo's, and which setting decides which shape.

    ``decided_by`` pairs a pattern of zoo keys with the settings that a mismatch in such a tensor points at; the first
    match counts. ``dropped`` are patterns of official keys that belong to layers which no forward pass of theirs uses.
    """

    generator: tuple[Rename, ...]
    encoder: tuple[Rename, ...] = ()
    discriminator: tuple[Rename, ...] = MULTISCALE_DISCRIMINATOR
    decided_by: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()

    def names(self, part: str, state: Mapping[str, Tensor]) -> dict[str, str]:
        """The official name of every zoo key of one network ("generator", "encoder" or "discriminator")."""
        rules: tuple[Rename, ...] = (*getattr(self, part), *_SPECTRAL_NORM)
        used = (key for key in state if not any(re.search(pattern, key) for pattern in self.dropped))
        return {rename(key, rules): key for key in used}

    def convert(self, part: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """State dict of one official network under the zoo's keys."""
        return {key: state[name] for key, name in self.names(part, state).items()}

    def setting_of(self, key: str) -> str:
        """The setting that decides the shape of a tensor."""
        rules = (*self.decided_by, _DISCRIMINATOR_SETTINGS)
        return next((setting for pattern, setting in rules if re.search(pattern, key)), "method.width")


def rename(key: str, rules: tuple[Rename, ...]) -> str:
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def load_official(network: nn.Module, part: str, state: Mapping[str, Tensor], layout: OfficialLayout) -> None:
    """Fill ``network`` with an official state dict.

    Raises ZooError for a missing, an unexpected or a misshapen tensor, naming the tensor, both shapes and the setting.
    """
    names, given, own = layout.names(part, state), layout.convert(part, state), network.state_dict()
    if missing := sorted(own.keys() - given.keys()):
        raise ZooError(
            f"The official {part} lacks the tensor {missing[0]} ({len(missing)} missing in all); "
            "check that the file belongs to this network and this method."
        )
    for key, tensor in own.items():
        if given[key].shape != tensor.shape:
            raise ZooError(
                f"Tensor {names[key]} of the official {part} has shape {list(given[key].shape)}, but the settings give "
                f"{list(tensor.shape)}; {layout.setting_of(key)} decides it: set that of the weights (--data, --set)."
            )
    if extra := sorted(given.keys() - own.keys()):
        raise ZooError(
            f"The official {part} holds the unknown tensor {names[extra[0]]} ({len(extra)} in all) of shape "
            f"{list(given[extra[0]].shape)}; {layout.setting_of(extra[0])} may decide it, "
            "or the file belongs to another method."
        )
    network.load_state_dict(given)


def import_official(method: Method, files: Mapping[str, Path], out: Path) -> None:
    """Write a checkpoint of ``method`` with the weights of official files, by part ("generator", ...).

    A discriminator that is not given stays untrained; synthesis and evaluation do without. Raises ZooError
    for a method without official weights, a missing encoder, an unreadable file, and whatever :func:`load_official`
    refuses.
    """
    layout: OfficialLayout | None = getattr(method, "official", None)
    if layout is None:
        raise ZooError(f"There are no official weights that the method {method.name} could import; train it instead.")
    if method.encoder is not None and "encoder" not in files:
        raise ZooError(f"The method {method.name} has an encoder: give its file too, with --encoder latest_net_E.pth.")
    for part, path in files.items():
        network = getattr(method, part)
        if network is None:
            raise ZooError(f"The method {method.name} has no {part}: leave --{part} away.")
        load_official(network, part, read_official(path), layout)
    assert method.config is not None, "the method comes from a config"
    checkpoints.save(out, {"config": method.config.to_dict(), "method": method.state_dict(), "ema": None})


def read_official(path: Path) -> dict[str, Tensor]:
    """An official ``latest_net_X.pth``: a plain state dict. Raises ZooError for anything else."""
    if not path.is_file():
        raise ZooError(f"There is no file {path}: give an official latest_net_G.pth (or _E, _D).")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged archive shows itself in many ways, none of them documented
        raise ZooError(f"The file {path} cannot be read as PyTorch weights; download it again.") from error
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ZooError(f"The file {path} is not a state dict of one network; give an official latest_net_X.pth.")
    return state
