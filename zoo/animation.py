"""Animations as GIF or MP4."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from zoo.errors import ZooError
from zoo.files import atomic_file


def save_animation(path: Path, frames: Tensor, *, seconds: float = 2.0) -> None:
    """Write frames as an animation, atomically.

    A GIF loops forward and backward; an MP4 plays once. H.264 requires even sizes, so the last row or column is
    repeated if the size is odd.

    Args:
        path: Output file (.gif or .mp4).
        frames: uint8 ``[T, 3, H, W]``.
        seconds: Duration from the first frame to the last.

    Raises:
        ZooError: If the suffix is neither.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ZooError(f"{path} is not an animation file: use the suffix .gif or .mp4.")
    with atomic_file(path) as temporary:
        write(temporary, frames.cpu(), seconds)


def _write_gif(path: Path, frames: Tensor, seconds: float) -> None:
    # one palette for all frames and no dithering, so that pixels that do not change do not flicker
    stacked = Image.fromarray(frames.permute(0, 2, 3, 1).flatten(0, 1).contiguous().numpy())
    palette = stacked.quantize(256, dither=Image.Dither.NONE)
    height, width = frames.shape[-2:]
    there = [palette.crop((0, top, width, top + height)) for top in range(0, stacked.height, height)]
    # GIF counts hundredths of a second, and browsers slow down frames shorter than two of them
    duration = max(20, round(seconds / len(frames) * 100) * 10)
    there[0].save(path, "GIF", save_all=True, append_images=[*there[1:], *there[-2:0:-1]], duration=duration, loop=0)


def _write_mp4(path: Path, frames: Tensor, seconds: float) -> None:
    import av
    from av.video.reformatter import ColorRange, Colorspace

    height, width = frames.shape[-2:]
    even = torch.nn.functional.pad(frames.float(), (0, width % 2, 0, height % 2), mode="replicate").to(torch.uint8)
    rate = Fraction(len(frames) / seconds).limit_denominator(1000)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("libx264", rate=rate, options={"crf": "16"})
        stream.height, stream.width = even.shape[-2:]
        stream.pix_fmt = "yuv420p"  # which every player supports
        # without colour metadata players guess differently: BT.709 throughout, range 16..235
        context = stream.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries = context.color_trc = 1
        for pixels in even.permute(0, 2, 3, 1).contiguous().numpy():
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            coded = picture.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            file.mux(stream.encode(coded))
        file.mux(stream.encode())


_WRITERS: dict[str, Callable[[Path, Tensor, float], None]] = {".gif": _write_gif, ".mp4": _write_mp4}
