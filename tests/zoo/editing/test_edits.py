"""Style, objects and directions on every method that has the codes for them: what changes, and what must not."""

import pytest
import torch

from zoo import Codes, CodeSpec, ZooError, editing
from zoo.contract import CLASSES, small_batch, small_method
from zoo.editing.directions import direction_between, random_direction
from zoo.editing.edits import Target, edit_material, edit_object, edit_style, interpolate
from zoo.editing.encoding import codes_of
from zoo.editing.pasting import paste_back, region_of

ENCODING = ("clvae", "gaugan_vae", "groupdnet")
BY_CLASS = ("clvae", "groupdnet")
ABSENT = CLASSES - 1


@pytest.fixture(scope="module")
def methods():
    made = {}
    return lambda name: made.setdefault(name, small_method(name))


@pytest.fixture
def picture():
    """The first picture of the small batch: all classes but the last, class 4 in one pixel."""
    batch = small_batch()
    return batch.image[:1], batch.label[:1]


@pytest.fixture
def other():
    """The second picture: classes 0 to 3 only."""
    batch = small_batch()
    return batch.image[1:], batch.label[1:]


def of_class(codes: Codes, k: int) -> torch.Tensor:
    """The values of one class in all codes that have a class axis."""
    parts = [codes[name].select(axis, k) for name, spec in codes.specs.items() if (axis := spec.axis("class"))]
    return torch.cat([part.flatten(1) for part in parts], 1)


def same(first: Codes, second: Codes) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


# --- the codes of a picture ---


@pytest.mark.parametrize("name", ENCODING)
def test_classes_in_the_picture_have_the_means_of_the_encoder(methods, picture, name):
    method = methods(name)
    codes, mu = codes_of(method, *picture, seed=0), method.encode(*picture).mu
    if name == "gaugan_vae":
        assert same(codes, mu)
    else:
        assert all(torch.equal(of_class(codes, k), of_class(mu, k)) for k in range(CLASSES - 2))


@pytest.mark.parametrize("name", BY_CLASS)
def test_an_absent_class_is_drawn_not_zeroed(methods, picture, name):
    method = methods(name)
    first, again, other = (of_class(codes_of(method, *picture, seed=s), ABSENT) for s in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.ne(0).all() and 0.2 < first.std() < 3
    assert not torch.equal(first, of_class(method.encode(*picture).mu, ABSENT))


def test_a_class_that_a_coarse_layer_lost_is_drawn_there_and_encoded_where_it_is_seen(methods, picture):
    method = methods("clvae")
    posterior = method.encode(*picture)
    seen = posterior.class_mask["local"][0, :, 4]  # the class of one pixel
    assert seen.any() and not seen.all()
    local = codes_of(method, *picture)["local"][0, :, 4]
    assert torch.equal(local[seen], posterior.mu["local"][0, seen, 4])
    assert local[~seen].ne(0).all()


def test_sampled_codes_follow_the_posterior(methods, picture):
    method = methods("gaugan_vae")
    posterior = method.encode(*picture)
    draws = torch.cat([codes_of(method, *picture, sampled=True, seed=s)["global"] for s in range(400)])
    deviation = torch.exp(0.5 * posterior.logvar["global"][0])
    error = (draws.mean(0) - posterior.mu["global"][0]) / (deviation / 400**0.5)
    assert error.abs().mean() < 1.2  # of a standard normal it is 0.8


def test_methods_without_codes_or_encoder_say_so(methods, picture):
    with pytest.raises(ZooError, match=r"gaugan .*codes"):
        codes_of(methods("gaugan"), *picture)
    with pytest.raises(ZooError, match=r"cimle .*encoder"):
        codes_of(methods("cimle"), *picture)


# --- style ---


@pytest.mark.parametrize("name", BY_CLASS)
def test_style_takes_common_classes_and_draws_the_others(methods, picture, other, name):
    method = methods(name)
    label = picture[1].clone()
    label[0, :8] = ABSENT  # a class that the target does not show
    styled, drawn = edit_style(method, label, [Target(*other)], seed=5), method.sample(label, 1, seed=5)
    mu = method.encode(*other).mu
    for k in range(CLASSES):
        expected = mu if k in other[1].unique() else drawn
        assert torch.equal(of_class(styled, k), of_class(expected, k)), k
    for whole in styled.global_names:
        assert torch.equal(styled[whole], mu[whole])
    assert method.synthesize(label, styled).shape == (1, 3, 64, 64)


def test_style_of_a_method_without_classes_is_the_global_code(methods, picture, other):
    method = methods("gaugan_vae")
    assert same(edit_style(method, picture[1], [Target(*other)]), method.encode(*other).mu)
    with pytest.raises(ZooError, match="class axis"):
        edit_style(method, picture[1], [Target(*other, classes=(1,))])


def test_targets_for_single_classes_give_these_alone(methods, picture, other):
    method = methods("clvae")
    label = other[1]
    drawn, here, there = method.sample(label, 1, seed=0), method.encode(*picture).mu, method.encode(*other).mu
    styled = edit_style(method, label, [Target(*picture, classes=(2,)), Target(*other, classes=(0, 3))])
    for k, expected in enumerate((there, drawn, here, there, drawn, drawn)):
        assert torch.equal(of_class(styled, k), of_class(expected, k)), k
    assert torch.equal(styled["global"], drawn["global"])
    first_wins = edit_style(method, label, [Target(*picture), Target(*other), Target(*other, classes=(1,))])
    assert torch.equal(of_class(first_wins, 0), of_class(here, 0))
    assert torch.equal(of_class(first_wins, 1), of_class(there, 1))
    assert torch.equal(first_wins["global"], here["global"])


def test_style_by_layer_strength_and_samples(methods, picture, other):
    method = methods("clvae")
    label = other[1]
    drawn, mu = method.sample(label, 2, seed=0), method.encode(*picture).mu
    fine = edit_style(method, label, [Target(*picture)], layers=[0, 1], samples=2)
    assert torch.equal(fine["local"][:, 2:], drawn["local"][:, 2:]) and torch.equal(fine["global"], drawn["global"])
    assert torch.equal(fine["local"][1, 0, :4], mu["local"][0, 0, :4])
    whole = edit_style(method, label, [Target(*picture)], layers=[5], samples=2)
    assert torch.equal(whole["local"], drawn["local"]) and torch.equal(whole["global"], mu["global"].repeat(2, 1))
    half = edit_style(method, label, [Target(*picture)], strength=0.5, samples=2)
    torch.testing.assert_close(half["global"], (drawn["global"] + mu["global"]) / 2)
    assert same(edit_style(method, label, [Target(*picture)], strength=0, samples=2), drawn)
    sampled = edit_style(method, label, [Target(*picture)], sampled=True, samples=2)
    assert not torch.equal(sampled["global"][0], sampled["global"][1])
    with pytest.raises(ZooError, match=r"strength.*1\.5"):
        edit_style(method, label, [Target(*picture)], strength=1.5)


def test_a_class_that_mask_or_target_lack_is_named(methods, picture, other):
    method = methods("clvae")
    with pytest.raises(ZooError, match=r"target .*class 4.*class 0, class 1, class 2, class 3"):
        edit_style(method, picture[1], [Target(*other, classes=(4,))])
    with pytest.raises(ZooError, match=r"mask .*class 4"):
        edit_style(method, other[1], [Target(*picture, classes=(1, 4))])


# --- objects ---


@pytest.mark.parametrize("name", BY_CLASS)
def test_redrawing_a_class_keeps_all_other_codes_bit_for_bit(methods, picture, name):
    method = methods(name)
    codes = codes_of(method, *picture)
    edited = edit_object(method, picture[1], codes, classes=[1], samples=3, seed=9)
    assert edited.batch_size == 3
    for s in range(3):
        for k in range(CLASSES):
            assert torch.equal(of_class(edited, k)[s], of_class(codes, k)[0]) == (k != 1)
        assert all(torch.equal(edited[whole][s], codes[whole][0]) for whole in codes.global_names)
    assert method.synthesize(picture[1], edited).shape == (3, 3, 64, 64)


@pytest.mark.parametrize("name", BY_CLASS)
def test_a_class_from_another_picture_replaces_that_class_alone(methods, picture, other, name):
    method = methods(name)
    codes, mu = codes_of(method, *picture), method.encode(*other).mu
    edited = edit_object(method, picture[1], codes, Target(*other), classes=[3])
    for k in range(CLASSES):
        assert torch.equal(of_class(edited, k), of_class(mu if k == 3 else codes, k))
    half = edit_object(method, picture[1], codes, Target(*other), classes=[3], strength=0.5)
    torch.testing.assert_close(of_class(half, 3), (of_class(codes, 3) + of_class(mu, 3)) / 2)
    with pytest.raises(ZooError, match="class 4"):
        edit_object(method, picture[1], codes, Target(*other), classes=[4])


@pytest.mark.parametrize("name", ["cimle", "gaugan_vae"])
def test_methods_without_classes_redraw_everything_or_refuse(methods, picture, name):
    method = methods(name)
    codes = method.sample(picture[1], 1, seed=0)
    assert same(edit_object(method, picture[1], codes, seed=1), method.sample(picture[1], 1, seed=1))
    for axis in ("class", "layer"):
        with pytest.raises(ZooError, match=f"{axis} axis"):
            edit_object(method, picture[1], codes, **{"classes" if axis == "class" else "layers": [0]})


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_pasting_back_keeps_every_pixel_outside_the_region(dtype):
    generator = torch.Generator().manual_seed(0)
    edited, original = (torch.randint(0, 256, (2, 3, 20, 30), generator=generator).to(dtype) for _ in range(2))
    region = torch.zeros(20, 30, dtype=torch.bool)
    region[4:16, 6:26] = True
    pasted = paste_back(edited, original, region, feather=3)
    assert pasted.dtype == dtype
    assert torch.equal(pasted[..., ~region], original[..., ~region])
    assert torch.equal(pasted[..., 7:13, 9:23], edited[..., 7:13, 9:23])  # four pixels from the border and deeper
    for depth, row in enumerate((4, 5, 6), start=1):  # the border fades in quarters
        expected = original[..., row, 12:20].double() * (1 - depth / 4) + edited[..., row, 12:20].double() * depth / 4
        torch.testing.assert_close(pasted[..., row, 12:20].double(), expected, atol=0.51, rtol=0)
    assert torch.equal(paste_back(edited, original, region, feather=0)[..., region], edited[..., region])
    assert torch.equal(paste_back(edited, original, torch.ones(20, 30, dtype=torch.bool)), edited)
    assert torch.equal(paste_back(edited, original, torch.zeros(20, 30, dtype=torch.bool)), original)
    with pytest.raises(ZooError, match="sizes"):
        paste_back(edited, original[..., :10], region)


def test_an_edit_shows_in_a_thin_region_too():
    edited, original = torch.full((1, 3, 20, 20), 200.0), torch.zeros(1, 3, 20, 20)
    region = torch.zeros(20, 20, dtype=torch.bool)
    region[2, 2:9] = True  # a line, and a bar of three
    region[10:13, 2:18] = True
    pasted = paste_back(edited, original, region, feather=3)
    assert (pasted[..., 2, 2:9] == 200).all() and (pasted[..., 11, 4:16] == 200).all()
    assert (pasted[..., 10, 4:16] == 100).all() and not pasted[..., ~region].any()


def test_a_random_direction_is_not_the_draw_of_its_seed(methods, picture):
    method = methods("clvae")
    drawn, along = method.sample(picture[1], 1, seed=3), random_direction(method.code_specs, seed=3)
    cosine = torch.nn.functional.cosine_similarity(drawn["local"].flatten(), along["local"].flatten(), 0)
    assert abs(cosine) < 0.5


def test_the_region_of_classes():
    label = torch.tensor([[0, 1], [2, 1]])
    assert region_of(label, [1, 2]).tolist() == [[False, True], [True, True]]


# --- materials ---


@pytest.mark.parametrize(
    ("name", "part"), [("clvae", {"classes": [2], "layers": [1]}), ("groupdnet", {"classes": [2]})]
)
def test_moving_codes_leaves_the_others_bit_for_bit(methods, picture, name, part):
    method = methods(name)
    codes = codes_of(method, *picture)
    direction = random_direction(method.code_specs, seed=3)
    edited = edit_material(codes, direction, 2.0, **part)
    local = edited["local"][:, 1] if name == "clvae" else edited["local"]
    before, along = ((c["local"][:, 1] if name == "clvae" else c["local"]) for c in (codes, direction))
    torch.testing.assert_close(local[:, 2], before[:, 2] + 2 * along[:, 2])
    rest = codes.replace(edited, **part)  # what moved, put onto the unmoved codes, is the whole difference
    assert same(rest, edited)
    assert torch.equal(local[:, :2], before[:, :2]) and torch.equal(local[:, 3:], before[:, 3:])


def test_one_amount_for_every_picture(methods, picture):
    method = methods("gaugan_vae")
    codes, direction = codes_of(method, *picture), random_direction(method.code_specs, seed=0)
    edited = edit_material(codes.repeat(3), direction, torch.tensor([-1.0, 0.0, 2.0]))
    for s, amount in enumerate((-1, 0, 2)):
        torch.testing.assert_close(edited["global"][s], codes["global"][0] + amount * direction["global"][0])
    assert torch.equal(edited["global"][1], codes["global"][0])


def test_a_random_direction_is_as_long_as_draws_of_the_prior_for_every_class_and_layer():
    specs = {"local": CodeSpec((2, 3, 5), ("layer", "class", "channel")), "global": CodeSpec((7,), ("channel",))}
    direction = random_direction(specs, seed=1)
    torch.testing.assert_close(direction["local"].square().sum(-1), torch.full((1, 2, 3), 5.0))
    torch.testing.assert_close(direction["global"].square().sum(), torch.tensor(7.0))
    assert same(direction, random_direction(specs, seed=1)) and not same(direction, random_direction(specs, seed=2))


def test_the_direction_between_two_pictures_leads_from_one_to_the_other(methods, picture, other):
    method = methods("clvae")
    first, second = codes_of(method, *picture), codes_of(method, *other)
    arrived = edit_material(first, direction_between(first, second), 1.0)
    for name in first:
        torch.testing.assert_close(arrived[name], second[name])


def test_interpolation_has_both_ends_and_equal_steps(methods, picture, other):
    method = methods("clvae")
    first, second = codes_of(method, *picture), codes_of(method, *other)
    path = interpolate(first, second, 5)
    assert same(path.rows([0]), first) and same(path.rows([4]), second)
    torch.testing.assert_close(path["local"].diff(dim=0), (second["local"] - first["local"]).expand(4, -1, -1, -1) / 4)
    with pytest.raises(ZooError, match="2 steps"):
        interpolate(first, second, 1)


def test_layer_l_is_the_picture_as_a_whole(methods, picture):
    method = methods("clvae")
    codes, fresh = codes_of(method, *picture), method.sample(picture[1], 1, seed=8)
    assert codes.layers == 5 and codes.global_names == ("global",)
    edited = codes.replace(fresh, layers=[5])
    assert torch.equal(edited["local"], codes["local"]) and torch.equal(edited["global"], fresh["global"])
    with pytest.raises(ZooError, match="Layer 5"):
        codes.replace(fresh, classes=[1], layers=[5])
    with pytest.raises(ZooError, match=r"0\.\.5.*\[6\]"):
        codes.replace(fresh, layers=[6])
    with pytest.raises(ZooError, match="empty"):
        codes.replace(fresh, classes=[])


def test_every_name_of_the_package_is_there():
    assert all(getattr(editing, name) is not None for name in editing.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = editing.nothing
