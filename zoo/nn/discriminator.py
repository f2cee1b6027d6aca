"""The multi-scale patch discriminator of pix2pixHD (Wang et al. 2018), which GauGAN, GroupDNet and CLVAE use.

Letters: B batch, C classes, H x W picture.
"""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.interfaces import Discriminator
from zoo.nn.class_map import ClassMap, LabelConv2d, one_hot
from zoo.nn.convolution import Norm, NormalizedConv, conv2d


class PatchDiscriminator(nn.Module):
    """One scale: 4x4 convolutions of stride 2 (the last one of stride 1), and one for the logits.

    Args:
        classes: C.
        width: Channels of the first layer; doubled in every further layer, up to 512.
        layers: Convolutions before the logits, at least 1. With four, a logit depends on 70 x 70 pixels.
        norm: Normalisation of all layers but the first.
        spectral: Whether these layers have spectral normalisation.
    """

    def __init__(
        self, classes: int, width: int, *, layers: int = 4, norm: Norm = "instance", spectral: bool = True
    ) -> None:
        super().__init__()
        self.stem = LabelConv2d(classes, width, kernel_size=4, stride=2, padding=2, dense_channels=3)
        widths = [width, *(min(width * 2**layer, 512) for layer in range(1, layers))]
        self.layers = nn.ModuleList(
            NormalizedConv(fin, fout, 4, stride=stride, padding=2, norm=norm, spectral=spectral)
            for fin, fout, stride in zip(widths[:-1], widths[1:], [*[2] * (layers - 2), 1], strict=False)
        )
        self.logits = conv2d(widths[-1], 1, 4, padding=2)

    def on_picture(self, image: Tensor, label: Tensor) -> list[Tensor]:
        """Features of all layers, the logits last, of image ``[n * B, 3, H, W]`` over label ``[B, H, W]``."""
        return self._features(self.stem(ClassMap(label), image))

    def on_half_picture(self, pooled: Tensor, label: Tensor) -> list[Tensor]:
        """The same at half size, from the average-pooled image and the label map at full size."""
        return self._features(self.stem.pooled(label, pooled))

    def on_pooled(self, pooled: Tensor, shares: Tensor) -> list[Tensor]:
        """The same at any size, from the pooled image and the pooled one-hot map, shares ``[B, C, H', W']``."""
        return self._features(self.stem.of_values(shares, pooled))

    def _features(self, x: Tensor) -> list[Tensor]:
        features = [F.leaky_relu(x, 0.2)]
        for layer in self.layers:
            features.append(F.leaky_relu(layer(features[-1]), 0.2))
        return [*features, self.logits(features[-1])]


class MultiscaleDiscriminator(Discriminator):
    """Patch discriminators on the picture and on smaller ones, each half as high and wide (average pooling).

    Args:
        classes: C.
        width: Channels of the first layer of every scale.
        scales: Number of scales, at least 1.
        layers: Convolutions before the logits, see :class:`PatchDiscriminator`.
        norm: Normalisation of all layers but the first.
        spectral: Whether these layers have spectral normalisation.
    """

    def __init__(
        self,
        classes: int,
        width: int = 64,
        *,
        scales: int = 2,
        layers: int = 4,
        norm: Norm = "instance",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.scales = nn.ModuleList(
            PatchDiscriminator(classes, width, layers=layers, norm=norm, spectral=spectral) for _ in range(scales)
        )

    def forward(self, image: Tensor, label: Tensor) -> list[list[Tensor]]:
        """Features per scale, the largest first; see :meth:`zoo.interfaces.Discriminator.forward`."""
        first, *smaller = cast(list[PatchDiscriminator], list(self.scales))
        features = [first.on_picture(image, label)]
        shares = None
        for scale in smaller:
            image = _halved(image)
            if len(features) == 1:  # the half size is a lookup, which needs no one-hot map
                features.append(scale.on_half_picture(image, label))
                continue
            shares = _halved(_halved(one_hot(label, self.classes, image.dtype)) if shares is None else shares)
            features.append(scale.on_pooled(image, shares))
        return features


def _halved(maps: Tensor) -> Tensor:
    """``[B, K, H, W]`` at half size; a border pixel is the mean of the pixels that exist."""
    return F.avg_pool2d(maps, 3, 2, 1, count_include_pad=False)
