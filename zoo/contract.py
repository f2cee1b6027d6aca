"""Checks that every method must pass, also for use in the tests of plugins.

``tests/test_contract.py`` runs them for all registered methods. Each check raises AssertionError with an explanation.
Create ``method`` with :func:`small_method`, or with :func:`zoo.build` and small settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo import checkpoints, factory
from zoo.codes import Codes
from zoo.config import TrainConfig
from zoo.engine.optimizers import GroupOptimWrapper, build_optimizers
from zoo.interfaces import Batch, Method
from zoo.nn.vgg import load_vgg

CLASSES, SIZE, BATCH = 6, (64, 64), 2


def small_method(name: str, seed: int = 0) -> Method:
    """A registered method with its ``smoke`` settings and seeded weights, for 6 classes at 64x64."""
    return factory.build(name, classes=CLASSES, size=SIZE, profile="smoke", seed=seed)


def small_batch(seed: int = 0) -> Batch:
    """Two random pictures with blocky label maps; class 5 is absent, and class 4 covers a single pixel of the first."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, CLASSES - 2, (BATCH, 8, 8), generator=generator)
    label = coarse.repeat_interleave(SIZE[0] // 8, 1).repeat_interleave(SIZE[1] // 8, 2)
    label[0, 33, 21] = CLASSES - 2
    image = torch.rand(BATCH, 3, *SIZE, generator=generator) * 2 - 1
    return Batch(image, label, ("first", "second"))


def check_shapes(method: Method) -> None:
    """Codes and pictures have the declared shapes, order and range."""
    label = small_batch().label
    codes = method.sample(label, 3, seed=0)
    assert codes.batch_size == BATCH * 3, f"sample() returned a batch of {codes.batch_size}, not B * S = {BATCH * 3}"
    for name, spec in method.code_specs.items():
        assert codes[name].shape == (BATCH * 3, *spec.shape), f"code {name} has shape {tuple(codes[name].shape)}"
    images = method.synthesize(label, codes)
    assert images.shape == (BATCH * 3, 3, *SIZE), f"synthesize() returned shape {tuple(images.shape)}"
    assert torch.isfinite(images).all(), "synthesize() returned non-finite values"
    assert images.abs().max() <= 1, f"synthesize() returned values outside [-1, 1]: {images.abs().max().item()}"


def check_order_of_samples(method: Method) -> None:
    """Sample s of mask b is picture b * S + s, equal to the same sample synthesised alone."""
    label = small_batch().label
    codes = method.sample(label, 2, seed=1)
    together = method.synthesize(label, codes)
    for b in range(BATCH):
        for s in range(2):
            row = b * 2 + s
            alone = method.synthesize(label[b : b + 1], codes.rows([row]))
            assert torch.allclose(alone[0], together[row], atol=1e-4), f"sample {s} of mask {b} is not picture {row}"


def check_seed(method: Method) -> None:
    """Equal seeds give equal pictures, different seeds different ones (for a method with codes)."""
    label = small_batch().label
    first, again, other = (method.synthesize(label, method.sample(label, 1, seed=s)) for s in (3, 3, 4))
    assert torch.equal(first, again), "the same seed gave two different pictures"
    if method.code_specs:
        assert not torch.equal(first, other), "two seeds gave the same picture"


def check_round_trip(method: Method) -> None:
    """The output of encode() can be synthesised, as means and as samples; class masks match the leading code axes."""
    batch = small_batch()
    if method.encoder is None and method.code_specs:
        return
    posterior = method.encode(batch.image, batch.label)
    assert posterior.mu.specs == dict(method.code_specs), "encode() and sample() return different codes"
    for codes in (posterior.mu, posterior.sample()):
        assert method.synthesize(batch.label, codes).shape == batch.image.shape
    for name, class_mask in posterior.class_mask.items():
        leading = posterior.mu[name].shape[: class_mask.dim()]
        assert class_mask.dtype == torch.bool, f"class_mask of {name} is {class_mask.dtype}, not bool"
        assert class_mask.shape == leading, (
            f"class_mask of {name} has shape {tuple(class_mask.shape)}, expected {leading}"
        )
        absent = ~class_mask
        assert not posterior.mu[name][absent].any(), f"mu of {name} is not zero where the class is absent"


def check_gradients(method: Method) -> None:
    """One training step with real optimisers: each updates all weights of its own group, and no others.

    Every parameter of a group gets a finite gradient, and the losses are finite and detached.
    """
    if method.needs_vgg:
        method.attach_vgg(load_vgg(layers=method.vgg_layers, pool=method.vgg_pool, allow_random=True))
    settings = TrainConfig() if method._config is None else method.config.train
    optimizers = build_optimizers(method, settings.optimizers)
    watched = {name: _Watched(name, optimizer, method) for name, optimizer in optimizers.items()}
    losses = method.train().train_step(small_batch(), watched)
    assert losses, "train_step() returned no losses"
    for name, loss in losses.items():
        assert torch.isfinite(loss).all(), f"the loss {name} is not finite"
        assert not loss.requires_grad, f"the loss {name} is not detached"
    for name, optimizer in watched.items():
        assert optimizer.steps, f"train_step() did not call update_params() of the optimiser {name}"


def check_checkpoint(method: Method, folder: Path) -> None:
    """A saved method can be loaded from its file alone and synthesises the same pictures."""
    path = folder / "method.pth"
    checkpoints.save(path, {"config": method.config.to_dict(), "method": method.state_dict(), "ema": None})
    loaded = factory.load(path)
    label = small_batch().label
    codes: Codes = method.sample(label, 1, seed=5)
    expected = method.eval().synthesize(label, codes)
    assert torch.equal(loaded.synthesize(label, codes), expected), "the loaded checkpoint gives different pictures"


class _Watched:
    """An optimiser that compares the weights of all groups before and after its step."""

    def __init__(self, name: str, optimizer: GroupOptimWrapper, method: Method) -> None:
        self.name = name
        self.wrapper = optimizer
        self.optimizer = optimizer.optimizer
        self.named = dict(method.named_parameters())
        self.steps = 0

    def update_params(self, loss: Tensor, **kwargs: Any) -> None:
        """Step, and check which weights have changed."""
        before = {key: parameter.detach().clone() for key, parameter in self.named.items()}
        self.wrapper.update_params(loss, **kwargs)
        self.steps += 1
        own = {id(parameter) for parameter in self.wrapper.parameters}
        for key, parameter in self.named.items():
            moved = not torch.equal(parameter, before[key])
            if id(parameter) not in own:
                assert not moved, f"the optimiser {self.name} changed {key}, which belongs to another group"
                continue
            state = self.optimizer.state.get(parameter)
            assert state, f"{self.name}: {key} got no gradient"
            assert torch.isfinite(state["exp_avg"]).all(), f"{self.name}: the gradient of {key} is not finite"
            assert moved or not state["exp_avg"].any(), f"{self.name}: {key} has a gradient, but did not change"
        assert any(not torch.equal(p, before[k]) for k, p in self.named.items()), f"{self.name} changed no weights"
