"""CLVAE's generator: SPADE blocks driven by class-specific embeddings (Endo & Kanamori 2020, section 3.3)."""

from __future__ import annotations

from torch import Tensor, nn

from zoo.codes import Codes
from zoo.interfaces import Generator
from zoo.nn.class_map import ClassMap, resize_labels
from zoo.nn.convolution import Norm, linear
from zoo.nn.spade import SPADE
from zoo.nn.spade_decoder import SPADEDecoder, Upsampling, start_size
from zoo_clvae.layout import CodeLayout


class CLVAEGenerator(Generator):
    """The SPADE decoder whose label map is replaced, up to the last block, by embedding(class) + code(class, layer).

    Letters: B batch, S samples per mask, C classes, L code layers, N code channels, H x W picture. One embedding
    table serves all layers. The map is constant per class, so it stays ids plus a table per picture and its cost does
    not depend on C. With one encoder layer there are no class codes, and every block sees the label map.
    """

    def __init__(
        self,
        layout: CodeLayout,
        size: tuple[int, int],
        *,
        width: int,
        upsampling: Upsampling,
        global_code_width: int,
        norm: Norm = "batch",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        self.layout = layout
        self.start = start_size(size, upsampling)
        self.code_specs = layout.specs(global_code_width)
        # no embedding where no block would read it: a parameter without a gradient stops distributed training
        self.embedding = nn.Embedding(layout.classes, layout.channels) if "local" in self.code_specs else None
        self.fc = linear(global_code_width, 16 * width * self.start[0] * self.start[1])

        def modulation(block: str, channels: int) -> SPADE:
            seen = layout.classes if layout.level_of(block) is None else layout.channels
            return SPADE(channels, seen, norm=norm)

        self.decoder = SPADEDecoder(width, upsampling, modulation, spectral=spectral)

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """label ``[B, H, W]``, codes global ``[B * S, 256]``, local ``[B * S, L, C, N]`` -> ``[B * S, 3, H, W]``."""
        x = self.fc(codes["global"]).unflatten(1, (-1, *self.start))
        local = codes.get("local")
        return self.decoder(x, {block: self._class_map(block, label, local) for block in self.decoder.blocks})

    def _class_map(self, block: str, label: Tensor, local: Tensor | None) -> ClassMap:
        level = self.layout.level_of(block)
        if level is None or local is None or self.embedding is None:
            return ClassMap(label)
        height, width = label.shape[-2:]
        coarse = resize_labels(label, (height // 2**level, width // 2**level))
        table = self.embedding.weight + self.layout.of_level(local, level)
        return ClassMap(coarse.repeat_interleave(local.shape[0] // label.shape[0], 0), table)
