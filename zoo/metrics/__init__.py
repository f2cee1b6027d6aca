"""Metrics: FID, and similarity and diversity by LPIPS. Importing this package registers the metrics of the zoo."""

from zoo.metrics.diversity import Diversity, DiversityAccumulator
from zoo.metrics.evaluate import Evaluation, applicable, evaluate
from zoo.metrics.fid import ReconstructionFID
from zoo.metrics.frechet import FeatureStatistics, frechet_distance
from zoo.metrics.metric import (
    Metric,
    MetricResult,
    NamedMetric,
    ReconstructionMetric,
    SampleMetric,
    full_name,
    parse_metric,
)
from zoo.metrics.networks import AlexLPIPS, Inception, Networks, load_inception, load_lpips, lpips_distance
from zoo.metrics.pictures import from_uint8, to_uint8_truncated
from zoo.metrics.similarity import ReconstructionLPIPS, TopOne
from zoo.metrics.sources import MethodSource, PictureSource

__all__ = [
    "AlexLPIPS",
    "Diversity",
    "DiversityAccumulator",
    "Evaluation",
    "FeatureStatistics",
    "Inception",
    "MethodSource",
    "Metric",
    "MetricResult",
    "NamedMetric",
    "Networks",
    "PictureSource",
    "ReconstructionFID",
    "ReconstructionLPIPS",
    "ReconstructionMetric",
    "SampleMetric",
    "TopOne",
    "applicable",
    "evaluate",
    "frechet_distance",
    "from_uint8",
    "full_name",
    "load_inception",
    "load_lpips",
    "lpips_distance",
    "parse_metric",
    "to_uint8_truncated",
]
