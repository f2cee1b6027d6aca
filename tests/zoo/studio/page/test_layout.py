"""The page in windows of every width, in both themes, and what is dropped on it."""

import base64
import itertools

import pytest

from tests.zoo.studio.page.browser import encoded
from tests.zoo.studio.page.conftest import quarters

DROP = """([selector, files]) => {
    const transfer = new DataTransfer();
    for (const [name, content] of files) {
        transfer.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
    }
    const target = document.querySelector(selector);
    for (const type of ["dragenter", "dragover", "drop"]) {
        target.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }
}"""


@pytest.mark.parametrize("width", [360, 640, 800, 1080, 1440])
def test_nothing_is_wider_than_the_window(studio, width):
    studio.page.set_viewport_size({"width": width, "height": 800})
    studio.click(2, 2)
    studio.tool("Brush")
    studio.press("All methods")
    studio.page.get_by_text("Only some layers").click()
    studio.settle()
    assert studio.page.evaluate("document.documentElement.scrollWidth") == width
    mask, result = (studio.page.locator(f".{name} .frame").bounding_box() for name in ("mask", "result"))
    assert (mask["y"] == result["y"]) == (width > 640)
    assert mask["width"] == pytest.approx(mask["height"], abs=1) and mask["width"] > 200
    studio.press("Open")
    dialog = studio.page.locator("#opening").bounding_box()
    assert dialog["x"] >= 0 and dialog["x"] + dialog["width"] <= width


def test_the_result_follows_down_a_narrow_window(studio):
    studio.page.set_viewport_size({"width": 390, "height": 700})
    studio.slider("coarse look").scroll_into_view_if_needed()
    studio.page.locator("#mini").wait_for()
    assert studio.page.locator("#mini").get_attribute("src") == studio.page.locator("#result").get_attribute("src")
    studio.page.locator("#result").scroll_into_view_if_needed()
    studio.page.locator("#mini").wait_for(state="hidden")
    # what the header leaves of it is not enough
    studio.page.evaluate("scrollBy(0, document.querySelector('#result').getBoundingClientRect().bottom - 100)")
    studio.page.locator("#mini").wait_for()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_list_of_classes_scrolls_to_what_is_selected(studio, width):
    """And the page does not."""
    studio.page.set_viewport_size({"width": width, "height": 420})
    studio.page.evaluate("scrollTo(0, 0)")
    for class_id, pixel in ((4, (32, 32)), (0, (8, 28))):
        studio.page.locator("#mask").evaluate("mask => mask.scrollIntoView({block: 'center'})")
        before = studio.page.evaluate("scrollY")
        studio.click(*pixel)
        assert studio.selected() == [f"class {class_id}"] and studio.page.evaluate("scrollY") == before
        inside, around = (studio.page.locator(name).bounding_box() for name in (f"#class-{class_id}", "#classes"))
        for axis, length in (("x", "width"), ("y", "height")):
            assert inside[axis] >= around[axis] - 1
            assert inside[axis] + inside[length] <= around[axis] + around[length] + 1


def test_pictures_are_enlarged_and_ids_stay_crisp(studio):
    def rendering(name: str) -> str:
        return studio.page.locator(name).evaluate("element => getComputedStyle(element).imageRendering")

    assert rendering("#mask") == "pixelated" and rendering("#result") == "auto"
    assert studio.page.locator("#mask").bounding_box()["width"] > 5 * 64


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_have_contrast(studio, theme):
    studio.page.emulate_media(color_scheme=theme)

    def colour(name: str) -> str:
        get = "name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()"
        return studio.page.evaluate(get, name)

    def contrast(first: str, second: str) -> float:
        low, high = sorted((luminance(colour(first)), luminance(colour(second))))
        return (high + 0.05) / (low + 0.05)

    for words, ground in itertools.product(("text", "soft"), ("page", "surface", "raised")):
        assert contrast(words, ground) >= 4.5, (words, ground)
    assert contrast("on-accent", "accent") >= 4.5 and contrast("wrong", "surface") >= 4.5
    assert contrast("text", "tint") >= 4.5
    for sign, ground in itertools.product(("accent", "focus", "edge"), ("page", "surface")):
        assert contrast(sign, ground) >= 3, (sign, ground)
    assert (luminance(colour("page")) > 0.5) == (theme == "light")


def test_less_motion_is_respected(studio):
    studio.page.emulate_media(reduced_motion="reduce")
    studio.page.evaluate("document.body.setAttribute('data-busy', '')")
    bar = "getComputedStyle(document.querySelector('.busy'), '::after').animationName"
    assert studio.page.evaluate(bar) == "none"


def dropped(studio, selector: str, **files: bytes) -> None:
    named = [(name.replace("_", "."), base64.b64encode(content).decode()) for name, content in files.items()]
    studio.page.evaluate(DROP, [selector, named])


def test_files_are_dropped_anywhere(studio):
    upside_down = quarters()[::-1].copy()
    picture = encoded(upside_down[..., None].repeat(3, -1) * 20)
    studio.after(lambda: dropped(studio, "#mask", a_png=picture, b_png=encoded(upside_down)))
    assert (studio.mask() == upside_down).all()
    assert studio.page.get_by_label("Keep original pixels").is_visible()  # the picture came along
    assert studio.page.locator("#drop-hint").is_hidden()

    dropped(studio, "body", a_png=picture, b_png=picture)
    assert "which of the two files is the mask" in studio.message()
    dropped(studio, "body", a_png=picture, b_png=picture, c_png=picture)
    assert studio.message().startswith("3 files were dropped")
    assert (studio.mask() == upside_down).all()


def test_a_reference_is_dropped_on_its_place(studio):
    studio.click(2, 2)
    picture = encoded(quarters()[..., None].repeat(3, -1) * 40)
    dropped(studio, "#reference-drop p", mask_png=encoded(quarters()), other_png=picture)
    studio.after(lambda: studio.press("Take class 0"))
    assert (studio.mask() == quarters()).all()
