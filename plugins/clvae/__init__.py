"""CLVAE: class- and layer-wise VAEs (Endo & Kanamori, Computer Graphics Forum 2020)."""

from plugins.clvae.method import CLVAE

__all__ = ["CLVAE"]
