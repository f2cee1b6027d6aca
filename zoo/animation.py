"""Pictures one after the other, as a GIF or an MP4."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from zoo.errors import ZooError
from zoo.whole_file import whole_file


def save_animation(path: Path, frames: Tensor, *, seconds: float = 2.0) -> None:
    """Write uint8 frames ``[T, 3, H, W]`` as a film; the file appears whole or not at all.

    ``.gif`` goes there and back without end, ``.mp4`` once from the first frame to the last; one way takes ``seconds``.
    H.264 wants even sizes, so a film of an odd one repeats its last line or column.

    Raises ZooError for another suffix.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ZooError(f"{path} has no ending of a film: use .gif or .mp4.")
    with whole_file(path) as temporary:
        write(temporary, frames.cpu(), seconds)


def _write_gif(path: Path, frames: Tensor, seconds: float) -> None:
    # One palette for all frames and no dithering: what does not change from frame to frame stands still.
    stacked = Image.fromarray(frames.permute(0, 2, 3, 1).flatten(0, 1).contiguous().numpy())
    palette = stacked.quantize(256, dither=Image.Dither.NONE)
    height, width = frames.shape[-2:]
    there = [palette.crop((0, top, width, top + height)) for top in range(0, stacked.height, height)]
    # in hundredths of a second, and browsers slow down what is faster than two of them
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
        stream.pix_fmt = "yuv420p"  # the one that every player knows
        # said in the file, since players guess differently where it is not: BT.709 throughout, 16..235
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
