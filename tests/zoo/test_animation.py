"""Films, read back with Pillow and PyAV."""

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from zoo.animation import save_animation
from zoo.errors import ZooError

COLOURS = [[220, 40, 30], [40, 200, 60], [30, 60, 210], [240, 240, 240], [15, 15, 15]]


def frames(height: int = 24, width: int = 32) -> torch.Tensor:
    """Each frame of one colour, apart from a grey bar on the left that never changes."""
    made = torch.tensor(COLOURS, dtype=torch.uint8)[:, :, None, None].repeat(1, 1, height, width)
    made[..., :8] = 128
    return made


def read_mp4(path: Path) -> tuple[np.ndarray, av.video.stream.VideoStream]:
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]), stream


def close(found: np.ndarray, colour: list[int]) -> bool:
    return bool((np.abs(found.astype(int) - colour) <= 6).all())


def test_a_gif_goes_there_and_back_without_end(tmp_path: Path):
    save_animation(tmp_path / "film.gif", frames(), seconds=1.0)
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.size, film.info["loop"]) == (8, (32, 24), 0)
        for number, expected in enumerate([0, 1, 2, 3, 4, 3, 2, 1]):
            film.seek(number)
            assert film.info["duration"] == 200
            pixels = np.asarray(film.convert("RGB"))
            assert close(pixels[:, 8:], COLOURS[expected]) and close(pixels[:, :8], [128] * 3)


def test_what_does_not_change_stands_still_in_a_gif(tmp_path: Path):
    moving = torch.randint(0, 256, (4, 3, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    moving[:, :, :16] = moving[:1, :, :16]
    save_animation(tmp_path / "film.gif", moving)
    with Image.open(tmp_path / "film.gif") as film:
        halves = []
        for number in range(4):
            film.seek(number)
            halves.append(np.asarray(film.convert("RGB"))[:16])
    assert all(np.array_equal(halves[0], half) for half in halves[1:])


def test_an_mp4_holds_the_frames_in_order_and_its_time(tmp_path: Path):
    save_animation(tmp_path / "film.mp4", frames(), seconds=2.0)
    found, stream = read_mp4(tmp_path / "film.mp4")
    assert found.shape == (5, 24, 32, 3)
    assert float(stream.average_rate) == pytest.approx(2.5)
    assert float(stream.duration * stream.time_base) == pytest.approx(2.0)
    assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    for number, colour in enumerate(COLOURS):
        assert close(found[number, :, 12:], colour)  # away from the bar, as colours have half the resolution


def test_odd_sizes_become_even_by_repeating_the_border(tmp_path: Path):
    save_animation(tmp_path / "film.mp4", frames(23, 31))
    found, _ = read_mp4(tmp_path / "film.mp4")
    assert found.shape == (5, 24, 32, 3)
    assert close(found[1, -1, 12:], COLOURS[1]) and close(found[1, 12:, -1], COLOURS[1])


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_film_of_one_frame_in_a_new_folder(tmp_path: Path, suffix: str):
    save_animation(tmp_path / "new" / f"film{suffix}", frames()[:1])
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"film{suffix}"]


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_the_same_frames_give_the_same_file(tmp_path: Path, suffix: str):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in (first, second):
        save_animation(path, frames())
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["film.avi", "film"])
def test_another_ending_is_refused_before_anything_is_written(tmp_path: Path, name: str):
    with pytest.raises(ZooError, match=r"\.gif or \.mp4"):
        save_animation(tmp_path / "new" / name, frames())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_failure_leaves_the_old_film_and_nothing_else(tmp_path: Path, suffix: str):
    path = tmp_path / f"film{suffix}"
    path.write_bytes(b"old")
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)):
        save_animation(path, torch.zeros(2, 5, 8, 8, dtype=torch.uint8))  # five channels are no picture
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
