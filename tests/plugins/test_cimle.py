"""cIMLE: the pyramid against a dense formula, the choice of noises, and its training rule."""

import socket

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from torch import distributed, multiprocessing

from zoo.codes import Codes
from zoo.config import resolve
from zoo.errors import ZooError
from zoo.interfaces import Batch
from zoo.nn.vgg import VGGFeatures, random_vgg19_state
from zoo_cimle.loss import DIVISORS, distances
from zoo_cimle.method import CIMLE
from zoo_cimle.networks import CIMLEGenerator, NoiseEncoder, level_widths, seeded_noise, share_pyramid

CLASSES, SIZE = 7, (16, 32)


def random_label(batch, size=SIZE, classes=CLASSES):
    label = torch.randint(classes - 2, (batch, *size))  # the last class never occurs
    label[0, 3, 5] = classes - 2  # and the one before it in a single pixel
    return label


def one_hot(label, classes=CLASSES):
    return F.one_hot(label, classes).permute(0, 3, 1, 2).double()


@pytest.fixture(scope="module")
def vgg():
    return VGGFeatures("vgg19", random_vgg19_state(), CIMLE.vgg_layers, CIMLE.vgg_pool, seed=1234)


def small(vgg=None, **settings):
    torch.manual_seed(0)
    method = CIMLE(classes=CLASSES, size=SIZE, **{"width": 8, "noise_encoder_width": 6, "candidates": 3} | settings)
    if vgg is not None:
        method.attach_vgg(vgg)
    return method


def batch_of(names, seed=1, weight=False):
    torch.manual_seed(seed)
    count = len(names)
    image = torch.rand(count, 3, *SIZE) * 2 - 1
    return Batch(image, random_label(count), tuple(names), torch.rand(count, 1, *SIZE) if weight else None)


def adam(method, lr=1e-3):
    optimizer = torch.optim.Adam([p for m in method.optimized()["generator"] for p in m.parameters()], lr=lr)
    return {"generator": OptimWrapper(optimizer)}


def dense_layer(x, weight, norm):
    x = F.conv2d(x, weight, padding=1)
    mean, variance = x.mean((1, 2, 3), keepdim=True), x.var((1, 2, 3), keepdim=True, correction=0)
    x = (x - mean) / (variance + 1e-12).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]
    return torch.maximum(x, 0.2 * x)


def dense_module(module, x):
    return dense_layer(dense_layer(x, module.conv1.weight, module.norm1), module.conv2.weight, module.norm2)


def dense_generator(generator, label, noise):
    """The paper's network written out: one-hot maps, concatenations, every sample by itself."""
    shares = [one_hot(label)]
    noise = generator.noise_encoder.head(dense_module(generator.noise_encoder.layers, torch.cat([shares[0], noise], 1)))
    noises = [noise]
    for _ in range(len(generator.levels) - 1):
        b, c, h, w = shares[0].shape
        shares.insert(0, shares[0].reshape(b, c, h // 2, 2, w // 2, 2).mean((3, 5)))
        noises.insert(0, noises[0][:, :, ::2, ::2])
    x = None
    for module, share, n in zip(generator.levels.values(), shares, noises, strict=True):
        parts = [share, n]
        if x is not None:
            parts.insert(1, F.interpolate(x, share.shape[-2:], mode="bilinear", align_corners=True))
        x = dense_module(module, torch.cat(parts, 1))
    return generator.head(x)


@pytest.mark.parametrize("size", [(4, 4), (16, 32), (32, 16), (64, 128)])
def test_generator_is_the_dense_formula(size):
    torch.manual_seed(0)
    samples, batch = 3, 2
    generator = CIMLEGenerator(
        CLASSES, size, widths=level_widths(size, 6), noise_channels=4, noise_encoder_width=5
    ).double()
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    label = torch.randint(CLASSES, (batch, *size))
    label[0] = 3  # a picture of one class
    noise = torch.randn(batch * samples, 4, *size, dtype=torch.float64)
    images = generator(label, Codes({"noise": noise}, generator.code_specs))
    assert images.shape == (batch * samples, 3, *size)
    for index, image in enumerate(images):
        expected = dense_generator(generator, label[index // samples][None], noise[index][None])
        torch.testing.assert_close(image[None], expected, rtol=1e-9, atol=1e-9)


def test_shares_are_means_of_one_hots():
    label = random_label(3, (16, 24))
    pyramid = share_pyramid(label, CLASSES, 3, torch.float64)
    assert [tuple(p.shape) for p in pyramid] == [(3, CLASSES, 4, 6), (3, CLASSES, 8, 12)]
    for shares, factor in zip(pyramid, (4, 2), strict=True):
        torch.testing.assert_close(shares, F.avg_pool2d(one_hot(label), factor))


def test_widths_halve_from_128_rows_on():
    assert level_widths((256, 512), 1024) == [1024] * 5 + [512] * 2


@pytest.mark.parametrize("size", [(48, 96), (256, 500), (2, 8), (100, 100)])
def test_a_size_that_doubling_does_not_reach_is_named(size):
    with pytest.raises(ZooError, match=rf"data.size \[{size[0]}, {size[1]}\].*4 rows"):
        CIMLE(classes=3, size=size, width=4)


def test_initialisation():
    torch.manual_seed(0)
    encoder = NoiseEncoder(20, 10, 100)
    for conv in (encoder.layers.conv1, encoder.layers.conv2):
        assert conv.weight.std().item() == pytest.approx(0.132, abs=0.002)  # a normal of 0.15 cut at two deviations
        assert conv.weight.abs().max() <= 0.3
    level = small(width=64).generator.levels["16"]
    for conv in (level.conv1, level.conv2):
        bound = (6 / 9 / sum(conv.weight.shape[:2])) ** 0.5
        assert 0.98 * bound < conv.weight.abs().max() <= bound
        assert conv.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)


def test_distances_against_the_formula():
    torch.manual_seed(0)
    batch, samples = 2, 3
    shapes = [(3, 16, 32), (4, 16, 32), (5, 8, 16), (5, 4, 8), (6, 2, 4), (6, 1, 2)]
    fakes = [torch.randn(batch * samples, *s, dtype=torch.float64) for s in shapes]
    reals = [torch.randn(batch, *s, dtype=torch.float64) for s in shapes]
    mask = torch.rand(batch, 1, 16, 32)
    got = distances(fakes, reals, mask)
    for term, (fake, real, divisor) in enumerate(zip(fakes, reals, DIVISORS, strict=True)):
        for index in range(batch * samples):
            b, (c, h, w) = index // samples, real.shape[1:]
            area = mask[b, 0].double().reshape(h, 16 // h, w, 32 // w).mean((1, 3))
            expected = ((fake[index] - real[b]).abs() * area).sum() / (c * h * w) / divisor
            assert got[term, index].item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(distances(fakes, reals), distances(fakes, reals, torch.ones_like(mask)))


class Watched(CIMLE):
    """Remembers the seeds that it was offered."""

    def _nearest(self, batch, seeds):
        self.offered = {**getattr(self, "offered", {}), **dict(zip(batch.name, seeds.tolist(), strict=True))}
        return super()._nearest(batch, seeds)


@pytest.mark.parametrize("search_batch", [1, 4])
@pytest.mark.parametrize("weight", [False, True])
def test_the_nearest_candidate_is_kept(vgg, search_batch, weight):
    torch.manual_seed(0)
    method = Watched(
        classes=CLASSES, size=SIZE, width=8, noise_encoder_width=6, candidates=5, search_batch=search_batch
    )
    method.attach_vgg(vgg)
    pictures = [batch_of("ab", 1, weight), batch_of("c", 2, weight)]
    method.begin_epoch(0, pictures, adam(method))
    assert method.seeds.keys() == set("abc")
    for batch in pictures:
        for index, name in enumerate(batch.name):
            part = slice(index, index + 1)
            mask = batch.weight[part] if weight else None
            alone = Batch(batch.image[part], batch.label[part], (name,), mask)
            totals = {}
            for seed in method.offered[name]:
                noise = seeded_noise(torch.tensor([seed]), (10, *SIZE))
                with torch.no_grad():
                    losses = method.losses(alone, Codes({"noise": noise}, method.code_specs))
                totals[seed] = sum(losses.values()).item()
            assert len(totals) == 5 and method.seeds[name] == min(totals, key=totals.get)


def test_training_uses_the_chosen_noise(vgg):
    method = small(vgg)
    batch = batch_of("ab")
    optimizers = adam(method)
    method.begin_epoch(0, [batch], optimizers)
    noise = seeded_noise(torch.tensor([method.seeds[name] for name in batch.name]), (10, *SIZE))
    expected = method.losses(batch, Codes({"noise": noise}, method.code_specs))
    before = [p.detach().clone() for p in method.parameters()]
    losses = method.train_step(batch, optimizers)
    assert losses.keys() == expected.keys() and not any(loss.requires_grad for loss in losses.values())
    for name, loss in losses.items():
        torch.testing.assert_close(loss, expected[name])
    assert all((a != b).any() for a, b in zip(before, method.parameters(), strict=True))
    assert torch.isfinite(torch.stack(list(method.train_step(batch_of("new"), optimizers).values()))).all()


def test_a_saved_method_continues_within_the_epoch(vgg, tmp_path):
    method = small(vgg)
    batch = batch_of("ab")
    optimizers = adam(method)
    method.begin_epoch(0, [batch], optimizers)
    method.train_step(batch, optimizers)
    torch.save({"method": method.state_dict(), "adam": optimizers["generator"].state_dict()}, tmp_path / "run.pth")
    state = torch.load(tmp_path / "run.pth", weights_only=True)
    other = small(vgg)
    other.load_state_dict(state["method"])
    others = adam(other)
    others["generator"].load_state_dict(state["adam"])
    for _ in range(2):
        assert method.train_step(batch, optimizers) == other.train_step(batch, others)
    assert all(torch.equal(a, b) for a, b in zip(method.parameters(), other.parameters(), strict=True))


def test_a_restart_gives_a_fresh_noise_encoder_and_keeps_the_rest(vgg):
    method = small(vgg)
    batch, optimizers = batch_of("ab"), adam(method)
    method.train_step(batch, optimizers)
    encoder = {k: v.clone() for k, v in method.generator.noise_encoder.state_dict().items()}
    rest = {k: v.clone() for k, v in method.generator.levels.state_dict().items()}
    assert method.rate_factor() == 1
    assert method.restart(optimizers) == [method.generator.noise_encoder]
    assert method.rate_factor() == 0.1
    assert any((v != encoder[k]).any() for k, v in method.generator.noise_encoder.state_dict().items())
    assert all(torch.equal(v, rest[k]) for k, v in method.generator.levels.state_dict().items())
    kept = set(method.generator.parameters()) - set(method.generator.noise_encoder.parameters())
    assert set(optimizers["generator"].optimizer.state) == kept, "Adam forgets the old noise encoder alone"


def due(method, planned):
    """Iterations (from 0) before which the engine would restart a run of ``planned`` ones."""
    found = []
    for iteration in range(planned):
        if method.restart_due(iteration / planned):
            found.append(iteration)
            method.restart(adam(method))
    return found


@pytest.mark.parametrize(
    ("planned", "at"), [(160_000, 50_000), (16, 5), (700, 219), (1200, 375), (20, 7), (1, None), (3, 1)]
)
def test_the_restart_comes_after_five_sixteenths_of_the_run(planned, at):
    """The official schedule is 16 epochs of 10,000 iterations with a restart after 5 (METHODS 12.5)."""
    assert due(small(width=2), planned) == ([] if at is None else [at])


@pytest.mark.parametrize(("share", "at"), [(None, []), (0.0, [0]), (0.5, [5])])
def test_the_share_of_the_restart_can_be_set(share, at):
    assert due(small(width=2, reinitialize_at=share), 10) == at


def test_a_loaded_method_knows_that_it_was_restarted():
    method, other = small(width=2), small(width=2)
    method.restart(adam(method))
    other.load_state_dict(method.state_dict())
    assert not other.restart_due(0.9) and other.rate_factor() == 0.1


def test_the_official_schedule_is_the_one_of_profile_paper():
    config = resolve("cimle", data="gta5", profile="paper")
    assert (config.train.epochs, config.train.decay_epochs, config.method["reinitialize_at"]) == (16, 0, 5 / 16)
    assert config.data["pictures_per_epoch"] == 10_000 and config.train.batch_size == 1


@pytest.mark.parametrize("data", ["ade20k", "deepfashion", "gta5"])
def test_no_linear_decay(data):
    assert resolve("cimle", data=data, profile="cpu").train.decay_epochs == 0


def test_pictures_are_clipped_and_samples_differ():
    method = small()
    torch.nn.init.constant_(method.generator.head.bias, 3.0)
    label = random_label(2)
    codes = method.sample(label, samples=3, seed=0)
    assert codes["noise"].shape == (6, 10, *SIZE)
    assert method.synthesize(label, codes).max() == 1
    torch.nn.init.zeros_(method.generator.head.bias)
    images = method.synthesize(label, codes)
    assert (images[0] != images[1]).any()
    torch.testing.assert_close(images[3:], method.synthesize(label[1:], codes.rows(slice(3, 6))), atol=1e-5, rtol=0)


def search_on_rank(rank, port, results):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", world_size=2, rank=rank)
    vgg = VGGFeatures("vgg19", random_vgg19_state(), CIMLE.vgg_layers, CIMLE.vgg_pool)
    method = small(vgg, reinitialize_at=0.0)
    pictures = [batch_of("ab", 1), batch_of("c", 2), batch_of("d", 3)]
    torch.manual_seed(rank)  # every rank has random numbers of its own
    optimizers = adam(method)
    assert method.restart_due(0.0)
    method.restart(optimizers)
    method.begin_epoch(0, pictures, optimizers)
    results[rank] = (method.seeds, {k: v.tolist() for k, v in method.generator.noise_encoder.state_dict().items()})
    distributed.destroy_process_group()


def test_ranks_share_the_search_and_agree():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with multiprocessing.Manager() as manager:
        results = manager.dict()
        context = multiprocessing.get_context("fork")
        ranks = [context.Process(target=search_on_rank, args=(rank, port, results)) for rank in range(2)]
        for process in ranks:
            process.start()
        for process in ranks:
            process.join(120)
        assert [process.exitcode for process in ranks] == [0, 0]
        assert results[0] == results[1] and results[0][0].keys() == set("abcd")
