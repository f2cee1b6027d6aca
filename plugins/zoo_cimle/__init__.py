"""cIMLE: conditional implicit maximum likelihood estimation for diverse pictures (Li, Zhang & Malik, ICCV 2019)."""

from zoo_cimle.method import CIMLE

__all__ = ["CIMLE"]
