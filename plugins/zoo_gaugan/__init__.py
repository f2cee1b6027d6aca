"""GauGAN: one picture per label map (Park et al., CVPR 2019)."""

from zoo_gaugan.method import GauGAN

__all__ = ["GauGAN"]
