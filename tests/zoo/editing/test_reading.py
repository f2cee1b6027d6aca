"""Pictures and masks that people bring, right and wrong."""

import io
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from zoo import ZooError
from zoo.data.class_tables import TABLES
from zoo.data.deepfashion import DeepFashion
from zoo.editing.reading import pair, read_mask, read_picture
from zoo.visual import colour_labels, to_pixels

ADE, FASHION = TABLES["ade20k"], TABLES["deepfashion"]


def content(pixels: np.ndarray, kind: str = "PNG", **settings) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **settings)
    return file.getvalue()


def ids_of(mask: Image.Image) -> list[list[int]]:
    return np.asarray(mask).tolist()


def test_ids_are_read_from_grey_palette_and_16_bit_pictures():
    ids = np.array([[0, 5], [15, 1]], np.uint8)
    palette = Image.fromarray(ids).convert("P")
    palette.putdata(ids.flatten().tolist())
    palette.putpalette([200, 10, 10] * 16)
    file = io.BytesIO()
    palette.save(file, "PNG")
    for source in (content(ids), content(ids.astype(np.uint16)), file.getvalue()):
        assert ids_of(read_mask(source, FASHION)) == ids.tolist()


def test_colours_of_the_dataset_and_of_the_zoo_are_read_as_ids():
    ids = np.array([[0, 3, 120], [7, 50, 1]])
    assert ids_of(read_mask(content(np.array(ADE.colours, np.uint8)[ids]), ADE)) == ids.tolist()
    drawn = to_pixels(colour_labels(torch.from_numpy(ids)[None], classes=151))[0].permute(1, 2, 0).numpy()
    assert ids_of(read_mask(content(drawn), ADE)) == ids.tolist()
    clear = np.concatenate([drawn, np.full((2, 3, 1), 255, np.uint8)], -1)
    assert ids_of(read_mask(content(clear), ADE)) == ids.tolist()
    # road (7) and skyscraper (49) have one colour in the benchmark's palette
    assert ids_of(read_mask(content(np.array(ADE.colours, np.uint8)[[[49, 0]]]), ADE)) == [[7, 0]]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (b"", "my.png is empty"),
        (b"hello, I am a text", "my.png is no whole picture"),
        (content(np.zeros((30, 30), np.uint8))[:45], "my.png is no whole picture"),
        (content(np.zeros((8, 8), np.uint8), "JPEG"), "is a JPEG, whose compression changes the ids"),
        (content(np.array([[16, 200, 3]], np.uint8)), "class ids 16, 200, but the ids go from 0 to 15"),
        (content(np.array([[300]], np.uint16)), "class ids 300, but"),
        (content(np.zeros((30, 40), np.uint8)), "more than the 1,000 pixels that are read"),
        (
            content(np.array([[(1, 2, 3), (0, 0, 0), (1, 2, 3), (255, 254, 253)]], np.uint8)),
            r"3 of 4 pixels in colours of no class \(#010203, #fffefd\)",
        ),
    ],
)
def test_wrong_masks_are_refused_in_a_sentence(source, sentence):
    with pytest.raises(ZooError, match=sentence):
        read_mask(source, FASHION, name="my.png", max_pixels=1000)


def test_wrong_pictures_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(ZooError, match=r"no file .*absent\.jpg"):
        read_picture(tmp_path / "absent.jpg")
    with pytest.raises(ZooError, match="more than 8 bits a channel"):
        read_picture(content(np.zeros((4, 4), np.uint16)))
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ZooError, match=r"film\.gif is an animation"):
        read_picture(tmp_path / "film.gif")


def test_a_bomb_is_refused_before_it_is_decoded():
    small = content(np.zeros((1, 1), np.uint8))
    head = small[12:16] + (60_000).to_bytes(4, "big") * 2 + small[24:29]  # a PNG that says it is 60,000 x 60,000
    bomb = small[:12] + head + zlib.crc32(head).to_bytes(4, "big") + small[33:]
    with pytest.raises(ZooError, match="more than the 16,000,000 pixels that are read"):
        read_picture(bomb)


def test_transparency_comes_out_on_white():
    pixels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], np.uint8)
    assert np.asarray(read_picture(content(pixels))).tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_a_pair_is_resized_as_its_dataset_does(samples_dir):
    dataset = DeepFashion(root=samples_dir / "deepfashion", split="test", size=(96, 96))
    item, files = dataset[0], dataset.pairs[0]
    image, label = pair(read_picture(files.image), read_mask(files.label, FASHION), (96, 96))
    assert torch.equal(image[0], item["image"]) and torch.equal(label[0], item["label"])


def test_a_mask_alone_and_a_mask_of_another_size():
    mask = read_mask(content(np.zeros((4, 6), np.uint8)), FASHION)
    image, label = pair(None, mask, (2, 3))
    assert image is None and label.shape == (1, 2, 3) and label.dtype == torch.int64
    with pytest.raises(ZooError, match=r"mask is 4x6 \(height x width\), but its picture 8x6"):
        pair(Image.new("RGB", (6, 8)), mask, (2, 3))
