"""From downloads to layouts, on small downloads made from real pictures."""

import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from zoo.data.check import check
from zoo.data.deepfashion import COLOURS as DEEPFASHION_COLOURS
from zoo.data.gta5 import CITYSCAPES_COLOURS
from zoo.data.prepare import class_ids, prepare
from zoo.errors import ZooError

pytestmark = pytest.mark.usefixtures("own_cache")


def painted(ids: np.ndarray, colours) -> Image.Image:
    return Image.fromarray(np.array(colours, np.uint8)[ids])


@pytest.fixture
def shop(samples_dir, tmp_path):
    """Real in-shop pictures with the white borders cut off again, in the folders of the benchmark."""
    for number, path in enumerate(sorted((samples_dir / "deepfashion/train").glob("*.jpg"))):
        label = Image.open(path.with_name(f"{path.stem}_label.png")).crop((41, 0, 215, 256))
        folder = tmp_path / "shop/img_highres/WOMEN/Dresses" / path.stem[:11]
        folder.mkdir(parents=True, exist_ok=True)
        Image.open(path).crop((41, 0, 215, 256)).save(folder / f"{path.stem[12:]}.jpg", quality=100)
        ids = np.array(label)
        if number == 3:
            ids[ids == 8] = 7
        painted(ids, DEEPFASHION_COLOURS).save(folder / f"{path.stem[12:]}_segment.png")
    (tmp_path / "shop/Eval").mkdir()
    (tmp_path / "shop/Eval/list_eval_partition.txt").write_text(
        "2\nimage_name item_id evaluation_status\n"
        "img/WOMEN/Dresses/id_00000002/02_1_front.jpg id_00000002 train\n"
        "img/WOMEN/Dresses/id_00000004/03_1_front.jpg id_00000004 gallery\n"
    )
    return tmp_path / "shop"


def test_deepfashion_gives_back_the_published_squares(shop, samples_dir, tmp_path):
    report = prepare("deepfashion", shop, tmp_path / "out")
    assert (report.written, report.kept) == (3, 0)
    assert len(report.dropped) == 1 and "no face" in report.dropped[0]
    assert check("deepfashion", tmp_path / "out").counts == {"train": 2, "test": 1}
    for path in (tmp_path / "out").rglob("*.png"):
        (original,) = (samples_dir / "deepfashion/train").glob(path.name)
        assert np.array_equal(np.array(Image.open(path)), np.array(Image.open(original)))
        stem = path.name.replace("_label.png", ".jpg")
        images = [np.array(Image.open(p.with_name(stem))).astype(int) for p in (path, original)]
        assert np.abs(images[0] - images[1]).mean() < 1
        assert (images[0][:, [0, -1]] > 250).all()


def test_prepared_pairs_are_kept(shop, tmp_path):
    prepare("deepfashion", shop, tmp_path / "out")
    next((tmp_path / "out").rglob("*.jpg")).unlink()
    report = prepare("deepfashion", shop, tmp_path / "out")
    assert (report.written, report.kept) == (1, 2)
    assert not list((tmp_path / "out").rglob("*.tmp"))


@pytest.fixture(scope="module")
def game(tmp_path_factory):
    """Eight noisy pictures of half the original size with label maps of 4x5 tiles, one for each class."""
    root = tmp_path_factory.mktemp("game")
    rng = np.random.default_rng(0)
    ids = np.repeat(np.repeat(np.arange(20).reshape(4, 5), 132, 0)[:526], 192, 1)[:, :957]
    for folder in ("images", "labels"):
        (root / folder).mkdir()
    for number in range(1, 9):
        image = Image.fromarray(rng.integers(0, 255, (526, 957, 3), np.uint8))
        image.save(root / f"images/{number:05d}.png", compress_level=0)
        painted(ids, [*CITYSCAPES_COLOURS, (81, 0, 81)]).save(root / f"labels/{number:05d}.png", compress_level=1)
    return root


def splits(out):
    return {s: sorted(p.stem for p in (out / "RGB256Full" / s).glob("*.png")) for s in ("train", "test")}


def test_gta5_colours_become_train_ids(game, tmp_path):
    out = tmp_path / "out"
    assert prepare("gta5", game, out, test=1).written == 8
    report = check("gta5", out)
    assert report.ok and report.counts == {"train": 7, "test": 1}
    assert splits(out)["test"] == ["00000008"]
    label = np.array(Image.open(out / "LabelgrayFull20/test/00000008.png"))
    assert label.shape == (256, 512)
    assert label[32::64, 51::102][:, :5].tolist() == np.arange(20).reshape(4, 5).tolist()
    assert Image.open(out / "RGB256Full/test/00000008.png").size == (512, 256)


def test_gta5_splits(game, tmp_path):
    prepare("gta5", game, tmp_path / "quarter")
    assert splits(tmp_path / "quarter")["test"] == ["00000007", "00000008"]
    (tmp_path / "list.txt").write_text("3\n00005.png\n")
    prepare("gta5", game, tmp_path / "listed", test_list=tmp_path / "list.txt")
    assert splits(tmp_path / "listed")["test"] == ["00000003", "00000005"]
    (tmp_path / "download").mkdir()
    for part in ("images", "labels"):
        (tmp_path / "download" / part).mkdir()
        for path in (game / part).glob("*.png"):
            (tmp_path / "download" / part / path.name).hardlink_to(path)
    savemat(tmp_path / "download/split.mat", {"trainIds": [[1], [2]], "valIds": [[4]], "testIds": [[5]]})
    prepare("gta5", tmp_path / "download", tmp_path / "matlab")
    assert splits(tmp_path / "matlab") == {"train": ["00000001", "00000002"], "test": ["00000004"]}


@pytest.mark.parametrize("packed", [False, True])
def test_ade20k_from_folder_and_zip(samples_dir, tmp_path, packed):
    source = samples_dir
    if packed:
        source = tmp_path / "ADEChallengeData2016.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in (samples_dir / "ade20k").rglob("*.*"):
                archive.write(path, "ADEChallengeData2016" / path.relative_to(samples_dir / "ade20k"))
            archive.writestr("ADEChallengeData2016/images/training/._ADE_train_00000001.jpg", b"shadow")
    else:
        source = samples_dir / "ade20k"
    steps = []
    report = prepare("ade20k", source, tmp_path / "out", progress=lambda *step: steps.append(step))
    assert (report.written, report.kept) == (12, 0) and steps[-1] == (12, 12)
    assert check("ade20k", tmp_path / "out").counts == {"train": 4, "test": 2}
    assert prepare("ade20k", source, tmp_path / "out").kept == 12


@pytest.mark.parametrize("name", ["ade20k", "deepfashion", "gta5"])
def test_a_source_without_the_download(tmp_path, name):
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(ZooError, match=str(source)):
            prepare(name, source, tmp_path / "out")


def test_unknown_names_and_colours(tmp_path):
    with pytest.raises(ZooError, match='did you mean "gta5"'):
        prepare("gta", tmp_path, tmp_path / "out")
    path = tmp_path / "label.png"
    Image.new("RGB", (4, 4), (1, 2, 3)).save(path)
    with pytest.raises(ZooError, match=r"\(1, 2, 3\)"):
        class_ids(path, DEEPFASHION_COLOURS)
    Image.fromarray(np.array([[0, 5], [15, 1]], np.uint8)).save(path)
    assert class_ids(path, DEEPFASHION_COLOURS).tolist() == [[0, 5], [15, 1]]
