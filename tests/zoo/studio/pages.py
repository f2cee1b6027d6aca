"""What a page would send to the studio, and how it reads the answers."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from starlette.testclient import TestClient
from torch import Tensor

from zoo import checkpoints
from zoo.contract import small_method
from zoo.interfaces import Method
from zoo.studio.server import create_app
from zoo.studio.studio_state import StudioState

ADDRESS = "http://127.0.0.1:7860"


def saved(method: Method, path: Path) -> Path:
    checkpoints.save(path, {"config": method.config.to_dict(), "method": method.state_dict(), "ema": None})
    return path


def small_checkpoint(name: str, folder: Path, seed: int = 0) -> Path:
    """Six classes at 64x64."""
    return saved(small_method(name, seed), folder / f"{name}{seed}.pth")


def png(pixels: Tensor) -> bytes:
    """A PNG of a uint8 picture ``[3, H, W]`` or of a map ``[H, W]``."""
    array = pixels.to(torch.uint8).numpy()
    file = io.BytesIO()
    Image.fromarray(array if array.ndim == 2 else array.transpose(1, 2, 0)).save(file, "PNG")
    return file.getvalue()


def pixels_of(uri: str) -> Tensor:
    """uint8 ``[3, H, W]`` of a data URI."""
    head, content = uri.split(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.mode == "RGB"
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def mask_of(text: str) -> Tensor:
    """int64 ``[1, H, W]`` of a mask in base64."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        assert image.mode == "L"
        return torch.from_numpy(np.array(image)).long()[None]


class Page:
    """A browser with the page of a state open."""

    def __init__(self, state: StudioState) -> None:
        self.state = state
        self.client = TestClient(create_app(state), base_url=ADDRESS, raise_server_exceptions=False)
        self.model = next(iter(state.models))

    def post(self, name: str, **body):
        """Status and JSON of a request with a JSON body."""
        answer = self.client.post(f"/api/{name}", json=body)
        return answer.status_code, answer.json()

    def send(self, name: str, files: dict[str, tuple[str, bytes]] | None = None, **fields):
        """Status and JSON of a form; what is no text goes as JSON."""
        data = {key: value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()}
        # a form without files would not be multipart
        parts = files or {"nothing": ("nothing", b"")}
        answer = self.client.post(f"/api/{name}", data=data, files=parts)
        return answer.status_code, answer.json()

    def opened(self, label: Tensor, image: Tensor | None = None, *, seed: int = 0, model: str | None = None):
        """The answer to an upload of a map ``[1, H, W]`` and a uint8 picture ``[3, H, W]``."""
        files = {"mask": ("mask.png", png(label[0]))}
        if image is not None:
            files["picture"] = ("picture.png", png(image))
        status, answer = self.send("open", files, model=model or self.model, seed=seed)
        assert status == 200, answer
        return answer

    def scene(self, answer, *, label: Tensor | None = None, model: str | None = None, paste=None):
        mask = answer["mask"] if label is None else base64.b64encode(png(label[0])).decode()
        return {"model": model or self.model, "mask": mask, "codes": answer["codes"], "paste": paste}
