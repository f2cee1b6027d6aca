"""Weights of the official releases, turned into state dicts of the zoo.

The official networks keep old-style spectral norm (``weight_orig``, ``weight_u``, ``weight_v``) and their own module names; a
method that can take such weights declares an :class:`OfficialLayout`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from zoo.errors import ZooError

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
    (r"^discriminator_(\d)\.model0\.0\.", r"scales.\1.stem."),
    (r"^discriminator_(\d)\.model([123])\.0\.0\.", lambda m: f"scales.{m[1]}.layers.{int(m[2]) - 1}.conv."),
    (r"^discriminator_(\d)\.model4\.0\.", r"scales.\1.logits."),
)


@dataclass(frozen=True)
class OfficialLayout:
    """How the keys of the official networks become keys of the zoo's, and which setting decides which shape.

    ``decided_by`` pairs a pattern of zoo keys with the settings that a mismatch in such a tensor points at; the first match
    counts. ``dropped`` are patterns of official keys that belong to layers which no forward pass of theirs uses.
    """

    generator: tuple[Rename, ...]
    encoder: tuple[Rename, ...] = ()
    discriminator: tuple[Rename, ...] = MULTISCALE_DISCRIMINATOR
    decided_by: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()

    def convert(self, part: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """State dict of one official network ("generator", "encoder" or "discriminator") under the zoo's keys."""
        rules: tuple[Rename, ...] = (*getattr(self, part), *_SPECTRAL_NORM)
        used = (key for key in state if not any(re.search(pattern, key) for pattern in self.dropped))
        return {rename(key, rules): state[key] for key in used}

    def setting_of(self, key: str) -> str:
        """The setting that decides the shape of a tensor."""
        return next((setting for pattern, setting in self.decided_by if re.search(pattern, key)), "method.width")


def rename(key: str, rules: tuple[Rename, ...]) -> str:
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def load_official(network: nn.Module, part: str, state: Mapping[str, Tensor], layout: OfficialLayout) -> None:
    """Fill ``network`` with an official state dict.

    Raises ZooError for a missing, an unexpected or a misshapen tensor, naming the tensor, both shapes and the setting.
    """
    given, own = layout.convert(part, state), network.state_dict()
    if missing := sorted(own.keys() - given.keys()):
        raise ZooError(
            f"The official {part} lacks the tensor {missing[0]} ({len(missing)} missing in all); "
            "check that the file belongs to this network and this method."
        )
    for key, tensor in own.items():
        if given[key].shape != tensor.shape:
            raise ZooError(
                f"Tensor {key} of the official {part} has shape {list(given[key].shape)}, but the settings give "
                f"{list(tensor.shape)}; {layout.setting_of(key)} decides it: pass another value with --set."
            )
    if extra := sorted(given.keys() - own.keys()):
        raise ZooError(
            f"The official {part} holds the unknown tensor {extra[0]} ({len(extra)} in all) of shape "
            f"{list(given[extra[0]].shape)}; {layout.setting_of(extra[0])} may decide it, or the file belongs to another method."
        )
    network.load_state_dict(given)
