"""The feature network of the perceptual losses: a frozen VGG trained on ImageNet (Simonyan & Zisserman 2015).

Pictures in [-1, 1] are used without ImageNet normalisation, as in the training of the published GauGAN, GroupDNet and
CLVAE models.

Letters: B batch, H x W picture, K feature channels, h x w feature size.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from zoo import weights
from zoo.errors import ZooError, nearest

log = logging.getLogger(__name__)

Kind = Literal["vgg16", "vgg19"]
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""The depths that the perceptual loss of pix2pixHD and GauGAN compares."""

_CHANNELS = (64, 128, 256, 512, 512)
_CONVOLUTIONS: dict[str, tuple[int, ...]] = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def module_indices(kind: str) -> dict[str, int]:
    """Module index in torchvision's ``features`` of every ``convB_I``, ``reluB_I`` and ``poolB``, in order of depth."""
    names = []
    for block, count in enumerate(_CONVOLUTIONS[kind], start=1):
        names += [f"{part}{block}_{i}" for i in range(1, count + 1) for part in ("conv", "relu")]
        names.append(f"pool{block}")
    return {name: index for index, name in enumerate(names)}


class VGGFeatures(nn.Module):
    """A frozen VGG up to the deepest of ``layers``, under torchvision's module names.

    Args:
        kind: The network.
        state: ``features.<i>.{weight,bias}`` of at least the convolutions up to the deepest layer.
        layers: Names ``convB_I`` or ``reluB_I`` in order of depth.
        pool: "max" as trained, or "avg" (cIMLE).
        stand_in: The requested network, for :class:`zoo.weights.Provenance`.
        seed: Seed of random weights, for the same.
        note: Remark on the weights, for the same.

    Raises:
        ZooError: For an unknown layer, or a state that lacks a convolution.
        ValueError: If the layers are not in order of depth.
    """

    def __init__(
        self,
        kind: Kind,
        state: Mapping[str, Tensor],
        layers: Sequence[str] = LAYERS,
        pool: Literal["max", "avg"] = "max",
        stand_in: str | None = None,
        *,
        seed: int | None = None,
        note: str = "",
    ) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.provenance = weights.Provenance(kind, stand_in, seed, note)
        numbers = module_indices(kind)
        for name in self.layers:
            if name not in numbers:
                raise ZooError(f'{kind} has no layer "{name}"{nearest(name, list(numbers)) or "."}')
        self._taken = [numbers[name] for name in self.layers]
        if self._taken != sorted(set(self._taken)):
            raise ValueError(f"layers must be in order of depth, got {self.layers}")
        self.features = nn.Sequential()
        channels = 3
        for name, index in numbers.items():
            if index > self._taken[-1]:
                break
            block = int(name[4])
            if name.startswith("conv"):
                # skip torch's initialisation, which would change the global random state
                conv = nn.utils.skip_init(nn.Conv2d, channels, channels := _CHANNELS[block - 1], 3, padding=1)
                _fill(conv, state, f"features.{index}", f"{name} of {kind}")
                self.features.append(conv)
            elif name.startswith("relu"):
                # in place, unless the value before it is a result
                self.features.append(nn.ReLU(inplace=index - 1 not in self._taken))
            else:
                self.features.append(nn.MaxPool2d(2) if pool == "max" else nn.AvgPool2d(2))
        self.requires_grad_(False).eval()

    @property
    def description(self) -> str:
        """For logs and records: ``vgg19``, ``vgg16 (stand-in for vgg19)``, ``random vgg19 (seed 1234)``."""
        return self.provenance.describe()

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map image ``[B, 3, H, W]`` in [-1, 1] to features ``[B, K, h, w]`` per layer, with gradient."""
        features, x = [], image
        for index, module in enumerate(self.features):
            x = module(x)
            if index in self._taken:
                features.append(x)
        return features


def random_vgg19_state(seed: int = 1234) -> dict[str, Tensor]:
    """State dict of a random VGG19 without classifier; a seed gives the same numbers on every machine."""
    convolutions = {name: index for name, index in module_indices("vgg19").items() if name.startswith("conv")}
    widths = [_CHANNELS[int(name[4]) - 1] for name in convolutions]
    shapes = [(out, into, 3, 3) for into, out in zip([3, *widths], widths, strict=False)]
    drawn = weights.he_normal(shapes, torch.Generator().manual_seed(seed))
    state = {}
    for index, (weight, bias) in zip(convolutions.values(), drawn, strict=True):
        state[f"features.{index}.weight"], state[f"features.{index}.bias"] = weight, bias
    return state


def load_vgg(
    name: Kind = "vgg19",
    *,
    layers: Sequence[str] = LAYERS,
    pool: Literal["max", "avg"] = "max",
    allow_random: bool = False,
    seed: int = 1234,
) -> VGGFeatures:
    """Load the feature network ``name``, or a replacement if it is not available.

    Tried in this order: ``name`` itself; the layers of the same names of VGG16, with a warning; if ``allow_random``, a
    random VGG19, with a warning. With ``allow_random`` nothing is downloaded, since a toy run is not worth half a
    gigabyte. A layer that the replacement lacks is replaced by the previous one in the same block; see ``description``.

    Args:
        name: The network.
        layers: Layers to return features of, in order of depth.
        pool: Pooling of the network.
        allow_random: Whether random weights are acceptable.
        seed: Seed of random weights.

    Raises:
        ZooError: If there are no weights.
    """
    for kind in dict.fromkeys((name, "vgg16")):
        path = weights.resolve(kind, download=not allow_random)
        if path is None:
            continue
        state = weights.load(kind, path)
        if kind == name:
            return VGGFeatures(name, state, layers, pool)
        chosen = [_nearest_available(layer, state, kind) for layer in layers]
        note = ", ".join(f"{b} for {a}" for a, b in zip(layers, chosen, strict=True) if a != b)
        vgg = VGGFeatures("vgg16", state, chosen, pool, stand_in=name, note=note)
        break
    else:
        if not allow_random:
            raise ZooError(weights.missing(name))
        vgg = VGGFeatures("vgg19", random_vgg19_state(seed), layers, pool, seed=seed)
    log.warning("perceptual loss: %s, because the weights of %s were not found", vgg.description, name)
    return vgg


def _fill(conv: nn.Conv2d, state: Mapping[str, Tensor], key: str, what: str) -> None:
    for part, parameter in conv.named_parameters():
        tensor = state.get(f"{key}.{part}")
        if tensor is None or tensor.shape != parameter.shape:
            found = "lack it" if tensor is None else f"hold {list(tensor.shape)}, expected {list(parameter.shape)}"
            raise ZooError(f"The layer {what} needs {key}.{part}, but the weights {found}; get the complete file.")
        with torch.no_grad():
            parameter.copy_(tensor)


def _nearest_available(layer: str, state: Mapping[str, Tensor], kind: str) -> str:
    """The layer, or the deepest one before it in its block whose convolution is in the state."""
    match = re.fullmatch(r"(conv|relu)(\d)_(\d)", layer)
    if match is None:
        return layer
    part, block, number = match[1], match[2], int(match[3])
    numbers = module_indices(kind)
    for i in range(number, 0, -1):
        index = numbers.get(f"conv{block}_{i}")
        if f"features.{index}.weight" in state:
            return f"{part}{block}_{i}"
    return layer
