"""What is done while something else is under way: nothing gets lost, and nothing comes on the wrong picture."""

import numpy as np

from tests.zoo.studio.page.browser import Studio, held
from tests.zoo.studio.page.conftest import quarters


def with_line(mask: np.ndarray, row: int) -> np.ndarray:
    """Painted by :func:`line`."""
    painted = mask.copy()
    painted[row, 5:21] = 5
    return painted


def brush(studio: Studio) -> None:
    """A brush of one pixel, with the class that does not occur."""
    studio.choose(5)
    studio.tool("Brush")
    studio.page.locator("#brush-size").fill("1")


def line(studio: Studio, row: int) -> None:
    studio.drag((5, row), (20, row))


def other_method(studio: Studio) -> str:
    value = studio.page.locator("#model option").nth(1).get_attribute("value")
    assert value is not None
    return value


def test_strokes_show_their_picture_while_the_pen_is_down(studio):
    page = studio.page
    brush(studio)
    shown, row = studio.after(lambda: line(studio, 4)), 4
    # it goes live where a picture comes quickly, which may take a stroke or two on a busy machine
    for row in range(6, 26, 2):
        page.mouse.move(**studio.at(5, row))
        page.mouse.down()
        page.mouse.move(**studio.at(20, row), steps=3)
        page.wait_for_timeout(400)
        if not np.array_equal(studio.result(), shown):
            break
        page.mouse.up()
        studio.settle()
        shown = studio.result()
    else:
        raise AssertionError("no stroke was seen before it ended")
    studio.settle()
    live, mask = studio.result(), studio.mask()
    assert (mask[row, 5:21] == 5).all()
    page.mouse.up()
    studio.settle()
    assert np.array_equal(studio.result(), live) and np.array_equal(studio.mask(), mask)
    # the stroke is one step, however often it was painted
    assert np.array_equal(studio.after(lambda: studio.press("Undo")), shown)
    assert (studio.mask()[row] != 5).all()


def test_a_stroke_that_is_given_up_leaves_nothing(studio):
    page = studio.page
    brush(studio)
    shown = studio.after(lambda: line(studio, 4))
    for row in (8, 12):
        page.mouse.move(**studio.at(5, row))
        page.mouse.down()
        page.mouse.move(**studio.at(20, row), steps=3)
        page.keyboard.press("Escape")
        page.mouse.up()
    studio.settle()
    assert np.array_equal(studio.result(), shown) and np.array_equal(studio.mask(), with_line(quarters(), 4))


def test_strokes_are_kept_while_an_edit_is_under_way_and_taken_back_one_by_one(studio):
    opened = studio.result()
    brush(studio)
    with held(studio.page, "**/api/move") as requests:
        studio.slider("whole picture").fill("3")
        requests.wait()
        for row in (4, 6, 8):
            line(studio, row)
        studio.press("Undo")
        expected = with_line(with_line(quarters(), 4), 6)
        assert np.array_equal(studio.mask(), expected)
    studio.settle()
    assert np.array_equal(studio.mask(), expected) and studio.slider("whole picture").input_value() == "3"
    studio.press("Undo")
    assert np.array_equal(studio.mask(), with_line(quarters(), 4))
    studio.press("Undo")
    studio.settle()
    slid = studio.result()
    assert np.array_equal(studio.mask(), quarters()) and not np.array_equal(slid, opened)
    assert np.array_equal(studio.after(lambda: studio.press("Undo")), opened)
    assert studio.page.locator("#undo").is_disabled()


def test_undo_takes_back_a_whole_slide_of_which_a_part_is_under_way(studio):
    opened, slide = studio.result(), studio.slider("coarse look")
    studio.after(lambda: slide.fill("1"))
    with held(studio.page, "**/api/move") as requests:
        slide.fill("2")
        requests.wait()
        slide.fill("3")
        studio.press("Undo")
    studio.settle()
    assert np.array_equal(studio.result(), opened) and slide.input_value() == "0"
    assert studio.page.locator("#undo").is_disabled() and studio.page.locator("#redo").is_enabled()


def test_an_edit_that_is_taken_back_holds_up_nothing(studio):
    """Its request is never answered, and the next edits are painted all the same."""
    page, opened = studio.page, studio.result()
    brush(studio)
    with held(page, "**/api/move") as requests:
        studio.slider("coarse look").fill("2")
        requests.wait()
        studio.press("Undo")
        assert page.locator("#undo").is_disabled()
        painted = studio.after(lambda: line(studio, 8))
        assert np.array_equal(studio.mask(), with_line(quarters(), 8)) and not np.array_equal(painted, opened)
        assert np.array_equal(studio.after(lambda: studio.press("Undo")), opened)
    studio.settle()
    assert np.array_equal(studio.result(), opened) and studio.slider("coarse look").input_value() == "0"
    assert page.locator("#toast.shown").count() == 0


def test_an_opening_that_is_taken_back_leaves_the_dialog_alone(studio):
    page = studio.page
    with held(page, "**/api/open") as requests:
        studio.press("Open")
        page.get_by_role("button", name="Open the example 1").click()
        requests.wait()
        page.locator("#opening-close").click()
        studio.press("Undo")
        studio.press("Open")
    studio.settle()
    assert page.locator("#opening").is_visible() and page.locator("#opening-error").is_hidden()
    page.locator("#opening-close").click()
    assert np.array_equal(studio.mask(), quarters()) and page.locator("#undo").is_disabled()


def test_a_picture_is_locked_while_another_one_opens(studio):
    page, mask = studio.page, with_line(quarters(), 8)
    brush(studio)
    page.mouse.move(**studio.at(5, 8))
    page.mouse.down()
    page.mouse.move(**studio.at(20, 8), steps=3)
    with held(page, "**/api/open") as requests:
        page.locator("#model").select_option(other_method(studio))
        requests.wait()
        # the stroke that was under way ends on its picture
        page.mouse.move(**studio.at(20, 30), steps=3)
        page.mouse.up()
        assert np.array_equal(studio.mask(), mask)
        assert page.get_by_role("status").get_by_text("locked").is_visible()
        assert page.locator("#studio").evaluate("main => main.inert")
        assert page.locator("#studio").get_attribute("aria-busy") == "true"
        assert page.evaluate("getComputedStyle(document.body).cursor") == "progress"
        assert page.locator("#model").input_value() == other_method(studio)
        line(studio, 12)
        assert np.array_equal(studio.mask(), mask)
    studio.settle()
    assert page.locator("#locked").inner_text() == "" and not page.locator("#studio").evaluate("main => main.inert")
    assert np.array_equal(studio.mask(), mask) and page.locator("#redraw").is_hidden()
    studio.press("Undo")
    assert np.array_equal(studio.mask(), mask) and page.locator("#redraw").is_visible()
    studio.press("Undo")
    assert np.array_equal(studio.mask(), quarters()) and page.locator("#undo").is_disabled()


def test_an_opening_is_taken_back_or_gives_way_to_the_next(studio):
    page, first = studio.page, studio.page.locator("#model").input_value()
    brush(studio)
    with held(page, "**/api/open") as requests:
        page.locator("#model").select_option(other_method(studio))
        requests.wait()
        studio.press("Undo")
        assert page.locator("#model").input_value() == first
        line(studio, 8)
    studio.settle()
    assert page.locator("#model").input_value() == first
    assert np.array_equal(studio.mask(), with_line(quarters(), 8))
    with held(page, "**/api/open") as requests:
        studio.press("Open")
        for count in (1, 2):
            page.get_by_role("button", name="Open the example 1").click()
            if count == 1:
                requests.wait()
    studio.settle()
    assert np.array_equal(studio.mask(), np.roll(quarters(), 4, 1)) and page.locator("#opening").is_hidden()
    studio.press("Undo")
    assert np.array_equal(studio.mask(), with_line(quarters(), 8))


def test_samples_that_were_asked_for_another_picture_do_not_come(studio):
    """The redraw waits for the slide; meanwhile the method is changed for one that cannot redraw."""
    with held(studio.page, "**/api/move") as requests:
        studio.slider("coarse look").fill("2")
        requests.wait()
        studio.press("Redraw everything")
        studio.page.locator("#model").select_option(other_method(studio))
    studio.settle()
    assert studio.page.locator("#toast.shown").count() == 0 and studio.page.locator("#redraw").is_hidden()
    studio.press("Undo")
    studio.settle()
    assert studio.slider("coarse look").input_value() == "2" and studio.page.locator(".preview").count() == 8
