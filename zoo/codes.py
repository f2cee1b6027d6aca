"""Latent codes with declared axes.

The latent codes of a method are named tensors, each with a :class:`CodeSpec` that declares which axis is the class and
which the layer. Editing by class or layer is therefore implemented once, here, for every method that has the axis.

Letters: B batch, C classes, L code layers, N code channels, S samples per mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from zoo.errors import ZooError


@dataclass(frozen=True)
class CodeSpec:
    """Shape of one code without its batch axis, and the meaning of each axis.

    CLVAE's class- and layer-wise code is ``CodeSpec((L, C, N), ("layer", "class", "channel"))``.

    Attributes:
        shape: Shape of the code.
        axes: A name for every axis. Editing uses the axes "class" and "layer"; other names are arbitrary.

    Raises:
        ValueError: If the number of names is not the number of axes.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.shape) != len(self.axes):
            raise ValueError(f"shape {self.shape} has {len(self.shape)} axes, but {len(self.axes)} names: {self.axes}")

    def axis(self, name: str) -> int | None:
        """Position of an axis in the batched tensor (the batch is axis 0), or None if the code has no such axis."""
        return self.axes.index(name) + 1 if name in self.axes else None


class Codes(Mapping[str, Tensor]):
    """An immutable mapping from names to latent tensors ``[B, *spec.shape]``, with their specs.

    Args:
        tensors: The tensors by name.
        specs: Their specs, by the same names.
        batch_size: B; only required without tensors.

    Raises:
        ValueError: If names, shapes or batch sizes do not match.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], specs: Mapping[str, CodeSpec], batch_size: int | None = None
    ) -> None:
        if tensors.keys() != specs.keys():
            raise ValueError(f"codes {sorted(tensors)} do not match their specs {sorted(specs)}")
        for name, tensor in tensors.items():
            if tuple(tensor.shape[1:]) != specs[name].shape:
                raise ValueError(f"code {name!r} has shape {tuple(tensor.shape)}, expected [B, {specs[name].shape}]")
        sizes = {t.shape[0] for t in tensors.values()} | ({batch_size} if batch_size is not None else set())
        if len(sizes) != 1:
            raise ValueError(
                f"codes have different batch sizes: {sorted(sizes)}"
                if sizes
                else "codes without tensors need batch_size"
            )
        self._tensors = dict(tensors)
        self.specs = dict(specs)
        self.batch_size: int = sizes.pop()

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}: {list(v.shape)}" for k, v in self.items())
        return f"Codes({inside or 'none'}, batch_size={self.batch_size})"

    @classmethod
    def normal(
        cls,
        specs: Mapping[str, CodeSpec],
        batch_size: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> Codes:
        """Standard normal codes.

        Args:
            specs: The codes to draw.
            batch_size: B.
            generator: Codes are drawn on its device, so a seeded CPU generator gives the same codes on a GPU.
            device: Device of the codes.
        """
        source = generator.device if generator is not None else device
        tensors = {
            name: torch.randn(batch_size, *spec.shape, generator=generator, device=source).to(device)
            for name, spec in specs.items()
        }
        return cls(tensors, specs, batch_size)

    def map(self, function: Callable[[Tensor], Tensor]) -> Codes:
        """Apply a function to each tensor; the batch size may change."""
        tensors = {name: function(tensor) for name, tensor in self.items()}
        return Codes(tensors, self.specs, None if tensors else self.batch_size)

    def to(self, device: torch.device | str) -> Codes:
        """Move the codes to another device."""
        return self.map(lambda t: t.to(device))

    def rows(self, index: slice | list[int]) -> Codes:
        """Select pictures of the batch by a slice or by indices."""
        if not self:
            return Codes({}, {}, len(range(self.batch_size)[index]) if isinstance(index, slice) else len(index))
        return self.map(lambda t: t[index])

    def repeat(self, samples: int) -> Codes:
        """Repeat the codes of every picture ``samples`` times, adjacent as for samples of a mask: a batch of B * S."""
        return self.rows([b for b in range(self.batch_size) for _ in range(samples)])

    def mask(
        self, *, classes: Iterable[int] | None = None, layers: Iterable[int] | None = None
    ) -> dict[str, Tensor | None]:
        """Masks of the entries that belong to the given classes and layers.

        If both are given, their intersection is selected; if neither is given, everything. A code without the axis is
        not selected, with one exception: after the layers 0 (finest) to L - 1, layer L refers to the codes of the whole
        picture, which have neither axis (CLVAE's global code).

        Args:
            classes: Class ids.
            layers: Layers, 0 to L.

        Returns:
            For each code, by name, a bool tensor that broadcasts to it, or None if no entry is selected.

        Raises:
            ZooError: If no code has the axis (e.g. GauGAN-VAE has no class axis), for indices out of range, and for an
                empty selection (layer L of single classes).
        """
        chosen = {"class": classes, "layer": layers}
        named = {axis: list(index) for axis, index in chosen.items() if index is not None}
        for axis, index in named.items():
            self._check_axis(axis, index)
        masks: dict[str, Tensor | None] = {}
        for name, tensor in self.items():
            spec = self.specs[name]
            if name in self.global_names and named.keys() == {"layer"} and self.layers in named["layer"]:
                masks[name] = torch.ones([1] * tensor.dim(), dtype=torch.bool, device=tensor.device)
                continue
            if any(spec.axis(axis) is None for axis in named):
                masks[name] = None
                continue
            mask = torch.ones([1] * tensor.dim(), dtype=torch.bool, device=tensor.device)
            for axis, index in named.items():
                position = spec.axis(axis)
                assert position is not None
                along = torch.zeros(tensor.shape[position], dtype=torch.bool, device=tensor.device)
                along[[i for i in index if i < tensor.shape[position]]] = True
                mask = mask & along.view([-1 if d == position else 1 for d in range(tensor.dim())])
            masks[name] = mask
        if named and not any(mask is not None and mask.any() for mask in masks.values()):
            if not all(named.values()):
                raise ZooError("The classes or layers to edit are an empty list: give at least one.")
            raise ZooError(
                f"Layer {self.layers} is the code of the whole picture, which has no class axis: "
                "give other layers, or no classes."
            )
        return masks

    @property
    def layers(self) -> int:
        """L, the length of the layer axis; 0 if no code has one."""
        sizes = [spec.shape[axis - 1] for spec in self.specs.values() if (axis := spec.axis("layer"))]
        return max(sizes, default=0)

    @property
    def global_names(self) -> tuple[str, ...]:
        """Names of the codes of the whole picture, which have neither a class nor a layer axis."""
        return tuple(n for n, spec in self.specs.items() if not spec.axis("class") and not spec.axis("layer"))

    def _check_axis(self, axis: str, index: list[int]) -> None:
        sizes = {name: spec.shape[at - 1] for name, spec in self.specs.items() if (at := spec.axis(axis))}
        if not sizes:
            codes = ", ".join(self.specs) or "no codes at all"
            raise ZooError(f"This method cannot edit by {axis}: its codes ({codes}) have no {axis} axis.")
        name = max(sizes, key=lambda one: sizes[one])
        whole = axis == "layer" and any(
            s.axis("layer") is None and s.axis("class") is None for s in self.specs.values()
        )
        last = sizes[name] if whole else sizes[name] - 1
        if any(not 0 <= i <= last for i in index):
            wrong = [i for i in index if not 0 <= i <= last][:8]
            raise ZooError(f"Code {name!r} has {axis} indices 0..{last}, but {wrong} was requested.")

    def replace(
        self, source: Codes, *, classes: Iterable[int] | None = None, layers: Iterable[int] | None = None
    ) -> Codes:
        """Replace the entries of ``classes`` and ``layers`` (see :meth:`mask`) with those of ``source``."""
        return self.where(self.mask(classes=classes, layers=layers), source)

    def lerp(self, other: Codes, amount: float | Tensor) -> Codes:
        """Linear interpolation from these codes to ``other``; exact where the two are equal.

        Args:
            other: Codes of the same specs and batch size.
            amount: 0 for these codes, 1 for ``other``: one number, or one per picture ``[B]``.
        """
        amounts = torch.as_tensor(amount, dtype=torch.float32).expand(self.batch_size)

        def between(own: Tensor, others: Tensor) -> Tensor:
            weight = amounts.to(own).view(-1, *[1] * (own.dim() - 1))
            return torch.where(own == others, own, torch.lerp(own, others, weight))

        return Codes({name: between(self[name], other[name]) for name in self}, self.specs, self.batch_size)

    def where(self, part: Mapping[str, Tensor | None], source: Codes) -> Codes:
        """These codes, with those of ``source`` wherever ``part`` (masks as returned by :meth:`mask`) is True."""
        tensors = {}
        for name, tensor in self.items():
            mask = part[name]
            tensors[name] = tensor if mask is None else torch.where(mask, source[name], tensor)
        return Codes(tensors, self.specs, self.batch_size)


@dataclass(frozen=True)
class Posterior:
    """The output of an encoder: a normal distribution with diagonal covariance for every code.

    Attributes:
        mu: Means.
        logvar: Logarithms of the variances.
        class_mask: For each code, by name, a bool tensor over its leading axes (``[B, L, C]`` for CLVAE's local code
            ``[B, L, C, N]``): False where the class does not occur; mu and logvar are 0 there, which is the prior.
            Codes that exist for every picture have no entry.
    """

    mu: Codes
    logvar: Codes
    class_mask: dict[str, Tensor] = field(default_factory=dict)

    def repeat(self, samples: int) -> Posterior:
        """Repeat the posterior of every picture ``samples`` times, as :meth:`Codes.repeat` does."""
        class_mask = {name: mask.repeat_interleave(samples, 0) for name, mask in self.class_mask.items()}
        return Posterior(self.mu.repeat(samples), self.logvar.repeat(samples), class_mask)

    def sample(self, noise: Codes | None = None) -> Codes:
        """Draw codes with the reparametrisation mu + exp(logvar / 2) * noise (Endo & Kanamori 2020, eq. 4 and 13).

        Args:
            noise: Standard normal noise of the shapes of the codes; drawn if None.
        """
        tensors = {}
        for name, mu in self.mu.items():
            eps = torch.randn_like(mu) if noise is None else noise[name]
            tensors[name] = mu + torch.exp(0.5 * self.logvar[name]) * eps
        return Codes(tensors, self.mu.specs, self.mu.batch_size)
