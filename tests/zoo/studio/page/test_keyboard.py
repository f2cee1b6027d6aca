"""The way through the studio with nothing but a keyboard."""

import numpy as np

from tests.zoo.studio.page.conftest import quarters

MOST_STOPS = 80


def focused(studio) -> str:
    """The id of the element with the focus, or of the group of radio buttons that it belongs to."""
    return studio.page.evaluate("(document.activeElement.closest('[role=radiogroup]') ?? document.activeElement).id")


def tab_to(studio, wanted: str) -> None:
    """Tab, until an element has the focus; everything on the way is seen to have it."""
    for _ in range(MOST_STOPS):
        studio.page.keyboard.press("Tab")
        if focused(studio) == wanted:
            return
    raise AssertionError(f"{MOST_STOPS} times Tab did not lead to {wanted}")


def press(studio, *keys: str) -> None:
    for key in keys:
        studio.page.keyboard.press(key)


def test_select_paint_redraw_and_undo(studio):
    opened = studio.result()
    tab_to(studio, "classes")
    press(studio, "End")
    assert studio.selected() == ["class 5"]
    press(studio, "ArrowUp", "ArrowUp", "Control+ArrowDown", "Space")
    assert studio.selected() == ["class 3", "class 4"]
    press(studio, "End")
    assert studio.selected() == ["class 5"]

    tab_to(studio, "tools")
    press(studio, "ArrowRight")
    assert studio.page.locator("#tools input:checked").get_attribute("value") == "brush"
    press(studio, *["["] * 4)
    assert studio.page.locator("#brush-shown").inner_text() == "1 px"
    tab_to(studio, "mask")
    press(studio, "Shift+ArrowLeft", "ArrowUp")
    assert studio.page.locator("#pointed").inner_text() == "class 4 · 24, 31"
    assert studio.page.locator("#pointed").get_attribute("aria-live") == "polite"

    def stroke() -> None:
        studio.page.keyboard.down("Space")
        press(studio, "ArrowRight", "ArrowRight", "ArrowDown")
        studio.page.keyboard.up("Space")

    studio.after(stroke)
    expected = quarters()
    expected[31, 24:27] = expected[32, 26] = 5
    assert np.array_equal(studio.mask(), expected)

    press(studio, "v", "ArrowDown", "Space")
    assert studio.selected() == ["class 4"]
    tab_to(studio, "redraw")
    press(studio, "Enter")
    studio.settle()
    assert studio.page.locator("#previews-title").inner_text() == "Samples of class 4"
    studio.page.locator("#side-by-side").focus()
    sample = studio.after(lambda: press(studio, "Tab"))  # the focus on a sample shows it
    press(studio, "Enter")
    studio.settle()
    press(studio, "Shift+Tab")
    assert np.array_equal(studio.result(), sample)

    studio.after(lambda: press(studio, "Control+z"))
    assert np.array_equal(studio.after(lambda: press(studio, "Control+z")), opened)
    assert np.array_equal(studio.mask(), quarters())


def test_a_region_is_carried_with_the_arrow_keys(studio):
    tab_to(studio, "mask")
    press(studio, "m", "Space", "Shift+ArrowRight", "ArrowRight", "ArrowUp")
    assert not np.array_equal(studio.mask(), quarters())
    press(studio, "Escape")
    assert np.array_equal(studio.mask(), quarters())
    # the cursor stays where it was put, outside of the region
    press(studio, "ArrowLeft", "ArrowLeft", "Space", "ArrowRight", "ArrowDown", "ArrowDown")
    studio.after(lambda: press(studio, "Space"))
    mask = studio.mask()
    assert (mask[26:42, 25:41] == 4).all() and (mask == 4).sum() == 256


def test_classes_are_found_by_name(studio):
    tab_to(studio, "search")
    studio.page.keyboard.type("SS 2")
    assert studio.page.locator("#classes .name").all_inner_texts() == ["class 2"]
    press(studio, "Enter")
    assert studio.selected() == ["class 2"]
    press(studio, "Control+a")
    studio.page.keyboard.type("nonsense")
    assert "nonsense" in studio.page.locator("#classes").inner_text()
    press(studio, "Escape")
    assert studio.page.locator("#classes .name").count() == 6


def test_the_dialog_and_the_menu(studio):
    tab_to(studio, "open")
    press(studio, "Enter")
    assert studio.page.locator("#opening").is_visible()
    press(studio, "Escape")
    assert studio.page.locator("#opening").is_hidden() and focused(studio) == "open"
    press(studio, "Tab", "Enter")
    assert studio.page.locator("#save-mask").is_visible()
    press(studio, "Escape")
    assert studio.page.locator("#save-mask").is_hidden()


def test_every_stop_of_tab_has_a_name_and_is_seen(studio):
    seen = []
    for _ in range(MOST_STOPS):
        studio.page.keyboard.press("Tab")
        outline, within = studio.page.evaluate(
            """() => {
                const marked = (element) => element && getComputedStyle(element).outlineStyle !== "none";
                const at = document.activeElement;
                return [marked(at) || marked(at.nextElementSibling), at.matches("body *")];
            }"""
        )
        if not within:
            break
        assert outline, f"no outline around {focused(studio)}"
        seen.append(focused(studio))
    wanted = {
        "model",
        "open",
        "search",
        "classes",
        "tools",
        "mask",
        "compare",
        "samples",
        "redraw",
        "direction",
        "dice",
    }
    assert wanted <= set(seen)
    # how a screen reader calls them: a line such as `- button` has no name
    lines = [line.strip() for line in studio.page.locator("body").aria_snapshot().splitlines()]
    roles = (
        "button",
        "slider",
        "checkbox",
        "radio",
        "combobox",
        "searchbox",
        "listbox",
        "option",
        "application",
        "img",
    )
    assert [line for line in lines if line.rstrip(":") in {f"- {role}" for role in roles}] == []
