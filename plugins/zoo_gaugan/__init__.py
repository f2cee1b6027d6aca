"""GauGAN: one picture per label map (Park et al. 2019, "Semantic Image Synthesis with Spatially-Adaptive
Normalization").
"""

from zoo_gaugan.method import GauGAN

__all__ = ["GauGAN"]
