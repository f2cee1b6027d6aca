"""cIMLE (fixtures h2*) against the official implementation in TensorFlow, whose layout is converted."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper

from plugins.cimle.loss import FeatureSpace, distances
from plugins.cimle.method import CIMLE
from plugins.cimle.networks import CIMLEGenerator
from plugins.cimle.official import generator_state, widths_of, zoo_key
from zoo.codes import Codes
from zoo.interfaces import Batch
from zoo.losses.perceptual import layout

PICTURE_TOLERANCE = 5e-3  # of 0..255
CAFFE_MEAN = (123.68, 116.779, 103.939)


class CaffeVGG:
    """The fixture's VGG19 of any width: convolutions with ReLU, average pooling, features after relu*_2."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __call__(self, x):
        features = []
        for name in layout("vgg19"):
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
        variables = {k[2:]: v for k, v in self.arrays.items() if k.startswith("W/")}
        state = generator_state(variables)
        label = torch.from_numpy(self.arrays["label"].astype(np.int64))[None]
        size, noise = tuple(label.shape[-2:]), self.info["num_noise"]
        encoder = state["noise_encoder.layers.conv1.weight"]
        classes = encoder.shape[1] - noise
        self.method = CIMLE(classes=classes, size=size, width=2, noise_channels=noise)
        self.method.generator = CIMLEGenerator(
            classes, size, widths=widths_of(state), noise_channels=noise, noise_encoder_width=encoder.shape[0]
        )
        self.method.generator.load_state_dict(state)
        self.method.features = FeatureSpace(CaffeVGG(self.arrays), CAFFE_MEAN, (1.0, 1.0, 1.0))
        image = torch.from_numpy(self.arrays["image_u8"]).permute(2, 0, 1)[None].float() / 127.5 - 1
        mask = nchw(self.arrays["mask"]) if "mask" in self.arrays else None
        self.batch = Batch(image, label, ("recorded",), mask)
        self.codes = Codes({"noise": nchw(self.arrays["noise"])}, self.method.code_specs)


@pytest.fixture(scope="module")
def cases(golden_dir):
    paths = sorted(golden_dir.glob("h2*.json"))
    if not paths:
        pytest.skip(f"{golden_dir} holds no h2*.json")
    return paths


def test_noise_encoder_and_generator(cases):
    for path in cases:
        case = Case(path)
        generator, label = case.method.generator, case.batch.label
        with torch.no_grad():
            noise = generator.noise_encoder(label, case.codes["noise"])
            picture = (generator(label, case.codes) + 1) * 127.5
        for key, stride in (("noise_encoder_out", 1), ("noise_encoder_out_s2", 2)):
            if key in case.arrays:
                recorded = nchw(case.arrays[key])
                torch.testing.assert_close(noise[:, :, ::stride, ::stride], recorded, atol=2e-4, rtol=0)
        recorded = nchw(case.arrays["generator_out"])
        torch.testing.assert_close(picture, recorded, atol=PICTURE_TOLERANCE, rtol=0)
        assert picture.mean().item() == pytest.approx(case.info["generator_out"]["mean"], rel=1e-4)
        assert picture.max().item() == pytest.approx(case.info["generator_out"]["max"], rel=1e-4)


def test_losses_gradients_and_one_adam_step(cases):
    for path in cases:
        case = Case(path)
        method, info = case.method, case.info
        losses = method.losses(case.batch, case.codes)
        assert [loss.item() for loss in losses.values()] == pytest.approx(info["losses"], rel=1e-4)
        total = sum(losses.values())
        assert total.item() == pytest.approx(info["loss_total"], rel=1e-4)

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
        recorded = {k[5:]: v for k, v in case.arrays.items() if k.startswith("grad/")}
        weights = {k[2:]: v for k, v in case.arrays.items() if k.startswith("W/")}
        # a variable's gradient and its weight have one layout: whoever is not recorded counts as zero
        converted = generator_state({name: recorded.get(name, np.zeros_like(weights[name])) for name in weights})
        for name, gradient in recorded.items():
            key = zoo_key(name)
            torch.testing.assert_close(
                parameters[key].grad, converted[key], rtol=2e-3, atol=2e-3 * float(np.abs(gradient).max())
            )

        adam.step()
        for name, (total_sum, norm) in info["after_adam_lr1e4"].items():
            after = parameters[zoo_key(name)].detach().double()
            # each entry moves by 1e-4; the few whose gradient is rounding noise may move either way
            flips = 2 + 5e-4 * after.numel()
            assert after.norm().item() == pytest.approx(norm, abs=2e-4 * flips**0.5), name
            assert after.sum().item() == pytest.approx(total_sum, abs=2e-4 * flips), name


def test_terms_of_a_picture_with_itself_are_zero(cases):
    case = Case(cases[0])
    views = case.method.features.views(case.batch.image)
    assert distances(views, views, case.batch.weight).abs().max() == 0
