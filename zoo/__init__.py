"""A model zoo for multimodal semantic image synthesis: label map in, many plausible pictures out.

    import zoo
    method = zoo.build("clvae", data="deepfashion")
    codes = method.sample(label, samples=8, seed=0)
    images = method.synthesize(label, codes)

    checkpoint = zoo.train("clvae", data="deepfashion", profile="smoke")
    table = zoo.evaluate(checkpoint, data="deepfashion")
    files = zoo.sample(checkpoint, data="deepfashion", samples=8, out="samples")

Names are imported at first use, so that ``import zoo`` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.callbacks import Callback
    from zoo.codes import Codes, CodeSpec, Posterior
    from zoo.evaluation import evaluate
    from zoo.factory import build, load
    from zoo.interfaces import Batch, Discriminator, Encoder, Generator, Method
    from zoo.registries import CALLBACKS, DATASETS, METHODS, METRICS, STANDINS, TABLES
    from zoo.sampling import sample
    from zoo.training import train

    __version__: str

__all__ = [
    "CALLBACKS",
    "DATASETS",
    "METHODS",
    "METRICS",
    "STANDINS",
    "TABLES",
    "Batch",
    "Callback",
    "CodeSpec",
    "Codes",
    "Discriminator",
    "Encoder",
    "Generator",
    "Method",
    "Posterior",
    "ZooError",
    "__version__",
    "build",
    "evaluate",
    "load",
    "sample",
    "train",
]

_HOMES = {
    "zoo.callbacks": ("Callback",),
    "zoo.codes": ("Codes", "CodeSpec", "Posterior"),
    "zoo.evaluation": ("evaluate",),
    "zoo.factory": ("build", "load"),
    "zoo.interfaces": ("Batch", "Generator", "Encoder", "Discriminator", "Method"),
    "zoo.registries": ("CALLBACKS", "DATASETS", "METHODS", "METRICS", "STANDINS", "TABLES"),
    "zoo.sampling": ("sample",),
    "zoo.training": ("train",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            value: Any = version("zoo-smis")
        except PackageNotFoundError:  # run from a source tree that was never installed
            value = "0+unknown"
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
