"""Style-guided synthesis: a mask in the style of other pictures (Endo & Kanamori 2020, section 4.4.1).

Letters: S samples per mask, H x W picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.codes import Codes
from zoo.editing.encoding import check_editable, occurring, shown, table_of
from zoo.errors import ZooError
from zoo.interfaces import Method


@dataclass(frozen=True)
class Target:
    """A picture that gives its style: image ``[1, 3, H, W]`` in [-1, 1], label ``[1, H, W]``.

    Without ``classes`` it gives the codes of all classes that both masks have, and those of the picture as a whole
    (CLVAE's global code). With them it gives these classes alone.
    """

    image: Tensor
    label: Tensor
    classes: tuple[int, ...] | None = None


def style_guided(
    method: Method,
    label: Tensor,
    targets: Sequence[Target],
    *,
    layers: Iterable[int] | None = None,
    sampled: bool = False,
    strength: float = 1.0,
    samples: int = 1,
    seed: int = 0,
) -> Codes:
    """Codes of batch S for a mask ``[1, H, W]``: drawn from the prior, and taken from ``targets`` where they say more.

    Classes that a target was chosen for come from it; all others from the first target without ``classes`` that shows
    them, and the codes of the whole picture from the first target without ``classes``. ``layers`` limits what is taken
    (see :meth:`zoo.codes.Codes.part`). ``sampled`` takes draws of the targets' posteriors in place of their means.
    ``strength`` 0..1 is how far the codes go from the drawn (0) to the target's (1). ``seed`` fixes all draws.

    Raises ZooError for a method without codes, encoder or the named axis, for a class that the mask or its target does
    not have, and for a strength outside [0, 1].
    """
    check_editable(method)
    if not 0 <= strength <= 1:
        raise ZooError(f"The strength is {strength}, but must lie between 0 (drawn) and 1 (the target's).")
    layers = None if layers is None else tuple(layers)
    drawn = method.sample(label, samples, seed=seed)
    noise = torch.Generator().manual_seed(seed + 1)
    codes = drawn
    # what is written last wins: the first of the general targets over later ones, and the special ones over these
    general = [target for target in targets if target.classes is None]
    special = [target for target in targets if target.classes is not None]
    for target in [*reversed(general), *special]:
        posterior = method.encode(target.image, target.label)
        taken = posterior.mu.repeated(samples)
        if sampled:
            eps = Codes.normal(method.code_specs, samples, generator=noise, device=label.device)
            scale = posterior.logvar.map(lambda logvar: torch.exp(0.5 * logvar)).repeated(samples)
            taken = Codes({n: taken[n] + scale[n] * eps[n] for n in taken}, taken.specs, samples)
        parts = drawn.part(classes=target.classes, layers=layers)
        if target.classes is not None:
            _check_classes(method, label, target)
        mask, picture = occurring(label, drawn.specs), shown(posterior, target.label)
        given = {name: None if part is None else part & mask[name] & picture[name] for name, part in parts.items()}
        codes = codes.where(given, taken)
    return drawn.towards(codes, strength)


def _check_classes(method: Method, label: Tensor, target: Target) -> None:
    """The mask and the target must both have the classes that are to be taken."""
    names = table_of(method)
    wanted, needed, has = set(target.classes or ()), set(label.unique().tolist()), set(target.label.unique().tolist())
    for where, found in (("mask to paint", needed), ("target", has)):
        if missing := sorted(wanted - found):
            common = names.listed(sorted(needed & has)) or "there is none"
            raise ZooError(f"The {where} has no {names.listed(missing)}: name classes that both have ({common}).")
