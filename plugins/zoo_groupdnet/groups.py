"""How many groups and channels each layer of GroupDNet has (Zhu et al. 2020, and the released networks).

The number of groups falls towards the picture: the codes of the classes stay apart at first and mix at the end. The
release has one generator per dataset; both are built here for any number of classes C and base width nf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import lcm
from typing import Literal

from zoo.nn.spade import BlockShape

LayoutName = Literal["deepfashion", "ade20k"]

PUBLISHED_WIDTH: dict[LayoutName, int] = {"deepfashion": 160, "ade20k": 64}

# DeepFashion: the groups are C divided by this; then channels in and out in units of nf.
_DEEPFASHION_BLOCKS = {
    "head_0": (1, 16, 16),
    "G_middle_0": (1, 16, 16),
    "G_middle_1": (2, 16, 16),
    "up_0": (2, 16, 8),
    "up_1": (4, 8, 4),
    "up_2": (4, 4, 2),
    "up_3": (8, 2, 1),
}
# ADE20K after the head, which has 16 C channels: the groups, whatever C; then channels in and out in units of nf.
_ADE20K_BLOCKS = {
    "G_middle_1": (16, 32, 16),
    "up_0": (8, 16, 16),
    "up_1": (4, 16, 8),
    "up_2": (2, 8, 4),
    "up_3": (1, 4, 2),
}
_MOST_CLASSES_FOR_DEEPFASHION = 32


@dataclass(frozen=True)
class GroupLayout:
    """Groups and channels of the generator, and the base width of the encoder, which has C groups throughout.

    Attributes:
        name: Which of the two published networks.
        classes: C.
        fc_channels: Channels of the convolution of the codes.
        fc_groups: Groups of this convolution.
        blocks: Channels and groups of the residual blocks.
        hidden: Hidden channels of the SPADE layers, by block.
        shared_groups: Groups of their first convolution, that of the class map, by block.
        encoder_width: Base width of the encoder.
    """

    name: LayoutName
    classes: int
    fc_channels: int
    fc_groups: int
    blocks: Mapping[str, BlockShape]
    hidden: Mapping[str, int]
    shared_groups: Mapping[str, int]
    encoder_width: int

    @property
    def groups(self) -> dict[str, int]:
        """Group count by part of the network: the encoder, the convolution of the codes, and every block."""
        blocks = {block: shape.groups for block, shape in self.blocks.items()}
        return {"encoder": self.classes, "fc": self.fc_groups, **blocks}


def choose_layout(classes: int) -> LayoutName:
    """The DeepFashion layout where C is at most 32 and its group counts (C/2, C/4, C/8) divide C, otherwise ADE20K's.

    20 classes give 20, 20, 10, 10, 5, 5, 2 groups; 19 classes would fall from 19 to 1 at once, where ADE20K's counts,
    which do not depend on C, fall step by step.
    """
    shares = {max(1, classes // divisor) for divisor, _, _ in _DEEPFASHION_BLOCKS.values()}
    even = all(classes % share == 0 for share in shares)
    return "deepfashion" if even and classes <= _MOST_CLASSES_FOR_DEEPFASHION else "ade20k"


def group_layout(
    classes: int, name: LayoutName, *, width: int | None = None, encoder_width: int | None = None
) -> GroupLayout:
    """The layout of a published network for any number of classes and width.

    Channels that C or a group count does not divide are rounded up to the next multiple.

    Args:
        classes: C.
        name: The network.
        width: nf; None for the published width.
        encoder_width: Base width of the encoder; None for the published one (256, or 4 per class), scaled with
            ``width``.
    """
    published = PUBLISHED_WIDTH[name]
    width = width or published
    if encoder_width is None:
        encoder_width = (256 if name == "deepfashion" else 4 * classes) * width // published
    build = _deepfashion if name == "deepfashion" else _ade20k
    return build(classes, width, _round_up(encoder_width, classes))


def _deepfashion(classes: int, width: int, encoder_width: int) -> GroupLayout:
    # a group count must divide C, because the class map is convolved in groups; the share of C is the most it may be
    groups = {
        block: _largest_divisor(classes, at_most=classes // divisor)
        for block, (divisor, _, _) in _DEEPFASHION_BLOCKS.items()
    }
    # the release has the literal 8, the number of its classes; it is kept for multiples of 8
    fc_groups = 8 if classes % 8 == 0 else classes

    def channels(factor: int) -> int:
        beside = [groups[block] for block, (_, *factors) in _DEEPFASHION_BLOCKS.items() if factor in factors]
        return _round_up(factor * width, lcm(*beside, fc_groups if factor == 16 else 1))

    blocks = {
        block: BlockShape(channels(fin), channels(fout), groups[block])
        for block, (_, fin, fout) in _DEEPFASHION_BLOCKS.items()
    }
    hidden = {block: _round_up(128, count) for block, count in groups.items()}
    return GroupLayout("deepfashion", classes, channels(16), fc_groups, blocks, hidden, groups, encoder_width)


def _ade20k(classes: int, width: int, encoder_width: int) -> GroupLayout:
    blocks = {
        "head_0": BlockShape(16 * classes, 16 * classes, classes),
        "G_middle_0": BlockShape(16 * classes, 32 * width, 16),
    }
    for block, (groups, fin, fout) in _ADE20K_BLOCKS.items():
        blocks[block] = BlockShape(fin * width, fout * width, groups)
    # the class map has a group per class and what follows the block's groups, so both must divide the hidden width
    hidden = {
        block: 2 * classes if classes % shape.groups == 0 else classes * shape.groups for block, shape in blocks.items()
    }
    shared_groups = dict.fromkeys(blocks, classes)
    return GroupLayout("ade20k", classes, 16 * classes, classes, blocks, hidden, shared_groups, encoder_width)


def _largest_divisor(number: int, *, at_most: int) -> int:
    return max(d for d in range(1, max(1, at_most) + 1) if number % d == 0)


def _round_up(number: int, multiple: int) -> int:
    return max(1, -(-number // multiple)) * multiple
