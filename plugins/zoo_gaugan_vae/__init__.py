"""GauGAN-VAE: one global code per picture (Park et al. 2019, section 4, multi-modal synthesis)."""

from zoo_gaugan_vae.method import GauGANVAE

__all__ = ["GauGANVAE"]
