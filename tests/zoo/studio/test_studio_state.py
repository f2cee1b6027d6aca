"""What a studio holds: models, examples, bank and statistics, from files."""

import numpy as np
import pytest
import torch
from PIL import Image

import zoo
from tests.zoo.studio.pages import Page, mask_of, pixels_of, saved, small_checkpoint
from zoo import ZooError
from zoo.checkpoints import digest
from zoo.data.folder import Folder
from zoo.editing.bank import extract_bank
from zoo.editing.statistics import fit_statistics
from zoo.studio.requests import Fields
from zoo.studio.studio_state import StudioState

CLASSES = 4


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Eight test pictures of 96x64 in the layout of the dataset folder: noise, and classes in quadrants."""
    root, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for part in ("images", "labels"):
        (root / "test" / part).mkdir(parents=True)
    quadrants = np.kron(np.arange(CLASSES).reshape(2, 2), np.ones((48, 32), np.int64))
    for index in range(8):
        noise = random.integers(0, 256, (96, 64, 3)).astype(np.uint8)
        Image.fromarray(noise).save(root / "test" / "images" / f"{index}.png")
        label = np.roll(quadrants, 8 * index, 1).astype(np.uint8)
        Image.fromarray(label).save(root / "test" / "labels" / f"{index}.png")
    return root


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two checkpoints of the dataset folder: CLVAE at 64x64 and GroupDNet at 32x32."""
    home = tmp_path_factory.mktemp("trained")
    sizes = {"clvae": (64, 64), "groupdnet": (32, 32)}
    return {
        name: saved(
            zoo.build(name, data="folder", classes=CLASSES, size=size, profile="smoke", seed=0),
            home / name / "latest.pth",
        )
        for name, size in sizes.items()
    }


@pytest.fixture(scope="module")
def studio(trained, pictures, tmp_path_factory):
    """The page of both models, with examples, a bank and statistics of the first."""
    home = tmp_path_factory.mktemp("codes")
    method, dataset = zoo.load(trained["clvae"]), Folder(root=pictures, split="test", size=(64, 64), classes=CLASSES)
    extract_bank(method, dataset, home / "bank.parquet", checkpoint=digest(trained["clvae"]))
    fit_statistics(method, dataset, components=3).save(home / "statistics.safetensors")
    state = StudioState.load(
        list(trained.values()),
        device="cpu",
        data_root=pictures,
        bank=home / "bank.parquet",
        statistics=home / "statistics.safetensors",
    )
    yield Page(state)
    state.close()


def test_examples_are_the_first_test_pictures_at_the_size_of_each_model(studio, pictures):
    setup = studio.client.get("/api/setup").json()
    assert [example["name"] for example in setup["examples"]] == [str(i) for i in range(6)]
    assert pixels_of(setup["examples"][0]["picture"]).shape == (3, 96, 64)
    for model in setup["models"]:
        status, answer = studio.send("open", model=model["id"], seed=0, example=setup["examples"][2]["id"])
        assert status == 200
        with Image.open(pictures / "test" / "images" / "2.png") as file:
            size = (model["width"], model["height"])
            expected = torch.from_numpy(np.array(file.resize(size, Image.Resampling.BICUBIC))).permute(2, 0, 1)
        assert torch.equal(pixels_of(answer["picture"]), expected)
        assert mask_of(answer["mask"]).shape == (1, model["height"], model["width"])


def test_rows_of_the_bank_are_found_and_taken(studio):
    setup = studio.client.get("/api/setup").json()
    material = {model["method"]: (model["bank"], model["components"]) for model in setup["models"]}
    assert material == {"clvae": ([0, 1, 2, 3], 3), "groupdnet": (None, 0)}  # the files are of one of them
    rows = studio.client.get("/api/bank", params={"class": 2, "limit": 3}).json()["rows"]
    assert len(rows) == 3 and all(row["class"] == 2 and 0 < row["share"] < 1 for row in rows)
    assert pixels_of(rows[0]["picture"]).shape[0] == 3
    assert len(studio.client.get("/api/bank?class=2&diverse=1").json()["rows"]) == 8
    _, answer = studio.send("open", model=studio.model, seed=0, example="0")
    _, taken = studio.send("take", scene=studio.scene(answer), classes=[2], strength=1, row=rows[1]["row"])
    source = studio.state.bank.row(rows[1]["row"])
    kept = studio.state.scene(fields(studio, answer | taken)).codes
    before = studio.state.scene(fields(studio, answer)).codes
    where = source.present["local"].expand_as(source.values["local"])
    assert torch.equal(kept["local"][0, :, 2][where], source.values["local"][where])
    others = [k for k in range(CLASSES) if k != 2]
    assert torch.equal(kept["local"][:, :, others], before["local"][:, :, others])
    _, half = studio.send("take", scene=studio.scene(answer), classes=[2], strength=0.5, row=rows[1]["row"])
    between = studio.state.scene(fields(studio, answer | half)).codes
    torch.testing.assert_close(between["local"], (before["local"] + kept["local"]) / 2)


def fields(page, answer):
    return Fields({"scene": page.scene(answer)})


@pytest.mark.parametrize("query", ["class=9", "class=x", "limit=3", "class=1&limit=0", "class=1&limit=101", "class=-2"])
def test_queries_that_the_bank_refuses(studio, query):
    answer = studio.client.get(f"/api/bank?{query}")
    assert answer.status_code == 400 and answer.json()["error"].endswith((".", "?"))


def test_a_row_of_another_class_or_for_another_method_is_refused(studio):
    _, answer = studio.send("open", model=studio.model, seed=0, example="0")
    row = studio.client.get("/api/bank?class=1").json()["rows"][0]["row"]
    status, refused = studio.send("take", scene=studio.scene(answer), classes=[2], strength=1, row=row)
    assert status == 400 and "class 1" in refused["error"] and "class 2" in refused["error"]
    other = list(studio.state.models)[1]
    _, answer = studio.send("open", model=other, seed=0, example="0")
    scene = studio.scene(answer, model=other)
    status, refused = studio.send("take", scene=scene, classes=[1], strength=1, row=row)
    assert status == 400 and "groupdnet" in refused["error"]
    along = {"kind": "principal", "component": 1}
    status, refused = studio.post("move", scene=scene, amount=1, direction=along)
    assert status == 400 and "groupdnet" in refused["error"]


def test_a_slide_along_a_principal_direction(studio):
    _, answer = studio.send("open", model=studio.model, seed=0, example="0")
    for component, wanted in ((1, 200), (3, 200), (4, 400)):
        direction = {"kind": "principal", "component": component}
        status, slid = studio.post("move", scene=studio.scene(answer), classes=[1], amount=2, direction=direction)
        assert status == wanted
        if wanted == 200:
            before, after = (studio.state.scene(fields(studio, one)).codes["local"] for one in (answer, answer | slid))
            along = studio.state.statistics.components["local"][component - 1, :, 1]
            torch.testing.assert_close(after[0, :, 1], before[0, :, 1] + 2 * along)


def test_methods_of_other_sizes_paint_the_same_mask(studio):
    _, answer = studio.send("open", model=studio.model, seed=0, example="0")
    _, compared = studio.post("compare", scene=studio.scene(answer), seed=0)
    assert [tuple(pixels_of(one["result"]).shape) for one in compared["results"]] == [(3, 64, 64), (3, 32, 32)]


def test_models_with_other_classes_stand_aside(trained, checkpoints, pictures):
    state = StudioState.load([trained["clvae"], checkpoints["clvae"]], device="cpu", data_root=pictures)
    page = Page(state)
    _, answer = page.send("open", model=page.model, seed=0, example="0")
    _, compared = page.post("compare", scene=page.scene(answer), seed=0)
    own, other = compared["results"]
    assert own["note"] is None and other["result"] is None and "other classes" in other["note"]
    status, refused = page.send("open", model=other["model"], seed=0, example="0")
    assert status == 400 and "classes" in refused["error"]
    state.close()


def test_equal_checkpoints_are_one_model_and_equal_titles_get_their_folders(tmp_path):
    first, second = (small_checkpoint("gaugan_vae", tmp_path / name, seed) for seed, name in enumerate(("a", "b")))
    state = StudioState.load([first, first, second], device="cpu")
    titles = [model.title for model in state.models.values()]
    assert titles == [f"gaugan_vae · own data · 64x64 · {name}" for name in ("a", "b")]
    state.close()


def test_names_of_a_table(tmp_path):
    path = saved(zoo.build("gaugan", classes=19, size=(32, 32), profile="smoke", seed=0), tmp_path / "faces.pth")
    state = StudioState.load([path], device="cpu", names="celebamask")
    (model,) = state.setup()["models"]
    assert model["classes"][13]["name"] == "hair" and len(model["classes"]) == 19
    state.close()
    with pytest.raises(ZooError, match="151 classes"):
        StudioState.load([path], device="cpu", names="ade20k")


def test_more_classes_than_a_mask_of_8_bits_holds(tmp_path):
    path = saved(zoo.build("gaugan", classes=257, size=(32, 32), profile="smoke", seed=0), tmp_path / "many.pth")
    with pytest.raises(ZooError, match="257 classes"):
        StudioState.load([path], device="cpu")


def test_a_bank_that_fits_no_model_is_refused_at_the_start(trained, checkpoints, pictures, tmp_path):
    dataset = Folder(root=pictures, split="test", size=(64, 64), classes=CLASSES)
    extract_bank(zoo.load(trained["clvae"]), dataset, tmp_path / "bank.parquet", checkpoint="", limit=2)
    with pytest.raises(ZooError, match="gaugan"):
        StudioState.load([checkpoints["gaugan"]], device="cpu", bank=tmp_path / "bank.parquet")


def test_pictures_of_the_training_are_examples_as_long_as_they_are_there(pictures, tmp_path):
    method = zoo.build("gaugan", data="folder", classes=CLASSES, size=(32, 32), profile="smoke", seed=0)
    method.config.data["root"] = pictures
    state = StudioState.load([saved(method, tmp_path / "here.pth")], device="cpu")
    assert len(state.examples) == 6
    state.close()
    method.config.data["root"] = tmp_path / "gone"
    state = StudioState.load([saved(method, tmp_path / "gone.pth")], device="cpu")
    assert not state.examples
    state.close()
    with pytest.raises(ZooError, match="nowhere"):
        StudioState.load([tmp_path / "gone.pth"], device="cpu", data_root=tmp_path / "nowhere")
