"""Methods whose pictures are known in advance; as a program, one rank of an evaluation (torchrun -m ... ROOT OUT)."""

import json
import sys
from pathlib import Path
from typing import ClassVar

import torch
from torch.nn import functional as F

from zoo.codes import Codes, CodeSpec, Posterior
from zoo.interfaces import Encoder, Generator, Method

METRICS = [
    "fid_val_inception2015",
    "lpips_alex_reconstruction",
    "diversity_lpips_alex_3",
    "top1_lpips_alex_3_l1",
]


class Painter(Generator):
    """Every pixel gets the three numbers of the code, shifted by its class."""

    code_specs: ClassVar = {"colour": CodeSpec((3,), ("channel",))}

    def __init__(self):
        super().__init__()
        self.painted = []

    def forward(self, label, codes):
        colour = codes["colour"]
        shade = (label.float() / 19).repeat_interleave(colour.shape[0] // label.shape[0], dim=0)
        self.painted.append(torch.tanh(colour[:, :, None, None] + shade[:, None]))
        return self.painted[-1]


class MeanColour(Encoder):
    def forward(self, image, label):
        mu = Codes({"colour": image.mean(dim=(2, 3))}, Painter.code_specs)
        return Posterior(mu, mu.map(torch.zeros_like))


class Copier(Generator):
    """Its code is the picture."""

    code_specs: ClassVar = {"picture": CodeSpec((3, 64, 64), ("channel", "row", "column"))}

    def forward(self, label, codes):
        return codes["picture"] + 1 / 255  # half a byte value, so that cutting off restores the bytes


class Whole(Encoder):
    def forward(self, image, label):
        mu = Codes({"picture": image}, Copier.code_specs)
        return Posterior(mu, mu.map(torch.zeros_like))


class Blur(Whole):
    def forward(self, image, label):
        return super().forward(F.avg_pool2d(image, 5, 1, 2), label)


class PaintByNumbers(Method):
    name = "paint_by_numbers"

    def __init__(self):
        super().__init__()
        self.generator, self.encoder = Painter(), MeanColour()

    def train_step(self, batch, optimizers):
        return {}


def main(root: str, out: str) -> None:
    from zoo.data.folder import Folder
    from zoo.distributed import rank, start
    from zoo.metrics import MethodSource, evaluate

    start("cpu")
    faces = Folder(root=Path(root), split="test", size=(64, 64), classes=19)
    statistics = Path(out) / "statistics"
    found = evaluate(MethodSource(PaintByNumbers()), faces, metrics=METRICS, limit=21, statistics=statistics)
    content = {
        "results": {name: result.value for name, result in found.results.items()},
        "index": found.pictures["index"].tolist(),
        "value": found.pictures["value"].tolist(),
    }
    (Path(out) / f"rank{rank()}.json").write_text(json.dumps(content))


if __name__ == "__main__":
    main(*sys.argv[1:])
