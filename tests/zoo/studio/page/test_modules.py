"""What the page does to masks, against Pillow, SciPy and the same operations of the core."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt

from tests.zoo.studio.page.browser import encoded
from zoo.editing import masks

IDS = np.random.default_rng(0).integers(0, 256, (37, 53), dtype=np.uint8)
BLOBS = np.kron(np.random.default_rng(1).integers(0, 3, (6, 8)), np.ones((4, 5), int)).astype(np.uint8)


@pytest.fixture(scope="module")
def script(browser, address):
    """Runs lines of script with the page's modules ``png`` and ``masks``, a ``mask``, and what else is ``given``."""
    page = browser.new_page()
    page.goto(address)

    def run(lines: str, ids: np.ndarray, **given: object):
        imports = 'const [png, masks] = [await import("/static/png.js"), await import("/static/mask.js")];'
        mask = "const mask = await png.decodeGrey(png.fromBase64(file)); const {width, height} = mask;"
        file = base64.b64encode(encoded(ids)).decode()
        return page.evaluate(f"async ([file, given]) => {{ {imports} {mask} {lines} }}", [file, given])

    yield run
    page.close()


def test_a_mask_is_read_as_pillow_wrote_it(script):
    # noise and ramps make Pillow use every filter of the format
    ramps = (np.add.outer(np.arange(64), np.arange(64)) + IDS[0, 0]).astype(np.uint8)
    for ids in (IDS, ramps, BLOBS):
        assert script("return [height, width, Array.from(mask.ids)]", ids) == [*ids.shape, ids.ravel().tolist()]


def test_a_mask_is_written_as_pillow_reads_it(script):
    content = base64.b64decode(script("return png.toBase64(await png.encodeGrey(mask.ids, width, height))", IDS))
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == "L" and np.array_equal(np.array(image), IDS)
        assert "gamma" not in image.info and "srgb" not in image.info


@pytest.mark.parametrize("filtered", range(5))
def test_every_filter_of_the_format_is_undone(script, filtered):
    """A file whose rows all use one filter, computed by the formulas of the PNG specification, section 9.2."""
    import zlib

    left = np.pad(IDS, ((0, 0), (1, 0)))[:, :-1].astype(int)
    up = np.pad(IDS, ((1, 0), (0, 0)))[:-1].astype(int)
    corner = np.pad(IDS, ((1, 0), (1, 0)))[:-1, :-1].astype(int)
    away = np.stack([abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)])
    paeth = np.choose(away.argmin(0), [left, up, corner])
    rows = (IDS - np.stack([left * 0, left, up, (left + up) // 2, paeth])[filtered]).astype(np.uint8)
    packed = zlib.compress(np.pad(rows, ((0, 0), (1, 0)), constant_values=filtered).tobytes())

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    header = IDS.shape[1].to_bytes(4) + IDS.shape[0].to_bytes(4) + bytes([8, 0, 0, 0, 0])
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    with Image.open(io.BytesIO(file)) as image:
        assert np.array_equal(np.array(image), IDS)
    read = "return Array.from((await png.decodeGrey(png.fromBase64(given.file))).ids)"
    assert script(read, IDS, file=base64.b64encode(file).decode()) == IDS.ravel().tolist()


@pytest.mark.parametrize("pixel", [(0, 0), (13, 22), (23, 39)])
def test_regions_are_those_of_the_core(script, pixel):
    y, x = pixel
    expected = masks.region_at(torch.from_numpy(BLOBS), y, x)
    assert script("return Array.from(masks.regionAt(mask, given.x, given.y))", BLOBS, x=x, y=y) == (
        expected.flatten().int().tolist()
    )


def test_a_deleted_region_takes_the_nearest_class(script):
    region = masks.region_at(torch.from_numpy(BLOBS), 13, 22).numpy()
    lines = "return Array.from(masks.deleted(mask, masks.regionAt(mask, 22, 13)).ids)"
    shown = np.array(script(lines, BLOBS)).reshape(BLOBS.shape)
    assert np.array_equal(shown[~region], BLOBS[~region])
    # of pixels that are equally near, any may give its class
    nearest = distance_transform_edt(region)
    for class_id in range(3):
        to_class = distance_transform_edt((class_id != BLOBS) | region)
        taken = region & (shown == class_id)
        assert np.allclose(to_class[taken], nearest[taken])


def test_a_region_is_moved_and_cut_off(script):
    label = np.zeros((5, 6), np.uint8)
    label[1:3, 1:3] = 2
    lines = """const region = masks.regionAt(mask, 1, 1);
        return Array.from(masks.placed(masks.deleted(mask, region), region, 2, given.dx, given.dy).ids)"""
    for dx, dy in ((1, 1), (4, 0), (-2, 3), (9, 9)):
        region = torch.from_numpy(label == 2)
        expected = masks.moved_region(torch.from_numpy(label), region, dy, dx)
        assert script(lines, label, dx=dx, dy=dy) == expected.flatten().tolist()


def test_a_brush_is_round_and_crisp(script):
    empty = np.zeros((7, 7), np.uint8)
    dab = "masks.dab(mask, 3, 3, given.size, 9); return Array.from(mask.ids)"
    assert script(dab, empty, size=1) == np.pad([[9]], 3).ravel().tolist()
    assert script(dab, empty, size=2) == np.pad(np.full((2, 2), 9), ((2, 3), (2, 3))).ravel().tolist()
    round_five = np.full((5, 5), 9)
    round_five[[0, 0, -1, -1], [0, -1, 0, -1]] = 0
    assert script(dab, empty, size=5) == np.pad(round_five, 1).ravel().tolist()


def test_a_quick_stroke_has_no_gaps(script):
    stroke = "masks.stroke(mask, {x: 0, y: 0}, {x: 11, y: 5}, 1, 1); return Array.from(mask.ids)"
    drawn = np.array(script(stroke, np.zeros((6, 12), np.uint8))).reshape(6, 12)
    assert (drawn.sum(0) == 1).all() and drawn[0, 0] == drawn[5, 11] == 1
    assert (abs(np.diff(drawn.argmax(0))) <= 1).all()


def test_an_outline_runs_between_regions_and_not_around_the_picture(script):
    label = np.zeros((3, 4), np.uint8)
    label[1:, 2:] = 1
    lines = script("return masks.outline(masks.regionOf(mask, [1]), width, height)", label)
    assert sorted(lines) == [[2, 1, 2, 3], [2, 1, 4, 1]]


def test_a_mask_is_resized_by_its_nearest_pixels(script):
    small = script("return Array.from(masks.resized(mask, 8, 6).ids)", BLOBS)
    assert small == BLOBS[2::4, 2::5].ravel().tolist()
    back = np.array(script("return Array.from(masks.resized(masks.resized(mask, 8, 6), width, height).ids)", BLOBS))
    assert np.array_equal(back.reshape(BLOBS.shape), BLOBS)
