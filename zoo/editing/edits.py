"""Edits of codes: style, objects, materials, interpolation (Endo & Kanamori 2020, section 4.4).

Letters: B batch, S samples per mask, H x W picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.codes import Codes
from zoo.editing.bank_row import BankRow
from zoo.editing.encoding import check_editable, shown_codes, used_codes
from zoo.editing.loaded_method import table_of
from zoo.errors import ZooError
from zoo.interfaces import Method


@dataclass(frozen=True)
class Target:
    """A picture to take codes from: image ``[1, 3, H, W]`` in [-1, 1], label ``[1, H, W]``.

    Without ``classes``, the codes of all classes that occur in both masks and the codes of the whole picture (CLVAE's
    global code) are taken; with ``classes``, only the codes of these classes.
    """

    image: Tensor
    label: Tensor
    classes: tuple[int, ...] | None = None


def edit_style(
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
    """Style-guided synthesis: codes for a mask, taken from ``targets`` as far as possible.

    All others are drawn from the prior. The ``classes`` of a target are taken from it; every other class is taken from
    the first target without ``classes`` that contains it, and the codes of the whole picture from the first target
    without ``classes``. Source: section 4.4.1, Figures 12 and 13.

    Args:
        method: A method with codes and an encoder.
        label: Mask, ``[1, H, W]``.
        targets: Pictures to take the style from.
        layers: Only these layers are taken (see :meth:`zoo.codes.Codes.mask`); None for all.
        sampled: Take draws from the targets' posteriors instead of their means.
        strength: From 0 (drawn codes) to 1 (the targets' codes).
        samples: S, the number of draws.
        seed: Seed of all draws.

    Returns:
        Codes of batch S.

    Raises:
        ZooError: If the method has no codes, encoder or named axis, if the mask or a target lacks a named class, if two
            targets name the same class, or if ``strength`` is outside [0, 1].
    """
    drawn = codes = method.sample(label, samples, seed=seed)
    noise = torch.Generator().manual_seed(seed + 1) if sampled else None
    _check_distinct_classes(method, targets)
    # later writes take precedence: targets with classes over those without, and earlier targets over later ones
    general = [target for target in targets if target.classes is None]
    special = [target for target in targets if target.classes is not None]
    for target in [*reversed(general), *special]:
        codes = _with_target(method, label, codes, target, layers, noise)
    return drawn.lerp(codes, _checked_strength(strength))


def edit_object(
    method: Method,
    label: Tensor,
    codes: Codes,
    source: Target | BankRow | None = None,
    *,
    classes: Iterable[int] | None = None,
    layers: Iterable[int] | None = None,
    strength: float = 1.0,
    samples: int = 1,
    seed: int = 0,
) -> Codes:
    """Object editing: new codes for some classes or layers of a picture, all others kept bit for bit.

    Source: section 4.4.2, Figure 14.

    Args:
        method: A method with codes; for a Target, with an encoder.
        label: Mask to paint, ``[1, H, W]``.
        codes: Codes of the picture, of batch 1.
        source: Where the new codes come from: the picture of a Target (whose own ``classes`` are ignored), a row of a
            code bank (whose class alone is edited), or None to draw them from the prior.
        classes: Classes to edit; None for all, and for the codes of the whole picture.
        layers: Layers to edit (see :meth:`zoo.codes.Codes.mask`); None for all.
        strength: From 0 (the picture's codes) to 1 (the new ones).
        samples: S, the number of draws from the prior; with a source the S results are equal.
        seed: Seed of the draws from the prior.

    Returns:
        Codes of batch S.

    Raises:
        ZooError: If the method has no codes, encoder or named axis, if the mask or the Target lacks a named class, if
            the bank row is of a class that is not to be edited, or if ``strength`` is outside [0, 1].
    """
    check_editable(method)
    classes = None if classes is None else tuple(classes)
    codes = codes.repeat(samples)
    if isinstance(source, BankRow):
        if classes is not None and source.class_id not in classes:
            raise ZooError(
                f"Row {source.id} of the code bank is of the class {source.class_name}, but "
                f"{table_of(method).listed(classes)} is to be edited: choose a row of that class."
            )
        edited = source.put(codes, layers=layers)
    elif source is not None:
        edited = _with_target(method, label, codes, Target(source.image, source.label, classes), layers)
    else:
        drawn = method.sample(label, samples, seed=seed)
        edited = codes.replace(drawn, classes=classes, layers=layers)
    return codes.lerp(edited, _checked_strength(strength))


def edit_material(
    codes: Codes,
    direction: Codes,
    amount: float | Tensor,
    *,
    classes: Iterable[int] | None = None,
    layers: Iterable[int] | None = None,
) -> Codes:
    """Material editing: codes moved along a direction in some classes or layers, all others kept bit for bit.

    Source: section 4.4.3, Figure 15.

    Args:
        codes: Codes of batch B.
        direction: Codes of batch 1 (see :mod:`zoo.editing.directions`).
        amount: Multiple of the direction that is added: one number, or one for each picture ``[B]``.
        classes: Classes to edit; None for all, and for the codes of the whole picture.
        layers: Layers to edit (see :meth:`zoo.codes.Codes.mask`); None for all.

    Returns:
        Codes of batch B.

    Raises:
        ZooError: If no code has a named axis, or an index is out of range.
    """
    ends = Codes({name: tensor + direction[name].to(tensor) for name, tensor in codes.items()}, codes.specs)
    return codes.replace(codes.lerp(ends, amount), classes=classes, layers=layers)


def interpolate(first: Codes, last: Codes, steps: int) -> Codes:
    """Codes of batch ``steps`` from ``first`` to ``last`` (both of batch 1) in equal steps, with both ends.

    Raises:
        ZooError: If there are fewer than two steps.
    """
    if steps < 2:
        raise ZooError(f"An interpolation needs 2 steps or more, but {steps} was given: ask for more.")
    return first.repeat(steps).lerp(last.repeat(steps), torch.linspace(0, 1, steps))


def _with_target(
    method: Method,
    label: Tensor,
    codes: Codes,
    target: Target,
    layers: Iterable[int] | None,
    noise: torch.Generator | None = None,
) -> Codes:
    """``codes`` (batch S) with those of a target for what its mask and ``label`` both have.

    ``noise`` draws from the target's posterior; without it the mean is taken.
    """
    check_editable(method)
    posterior = method.encode(target.image, target.label)
    parts = codes.mask(classes=target.classes, layers=layers)
    if target.classes is not None:
        _check_common_classes(method, label, target, target.classes)
    used, shown = used_codes(label, codes.specs), shown_codes(posterior, target.label)
    where = {name: None if part is None else part & used[name] & shown[name] for name, part in parts.items()}
    style = posterior.mu.repeat(codes.batch_size)
    if noise is not None:
        eps = Codes.normal(method.code_specs, codes.batch_size, generator=noise, device=label.device)
        style = posterior.repeat(codes.batch_size).sample(eps)
    return codes.where(where, style)


def _checked_strength(strength: float) -> float:
    if not 0 <= strength <= 1:
        raise ZooError(f"The strength is {strength}: give a number from 0 (own codes) to 1 (codes of the source).")
    return strength


def _check_distinct_classes(method: Method, targets: Sequence[Target]) -> None:
    """Raises ZooError where two targets name the same class."""
    named = [k for target in targets for k in target.classes or ()]
    if repeated := sorted({k for k in named if named.count(k) > 1}):
        raise ZooError(
            f"More than one picture is to give {table_of(method).listed(repeated)}: name every class for one picture "
            "only."
        )


def _check_common_classes(method: Method, label: Tensor, target: Target, classes: tuple[int, ...]) -> None:
    """Raises ZooError unless the mask to paint and the target both have the classes."""
    table = table_of(method)
    in_mask, in_target = set(label.unique().tolist()), set(target.label.unique().tolist())
    for where, found in (("mask to paint", in_mask), ("target", in_target)):
        if missing := sorted(set(classes) - found):
            common = table.listed(sorted(in_mask & in_target)) or "there is none"
            raise ZooError(f"The {where} has no {table.listed(missing)}: name classes that both have ({common}).")
