"""The way through the studio with a pointer, end to end."""

import io

import numpy as np
from PIL import Image

from tests.zoo.studio.page.browser import encoded, held, pixels, upload
from tests.zoo.studio.page.conftest import quarters
from zoo.editing.edit_file import EditFile
from zoo.editing.edits import Target, edit_object
from zoo.editing.encoding import codes_of, render


def same(first: np.ndarray, second: np.ndarray) -> bool:
    return np.array_equal(first, second)


def test_the_first_example_is_open_with_samples(studio):
    assert same(studio.mask(), quarters())
    assert studio.page.locator("#toy").inner_text() == "toy run"
    assert studio.page.locator(".preview").count() == 8
    groups = studio.page.locator("#classes [role=group]")
    assert groups.nth(0).locator(".name").all_inner_texts() == [f"class {i}" for i in range(5)]
    assert groups.nth(1).locator(".name").all_inner_texts() == ["class 5"]
    assert groups.nth(0).locator(".share").all_inner_texts() == ["23 %"] * 4 + ["6 %"]
    assert studio.page.locator("#undo").is_disabled() and studio.page.locator("#redo").is_disabled()


def test_paint_select_redraw_undo_redo(studio):
    opened = studio.result()
    studio.choose(5)
    studio.tool("Brush")
    studio.page.locator("#brush-size").fill("4")
    painted = studio.after(lambda: studio.drag((8, 8), (20, 8)))
    mask = studio.mask()
    assert {int(i) for i in np.unique(mask[mask != quarters()])} == {5}
    assert (mask[7:9, 8:20] == 5).all() and (mask == 5).sum() < 80

    studio.tool("Select")
    studio.click(32, 32)
    assert studio.selected() == ["class 4"]
    studio.press("Redraw class 4")
    studio.settle()
    assert studio.page.locator("#previews-title").inner_text() == "Samples of class 4"
    redrawn = studio.after(lambda: studio.press("Use sample 3"))
    assert same(studio.mask(), mask)

    assert same(studio.after(lambda: studio.press("Undo")), painted)
    assert same(studio.after(lambda: studio.page.keyboard.press("Control+z")), opened)
    assert same(studio.mask(), quarters()) and studio.page.locator("#undo").is_disabled()
    studio.after(lambda: studio.press("Redo"))
    assert same(studio.after(lambda: studio.page.keyboard.press("Control+Shift+Z")), redrawn)
    assert same(studio.mask(), mask) and studio.selected() == ["class 4"]


def test_samples_are_only_looked_at_until_they_are_used(studio):
    opened = studio.result()
    sample = studio.after(lambda: studio.page.hover(".preview >> nth=5"))
    assert same(studio.after(lambda: studio.page.hover("h1")), opened)
    assert same(studio.after(lambda: studio.page.click(".preview >> nth=5")), sample)
    assert studio.page.locator(".preview[aria-pressed=true]").count() == 1
    studio.page.hover("h1")
    assert same(studio.result(), sample)


def test_regions_are_filled_deleted_and_moved(studio):
    studio.choose(5)
    studio.tool("Fill")
    studio.after(lambda: studio.click(2, 2))
    filled = np.where(quarters() == 0, 5, quarters())
    assert same(studio.mask(), filled)

    studio.tool("Move")
    studio.after(lambda: studio.drag((32, 32), (36, 30)))
    moved = studio.mask()
    assert (moved[22:38, 28:44] == 4).all() and (moved == 4).sum() == 256
    assert moved[39, 25] == 2 and moved[24, 25] == 5

    studio.tool("Delete")
    studio.after(lambda: studio.click(36, 30))
    assert not (studio.mask() == 4).any()
    studio.press("Undo")
    assert same(studio.mask(), moved)


def test_the_result_can_be_clicked_and_more_selected(studio):
    studio.page.mouse.click(**studio.at(50, 8, "#result-marks"))
    assert studio.selected() == ["class 1"]
    studio.page.keyboard.down("Shift")
    studio.page.mouse.click(**studio.at(50, 50, "#result-marks"))
    studio.page.keyboard.up("Shift")
    assert studio.selected() == ["class 1", "class 3"]
    assert studio.page.locator("#redraw").inner_text() == "Redraw 2 classes"
    studio.press("Unselect class 1")
    assert studio.selected() == ["class 3"]
    studio.choose(0, modifiers=["Control"])
    assert studio.selected() == ["class 0", "class 3"]


def test_a_slide_starts_from_one_place_and_sends_only_the_latest(studio):
    sent = []
    studio.page.on("request", lambda request: request.url.endswith("/api/move") and sent.append(request.post_data_json))
    opened = studio.result()
    studio.click(2, 2)
    slide = studio.slider("coarse look")
    slide.focus()

    def hurry() -> None:
        for _ in range(30):
            slide.press("ArrowRight")

    slid = studio.after(hurry)
    assert slide.input_value() == "3" and 1 <= len(sent) <= 30
    assert abs(sent[-1]["amount"] - 3) < 1e-9 and sent[-1]["classes"] == [0] and sent[-1]["layers"] == [4]
    assert len({request["scene"]["codes"] for request in sent}) == 1

    # the whole slide is one step
    assert same(studio.after(lambda: studio.press("Undo")), opened)
    assert slide.input_value() == "0" and studio.page.locator("#undo").is_disabled()
    assert same(studio.after(lambda: studio.press("Redo")), slid)
    assert slide.input_value() == "3"

    # another selection has sliders of its own
    studio.choose(3)
    assert slide.input_value() == "0"
    studio.choose(0)
    assert slide.input_value() == "3"
    studio.after(lambda: studio.press("Back to 0"))
    assert slide.input_value() == "0" and abs(sent[-1]["amount"] + 3) < 1e-9


def test_the_whole_picture_slides_whatever_is_selected(studio):
    assert studio.page.locator("#slides-whole").is_hidden()
    studio.click(2, 2)
    assert studio.page.locator("#slides-title").inner_text() == "Slide class 0 along a direction"
    hint = studio.page.get_by_text("This one moves the whole picture, not class 0 alone.")
    slide = studio.slider("whole picture")
    assert hint.is_visible() and slide.get_attribute("aria-describedby") == hint.get_attribute("id")
    with studio.page.expect_request("**/api/move") as request:
        studio.after(lambda: slide.fill("2"))
    assert request.value.post_data_json["classes"] is None and request.value.post_data_json["layers"] == [5]

    # its slider stands where it is for every selection, and goes on from there
    studio.choose(3)
    assert slide.input_value() == "2" and studio.slider("coarse look").input_value() == "0"
    with studio.page.expect_request("**/api/move") as request:
        studio.after(lambda: slide.fill("3"))
    assert request.value.post_data_json["amount"] == 3  # from where it began: one step
    studio.after(lambda: studio.press("Undo"))
    assert slide.input_value() == "0" and studio.page.locator("#undo").is_disabled()


def test_directions_are_principal_or_drawn(studio):
    assert studio.page.locator("#direction option").all_inner_texts() == [
        "A random direction",
        "Principal direction 1",
        "Principal direction 2",
    ]

    def direction_of(value: str) -> dict:
        with studio.page.expect_request("**/api/move") as request:
            studio.after(lambda: studio.slider("layer 3").fill(value))
        return request.value.post_data_json["direction"]

    studio.page.locator("#direction").select_option("2")
    assert direction_of("1") == {"kind": "principal", "component": 2}
    studio.press("Another random direction")
    assert studio.page.locator("#direction").input_value() == "random"
    first = direction_of("2")
    studio.press("Another random direction")
    second = direction_of("2")
    assert first["kind"] == second["kind"] == "random" and first["seed"] != second["seed"]


def test_only_some_layers_are_redrawn(studio):
    studio.page.get_by_text("Only some layers").click()
    for name in ("fine texture", "layer 1", "whole picture"):
        studio.page.locator("#layers").get_by_label(name).uncheck()
    with studio.page.expect_request("**/api/redraw") as request:
        studio.press("Redraw everything")
    assert request.value.post_data_json["layers"] == [2, 3, 4] and request.value.post_data_json["classes"] is None
    # single classes have no part in the codes of the whole picture, so that it is not theirs to choose
    studio.click(2, 2)
    assert studio.page.locator("#layers").get_by_label("whole picture").is_disabled()
    for name in ("fine texture", "layer 1"):
        studio.page.locator("#layers").get_by_label(name).check()
    with studio.page.expect_request("**/api/redraw") as request:
        studio.press("Redraw class 0")
    assert request.value.post_data_json["layers"] is None and request.value.post_data_json["classes"] == [0]


def test_original_pixels_are_kept_outside_of_the_edit(studio):
    picture = np.stack([quarters() * 10, quarters() * 0 + 40, quarters() * 0 + 90], -1)
    studio.click(2, 2)
    slid = studio.after(lambda: studio.slider("coarse look").fill("3"))
    assert not same(slid, picture)
    kept = studio.after(lambda: studio.page.get_by_label("Keep original pixels").check())
    assert same(kept[quarters() != 0], picture[quarters() != 0])
    assert not same(kept[:20, :20], picture[:20, :20]) and same(kept[:20, :20], slid[:20, :20])
    assert same(studio.after(lambda: studio.press("Undo")), slid)
    assert not studio.page.get_by_label("Keep original pixels").is_checked()


def test_before_and_after_are_compared(studio):
    slider = studio.page.get_by_label("Compare with before")
    assert studio.page.locator("#before").is_hidden()
    slider.fill("40")
    assert studio.page.get_by_text("Before", exact=True).is_visible() and studio.page.get_by_text("After").is_visible()
    frame, before = (studio.page.locator(name) for name in (".result .frame", "#before"))
    clip = before.evaluate("image => getComputedStyle(image).clipPath")
    assert clip == "inset(0px 60% 0px 0px)" and frame.bounding_box() == before.bounding_box()
    picture = np.stack([quarters() * 10, quarters() * 0 + 40, quarters() * 0 + 90], -1)
    assert same(pixels(before.get_attribute("src")), picture)
    slider.press("Home")
    assert before.is_hidden()


def test_every_method_side_by_side(studio):
    studio.press("All methods")
    studio.page.wait_for_selector(".compared")
    captions = studio.page.locator(".compared figcaption").all_inner_texts()
    assert [caption.split(" ")[0] for caption in captions] == ["clvae", "gaugan"]
    assert "no codes" in captions[1]
    assert studio.page.locator(".compared img").count() == 2


def test_another_method_takes_the_mask_along(studio):
    studio.choose(5)
    studio.tool("Fill")
    studio.after(lambda: studio.click(2, 2))
    mask = studio.mask()
    gaugan = studio.page.locator("#model option").nth(1).get_attribute("value")
    studio.after(lambda: studio.page.locator("#model").select_option(gaugan))
    assert same(studio.mask(), mask)
    for name in ("#samples", "#previews", "#redraw", "#slides", "#reference"):
        assert studio.page.locator(name).is_hidden()
    assert "one picture for each mask" in studio.page.locator("#part-hint").inner_text()
    assert studio.selected() == ["class 5"]
    studio.after(lambda: studio.press("Undo"))
    assert same(studio.mask(), mask) and studio.page.locator("#redraw").is_visible()
    assert studio.page.locator("#model").input_value() != gaugan


def test_a_download_reproduces_the_edit_and_opens_again(studio, methods):
    studio.click(32, 32)
    studio.after(lambda: studio.slider("coarse look").fill("3"))
    studio.tool("Brush")
    result = studio.after(lambda: studio.drag((10, 50), (50, 50)))
    mask = studio.mask()

    content = studio.downloaded("#save-edit")
    edit = EditFile.from_bytes(content, "edit.zip")
    assert same(edit.mask.numpy(), mask) and same(edit.result.permute(1, 2, 0).numpy(), result)
    again = render(methods["clvae"], edit.mask[None], edit.codes)[0].permute(1, 2, 0).numpy()
    assert abs(again.astype(int) - result).max() <= 1

    studio.press("Open")
    studio.after(lambda: studio.press("Empty mask"))
    assert not studio.mask().any()
    zipped = {"name": "edit.zip", "mimeType": "application/zip", "buffer": content}
    assert same(studio.after(lambda: studio.page.set_input_files("#edit-file", zipped)), result)
    assert same(studio.mask(), mask)


def test_a_download_with_original_pixels_keeps_them_when_it_is_opened_again(studio):
    original = studio.result()
    studio.click(32, 32)
    studio.page.wait_for_function("document.querySelector('#selected').childElementCount > 0")
    studio.after(lambda: studio.page.locator("#keep").check())
    kept = studio.after(lambda: studio.slider("coarse look").fill("4"))
    content = studio.downloaded("#save-edit")
    studio.press("Open")
    studio.after(lambda: studio.press("Empty mask"))
    zipped = {"name": "edit.zip", "mimeType": "application/zip", "buffer": content}
    assert same(studio.after(lambda: studio.page.set_input_files("#edit-file", zipped)), kept)
    assert studio.page.locator("#keep").is_checked()
    outside = studio.mask() != 4
    edit = EditFile.from_bytes(content, "edit.zip")
    assert same(kept[outside], edit.paste.original.permute(1, 2, 0).numpy()[outside])
    assert not same(kept, original)


def test_a_result_with_original_pixels_is_as_large_as_the_file(studio):
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    mask = np.kron([[0, 1], [2, 3]], np.ones((48, 80), np.uint8)).astype(np.uint8)
    studio.press("Open")
    studio.page.set_input_files("#own-picture", upload("photograph.png", encoded(noise)))
    studio.page.set_input_files("#own-mask", upload("mask.png", encoded(mask)))
    studio.after(lambda: studio.page.locator("#own-open").click())
    assert studio.page.locator("#save-size").text_content() == "PNG, 64 × 64"
    studio.choose(3)
    studio.after(lambda: studio.page.locator("#keep").check())
    kept = studio.after(lambda: studio.slider("coarse look").fill("4"))
    assert studio.page.locator("#save-size").text_content() == "PNG, 160 × 96"
    with Image.open(io.BytesIO(studio.downloaded("#save-result"))) as image:
        result = np.array(image)
    assert same(result[mask != 3], noise[mask != 3]) and not same(result, noise)
    content = studio.downloaded("#save-edit")
    assert same(EditFile.from_bytes(content, "edit.zip").result.permute(1, 2, 0).numpy(), result)

    studio.press("Open")
    studio.after(lambda: studio.press("Empty mask"))
    zipped = {"name": "edit.zip", "mimeType": "application/zip", "buffer": content}
    assert same(studio.after(lambda: studio.page.set_input_files("#edit-file", zipped)), kept)
    assert studio.downloaded("#save-edit") == content


def test_result_and_mask_are_downloaded(studio):
    with Image.open(io.BytesIO(studio.downloaded("#save-mask"))) as image:
        assert image.mode == "L" and same(np.array(image), quarters())
    with Image.open(io.BytesIO(studio.downloaded("#save-result"))) as image:
        assert same(np.array(image.convert("RGB")), studio.result())


def test_codes_are_taken_from_the_bank(studio):
    studio.click(50, 50)
    studio.page.wait_for_selector("#bank-rows button")
    assert studio.page.locator("#bank-title").inner_text() == "Code bank: class 3"
    assert studio.page.locator("#bank-rows button").count() == 3
    opened = studio.result()
    with studio.page.expect_request("**/api/take") as request:
        taken = studio.after(lambda: studio.page.locator("#bank-rows button").nth(1).click())
    assert b'name="row"' in request.value.post_data_buffer
    assert studio.page.locator("#bank-rows [aria-pressed=true]").count() == 1
    # the strength goes on with what was taken, and all of it is one step
    weak = studio.after(lambda: studio.slider("Strength").fill("0.5"))
    assert not same(weak, taken)
    assert same(studio.after(lambda: studio.slider("Strength").fill("0")), opened)
    studio.press("Undo")
    assert studio.page.locator("#undo").is_disabled()


def test_rows_of_the_bank_that_are_on_their_way_out_cannot_be_taken(studio):
    studio.page.wait_for_selector("#bank-rows button")
    with held(studio.page, "**/api/bank?*") as requests:
        studio.click(50, 50)
        requests.wait()
        assert studio.page.locator("#bank-rows").evaluate("rows => rows.inert")
    studio.page.wait_for_selector("#bank-rows:not([inert]) button")
    studio.after(lambda: studio.page.locator("#bank-rows button").nth(1).click())


def test_whole_pictures_are_in_the_bank_while_nothing_is_selected(studio):
    studio.page.wait_for_selector("#bank-rows button")
    assert studio.page.locator("#bank-title").inner_text() == "Code bank: whole pictures"
    studio.after(lambda: studio.page.locator("#bank-rows button").nth(2).click())
    # another selection does not take up what was chosen for this one
    studio.click(50, 50)
    assert studio.page.locator("#take").is_disabled()
    studio.choose(5)
    assert studio.page.locator("#bank-title").inner_text() == "Code bank: no class 5"


def test_codes_are_taken_from_a_picture(studio, methods, dataset, pictures):
    """As by hand: the codes of class 3 come from the other picture, all others are the opened picture's own."""
    method = methods["clvae"]
    (image, label), (other, other_label) = (
        (pair["image"][None], pair["label"][None]) for pair in (dataset[0], dataset[2])
    )
    codes, target = codes_of(method, image, label), Target(other, other_label)
    expected = (
        render(method, label, edit_object(method, label, codes, target, classes=[3]))[0].permute(1, 2, 0).int().numpy()
    )

    studio.click(50, 50)
    assert studio.page.locator("#take").is_disabled()
    studio.page.set_input_files("#reference-picture", pictures / "test" / "images" / "2.png")
    studio.page.set_input_files("#reference-mask", pictures / "test" / "labels" / "2.png")
    shown = studio.after(lambda: studio.press("Take class 3"))
    assert abs(shown.astype(int) - expected).max() <= 1
