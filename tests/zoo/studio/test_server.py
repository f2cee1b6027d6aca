"""The whole way through the studio, against the methods themselves."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tests.zoo.studio.pages import mask_of, pixels_of, png
from zoo.contract import CLASSES, small_method
from zoo.editing.directions import random_direction
from zoo.editing.edit_file import EditFile
from zoo.editing.edits import edit_material
from zoo.editing.encoding import codes_of
from zoo.studio.wire import data_uri


def to_uint8_truncated(method, label, codes):
    """uint8 ``[S, 3, H, W]``, cut off as the official code writes pictures."""
    images = method.synthesize(label, codes).double()
    return ((images + 1) / 2 * 255).clamp(0, 255).to(torch.uint8)


def close(shown, expected):
    """Equal up to a grey level where rounding on the way to 8 bits decides."""
    return int((shown.int() - expected.int()).abs().max()) <= 1


@pytest.fixture(scope="module")
def method():
    return small_method("clvae")


def as_input(image):
    """What a network sees of a uint8 picture."""
    return (image.float() / 255 - 0.5)[None] / 0.5


def test_the_setup_describes_every_model(page, ids):
    setup = page.client.get("/api/setup").json()
    assert setup["training"] is None and all(m["bank"] is None and m["components"] == 0 for m in setup["models"])
    assert setup["limits"] == {"megabytes": 10, "edit_megabytes": 257, "pixels": 16_000_000, "queue": 8}
    assert setup["previews"] == 8
    assert setup["examples"] == [] and setup["version"]
    models = {model["method"]: model for model in setup["models"]}
    assert {name: model["id"] for name, model in models.items()} == ids
    facts = {
        name: [m[key] for key in ("by_class", "layers", "whole", "encodes", "codes")] for name, m in models.items()
    }
    assert facts == {
        "clvae": [True, 5, True, True, True],
        "gaugan_vae": [False, 0, False, True, True],
        "groupdnet": [True, 0, False, True, True],
        "cimle": [False, 0, False, False, True],
        "gaugan": [False, 0, False, False, False],
    }
    clvae = models["clvae"]
    assert (clvae["height"], clvae["width"], clvae["toy"]) == (64, 64, True)
    assert clvae["title"] == "clvae · own data · 64x64"
    assert clvae["classes"][1] == {"id": 1, "name": "class 1", "colour": "#800000"} and len(clvae["classes"]) == CLASSES


def test_a_picture_is_opened_with_its_own_codes(page, method, label, image):
    answer = page.opened(label, image, seed=3)
    assert torch.equal(mask_of(answer["mask"]), label)
    assert torch.equal(pixels_of(answer["picture"]), image)
    expected = to_uint8_truncated(method, label, codes_of(method, as_input(image), label, seed=3))[0]
    assert close(pixels_of(answer["result"]), expected)


def test_a_mask_alone_is_painted_with_drawn_codes(page, method, label):
    answer = page.opened(label, seed=7)
    assert answer["picture"] is None and answer["opened"] is None
    assert close(pixels_of(answer["result"]), to_uint8_truncated(method, label, method.sample(label, 1, seed=7))[0])


def test_painting_on_the_mask_keeps_the_codes(page, method, label):
    answer = page.opened(label, seed=7)
    painted = label.clone()
    painted[0, 10:30, 10:30] = 5
    status, shown = page.post("render", scene=page.scene(answer, label=painted))
    assert status == 200
    assert close(pixels_of(shown["result"]), to_uint8_truncated(method, painted, method.sample(label, 1, seed=7))[0])


def test_samples_are_eight_draws_of_the_prior_that_can_be_gone_on_with(page, method, label):
    answer = page.opened(label)
    _, drawn = page.post("samples", scene=page.scene(answer), seed=5)
    expected = to_uint8_truncated(method, label, method.sample(label, 8, seed=5))
    assert len(drawn["previews"]) == 8
    for preview, pixels in zip(drawn["previews"], expected, strict=True):
        assert close(pixels_of(preview["result"]), pixels)
    _, again = page.post("render", scene=page.scene(answer | drawn["previews"][6]))
    assert close(pixels_of(again["result"]), expected[6])


def test_a_redrawn_class_leaves_all_other_codes(page, method, label):
    answer = page.opened(label, seed=1)
    _, drawn = page.post("redraw", scene=page.scene(answer), classes=[2], layers=[0, 1], seed=9)
    codes, fresh = method.sample(label, 1, seed=1), method.sample(label, 8, seed=9)
    local = codes["local"].repeat(8, 1, 1, 1)
    local[:, :2, 2] = fresh["local"][:, :2, 2]
    for index, preview in enumerate(drawn["previews"]):
        expected = {"local": local[index : index + 1], "global": codes["global"]}
        pixels = to_uint8_truncated(method, label, type(codes)(expected, codes.specs))[0]
        assert close(pixels_of(preview["result"]), pixels)


def test_a_slide_starts_from_the_codes_before_it(page, method, label):
    answer = page.opened(label, seed=1)
    direction = {"kind": "random", "seed": 4}
    codes, along = method.sample(label, 1, seed=1), random_direction(method.code_specs, seed=4)
    for amount in (-2.5, 3):
        status, slid = page.post(
            "move", scene=page.scene(answer), classes=[1], layers=None, amount=amount, direction=direction
        )
        assert status == 200
        expected = to_uint8_truncated(method, label, edit_material(codes, along, amount, classes=[1]))[0]
        assert close(pixels_of(slid["result"]), expected)
    _, back = page.post("move", scene=page.scene(answer), amount=0, direction=direction)
    assert back["result"] == answer["result"]


def test_codes_are_taken_from_a_reference(page, method, label, image):
    answer = page.opened(label, seed=1)
    files = {"picture": ("a.png", png(image.flip(2))), "mask": ("b.png", png(label[0].flip(1)))}
    status, taken = page.send("take", files, scene=page.scene(answer), classes=[0, 3], layers=None, strength=1)
    assert status == 200
    codes = method.sample(label, 1, seed=1)
    mu = method.encode(as_input(image.flip(2)), label.flip(2)).mu
    local = codes["local"].clone()
    local[:, :, [0, 3]] = mu["local"][:, :, [0, 3]]
    expected = type(codes)({"local": local, "global": codes["global"]}, codes.specs)
    assert close(pixels_of(taken["result"]), to_uint8_truncated(method, label, expected)[0])
    _, nothing = page.send("take", files, scene=page.scene(answer), classes=[0, 3], layers=None, strength=0)
    assert nothing["result"] == answer["result"]


def test_all_methods_stand_side_by_side(page, ids, label):
    answer = page.opened(label)
    _, compared = page.post("compare", scene=page.scene(answer), seed=2)
    results = {result["model"]: result for result in compared["results"]}
    assert set(results) == set(ids.values())
    for name, key in ids.items():
        one = small_method(name)
        expected = to_uint8_truncated(one, label, one.sample(label, 1, seed=2))[0]
        assert close(pixels_of(results[key]["result"]), expected), name
    assert "no codes" in results[ids["gaugan"]]["note"] and results[ids["clvae"]]["note"] is None


@pytest.mark.parametrize("name", ["clvae", "gaugan_vae", "groupdnet", "cimle", "gaugan"])
def test_a_download_opens_again_as_the_same_picture(page, ids, label, name):
    answer = page.opened(label, seed=4, model=ids[name])
    painted = label.clone()
    painted[0, :9] = 5
    scene = page.scene(answer, label=painted, model=ids[name])
    _, shown = page.post("render", scene=scene)
    download = page.client.post("/api/download", json={"scene": scene})
    assert download.status_code == 200 and download.headers["content-type"] == "application/zip"
    status, again = page.send("reload", {"file": ("edit.zip", download.content)})
    assert status == 200, again
    assert again["model"] == ids[name] and again["opened"] is None
    assert again["result"] == shown["result"]
    assert torch.equal(mask_of(again["mask"]), painted)
    _, rendered = page.post("render", scene=page.scene(again, model=ids[name]))
    assert rendered["result"] == shown["result"]


def test_pasting_keeps_the_pixels_outside(page, label, image):
    answer = page.opened(label, image)
    painted = label.clone()
    painted[0, 40:44, 50:60] = 5
    paste = {"picture": answer["opened"], "classes": [2], "feather": 3}
    _, drawn = page.post(
        "redraw", scene=page.scene(answer, label=painted, paste=paste), classes=[2], layers=None, seed=1
    )
    inside = (painted[0] == 2) | (painted[0] != label[0])
    for preview in drawn["previews"]:
        shown = pixels_of(preview["result"])
        assert torch.equal(shown[:, ~inside], image[:, ~inside])
        assert not torch.equal(shown[:, inside], image[:, inside])


def test_a_pasted_download_comes_back_as_it_was_seen(page, label, image):
    answer = page.opened(label, image)
    paste = {"picture": answer["opened"], "classes": [1], "feather": 2}
    scene = page.scene(answer, paste=paste)
    _, shown = page.post("render", scene=scene)
    download = page.client.post("/api/download", json={"scene": scene}).content
    _, again = page.send("reload", {"file": ("edit.zip", download)})
    assert again["result"] == shown["result"] and again["picture"] == answer["picture"] and again["keep"]
    onto = {"picture": again["opened"], "classes": [], "feather": 2}
    _, rendered = page.post("render", scene=page.scene(again, paste=onto))
    assert rendered["result"] == shown["result"]


def test_a_larger_file_keeps_its_pixels_and_its_size(page):
    """A picture of 96x160 for a model of 64x64: a class is edited, and a corner painted."""
    pixels = torch.randint(0, 256, (3, 96, 160), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    own = torch.zeros(1, 96, 160, dtype=torch.int64)
    own[:, 31:70, 41:101] = 2
    answer = page.opened(own, pixels)
    assert answer["original"] == [96, 160] and pixels_of(answer["picture"]).shape == (3, 64, 64)
    painted = mask_of(answer["mask"])
    painted[0, :8, :8] = 5
    paste = {"picture": answer["opened"], "classes": [2], "feather": 3}
    scene = page.scene(answer, label=painted, paste=paste)
    with Image.open(io.BytesIO(page.client.post("/api/result", json={"scene": scene}).content)) as image:
        result = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    changed = (result != pixels).any(0)
    assert result.shape == pixels.shape and changed[:12, :20].all() and changed[35:66, 45:97].any()
    expected = own[0] == 2
    expected[:12, :20] = True
    assert not changed[~expected].any()

    download = page.client.post("/api/download", json={"scene": scene})
    assert torch.equal(EditFile.from_bytes(download.content, "The file").result, result)
    status, again = page.send("reload", {"file": ("edit.zip", download.content)})
    assert status == 200 and again["original"] == [96, 160]
    assert again["result"] == page.post("render", scene=scene)[1]["result"]
    onto = paste | {"picture": again["opened"], "classes": []}
    repeated = page.client.post("/api/download", json={"scene": page.scene(again, paste=onto)})
    assert repeated.content == download.content


def test_an_opened_picture_takes_little_more_memory_than_its_colours(page):
    """Five bytes for a pixel of its file, eleven for one that the model sees: also once it is reloaded."""
    store, own = page.state.store, torch.zeros(1, 640, 960, dtype=torch.int64)
    before = store.nbytes
    answer = page.opened(own, torch.zeros(3, 640, 960, dtype=torch.uint8))
    assert store.nbytes - before < 5 * 640 * 960 + 11 * 64 * 64 + 20_000  # with its codes
    paste = {"picture": answer["opened"], "classes": [0], "feather": 3}
    download = page.client.post("/api/download", json={"scene": page.scene(answer, paste=paste)}).content
    before = store.nbytes
    assert page.send("reload", {"file": ("edit.zip", download)})[0] == 200
    assert store.nbytes - before < 5 * 640 * 960 + 11 * 64 * 64 + 20_000


def test_without_its_pixels_a_result_is_as_large_as_the_model_paints(page, label, image):
    answer = page.opened(label, image)
    content = page.client.post("/api/result", json={"scene": page.scene(answer)})
    assert content.headers["content-type"] == "image/png"
    assert torch.equal(pixels_of(data_uri(content.content)), pixels_of(answer["result"]))
    assert page.post("result", scene=page.scene({"mask": answer["mask"], "codes": "0" * 32}))[0] == 404
