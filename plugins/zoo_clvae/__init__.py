"""CLVAE: class- and layer-wise VAEs (Endo & Kanamori, Computer Graphics Forum 2020)."""

from zoo_clvae.method import CLVAE

__all__ = ["CLVAE"]
