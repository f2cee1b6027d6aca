"""GroupDNet's encoder: convolutions over the crops of the classes, in a group per class (Zhu et al. 2020, figure 3)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.interfaces import Encoder
from zoo.nn.convolution import Norm, conv2d
from zoo.nn.encoder_trunk import TRUNK_WIDTHS, EncoderTrunk, check_encoder_size
from zoo_groupdnet.crops import class_boxes, crop_stack
from zoo_groupdnet.layout import GroupLayout


class GroupDNetEncoder(Encoder):
    """Six strided convolutions and two heads, all in C groups: a code depends on the pixels of its class alone.

    Letters: B batch, C classes, N code channels, H x W picture, h x w ``grid`` of a code. Crops are stretched to
    the aspect of the grid with ``encoder_size`` as their shorter side: 256x256 and 256x512 for such pictures. Where
    the last features (1/64 of that) are not of the grid's size, they are averaged or repeated to it. Absent classes
    have a posterior too, that of an empty crop.

    Raises ZooError for an ``encoder_size`` that six strided layers with instance normalisation cannot take.
    """

    def __init__(
        self,
        layout: GroupLayout,
        grid: tuple[int, int],
        *,
        local_code_width: int,
        encoder_size: int = 256,
        norm: Norm = "instance",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        check_encoder_size(encoder_size)
        classes = layout.classes
        self.classes, self.grid = classes, grid
        height, width = (round(encoder_size / 64 * side / min(grid)) * 64 for side in grid)
        self.crop_size = (height, width)
        self.code_specs = {"local": CodeSpec((classes, local_code_width, *grid), ("class", "channel", "row", "column"))}
        widths = [layout.encoder_width * factor for factor in TRUNK_WIDTHS]
        self.trunk = EncoderTrunk(3 * classes, widths, groups=classes, norm=norm, spectral=spectral)
        self.fc_mu = conv2d(widths[-1], local_code_width * classes, 3, padding=1, groups=classes)
        self.fc_var = conv2d(widths[-1], local_code_width * classes, 3, padding=1, groups=classes)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """image ``[B, 3, H, W]``, label ``[B, H, W]`` -> posterior of local ``[B, C, N, h, w]``."""
        return self.posterior(crop_stack(image, label, class_boxes(label, self.classes), self.crop_size))

    def posterior(self, crops: Tensor) -> Posterior:
        """Posterior of crops ``[B, 3 C, *crop_size]``, the three channels of a class side by side."""
        x = F.leaky_relu(self.trunk(crops)[-1], 0.2)
        if x.shape[-2:] != self.grid:  # never at the published settings
            x = F.adaptive_avg_pool2d(x, self.grid)
        mu, logvar = (head(x).unflatten(1, (self.classes, -1)) for head in (self.fc_mu, self.fc_var))
        return Posterior(Codes({"local": mu}, self.code_specs), Codes({"local": logvar}, self.code_specs))
