"""The multi-scale patch discriminator of pix2pixHD of GauGAN, GroupDNet and CLVAE (Wang et al. 2018, section 3.2)."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.interfaces import Discriminator
from zoo.nn.class_map import ClassMap, one_hot
from zoo.nn.convolution import Norm, NormalizedConv, conv2d
from zoo.nn.label_conv import LabelConv2d


class PatchDiscriminator(nn.Module):
    """One scale: convolutions 4x4 of stride 2 (the last one of stride 1), and one that gives the logits.

    Args:
        classes: C.
        width: Channels of the first layer; every further one has twice as many, up to 512.
        layers: Convolutions before the logits, at least 1. Four see 70 x 70 pixels per logit.
        norm: Normalisation of all layers but the first.
        spectral: Whether these layers have spectral norm.
        image_channels: 3, or 4 where an instance edge map precedes the colours.
    """

    def __init__(
        self,
        classes: int,
        width: int,
        *,
        layers: int = 4,
        norm: Norm = "instance",
        spectral: bool = True,
        image_channels: int = 3,
    ) -> None:
        super().__init__()
        self.stem = LabelConv2d(classes, width, kernel_size=4, stride=2, padding=2, dense_channels=image_channels)
        widths = [width, *(min(width * 2**layer, 512) for layer in range(1, layers))]
        self.layers = nn.ModuleList(
            NormalizedConv(fin, fout, 4, stride=stride, padding=2, norm=norm, spectral=spectral)
            for fin, fout, stride in zip(widths[:-1], widths[1:], [*[2] * (layers - 2), 1], strict=False)
        )
        self.logits = conv2d(widths[-1], 1, 4, padding=2)

    def on_picture(self, image: Tensor, label: Tensor) -> list[Tensor]:
        """Features of all layers, the logits last, of image ``[n * B, 3 or 4, H, W]`` over label ``[B, H, W]``."""
        return self._features(self.stem(ClassMap(label), image))

    def on_half_picture(self, pooled: Tensor, label: Tensor) -> list[Tensor]:
        """The same at half size: the image comes average-pooled, the label map at full size."""
        return self._features(self.stem.pooled(label, pooled))

    def on_pooled(self, pooled: Tensor, shares: Tensor) -> list[Tensor]:
        """The same at any size: the image and the one-hot label map, shares ``[B, C, H', W']``, come pooled."""
        return self._features(self.stem.of_values(shares, pooled))

    def _features(self, x: Tensor) -> list[Tensor]:
        features = [F.leaky_relu(x, 0.2)]
        for layer in self.layers:
            features.append(F.leaky_relu(layer(features[-1]), 0.2))
        return [*features, self.logits(features[-1])]


class MultiscaleDiscriminator(Discriminator):
    """The same patch discriminator on the picture and on smaller ones, each half as high and wide (average pooling).

    Args:
        classes: C.
        width, layers, norm, spectral: See :class:`PatchDiscriminator`.
        scales: Sizes of the picture, at least 1.
        edges: Whether an instance edge map follows the classes.
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
        edges: bool = False,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.scales = nn.ModuleList(
            PatchDiscriminator(classes, width, layers=layers, norm=norm, spectral=spectral, image_channels=3 + edges)
            for _ in range(scales)
        )

    def forward(self, image: Tensor, label: Tensor, edges: Tensor | None = None) -> list[list[Tensor]]:
        """Features of n batches of pictures, end to end, over one batch of label maps.

        Args:
            image: ``[n * B, 3, H, W]``, e.g. the fake pictures followed by the real ones.
            label: ``[B, H, W]``.
            edges: ``[B, 1, H, W]``, shared by the n batches like the label.

        Returns:
            Per scale, the largest first, the features of every layer, the logits last.
        """
        if edges is not None:
            image = torch.cat([edges.repeat(image.shape[0] // edges.shape[0], 1, 1, 1), image], 1)
        first, *smaller = cast(list[PatchDiscriminator], list(self.scales))
        features = [first.on_picture(image, label)]
        shares = None
        for scale in smaller:
            image = _pooled(image)
            if len(features) == 1:  # the half size is a lookup, which needs no one-hot map
                features.append(scale.on_half_picture(image, label))
                continue
            shares = _pooled(_pooled(one_hot(label, self.classes, image.dtype)) if shares is None else shares)
            features.append(scale.on_pooled(image, shares))
        return features


def _pooled(maps: Tensor) -> Tensor:
    """``[B, K, H, W]`` at half size; at the border, the mean of the pixels that exist."""
    return F.avg_pool2d(maps, 3, 2, 1, count_include_pad=False)
