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
    them, and the codes of the whole picture from the first target without ``classes``. ``sampled`` takes draws of the
    targets' posteriors in place of their means. ``seed`` fixes all draws. Everything else as in :func:`taken`. Raises
    ZooError, too, where two targets were chosen for one class.
    """
    drawn = codes = method.sample(label, samples, seed=seed)
    noise = torch.Generator().manual_seed(seed + 1) if sampled else None
    # what is written last wins: the special targets over the general ones, and the first of these over the later ones
    _check_apart(method, targets)
    general = [target for target in targets if target.classes is None]
    special = [target for target in targets if target.classes is not None]
    for target in [*reversed(general), *special]:
        codes = taken(method, codes, label, target, layers=layers, noise=noise)
    return drawn.towards(codes, _fraction(strength))


def taken(
    method: Method,
    codes: Codes,
    label: Tensor,
    target: Target,
    *,
    layers: Iterable[int] | None = None,
    strength: float = 1.0,
    noise: torch.Generator | None = None,
) -> Codes:
    """``codes`` (batch S) for a mask ``[1, H, W]``, with those of a target where it shows what the mask needs.

    ``layers`` limits what is taken (see :meth:`zoo.codes.Codes.part`). ``strength`` 0..1 is how far the codes go from
    their own (0) to the target's (1). ``noise`` draws from the target's posterior, whose mean is taken without it.

    Raises ZooError for a method without codes, encoder or the named axis, for a class that the mask or the target does
    not have, and for a strength outside [0, 1].
    """
    check_editable(method)
    posterior = method.encode(target.image, target.label)
    parts = codes.part(classes=target.classes, layers=layers)
    if target.classes is not None:
        _check_classes(method, label, target)
    needed, given = occurring(label, codes.specs), shown(posterior, target.label)
    where = {name: None if part is None else part & needed[name] & given[name] for name, part in parts.items()}
    style = posterior.mu.repeated(codes.batch_size)
    if noise is not None:
        eps = Codes.normal(method.code_specs, codes.batch_size, generator=noise, device=label.device)
        style = posterior.repeated(codes.batch_size).sample(eps)
    return codes.towards(codes.where(where, style), _fraction(strength))


def _fraction(strength: float) -> float:
    if not 0 <= strength <= 1:
        raise ZooError(
            f"The strength is {strength}, but must lie between 0 (nothing taken) and 1 (the target's codes)."
        )
    return strength


def _check_apart(method: Method, targets: Sequence[Target]) -> None:
    """No class may be asked of two targets."""
    asked = [k for target in targets for k in target.classes or ()]
    if twice := sorted({k for k in asked if asked.count(k) > 1}):
        raise ZooError(
            f"More than one picture is to give {table_of(method).listed(twice)}: name every class for one picture only."
        )


def _check_classes(method: Method, label: Tensor, target: Target) -> None:
    """The mask and the target must both have the classes that are to be taken."""
    names = table_of(method)
    wanted, needed, has = set(target.classes or ()), set(label.unique().tolist()), set(target.label.unique().tolist())
    for where, found in (("mask to paint", needed), ("target", has)):
        if missing := sorted(wanted - found):
            common = names.listed(sorted(needed & has)) or "there is none"
            raise ZooError(f"The {where} has no {names.listed(missing)}: name classes that both have ({common}).")
