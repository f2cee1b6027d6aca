"""Pictures and masks from users' files: what is read, and what is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from zoo import ZooError
from zoo.data.class_tables import ClassTable, class_tables
from zoo.data.deepfashion import DeepFashion
from zoo.data.reading import pair, read_mask, read_picture

SIX = ClassTable(("sky", "sea", "sand", "palm", "boat", "person"), tuple((10 * i, 200, 7) for i in range(6)))
RED, WHITE = (255, 0, 0), (255, 255, 255)

TABLES = class_tables()


def encoded(pixels, format="PNG", mode=None, **options) -> bytes:
    """The content of a file with the pixels of an array, in another of Pillow's modes where one is given."""
    image, content = Image.fromarray(np.asarray(pixels)), io.BytesIO()
    (image.convert(mode) if mode else image).save(content, format, **options)
    return content.getvalue()


def png(width, height, bits, colour_type, rows) -> bytes:
    """A PNG written by hand, with kinds of pixels that Pillow does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep(channels, colour_type) -> bytes:
    """A 4x4 PNG of 16 bits a channel."""
    return png(4, 4, 16, colour_type, (b"\0" + np.full((4, channels), 0x1234, ">u2").tobytes()) * 4)


def noise(height=8, width=12):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def animation(format) -> bytes:
    content = io.BytesIO()
    first, *more = (Image.fromarray(noise() // divisor) for divisor in (1, 2, 3))
    first.save(content, format, save_all=True, append_images=more)
    return content.getvalue()


IDS = np.array([[0, 1, 2], [3, 4, 5]], np.uint8)


# --- pictures ---


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "WEBP"])
def test_a_picture_has_the_pixels_of_its_file(format, tmp_path):
    content = encoded(noise(), format, **({"lossless": True} if format == "WEBP" else {}))
    (tmp_path / "picture").write_bytes(content)
    for source in (content, tmp_path / "picture"):
        picture = read_picture(source)
        assert picture.mode == "RGB" and np.array_equal(picture, noise())


def test_transparent_parts_are_white():
    rgba = np.array([[(*RED, 255), (*RED, 0), (255, 0, 0, 128)]], np.uint8)
    assert np.asarray(read_picture(encoded(rgba))).tolist() == [[[255, 0, 0], [255, 255, 255], [255, 127, 127]]]
    indexed = encoded(np.array([[RED, WHITE]], np.uint8), mode="P", transparency=0)
    assert np.asarray(read_picture(indexed))[0, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "CMYK"])
def test_other_kinds_of_pixels_come_out_as_colours(mode):
    content = encoded(np.full((2, 2, 3), 255, np.uint8), "TIFF" if mode == "CMYK" else "PNG", mode=mode)
    assert np.asarray(read_picture(content)).tolist() == [[[255] * 3] * 2] * 2


def test_the_preview_behind_a_camera_picture_is_no_animation():
    content = animation("MPO")
    assert Image.open(io.BytesIO(content)).n_frames == 3
    assert read_picture(content).size == (12, 8)


PICTURES = {
    "text": (b"no picture at all", "format"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "format"),
    "nothing": (b"", "empty"),
    "GIF": (animation("GIF"), "animation"),
    "APNG": (animation("PNG"), "animation"),
    "pages": (animation("TIFF"), "animation"),
    "grey of 16 bits": (encoded(np.full((4, 4), 300, np.uint16)), "8 bits"),
    "colours of 16 bits": (deep(3, 2), "8 bits"),
    "transparent colours of 16 bits": (deep(4, 6), "8 bits"),
    "transparent grey of 16 bits": (deep(2, 4), "8 bits"),
    "fractions": (encoded(np.zeros((4, 4), np.float32), "TIFF"), "8 bits"),
}


@pytest.mark.parametrize(("content", "problem"), PICTURES.values(), ids=PICTURES)
def test_wrong_pictures_are_refused(content, problem):
    with pytest.raises(ZooError, match=rf"^The file upload\.png .*{problem}[^\n]*\.$"):
        read_picture(content, name="upload.png")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_is_cut_off_is_refused_wherever_the_cut_is(format):
    content = encoded(noise(64, 64), format)
    for end in range(1, len(content) - 20, len(content) // 30):
        with pytest.raises(ZooError, match=r"The file .*(damaged|format)"):
            read_picture(content[:end])


def test_the_pixels_are_counted_before_they_are_decoded():
    def claim(side):
        return png(side, side, 8, 2, b"there are no pixels")

    with pytest.raises(ZooError, match=r"16,008,001 .*16,000,000"):
        read_picture(claim(4001))
    with pytest.raises(ZooError, match="16,000,000"):
        read_picture(claim(60_000))
    with pytest.raises(ZooError, match="damaged"):  # few enough to look at them
        read_picture(claim(4000))
    with pytest.raises(ZooError, match=r"96 .*95"):
        read_picture(encoded(noise()), max_pixels=95)
    assert read_picture(encoded(noise()), max_pixels=96).size == (12, 8)


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(ZooError, match=str(path)):
            read_picture(path)


# --- masks ---


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_the_values_of_a_grey_picture_are_the_ids(format, tmp_path):
    (tmp_path / "mask").write_bytes(encoded(IDS, format))
    mask = read_mask(tmp_path / "mask", SIX)
    assert mask.mode == "I" and np.array_equal(mask, IDS)


def test_indices_bits_and_16_bit_values_are_ids_too():
    indexed = Image.new("P", (3, 2))
    indexed.putdata(IDS.flatten().tolist())
    indexed.putpalette([*RED] * 6)  # whatever the colours
    content = io.BytesIO()
    indexed.save(content, "PNG")
    assert np.array_equal(read_mask(content.getvalue(), SIX), IDS)
    assert np.array_equal(read_mask(encoded(IDS.astype(np.uint16)), SIX), IDS)
    assert np.array_equal(read_mask(encoded(IDS, mode="LA"), SIX), IDS)
    assert np.array_equal(read_mask(encoded(IDS > 2), SIX), IDS > 2)
    many = ClassTable(tuple(map(str, range(400))), tuple((i // 256, i % 256, 0) for i in range(400)))
    assert np.array_equal(read_mask(encoded(np.array([[399, 7]], np.uint16)), many), [[399, 7]])


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_of_the_dataset_are_read(mode):
    road, sky, car, other = (128, 64, 128), (70, 130, 180), (0, 0, 142), (0, 0, 0)  # Cityscapes as published
    content = encoded(np.array([[road, sky], [car, other]], np.uint8), mode=mode)
    assert np.asarray(read_mask(content, TABLES["gta5"])).tolist() == [[0, 10], [13, 19]]


def test_colours_of_the_grids_are_read():
    content = encoded(np.array([[(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 0, 128)]], np.uint8))
    assert np.asarray(read_mask(content, SIX)).tolist() == [[0, 1, 2, 5]]


def test_a_colour_mask_that_was_saved_with_a_palette_is_read_by_its_colours():
    colours = np.array(SIX.colours, np.uint8)[IDS[::-1, ::-1]]
    indexed = Image.fromarray(colours).quantize(6, dither=Image.Dither.NONE)
    assert not np.array_equal(np.asarray(indexed), IDS[::-1, ::-1])  # the program counts colours in an order of its own
    content = io.BytesIO()
    indexed.save(content, "PNG")
    assert np.array_equal(np.asarray(read_mask(content.getvalue(), SIX)), IDS[::-1, ::-1])


def test_the_two_palettes_are_not_mixed():
    content = encoded(np.array([[SIX.colours[1], SIX.colours[2], (128, 0, 0)]], np.uint8))
    with pytest.raises(ZooError, match=r"1 of 3 .*#800000"):
        read_mask(content, SIX)


@pytest.mark.parametrize("name", TABLES)
def test_every_colour_of_a_table_is_its_class(name):
    table = TABLES[name]
    found = np.asarray(read_mask(encoded(np.array([table.colours], np.uint8)), table))[0].tolist()
    expected = [{49: 7}.get(i, i) if name == "ade20k" else i for i in range(len(table))]
    assert found == expected


def test_the_one_colour_of_two_classes_is_the_first_of_them():
    table = TABLES["ade20k"]
    found = read_mask(encoded(np.array([[(140, 140, 140)]], np.uint8)), table)
    assert table.names[np.asarray(found).item()] == "road"
    assert np.asarray(read_mask(encoded(np.array([[49]], np.uint8)), table)).item() == 49  # ids have no such doubt


SMOOTHED = np.array([[SIX.colours[0]] * 5 + [(1, 2, 3)] * 2 + [(c, c, c) for c in (9, 10, 11, 12)]], np.uint8)
MASKS = {
    "JPEG": (encoded(IDS, "JPEG"), "JPEG"),
    "camera": (animation("MPO"), "JPEG"),
    "id": (encoded(IDS + 1), "6.* 0 to 5"),
    "ids": (encoded(np.arange(30, 39, dtype=np.uint8)[None]), "30, 31, 32, 33 and 5 more"),
    "16 bits": (encoded(np.array([[0, 1000]], np.uint16)), "1000.* 0 to 5"),
    "below zero": (encoded(np.array([[0, -2]], np.int32), "TIFF"), "-2"),
    "fractions": (encoded(IDS.astype(np.float32), "TIFF"), "floating-point"),
    "colours": (encoded(SMOOTHED), r"6 of 11 .*\(#010203, #090909, #0a0a0a, #0b0b0b and 1 more\)"),
    "deep colours": (deep(3, 2), "8 bits"),
    "transparent": (encoded(np.array([[(10, 200, 7, 255), (10, 200, 7, 3)]], np.uint8)), "1 transparent"),
    "photograph": (encoded(noise(64, 64)), "colours of no class"),
    "text": (b"no mask", "format"),
    "cut off": (encoded(noise(64, 64))[:900], "damaged"),
}


@pytest.mark.parametrize(("content", "problem"), MASKS.values(), ids=MASKS)
def test_wrong_masks_are_refused(content, problem):
    with pytest.raises(ZooError, match=rf"^The file mask\.png .*{problem}[^\n]*\.$"):
        read_mask(content, SIX, name="mask.png")


# --- both ---


def test_a_pair_is_resized_as_datasets_are():
    image, mask = Image.fromarray(noise(8, 16)), np.arange(8 * 16, dtype=np.int32).reshape(8, 16)
    pixels, label = pair(image, Image.fromarray(mask), (4, 8))
    assert pixels.dtype == torch.float32 and label.dtype == torch.int64
    assert np.array_equal(label, mask[None, 1::2, 1::2])  # nearest: the centre of a cell lies on the corner of four
    expected = np.asarray(image.resize((8, 4), Image.Resampling.BICUBIC)).transpose(2, 0, 1)[None] / 127.5 - 1
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    alone, again = pair(None, Image.fromarray(mask), (4, 8))
    assert alone is None and torch.equal(again, label)


def test_a_pair_has_the_very_tensors_of_its_dataset(samples_dir):
    dataset = DeepFashion(root=samples_dir / "deepfashion", split="test", size=(96, 96))
    item, files = dataset[0], dataset.pairs[0]
    image, label = pair(read_picture(files.image), read_mask(files.label, TABLES["deepfashion"]), (96, 96))
    assert torch.equal(image[0], item["image"]) and torch.equal(label[0], item["label"])


def test_a_mask_of_another_size_than_its_picture_is_refused():
    with pytest.raises(ZooError, match=r"4x8 .*8x4"):
        pair(Image.new("RGB", (4, 8)), Image.new("I", (8, 4)), (4, 4))


@pytest.mark.parametrize(
    ("name", "images", "labels", "stem", "ending"),
    [
        ("ade20k", "ade20k/images/validation", "ade20k/annotations/validation", "ADE_val_00000163", ".png"),
        ("gta5", "gta5/RGB256Full/test", "gta5/LabelgrayFull20/test", "", ".png"),
        ("deepfashion", "deepfashion/test", "deepfashion/test", "", "_label.png"),
        ("celebamask", "celebamask/test/images", "celebamask/test/labels", "", ".png"),
    ],
)
def test_real_masks_are_the_same_as_ids_and_in_colours(samples_dir, name, images, labels, stem, ending):
    table, path = TABLES[name], min((samples_dir / labels).glob(f"{stem}*{ending}"))
    ids = np.asarray(read_mask(path, table))
    coloured = encoded(np.array(table.colours, np.uint8)[ids])
    assert len(np.unique(ids)) > 1 and np.array_equal(read_mask(coloured, table), np.where(ids == 49, 7, ids))
    picture = next((samples_dir / images).glob(f"{path.name.removesuffix(ending)}.*"))
    pixels, label = pair(read_picture(picture), read_mask(path, table), (32, 32))
    assert pixels.shape == (1, 3, 32, 32) and set(label.unique().tolist()) <= set(np.unique(ids).tolist())
