"""GauGAN-VAE: one global code per picture (Park et al., CVPR 2019)."""

from zoo_gaugan_vae.method import GauGANVAE

__all__ = ["GauGANVAE"]
