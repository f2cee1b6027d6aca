"""The feature networks of the metrics: LPIPS on AlexNet, and the Inception network of the FID.

The packages ``lpips`` and ``pytorch-fid`` define the networks; weights are loaded with :mod:`zoo.weights`, not by the
downloads of these packages.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo import weights
from zoo.errors import ZooError

log = logging.getLogger(__name__)

RANDOM_FEATURES = "random features"
RANDOM_SEED = 1234


class AlexLPIPS(nn.Module):
    """LPIPS v0.1 on AlexNet (Zhang et al. 2018), split into features and heads so that samples can share features.

    Attributes:
        features: Name of the network, ``"alexnet (ImageNet)"`` or ``"random features"``.
    """

    def __init__(self, state: dict[str, Tensor], features: str) -> None:
        super().__init__()
        import lpips

        with _untouched_random_numbers(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lpips calls torchvision in its old way
            network = lpips.LPIPS(net="alex", version="0.1", pretrained=True, pnet_rand=True, verbose=False)
        slices = {0: "slice1", 3: "slice2", 6: "slice3", 8: "slice4", 10: "slice5"}
        weights = {
            f"{name}.{i}.{part}": state[f"features.{i}.{part}"]
            for i, name in slices.items()
            for part in ("weight", "bias")
        }
        network.net.load_state_dict(weights)
        self.scaling, self.alexnet = network.scaling_layer, network.net
        for i, head in enumerate(network.lins):
            self.register_buffer(f"head{i}", head.model[-1].weight.detach().flatten())
        self._normalize = lpips.normalize_tensor
        self.features = features
        self.requires_grad_(False).eval()

    @property
    def heads(self) -> list[Tensor]:
        """Channel weights ``[c]`` of each of the five layers."""
        return [self.get_buffer(f"head{i}") for i in range(5)]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features ``[B, c, h, w]`` of each layer, of unit length over the channels; images as in [-1, 1]."""
        return [self._normalize(feature) for feature in self.alexnet(self.scaling(images))]


class Inception(nn.Module):
    """The Inception network that defines the FID (Heusel et al. 2017), up to a pooling layer of ``dims`` channels.

    Attributes:
        features: Name of the network, ``"inception-2015-12-05"`` or ``"random features"``.
        dims: Number of channels.
    """

    def __init__(self, state: dict[str, Tensor], features: str, dims: int = 2048) -> None:
        super().__init__()
        from pytorch_fid.inception import InceptionV3

        with _untouched_random_numbers(), _instead_of_download(state):
            self.network = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[dims]])
        self.features, self.dims = features, dims
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Features ``[B, dims]`` of images ``[B, 3, H, W]`` in [0, 1], which are resized to 299x299."""
        feature: Tensor = self.network(images)[0]
        return F.adaptive_avg_pool2d(feature, 1).flatten(1)


def load_lpips(*, allow_random: bool = False) -> AlexLPIPS:
    """LPIPS on the trained AlexNet, or on a random one if it is missing and ``allow_random``, else ZooError."""
    path = weights.resolve("alexnet")
    if path is not None:
        return AlexLPIPS(weights.load("alexnet", path), "alexnet (ImageNet)")
    _random_instead("alexnet", allow_random)
    modules = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
    drawn = weights.he_normal(list(modules.values()), torch.Generator().manual_seed(RANDOM_SEED))
    state = {}
    for index, (weight, bias) in zip(modules, drawn, strict=True):
        state[f"features.{index}.weight"], state[f"features.{index}.bias"] = weight, bias
    return AlexLPIPS(state, RANDOM_FEATURES)


def load_inception(*, dims: int = 2048, allow_random: bool = False) -> Inception:
    """The FID network with trained weights, or random ones if these are missing and ``allow_random``.

    Args:
        dims: 64, 192, 768 or 2048 (the FID's own).
        allow_random: Use seeded random weights if the trained ones are unavailable.

    Raises:
        ZooError: The weights are missing.
    """
    path = weights.resolve("inception-fid")
    if path is not None:
        return Inception(weights.load("inception-fid", path), "inception-2015-12-05", dims)
    _random_instead("inception-fid", allow_random)
    return Inception(_random_inception_state(), RANDOM_FEATURES, dims)


@dataclass
class Networks:
    """The feature networks of one evaluation, built lazily and shared by all metrics."""

    device: torch.device | str = "cpu"
    allow_random: bool = False

    @cached_property
    def lpips(self) -> AlexLPIPS:
        """LPIPS on AlexNet."""
        return load_lpips(allow_random=self.allow_random).to(self.device)

    @cached_property
    def inception(self) -> Inception:
        """The Inception network of the FID."""
        return load_inception(allow_random=self.allow_random).to(self.device)


def lpips_distance(network: AlexLPIPS, a: Tensor, b: Tensor) -> Tensor:
    """LPIPS ``[B]`` between pairs of pictures ``[B, 3, H, W]`` in [-1, 1]."""
    total = torch.zeros(a.shape[0], device=a.device)
    for head, x, y in zip(network.heads, network(a), network(b), strict=True):
        total = total + torch.einsum("c,bchw->b", head, (x - y) ** 2) / (x.shape[2] * x.shape[3])
    return total


def _random_instead(name: str, allow_random: bool) -> None:
    if not allow_random:
        raise ZooError(weights.missing(name))
    log.warning("metrics use %s instead of %s, whose weights were not found", RANDOM_FEATURES, name)


def _random_inception_state() -> dict[str, Tensor]:
    from torchvision.models import inception_v3

    with torch.device("meta"):  # only names and shapes are needed; the FID variant has the same as torchvision
        skeleton = inception_v3(weights=None, aux_logits=False, init_weights=False).state_dict()
    generator = torch.Generator().manual_seed(RANDOM_SEED)
    state = {}
    for key, tensor in skeleton.items():
        if key.endswith("conv.weight"):
            ((state[key], _),) = weights.he_normal([tensor.shape], generator)
        elif ".bn." in key and not key.endswith("num_batches_tracked"):
            state[key] = torch.full(tensor.shape, float(key.endswith(("bn.weight", "running_var"))))
    return state


@contextmanager
def _untouched_random_numbers() -> Iterator[None]:
    """Context that restores the global random state, which building a network would change."""
    with torch.random.fork_rng(devices=[]):
        yield


@contextmanager
def _instead_of_download(state: dict[str, Tensor]) -> Iterator[None]:
    """Context in which pytorch-fid's download returns ``state``.

    The network also expects the weights of the classifier, which are not in the files since it is not used.
    """
    from pytorch_fid import inception

    def answer(*_: object, **__: object) -> dict[str, Tensor]:
        head = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
        return head | state

    download = inception.load_state_dict_from_url
    inception.load_state_dict_from_url = answer
    try:
        yield
    finally:
        inception.load_state_dict_from_url = download
