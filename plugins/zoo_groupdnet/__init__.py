"""GroupDNet: semantically multi-modal image synthesis by group convolutions (Zhu et al., CVPR 2020)."""

from zoo_groupdnet.method import GroupDNet

__all__ = ["GroupDNet"]
