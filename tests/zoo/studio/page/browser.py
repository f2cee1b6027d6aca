"""The studio in a real browser, driven as a person would."""

import base64
import io
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import uvicorn
from PIL import Image
from playwright.sync_api import Locator, Page, Route

from zoo.studio.launch import listen
from zoo.studio.server import create_app
from zoo.studio.studio_state import StudioState

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 20.0
"""Seconds until something that does not come is a failure."""


def installed_browser() -> str | None:
    """Where Chromium or Chrome is, if it is installed at all."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@contextmanager
def served(state: StudioState) -> Iterator[str]:
    """The address of a studio that runs in a thread."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(state), log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listening.close()


class Studio:
    """The page, with what a person sees and does on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.defects: list[str] = []
        page.on("pageerror", lambda error: self.defects.append(f"{error}"))

    def start(self, address: str) -> None:
        self.page.goto(address)
        self.page.wait_for_selector("#studio.ready")
        self.settle()

    def settle(self) -> None:
        """Waits until nothing is on its way any more."""
        quiet, end = 0, time.monotonic() + PATIENCE
        while quiet < 2:  # a request may follow an answer at once
            assert time.monotonic() < end, "the page never came to rest"
            self.page.wait_for_timeout(30)
            busy = self.page.locator("#studio[aria-busy=true], #previews[aria-busy=true]").count()
            quiet = 0 if busy else quiet + 1

    def after(self, action: Callable[[], object]) -> np.ndarray:
        """The result once an action has led to another one."""
        before, end = self.page.get_attribute("#result", "src"), time.monotonic() + PATIENCE
        action()
        while self.page.get_attribute("#result", "src") == before:
            assert time.monotonic() < end, "the result stayed as it was"
            self.page.wait_for_timeout(10)
        self.settle()
        return self.result()

    def result(self) -> np.ndarray:
        """uint8 ``[H, W, 3]``."""
        return pixels(self.page.get_attribute("#result", "src"))

    def mask(self) -> np.ndarray:
        """The class ids ``[H, W]`` of the drawn mask, by their colours (see :func:`zoo.visual.distinct_colours`)."""
        content = self.page.evaluate("document.getElementById('mask').toDataURL()")
        red, green, blue = np.moveaxis(pixels(content).astype(int), -1, 0)
        assert set(np.unique([red, green, blue])) <= {0, 128}, "a colour that no class has"
        return red // 128 + 2 * (green // 128) + 4 * (blue // 128)

    def at(self, x: float, y: float, canvas: str = "#mask") -> dict[str, float]:
        """Where the middle of a pixel of the mask lies on the screen."""
        box = self.page.locator(canvas).bounding_box()
        side = int(self.page.evaluate("document.getElementById('mask').width"))
        assert box is not None
        return {"x": box["x"] + box["width"] * (x + 0.5) / side, "y": box["y"] + box["height"] * (y + 0.5) / side}

    def click(self, x: int, y: int) -> None:
        """A click on a pixel of the mask."""
        self.page.mouse.click(**self.at(x, y))

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Pointer down on one pixel of the mask, up on another."""
        self.page.mouse.move(**self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(**self.at(*end), steps=4)
        self.page.mouse.up()

    def tool(self, name: str) -> None:
        self.page.get_by_role("radiogroup", name="Tool").get_by_text(name).click()

    def choose(self, class_id: int, **how: object) -> None:
        """A click on a class of the palette."""
        self.page.locator(f"#class-{class_id}").click(**how)

    def slider(self, name: str) -> Locator:
        return self.page.get_by_role("slider", name=name, exact=True)

    def selected(self) -> list[str]:
        return self.page.locator("#classes [aria-selected=true] .name").all_inner_texts()

    def press(self, name: str) -> None:
        """A click on the button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def message(self) -> str:
        """The text of the visible message."""
        place = self.page.locator("#toast.shown p, #opening-error:not([hidden])").first
        place.wait_for()
        return place.inner_text()

    def downloaded(self, name: str) -> bytes:
        """The file that an entry of the download menu gives."""
        self.page.locator("#downloads summary").click()
        with self.page.expect_download() as download:
            self.page.locator(name).click()
        return Path(download.value.path()).read_bytes()


class Held:
    """Requests that wait to be let through."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.routes: list[Route] = []

    def wait(self, count: int = 1) -> None:
        """Until there are as many as ``count``."""
        end = time.monotonic() + PATIENCE
        while len(self.routes) < count:
            assert time.monotonic() < end, "the request never came"
            self.page.wait_for_timeout(10)


@contextmanager
def held(page: Page, url: str) -> Iterator[Held]:
    """Holds up all requests to an address until the end of the block, as a slow studio would."""
    requests, over = Held(page), False

    def hold(route: Route) -> None:
        if over:
            route.continue_()
        else:
            requests.routes.append(route)

    page.route(url, hold)
    yield requests
    over = True
    for route in requests.routes:
        route.continue_()


def pixels(uri: str | None) -> np.ndarray:
    """uint8 ``[H, W, 3]`` of a data URI."""
    assert uri is not None and uri.startswith("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as image:
        return np.array(image.convert("RGB"))


def upload(name: str, content: bytes) -> dict[str, object]:
    """A file as a file input takes it."""
    kind = "image/jpeg" if name.endswith("jpg") else "image/png"
    return {"name": name, "mimeType": kind, "buffer": content}


def encoded(array: np.ndarray, format: str = "PNG") -> bytes:
    """The file of a picture ``[H, W, 3]`` or of a map ``[H, W]``."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, format)
    return file.getvalue()
