"""cIMLE (the fixtures h* with networks) against the official TensorFlow implementation, whose layout is converted."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper

from tests.parity.cimle_variables import generator_state, widths_of, zoo_key
from tests.parity.fixtures import OUTPUT_TOLERANCE, compare, over_cases, skip_unless
from zoo.codes import Codes
from zoo.interfaces import Batch
from zoo.nn.vgg import module_indices
from zoo_cimle.loss import FeatureSpace, distances
from zoo_cimle.method import CIMLE
from zoo_cimle.networks import CIMLEGenerator

PICTURE_TOLERANCE = 5e-3  # of 0..255
CAFFE_MEAN = (123.68, 116.779, 103.939)

over_networks = over_cases("h", holding=("generator_out", "noise_encoder_out", "losses", "grad_l2"))


class CaffeVGG:
    """The fixture's VGG19 of any width: convolutions with ReLU, average pooling, features after relu*_2."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __call__(self, x):
        features = []
        for name in module_indices("vgg19"):
            if name.startswith("pool"):
                x = F.avg_pool2d(x, 2)
            elif name.startswith("conv") and f"VGG/{name}/weights" in self.arrays:
                kernel = torch.from_numpy(self.arrays[f"VGG/{name}/weights"]).permute(3, 2, 0, 1)
                x = F.relu(F.conv2d(x, kernel, torch.from_numpy(self.arrays[f"VGG/{name}/biases"]), padding=1))
                if name.endswith("_2"):
                    features.append(x)
        return features


def nchw(array):
    return torch.from_numpy(array).permute(0, 3, 1, 2)


class Case:
    """One fixture: the method with the official weights, and the recorded inputs."""

    def __init__(self, path):
        self.info = json.loads(path.read_text())
        self.arrays = dict(np.load(path.with_suffix(".npz")))
        self.variables = {k[2:]: v for k, v in self.arrays.items() if k.startswith("W/")}
        state = generator_state(self.variables)
        label = torch.from_numpy(self.arrays["label"].astype(np.int64))
        label = label.reshape(-1, *label.shape[-2:])
        size, noise = tuple(label.shape[-2:]), self.arrays["noise"].shape[-1]
        encoder = state["noise_encoder.layers.conv1.weight"]
        classes = encoder.shape[1] - noise
        self.method = CIMLE(classes=classes, size=size, width=2, noise_channels=noise)
        self.method.generator = CIMLEGenerator(
            classes, size, widths=widths_of(state), noise_channels=noise, noise_encoder_width=encoder.shape[0]
        )
        self.method.generator.load_state_dict(state)
        self.method.features = FeatureSpace(CaffeVGG(self.arrays), CAFFE_MEAN, (1.0, 1.0, 1.0))
        image = torch.from_numpy(self.arrays["image_u8"])
        image = image.reshape(-1, *image.shape[-3:]).permute(0, 3, 1, 2).float() / 127.5 - 1
        mask = nchw(self.arrays["mask"]) if "mask" in self.arrays else None
        self.batch = Batch(image, label, ("recorded",), mask)
        self.codes = Codes({"noise": nchw(self.arrays["noise"])}, self.method.code_specs)

    @property
    def has_features(self):
        return "VGG/conv5_2/weights" in self.arrays

    def compare(self, key, value, tolerance):
        recorded = {name: nchw(array) for name, array in self.arrays.items() if name.startswith(key)}
        statistics = {k: v for k, v in self.info.get(key, {}).items() if k != "shape"}  # its axes have another order
        return compare(value, key, recorded, statistics, tolerance)


@over_networks
def test_noise_encoder_and_generator(case):
    recorded = Case(case)
    generator, label = recorded.method.generator, recorded.batch.label
    with torch.no_grad():
        noise = generator.noise_encoder(label, recorded.codes["noise"])
        picture = (generator(label, recorded.codes) + 1) * 127.5
    compared = [
        recorded.compare("noise_encoder_out", noise, OUTPUT_TOLERANCE),
        recorded.compare("generator_out", picture, PICTURE_TOLERANCE),
    ]
    skip_unless(compared, case)


@over_networks
def test_losses_gradients_and_one_adam_step(case):
    recorded = Case(case)
    method, info, arrays = recorded.method, recorded.info, recorded.arrays
    complete = recorded.has_features and {"losses", "loss_total"} & info.keys()
    skip_unless(complete, case, "losses with the feature network that they need")
    losses = method.losses(recorded.batch, recorded.codes)
    total = sum(losses.values())
    own = [loss.item() for loss in losses.values()]
    assert own == pytest.approx(info.get("losses", own), rel=1e-4)
    assert total.item() == pytest.approx(info.get("loss_total", total.item()), rel=1e-4)
    if "grad_l2" not in info:
        return

    parameters = dict(method.generator.named_parameters())
    adam = OptimWrapper(torch.optim.Adam(parameters.values(), lr=1e-4, betas=(0.9, 0.999)))
    adam.backward(total)
    assert {zoo_key(name) for name in info["grad_l2"]} == parameters.keys()
    gaps = []
    for name, norm in info["grad_l2"].items():
        mine = parameters[zoo_key(name)].grad.norm().item()
        assert mine == pytest.approx(norm, rel=2e-3), name
        gaps.append(abs(mine / norm - 1))
    assert np.median(gaps) < 2e-4
    gradients = {k[5:]: v for k, v in arrays.items() if k.startswith("grad/")}
    # a variable's gradient and its weight have one layout: whoever is not recorded counts as zero
    converted = generator_state({name: gradients.get(name, np.zeros_like(w)) for name, w in recorded.variables.items()})
    for name, gradient in gradients.items():
        key = zoo_key(name)
        torch.testing.assert_close(
            parameters[key].grad, converted[key], rtol=2e-3, atol=2e-3 * float(np.abs(gradient).max())
        )

    adam.step()
    for name, (total_sum, norm) in info.get("after_adam_lr1e4", {}).items():
        after = parameters[zoo_key(name)].detach().double()
        # each entry moves by 1e-4; the few whose gradient is rounding noise may move either way
        flips = 2 + 5e-4 * after.numel()
        assert after.norm().item() == pytest.approx(norm, abs=2e-4 * flips**0.5), name
        assert after.sum().item() == pytest.approx(total_sum, abs=2e-4 * flips), name


@over_networks
def test_terms_of_a_picture_with_itself_are_zero(case):
    recorded = Case(case)
    skip_unless(recorded.has_features, case, "feature network")
    views = recorded.method.features.views(recorded.batch.image)
    assert distances(views, views, recorded.batch.weight).abs().max() == 0
