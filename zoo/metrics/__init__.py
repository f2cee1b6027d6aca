"""Metrics: FID, and similarity and diversity by LPIPS. Importing this package registers the metrics of the tables."""

from zoo.metrics.diversity import DiversityAccumulator
from zoo.metrics.evaluate import Evaluation, applicable, evaluate
from zoo.metrics.fid import FeatureStatistics, frechet_distance
from zoo.metrics.networks import AlexLPIPS, Inception, load_inception, load_lpips, lpips_distance
from zoo.metrics.pictures import written
from zoo.metrics.protocols import MetricResult, NamedMetric, named
from zoo.metrics.sources import MethodSource, PictureSource

__all__ = [
    "AlexLPIPS",
    "DiversityAccumulator",
    "Evaluation",
    "FeatureStatistics",
    "Inception",
    "MethodSource",
    "MetricResult",
    "NamedMetric",
    "PictureSource",
    "applicable",
    "evaluate",
    "frechet_distance",
    "load_inception",
    "load_lpips",
    "lpips_distance",
    "named",
    "written",
]
