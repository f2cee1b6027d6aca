"""The average of the weights against sums written out in float64, also where a part of a network starts anew."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.zoo.engine_toy import Toy
from zoo.engine.average import Average


def drawn(method: Toy, seed: int) -> None:
    """Other weights for every parameter, as a training step would leave them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))


def weights(module: nn.Module) -> dict[str, Any]:
    return {name: p.detach().clone().double() for name, p in module.named_parameters()}


def averaged(start: dict[str, Any], steps: list[dict[str, Any]], decay: float) -> dict[str, Any]:
    """The average by its definition, from the weights at its start and after each of its updates."""
    mean = start
    for n, step in enumerate(steps, 1):
        past = min(decay, (1 + n) / (10 + n))
        mean = {name: past * mean[name] + (1 - past) * step[name] for name in mean}
    return mean


def close(network: nn.Module, expected: dict[str, Any], part: bool | None = None) -> None:
    for name, parameter in network.named_parameters():
        if part is None or name.startswith("last.") == part:
            torch.testing.assert_close(parameter.double(), expected[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("decay", [0.3, 0.995])
def test_a_part_that_starts_anew_is_averaged_from_there(decay: float):
    method = Toy(classes=4, size=(8, 8))
    average, start, steps = Average(method, decay), weights(method.generator), []
    for seed in range(4):
        drawn(method, seed)
        average.update(method)
        steps.append(weights(method.generator))
    close(average.networks["generator"], averaged(start, steps, decay))

    method.generator.last.reset_parameters()
    average.restart(method, [method.generator.last])
    anew, later = weights(method.generator), []
    close(average.networks["generator"], anew, part=True)
    close(average.networks["generator"], averaged(start, steps, decay), part=False)
    for seed in range(4, 9):
        drawn(method, seed)
        average.update(method)
        later.append(weights(method.generator))
    close(average.networks["generator"], averaged(anew, later, decay), part=True)  # nothing of the old part is left
    close(average.networks["generator"], averaged(start, steps + later, decay), part=False)


def test_a_loaded_average_goes_on_as_the_saved_one():
    method = Toy(classes=4, size=(8, 8))
    average, other = Average(method, 0.995), Average(method, 0.995)
    drawn(method, 0)
    average.update(method)
    average.restart(method, [method.generator.last])
    other.load_state_dict(average.state_dict(), average.updates, average.restarts)
    drawn(method, 1)
    for one in (average, other):
        one.update(method)
    for key, value in average.state_dict().items():
        assert torch.equal(value, other.state_dict()[key]), key


def test_a_whole_network_starts_anew():
    method = Toy(classes=4, size=(8, 8))
    average = Average(method, 0.9)
    for seed in range(3):
        drawn(method, seed)
        average.update(method)
    drawn(method, 7)
    average.restart(method, [method.encoder])
    close(average.networks["encoder"], weights(method.encoder))


def test_a_module_that_is_not_averaged_is_refused():
    method = Toy(classes=4, size=(8, 8))
    with pytest.raises(ValueError, match="not part"):
        Average(method, 0.9).restart(method, [method.discriminator])
