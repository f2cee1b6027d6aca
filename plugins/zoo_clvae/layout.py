"""Which codes CLVAE has under which ablation (Endo & Kanamori 2020, sections 3 and 4.3).

Letters: C classes, L encoder layers as in the paper (elsewhere: code layers, one fewer), N code channels.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from zoo.codes import CodeSpec
from zoo.errors import ZooError

BLOCK_LEVELS = {"head_0": 5, "G_middle_0": 4, "G_middle_1": 4, "up_0": 3, "up_1": 2, "up_2": 1}
"""The encoder layer whose code drives a generator block: the one of about its resolution (layer l works at 1 / 2^l).

The two middle blocks share a code, and the last blocks (full size) see the label map itself.
"""


@dataclass(frozen=True)
class CodeLayout:
    """Shapes of the codes, and where in the local code the code of an encoder layer lies.

    ``layers`` is L, the number of encoder layers, 1..6 (6 = the full method). Layer L gives the global code and the
    layers 1..L-1 the class codes, Z = {z_1, Z_2 .. Z_L} (eq. 10, 14, 15): L - 1 levels, and none at L = 1. Generator
    blocks whose level is missing see the label map. Without ``class_wise`` a layer has one code for all classes;
    without ``layer_wise`` the class codes of one layer, the middle one of 1..L-1 (L // 2), serve every block.
    """

    classes: int
    channels: int
    layers: int = 6
    class_wise: bool = True
    layer_wise: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= 6:
            raise ZooError(f"method.layers is {self.layers}, but CLVAE has 1 to 6 layers (6 = all).")
        if self.layers == 1 and not (self.class_wise and self.layer_wise):
            raise ZooError(
                "With method.layers=1 CLVAE has the global code alone, so method.class_wise=false and "
                "method.layer_wise=false change nothing: leave them out, or take 2 to 6 layers."
            )

    @property
    def code_layers(self) -> range:
        """The encoder layers that give local codes, numbered from 1 (finest); empty at L = 1."""
        middle = self.layers // 2
        return range(1, self.layers) if self.layer_wise else range(middle, middle + 1)

    def specs(self, global_code_width: int) -> dict[str, CodeSpec]:
        """``global``, and ``local`` unless L = 1: ``[L - 1, C, N]`` in full; an ablation drops its axis."""
        specs = {"global": CodeSpec((global_code_width,), ("channel",))}
        if self.code_layers:
            axes = {"layer": len(self.code_layers), "class": self.classes, "channel": self.channels}
            if not self.layer_wise:
                del axes["layer"]
            if not self.class_wise:
                del axes["class"]
            specs["local"] = CodeSpec(tuple(axes.values()), tuple(axes))
        return specs

    def level_of(self, block: str) -> int | None:
        """The code layer that drives a generator block, or None where the block sees the label map."""
        level = BLOCK_LEVELS.get(block)
        return level if level is not None and level < self.layers else None

    def of_level(self, local: Tensor, level: int) -> Tensor:
        """The code of one level as ``[B, C or 1, N]`` from the local code."""
        code = local[:, level - 1] if self.layer_wise else local
        return code if self.class_wise else code[:, None]
