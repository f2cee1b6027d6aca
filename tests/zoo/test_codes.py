"""Codes with declared axes: shapes, seeds, and editing by class and layer."""

import pytest
import torch

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.errors import ZooError

SPECS = {
    "global": CodeSpec((3,), ("channel",)),
    "local": CodeSpec((2, 4, 5), ("layer", "class", "channel")),
}


def drawn(seed):
    return Codes.normal(SPECS, 2, generator=torch.Generator().manual_seed(seed))


def test_a_tensor_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="local"):
        Codes({"global": torch.zeros(2, 3), "local": torch.zeros(2, 4, 2, 5)}, SPECS)
    with pytest.raises(ValueError, match="batch size"):
        Codes({"global": torch.zeros(3, 3), "local": torch.zeros(2, 2, 4, 5)}, SPECS)


def test_replace_touches_the_named_classes_and_layers_alone():
    own, other = drawn(0), drawn(1)
    edited = own.replace(other, classes=[1, 3], layers=[0])
    expected = own["local"].clone()
    expected[:, 0, 1], expected[:, 0, 3] = other["local"][:, 0, 1], other["local"][:, 0, 3]
    assert torch.equal(edited["local"], expected)
    assert torch.equal(edited["global"], own["global"])


def test_replace_refuses_an_axis_that_no_code_has():
    own = Codes({"global": torch.zeros(2, 3)}, {"global": SPECS["global"]})
    with pytest.raises(ZooError, match="cannot edit by class"):
        own.replace(own, classes=[0])
    with pytest.raises(ZooError, match=r"0\.\.3.*\[7\]"):
        drawn(0).replace(drawn(1), classes=[7])


def test_a_posterior_draw_has_its_mean_and_variance():
    specs = {"global": CodeSpec((2,), ("channel",))}
    mu, logvar = torch.tensor([[1.0, -2.0]]).repeat(40000, 1), torch.tensor([[0.0, 1.0]]).repeat(40000, 1)
    torch.manual_seed(0)
    codes = Posterior(Codes({"global": mu}, specs), Codes({"global": logvar}, specs)).sample()["global"]
    torch.testing.assert_close(codes.mean(0), torch.tensor([1.0, -2.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(codes.var(0), torch.tensor([1.0, torch.e]), atol=0.06, rtol=0)


def test_rows_of_codes_without_tensors_keep_their_count():
    assert Codes({}, {}, 6).rows([1, 4]).batch_size == 2
    assert Codes({}, {}, 6).rows(slice(0, 4)).batch_size == 4
