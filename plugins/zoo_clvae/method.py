"""CLVAE (Endo & Kanamori 2020): a code for every class at every layer, and a global one for the whole picture.

Contents: the layout of the codes (:class:`CodeLayout`), the encoder, the generator, and the method with its settings.
Training is implemented in :class:`zoo.adversarial.VAEGANMethod`.

Letters: B batch, C classes, H x W picture, K feature channels, L code layers, N code channels, N1 channels of the
global code, S samples per mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.adversarial import VAEGANMethod
from zoo.codes import Codes, CodeSpec, Posterior
from zoo.config import Positive
from zoo.errors import ZooError
from zoo.interfaces import Encoder, Generator
from zoo.nn.class_map import ClassMap, class_max_pool, resize_labels
from zoo.nn.convolution import ConvEncoder, Norm, check_encoder_size, linear, to_encoder_size
from zoo.nn.spade import SPADE, SPADEDecoder, Upsampling, start_size
from zoo.official import CONV_ENCODER, SPADE_DECODER, OfficialLayout
from zoo.registries import METHODS

BLOCK_LEVELS = {"head_0": 5, "G_middle_0": 4, "G_middle_1": 4, "up_0": 3, "up_1": 2, "up_2": 1}
"""The encoder layer whose code modulates a generator block: layer l has 1 / 2^l of the picture's size, as the block.

The two middle blocks share a code, and the blocks that are not listed receive the label map itself: a combination of
the two options for blocks without a code in section 3.2.1.
"""


@dataclass(frozen=True)
class CodeLayout:
    """The codes of the full method and of the ablations of section 4.3.1.

    The paper counts ``layers`` encoder blocks: the last one gives the global code z_1, the others the class-wise codes
    Z_2, Z_3, ... (section 3.2.1), so there are L = ``layers`` - 1 code layers. Generator blocks whose code is missing
    see the label map.

    Args:
        classes: C.
        channels: N.
        layers: Layers of the encoder, 1 to 6; 6 is the full method.
        class_wise: Whether every class has a code of its own in a layer; without, one code serves all classes.
        layer_wise: Whether every layer has codes of its own; without, those of the middle one (``layers`` // 2) serve
            every block.

    Raises:
        ZooError: For another number of layers, and for an ablation of class-wise codes that do not exist.
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
        """The encoder layers that give class-wise codes, numbered from 1 (finest); empty for one encoder layer."""
        middle = self.layers // 2
        return range(1, self.layers) if self.layer_wise else range(middle, middle + 1)

    def specs(self, global_code_width: int) -> dict[str, CodeSpec]:
        """``global`` ``[N1]``, and ``local`` ``[L, C, N]`` where L > 0; an ablation drops its axis."""
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
        """The encoder layer whose code modulates a generator block; None where the block sees the label map."""
        level = BLOCK_LEVELS.get(block)
        return level if level is not None and level < self.layers else None

    def of_level(self, local: Tensor, level: int) -> Tensor:
        """The code ``[B, C or 1, N]`` of an encoder layer, from the local code."""
        code = local[:, level - 1] if self.layer_wise else local
        return code if self.class_wise else code[:, None]


class CLVAEEncoder(Encoder):
    """Strided convolutions: the last layer gives the global code, the others class-wise codes by RoI pooling (3.2.2).

    The linear heads of a layer serve all classes (eq. 14, 15). A class that a coarse layer lost has mu = logvar = 0
    there, which is the prior, and False in the posterior's mask.
    """

    def __init__(
        self,
        layout: CodeLayout,
        *,
        width: int,
        global_code_width: int,
        encoder_size: int = 256,
        norm: Norm = "instance",
        spectral: bool = True,
    ) -> None:
        super().__init__()
        check_encoder_size(encoder_size)
        self.layout, self.size = layout, encoder_size
        self.code_specs = layout.specs(global_code_width)
        widths = [width * factor for factor in ConvEncoder.FACTORS[: layout.layers]]
        self.convs = ConvEncoder(3, widths, norm=norm, spectral=spectral)
        # with fewer layers, the last features are pooled to the size that they have with six (section 4.3.1)
        self.final_size = encoder_size // 64
        inputs = widths[-1] * self.final_size**2
        self.fc_mu, self.fc_var = linear(inputs, global_code_width), linear(inputs, global_code_width)
        self.local_mu = nn.ModuleList(linear(widths[i - 1], layout.channels) for i in layout.code_layers)
        self.local_var = nn.ModuleList(linear(widths[i - 1], layout.channels) for i in layout.code_layers)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """Map image ``[B, 3, H, W]`` and label ``[B, H, W]`` to the posterior of ``[B, N1]`` and ``[B, L, C, N]``."""
        image, label = to_encoder_size(image, label, self.size)
        features = self.convs(image)
        factor = features[-1].shape[-1] // self.final_size
        final = F.avg_pool2d(F.leaky_relu(features[-1], 0.2), factor).flatten(1)
        mus, logvars, masks = [], [], []
        for layer, mu_head, var_head in zip(self.layout.code_layers, self.local_mu, self.local_var, strict=True):
            pooled, occurs = self._pool(features[layer - 1], label)
            pooled = F.leaky_relu(pooled, 0.2)  # max and leaky ReLU commute; after pooling it is cheaper
            mus.append(torch.where(occurs[..., None], mu_head(pooled), 0.0))
            logvars.append(torch.where(occurs[..., None], var_head(pooled), 0.0))
            masks.append(occurs)
        mu, logvar, class_masks = {"global": self.fc_mu(final)}, {"global": self.fc_var(final)}, {}
        if mus:
            mu["local"], logvar["local"] = self._assemble(mus), self._assemble(logvars)
            if self.layout.class_wise:
                class_masks["local"] = self._assemble(masks)
        return Posterior(Codes(mu, self.code_specs), Codes(logvar, self.code_specs), class_masks)

    def _pool(self, features: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, C, K]`` and whether a class occurs ``[B, C]``; without class-wise codes one region (C = 1)."""
        coarse = resize_labels(label, (features.shape[2], features.shape[3]))
        if self.layout.class_wise:
            return class_max_pool(features, coarse, self.layout.classes)
        return class_max_pool(features, torch.zeros_like(coarse), 1)

    def _assemble(self, layers: list[Tensor]) -> Tensor:
        """The layers' ``[B, C, ...]`` in the axes of the local code."""
        stacked = torch.stack(layers, 1) if self.layout.layer_wise else layers[0]
        if self.layout.class_wise:
            return stacked
        return stacked.squeeze(2 if self.layout.layer_wise else 1)


class CLVAEGenerator(Generator):
    """The SPADE decoder on class-wise semantics embeddings (CSE blocks) in place of the label map (eq. 10 to 12).

    A CSE block gives embedding(class) + code(class, layer) at each pixel. That is constant per class, so it stays ids
    and a table per picture, and its cost does not depend on C. One embedding serves all layers, as in the official
    code. With one encoder layer there are no class-wise codes, and every block sees the label map.
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
            map_channels = layout.classes if layout.level_of(block) is None else layout.channels
            return SPADE(channels, map_channels, norm=norm)

        self.decoder = SPADEDecoder(width, upsampling, modulation, spectral=spectral)

    def forward(self, label: Tensor, codes: Codes) -> Tensor:
        """Map label ``[B, H, W]``, codes global ``[B * S, N1]``, local ``[B * S, L, C, N]`` to ``[B * S, 3, H, W]``."""
        x = self.fc(codes["global"]).unflatten(1, (-1, *self.start))
        local = codes.get("local")
        return self.decoder(x, {block: self._class_map(block, label, local) for block in self.decoder.blocks})

    def _class_map(self, block: str, label: Tensor, local: Tensor | None) -> ClassMap:
        """What a block sees: the output of its CSE block (eq. 12), or the label map."""
        level = self.layout.level_of(block)
        if level is None or local is None or self.embedding is None:
            return ClassMap(label)
        height, width = label.shape[-2:]
        coarse = resize_labels(label, (height // 2**level, width // 2**level))
        table = self.embedding.weight + self.layout.of_level(local, level)
        return ClassMap(coarse.repeat_interleave(local.shape[0] // label.shape[0], 0), table)


@METHODS.register("clvae")
class CLVAE(VAEGANMethod):
    """Class- and layer-wise codes; ``class_wise``, ``layer_wise`` and ``layers`` are the ablations of Table 5.

    Args:
        classes: C.
        size: (H, W).
        width: Base width of generator and encoder.
        upsampling: Doublings from the first features to the picture: 5 ("normal"), 6 ("more") or 7 ("most").
        norm: Normalisation of the generator.
        spectral: Whether the generator has spectral normalisation.
        global_code_width: N1.
        local_code_width: N; None for C, as in the paper.
        class_wise: See :class:`CodeLayout`.
        layer_wise: See :class:`CodeLayout`.
        layers: See :class:`CodeLayout`.
        encoder_size: Side of the square to which the encoder resizes pictures.
        encoder_norm: Normalisation of the encoder.
        **settings: Those of :class:`zoo.adversarial.VAEGANMethod`.
    """

    official = OfficialLayout(
        generator=SPADE_DECODER,
        encoder=(*CONV_ENCODER, (r"^fc_(mu|var)([1-5])\.", lambda m: f"local_{m[1]}.{int(m[2]) - 1}.")),
    )

    def __init__(
        self,
        *,
        classes: int,
        size: tuple[int, int],
        width: Positive = 64,
        upsampling: Upsampling = "normal",
        norm: Norm = "batch",
        spectral: bool = True,
        global_code_width: Positive = 256,
        local_code_width: Positive | None = None,
        class_wise: bool = True,
        layer_wise: bool = True,
        layers: int = 6,
        encoder_size: Positive = 256,
        encoder_norm: Norm = "instance",
        **settings: Any,
    ) -> None:
        layout = CodeLayout(
            classes, local_code_width or classes, layers=layers, class_wise=class_wise, layer_wise=layer_wise
        )
        generator = CLVAEGenerator(
            layout,
            size,
            width=width,
            upsampling=upsampling,
            global_code_width=global_code_width,
            norm=norm,
            spectral=spectral,
        )
        encoder = CLVAEEncoder(
            layout, width=width, global_code_width=global_code_width, encoder_size=encoder_size, norm=encoder_norm
        )
        super().__init__(generator, encoder, classes=classes, **settings)
