"""Mean and principal directions of the codes of a dataset (Endo & Kanamori 2020, section 4.4.3).

Letters: B batch, K components, G vectors of a code (its layers times its classes), D entries of a vector.

A vector is the code of one class at one layer (see :func:`zoo.editing.directions.vector_axes`). Each vector has
statistics of its own, over the pictures that show its class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from zoo.codes import Codes, CodeSpec
from zoo.data import PairedDataset
from zoo.editing.dataset_codes import Origin, encoded
from zoo.editing.directions import vector_axes
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo.interfaces import Method

METADATA = "zoo code statistics"
"""Key of the file's metadata."""

PARTS = ("mean", "components", "variances", "totals", "counts")


@dataclass(frozen=True)
class CodeStatistics:
    """Statistics of every vector of every code; the dictionaries go by the names of the codes.

    "..." stands for the shape of the code with length 1 along the axes of a vector.

    Attributes:
        mean: Codes of batch 1; zero (the mean of the prior) for vectors that no picture shows.
        components: ``[K, *shape]``, the principal directions, the largest first, each one standard deviation long; zero
            where there are too few pictures, or K is larger than D.
        variances: ``[K, ...]``, the variance along each direction.
        totals: ``[1, ...]``, the variance of the whole vector; ``variances / totals`` is the share of a direction.
        counts: int64 ``[1, ...]``, the number of pictures that show the vector.
        origin: Where the codes come from.
    """

    mean: Codes
    components: dict[str, Tensor]
    variances: dict[str, Tensor]
    totals: dict[str, Tensor]
    counts: dict[str, Tensor]
    origin: Origin

    @property
    def directions(self) -> int:
        """K, the number of principal directions."""
        return next(iter(self.components.values())).shape[0]

    def principal(self, component: int) -> Codes:
        """Principal direction ``component`` of every vector, from 0, which varies most.

        Raises:
            ZooError: If there is no such direction; the message counts from 1, as the command line does.
        """
        if not 0 <= component < self.directions:
            raise ZooError(
                f"There is no principal direction {component + 1}: the statistics have 1 to {self.directions}."
            )
        along = {name: tensor[component : component + 1] for name, tensor in self.components.items()}
        return Codes(along, self.origin.specs)

    def check(self, method: Method, checkpoint: str = "") -> None:
        """Raises ZooError for codes of another method or checkpoint; see :meth:`Origin.check`."""
        self.origin.check(method, "The file of statistics", checkpoint)

    def save(self, path: Path) -> None:
        """Write a .safetensors file atomically."""
        tensors = {
            f"{part}.{name}": tensor.contiguous() for part in PARTS for name, tensor in getattr(self, part).items()
        }
        with atomic_file(path) as temporary:
            temporary.write_bytes(save(tensors, {METADATA: self.origin.to_json()}))

    @classmethod
    def load(cls, path: Path) -> CodeStatistics:
        """Read what :meth:`save` wrote. Raises ZooError for a file that is missing, damaged or of another kind."""
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise ZooError(
                f"The statistics {path} cannot be read ({error}): give a file that `zoo codes fit` wrote."
            ) from error
        try:
            origin = Origin.from_json(metadata[METADATA])
            parts = {part: {name: tensors[f"{part}.{name}"] for name in origin.specs} for part in PARTS}
            if any(parts["components"][name].shape[1:] != spec.shape for name, spec in origin.specs.items()):
                raise ValueError("directions of other codes")
            return cls(Codes(parts.pop("mean"), origin.specs), **parts, origin=origin)
        except (KeyError, TypeError, ValueError) as error:
            raise ZooError(f"{path} holds no statistics of codes: give a file that `zoo codes fit` wrote.") from error


def fit_statistics(
    method: Method,
    dataset: PairedDataset,
    *,
    components: int = 8,
    limit: int | None = None,
    batch: int = 8,
    checkpoint: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> CodeStatistics:
    """Encode a dataset and compute statistics of the means of the posteriors.

    Args:
        method: A method with codes and an encoder.
        dataset: The pictures.
        components: K, the number of principal directions.
        limit: Use only the first N pictures.
        batch: Pictures that are encoded together.
        checkpoint: SHA-256 of the method's checkpoint.
        progress: Called with the number of pictures done and their total.

    Raises:
        ZooError: If the method has no codes or no encoder.
    """
    gathered: dict[str, _Moments] = {}
    for _, codes, there in encoded(method, dataset, limit=limit, batch=batch, progress=progress):
        for name, tensor in codes.items():
            spec = codes.specs[name]
            vectors = _vectors(tensor.double(), spec)
            moments = gathered.setdefault(name, _Moments(*vectors.shape[1:]))
            moments.add(vectors, _vectors(there[name].double(), spec)[..., 0])
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    for name, moments in gathered.items():
        for part, vectors in moments.summary(components).items():
            parts[part][name] = _restored(vectors, method.code_specs[name])
    mean = Codes(parts.pop("mean"), method.code_specs)
    return CodeStatistics(mean, **parts, origin=Origin.of(method, dataset, limit, checkpoint))


class _Moments:
    """Count, mean and scatter matrix of G vectors of D entries, accumulated in float64."""

    def __init__(self, kinds: int, size: int) -> None:
        self.count = torch.zeros(kinds, dtype=torch.float64)
        self.mean = torch.zeros(kinds, size, dtype=torch.float64)
        self.scatter = torch.zeros(kinds, size, size, dtype=torch.float64)

    def add(self, vectors: Tensor, there: Tensor) -> None:
        """Add vectors ``[B, G, D]`` with weights ``there`` ``[B, G]`` of 0 or 1.

        Merges the moments of two samples as Chan, Golub and LeVeque (1979).
        """
        seen = there.any(0)
        vectors, there, before = vectors[:, seen], there[:, seen], self.count[seen]
        count = there.sum(0)
        mean = (vectors * there[..., None]).sum(0) / count[:, None]
        centred = ((vectors - mean) * there[..., None]).transpose(0, 1)
        shift, total = mean - self.mean[seen], before + count
        between = shift[:, :, None] * shift[:, None, :] * (before * count / total)[:, None, None]
        self.scatter[seen] += centred.mT @ centred + between
        self.mean[seen] += shift * (count / total)[:, None]
        self.count[seen] = total

    def summary(self, components: int) -> dict[str, Tensor]:
        """The parts of :class:`CodeStatistics` as ``[K or 1, G, D or 1]``."""
        kinds, size = self.mean.shape
        covariance = self.scatter / (self.count - 1).clamp(min=1)[:, None, None]
        values, vectors = torch.linalg.eigh(covariance)
        values, directions = values.flip(-1), vectors.flip(-1).mT
        # n pictures span n - 1 directions; the other eigenvalues are rounding errors
        rank = torch.arange(size) < (self.count - 1)[:, None]
        values = values.where(rank & (values > size * torch.finfo(values.dtype).eps * values[:, :1]), 0)
        largest = directions.gather(-1, directions.abs().argmax(-1, keepdim=True))
        directions = directions * largest.sign() * values.sqrt()[..., None]
        kept = min(components, size)
        wide = torch.zeros(components, kinds, size)
        wide[:kept] = directions[:, :kept].transpose(0, 1)
        variances = torch.zeros(components, kinds, 1)
        variances[:kept] = values[:, :kept].T[..., None]
        return {
            "mean": self.mean[None].float(),
            "components": wide,
            "variances": variances,
            "totals": covariance.diagonal(dim1=-2, dim2=-1).sum(-1)[None, :, None].float(),
            "counts": self.count[None, :, None].long(),
        }


def _orders(spec: CodeSpec) -> tuple[list[int], list[int]]:
    """Axes of a batched code over its vectors (class, layer), and axes within a vector."""
    inner = list(vector_axes(spec))
    return [axis for axis in range(1, len(spec.shape) + 1) if axis not in inner], inner


def _vectors(tensor: Tensor, spec: CodeSpec) -> Tensor:
    """``[B, *shape]`` -> ``[B, G, D]``; a tensor with one entry for each vector -> ``[B, G, 1]``."""
    outer, inner = _orders(spec)
    kinds = prod(tensor.shape[axis] for axis in outer)
    return tensor.permute(0, *outer, *inner).reshape(len(tensor), kinds, -1)


def _restored(vectors: Tensor, spec: CodeSpec) -> Tensor:
    """The inverse of :func:`_vectors`."""
    outer, inner = _orders(spec)
    single = vectors.shape[-1] == 1
    sizes = [spec.shape[axis - 1] for axis in outer] + [1 if single else spec.shape[axis - 1] for axis in inner]
    order = [0, *outer, *inner]
    return vectors.reshape(len(vectors), *sizes).permute([order.index(axis) for axis in range(len(order))])
