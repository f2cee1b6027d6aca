"""The method fulfils the contract of the zoo; it, the dataset and the metric do what their docstrings say."""

import numpy as np
import pytest
import torch
from PIL import Image

from zoo import DATASETS, METHODS, METRICS, contract
from zoo.registries import TABLES


@pytest.fixture
def method():
    return contract.small_method("class_colours")


@pytest.mark.parametrize(
    "check",
    [
        contract.check_shapes,
        contract.check_order_of_samples,
        contract.check_seed,
        contract.check_round_trip,
        contract.check_gradients,
    ],
    ids=lambda check: check.__name__,
)
def test_contract(method, check):
    check(method)


def test_checkpoint(method, tmp_path):
    contract.check_checkpoint(method, tmp_path)


def test_the_code_is_made_of_the_mean_colour_of_each_class(method):
    batch = contract.small_batch()
    posterior = method.encode(batch.image, batch.label)
    for b, c in ((0, 0), (1, 3), (0, contract.CLASSES - 2)):
        mean = batch.image[b, :, batch.label[b] == c].mean(1)
        expected = method.encoder.linear(mean)
        torch.testing.assert_close(posterior.mu["colour"][b, c], expected[:3], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(posterior.logvar["colour"][b, c], expected[3:], atol=1e-5, rtol=1e-5)


def test_a_new_colour_of_one_class_changes_the_picture_there_alone(method):
    label = torch.zeros(1, *contract.SIZE, dtype=torch.long)
    label[:, :, 32:] = 1
    codes, other = (method.sample(label, seed=seed) for seed in (0, 1))
    before = method.synthesize(label, codes)
    changed = (method.synthesize(label, codes.replace(other, classes=[1])) - before).abs().amax((0, 1, 2))
    assert (changed[35:] > 0).all()
    assert not changed[: 32 - 3].any()  # three convolutions of 3x3 see three pixels over the border


def test_the_dataset_reads_pictures_with_their_labels(tmp_path):
    (tmp_path / "train").mkdir()
    label = np.zeros((64, 64), np.uint8)
    label[10:30, 20:50] = 2
    colours = np.array(DATASETS.get("shapes").colours, np.uint8)
    Image.fromarray(colours[label]).save(tmp_path / "train" / "a.jpg", quality=100, subsampling=0)
    Image.fromarray(label).save(tmp_path / "train" / "a_label.png")
    dataset = DATASETS.get("shapes")(root=tmp_path, split="train", size=(64, 64))
    item = dataset[0]
    assert torch.equal(item["label"], torch.from_numpy(label).long())
    shown = (item["image"][:, 15, 30] + 1) * 127.5
    assert shown.tolist() == pytest.approx(colours[2].tolist(), abs=4)  # JPEG rounds colours


def test_the_metric_is_the_mean_absolute_difference():
    metric = METRICS.get("l1_reconstruction")(None)
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randint(0, 256, (5, 3, 8, 8), generator=generator, dtype=torch.uint8) for _ in range(2))
    metric.update(range(2), real[:2], fake[:2])
    metric.update(range(2, 5), real[2:], fake[2:])
    assert metric.value() == pytest.approx((real.double() - fake.double()).abs().mean().item())


def test_the_table_runs_methods_and_metrics_that_exist():
    table = TABLES.get("class_colours").table
    assert all(row.method in METHODS for row in table.rows)
    assert "l1_reconstruction" in table.metrics
