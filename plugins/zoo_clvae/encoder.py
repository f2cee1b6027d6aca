"""CLVAE's encoder: codes per class and layer by class-wise max pooling (Endo & Kanamori 2020, section 3.2, eq. 5-8)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.codes import Codes, Posterior
from zoo.interfaces import Encoder
from zoo.nn.class_map import resize_labels
from zoo.nn.convolution import Norm, linear
from zoo.nn.encoder_trunk import TRUNK_WIDTHS, EncoderTrunk, check_encoder_size, to_encoder_size
from zoo.nn.pooling import class_max_pool
from zoo_clvae.layout import CodeLayout


class CLVAEEncoder(Encoder):
    """Strided convolutions: the last layer gives the global code, the features of each layer before it are pooled over
    each class's region.

    Letters: B batch, C classes, L code layers (the encoder has one more), N code channels, K feature channels, H x W
    picture. The heads of a layer serve all classes. A class that a coarse layer lost has mu = logvar = 0 there and
    presence False.
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
        widths = [width * factor for factor in TRUNK_WIDTHS[: layout.layers]]
        self.trunk = EncoderTrunk(3, widths, norm=norm, spectral=spectral)
        # with fewer layers, the last features are brought to the size that they have at six
        self.final_size = encoder_size // 64
        inputs = widths[-1] * self.final_size**2
        self.fc_mu, self.fc_var = linear(inputs, global_code_width), linear(inputs, global_code_width)
        self.local_mu = nn.ModuleList(linear(widths[i - 1], layout.channels) for i in layout.code_layers)
        self.local_var = nn.ModuleList(linear(widths[i - 1], layout.channels) for i in layout.code_layers)

    def forward(self, image: Tensor, label: Tensor) -> Posterior:
        """image ``[B, 3, H, W]``, label ``[B, H, W]`` -> posterior: global ``[B, 256]``, local ``[B, L, C, N]``."""
        image, label = to_encoder_size(image, label, self.size)
        features = self.trunk(image)
        factor = features[-1].shape[-1] // self.final_size
        final = F.avg_pool2d(F.leaky_relu(features[-1], 0.2), factor).flatten(1)
        mus, logvars, presences = [], [], []
        for layer, mu_head, var_head in zip(self.layout.code_layers, self.local_mu, self.local_var, strict=True):
            pooled, presence = self._pool(features[layer - 1], label)
            pooled = F.leaky_relu(pooled, 0.2)  # max and leaky ReLU commute; after pooling it is cheaper
            mus.append(torch.where(presence[..., None], mu_head(pooled), 0.0))
            logvars.append(torch.where(presence[..., None], var_head(pooled), 0.0))
            presences.append(presence)
        mu, logvar, present = {"global": self.fc_mu(final)}, {"global": self.fc_var(final)}, {}
        if mus:
            mu["local"], logvar["local"] = self._assemble(mus), self._assemble(logvars)
            if self.layout.class_wise:
                present["local"] = self._assemble(presences)
        return Posterior(Codes(mu, self.code_specs), Codes(logvar, self.code_specs), present)

    def _pool(self, features: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, C, K]`` and presence ``[B, C]``; one region for everything (C = 1) without class-wise codes."""
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
