"""The multi-scale patch discriminator of pix2pixHD of GauGAN, GroupDNet and CLVAE (Wang et al. 2018, section 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.interfaces import Discriminator
from zoo.nn.class_map import ClassMap
from zoo.nn.convolution import Norm, NormalizedConv, conv2d
from zoo.nn.label_conv import LabelConv2d


class PatchDiscriminator(nn.Module):
    """One scale: four layers of conv 4x4 (the last with stride 1) and a layer of logits, nf = ``width``.

    ``image_channels``: 3, or 4 where an instance edge map lies before the colours.
    """

    def __init__(
        self, classes: int, width: int, *, norm: Norm = "instance", spectral: bool = True, image_channels: int = 3
    ) -> None:
        super().__init__()
        self.stem = LabelConv2d(classes, width, kernel_size=4, stride=2, padding=2, dense_channels=image_channels)
        widths = [width, *(min(width * factor, 512) for factor in (2, 4, 8))]
        self.layers = nn.ModuleList(
            NormalizedConv(fin, fout, 4, stride=stride, padding=2, norm=norm, spectral=spectral)
            for fin, fout, stride in zip(widths[:-1], widths[1:], (2, 2, 1), strict=True)
        )
        self.logits = conv2d(widths[-1], 1, 4, padding=2)

    def on_picture(self, image: Tensor, label: Tensor) -> list[Tensor]:
        """Features of the five layers, the logits last, of image ``[n * B, 3 or 4, H, W]`` over label ``[B, H, W]``."""
        return self._features(self.stem(ClassMap(label), image))

    def on_half_picture(self, pooled: Tensor, label: Tensor) -> list[Tensor]:
        """The same at half size: the image comes average-pooled, the label map at full size."""
        return self._features(self.stem.pooled(label, pooled))

    def _features(self, x: Tensor) -> list[Tensor]:
        features = [F.leaky_relu(x, 0.2)]
        for layer in self.layers:
            features.append(F.leaky_relu(layer(features[-1]), 0.2))
        return [*features, self.logits(features[-1])]


class MultiscaleDiscriminator(Discriminator):
    """The same patch discriminator on the picture and on the picture at half size (average pooling).

    ``edges``: an instance edge map follows the classes.
    """

    def __init__(
        self,
        classes: int,
        width: int = 64,
        *,
        norm: Norm = "instance",
        spectral: bool = True,
        edges: bool = False,
    ) -> None:
        super().__init__()
        channels = 3 + edges
        self.full_size = PatchDiscriminator(classes, width, norm=norm, spectral=spectral, image_channels=channels)
        self.half_size = PatchDiscriminator(classes, width, norm=norm, spectral=spectral, image_channels=channels)

    def forward(self, image: Tensor, label: Tensor, edges: Tensor | None = None) -> list[list[Tensor]]:
        """image ``[n * B, 3, H, W]``: n batches over one label ``[B, H, W]``, end to end -> features per scale.

        edges ``[B, 1, H, W]``, shared by the n batches like the label.
        """
        if edges is not None:
            image = torch.cat([edges.repeat(image.shape[0] // edges.shape[0], 1, 1, 1), image], 1)
        pooled = F.avg_pool2d(image, 3, 2, 1, count_include_pad=False)
        return [self.full_size.on_picture(image, label), self.half_size.on_half_picture(pooled, label)]
