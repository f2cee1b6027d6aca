"""GauGAN: one picture per label map (Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization", 2019)."""

from plugins.gaugan.method import GauGAN

__all__ = ["GauGAN"]
