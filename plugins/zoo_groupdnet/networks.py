"""GroupDNet's networks (Zhu et al. 2020): group convolutions keep the classes apart, from their crops to the decoder.

Letters: B batch, C classes, H x W picture, N code channels, S samples per mask, h x w a crop, or the size of a code.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.errors import ZooError
from zoo.interfaces import Encoder, Generator
from zoo.nn.class_map import ClassMap
from zoo.nn.convolution import ConvEncoder, Norm, check_encoder_size, conv2d
from zoo.nn.spade import SPADE, BlockDecoder, start_size
from zoo_groupdnet.groups import GroupLayout

GroupDNetUpsampling = Literal["normal", "more"]
"""The published setting is "more" (start at 1/64 of the picture); "normal" starts at 1/32, for small pictures."""


def class_boxes(label: Tensor, classes: int) -> Tensor:
    """Bounding box of every class.

    The official code takes the boxes from sums of image values in place of labels, so its boxes differ where the values
    of a border row or column cancel to exactly 0.

    Args:
        label: ``[B, H, W]``.
        classes: C.

    Returns:
        First row, last row, first column, last column, ``[B, C, 4]``; the whole picture for an absent class.
    """
    batch, height, width = label.shape
    label = label.long()
    rows = torch.arange(height, device=label.device)[:, None]
    columns = torch.arange(width, device=label.device)

    def ends(position: Tensor, length: int) -> tuple[Tensor, Tensor]:
        occurs = torch.zeros(batch, classes * length, dtype=torch.bool, device=label.device)
        occurs.scatter_(1, (label * length + position).flatten(1), True)
        occurs = occurs.view(batch, classes, length)
        index = torch.arange(length, device=label.device)
        first, last = torch.where(occurs, index, length).amin(2), torch.where(occurs, index, -1).amax(2)
        absent = last < 0
        return first.masked_fill(absent, 0), last.masked_fill(absent, length - 1)

    return torch.stack([*ends(rows, height), *ends(columns, width)], 2)


def crop_stack(image: Tensor, label: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut every class out of the picture and stretch it, by nearest neighbour, to a common size.

    Args:
        image: ``[B, 3, H, W]``.
        label: ``[B, H, W]``.
        boxes: ``[B, C, 4]`` as from :func:`class_boxes`.
        size: (h, w) of the crops.

    Returns:
        The crops of all classes one after another, ``[B, 3 C, h, w]``. Pixels of other classes inside a box, and so
        all pixels of an absent class, are 0 (mid grey).
    """
    batch, classes = boxes.shape[:2]
    device = image.device
    rows = _nearest(boxes[..., 0], boxes[..., 1], size[0])[:, :, None, :, None]
    columns = _nearest(boxes[..., 2], boxes[..., 3], size[1])[:, :, None, None, :]
    pictures = torch.arange(batch, device=device).view(-1, 1, 1, 1, 1)
    channels = torch.arange(3, device=device).view(-1, 1, 1)
    inside = label[pictures, rows, columns] == torch.arange(classes, device=device).view(-1, 1, 1, 1)
    # in place: at 151 classes the crops of a 256x256 picture take 119 MB
    return image[pictures, channels, rows, columns].mul_(inside).flatten(1, 2)


def _nearest(first: Tensor, last: Tensor, size: int) -> Tensor:
    """Source index ``[B, C, size]`` of each stretched pixel, with the float32 arithmetic of F.interpolate."""
    length = (last - first + 1)[..., None]
    scale = length.float() / size
    offset = (torch.arange(size, device=first.device).float() * scale).floor().long()
    return first[..., None] + torch.minimum(offset, length - 1)


class GroupDNetEncoder(Encoder):
    """Six strided convolutions and two heads, all in C groups: a code depends on the pixels of its class alone.

    Absent classes have a posterior too, that of an empty crop. Where the last features (1/64 of the crops) are not of
    the size of a code, they are averaged or repeated to it.

    Args:
        layout: Groups and widths.
        grid: (h, w) of a code, and the aspect of the crops.
        local_code_width: N.
        encoder_size: Shorter side of the crops; crops of 256x256 pictures are 256x256, of 256x512 pictures 256x512.
        norm: Normalisation.
        spectral: Whether the convolutions have spectral normalisation.

    Raises:
        ZooError: For an ``encoder_size`` that is no multiple of 64 from 128 on.
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
        widths = [layout.encoder_width * factor for factor in ConvEncoder.FACTORS]
        self.convs = ConvEncoder(3 * classes, widths, groups=classes, norm=norm, spectral=spectral)
        self.fc_mu = conv2d(widths[-1], local_code_width * classes, 3, padding=1, groups=classes)
        self.fc_var = conv2d(widths[-1], local_code_width * classes, 3, padding=1, groups=classes)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """Map image ``[B, 3, H, W]`` and label ``[B, H, W]`` to the posterior of local ``[B, C, N, h, w]``."""
        return self.posterior(crop_stack(image, label, class_boxes(label, self.classes), self.crop_size))

    def posterior(self, crops: Tensor) -> Posterior:
        """Posterior of crops ``[B, 3 C, *crop_size]``, the three channels of a class together."""
        x = F.leaky_relu(self.convs(crops)[-1], 0.2)
        if x.shape[-2:] != self.grid:  # never at the published settings
            x = F.adaptive_avg_pool2d(x, self.grid)
        mu, logvar = (head(x).unflatten(1, (self.classes, -1)) for head in (self.fc_mu, self.fc_var))
        return Posterior(Codes({"local": mu}, self.code_specs), Codes({"local": logvar}, self.code_specs))


class GroupDNetGenerator(Generator):
    """A grouped convolution of the codes of all classes, then residual blocks with fewer and fewer groups.

    Args:
        layout: Groups and widths.
        size: (H, W).
        upsampling: Doublings from the codes to the picture: 5 ("normal") or 6 ("more").
        local_code_width: N.
        norm: Normalisation.
        spectral: Whether the blocks have spectral normalisation.

    Raises:
        ZooError: If ``upsampling`` does not fit ``size``, or instance normalisation the size of the codes.
    """

    def __init__(
        self,
        layout: GroupLayout,
        size: tuple[int, int],
        *,
        upsampling: GroupDNetUpsampling,
        local_code_width: int,
        norm: Norm = "batch",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        if upsampling not in ("normal", "more"):
            raise ZooError(f'method.upsampling is "{upsampling}", but GroupDNet has "normal" and "more" only.')
        self.start = start_size(size, upsampling)
        if norm == "instance" and self.start == (1, 1):
            raise ZooError(
                f'method.norm "instance" cannot normalise features of one pixel, with which data.size {list(size)} '
                f'starts at method.upsampling "{upsampling}"; set a larger size, upsampling "normal" or norm "batch".'
            )
        classes = layout.classes
        self.code_specs = {
            "local": CodeSpec((classes, local_code_width, *self.start), ("class", "channel", "row", "column"))
        }
        self.fc = conv2d(local_code_width * classes, layout.fc_channels, 3, padding=1, groups=layout.fc_groups)

        def modulation(block: str, channels: int) -> SPADE:
            return SPADE(
                channels,
                classes,
                norm=norm,
                hidden=layout.hidden[block],
                shared_groups=layout.shared_groups[block],
                groups=layout.blocks[block].groups,
            )

        self.decoder = BlockDecoder(layout.blocks, upsampling, modulation, spectral=spectral)

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """Map label ``[B, H, W]``, codes local ``[B * S, C, N, h, w]`` to ``[B * S, 3, H, W]``."""
        x = self.fc(codes["local"].flatten(1, 2))
        return self.decoder(x, dict.fromkeys(self.decoder.blocks, ClassMap(label)))
