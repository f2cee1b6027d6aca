"""Loading of a trained method and of matching pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo import factory
from zoo.config import Config, known_profile, resolve
from zoo.config.values import keywords
from zoo.data import PairedDataset
from zoo.data.standin import with_standin
from zoo.distributed import start
from zoo.errors import ZooError
from zoo.interfaces import Method
from zoo.registries import DATASETS


def open_method(method: Method | Path | str, device: str = "auto") -> Method:
    """Put a method into evaluation mode, or load it from a checkpoint.

    Args:
        method: A method from :func:`zoo.load` or :func:`zoo.build`, which stays on its device, or the path of a
            checkpoint.
        device: Device for a checkpoint: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. Under torchrun or Slurm, each rank
            has its own GPU.

    Raises:
        ZooError: As :func:`zoo.load`, and for a device that does not exist.
    """
    return method.eval() if isinstance(method, Method) else factory.load(method, device=start(device))


def evaluation_pictures(method: Method, data: str, root: Path | None, split: str = "test") -> PairedDataset:
    """The pictures of a split of a dataset, without augmentation, at the size of a method.

    Args:
        method: A method from :func:`zoo.load` or :func:`zoo.build`.
        data: Name of the dataset.
        root: Its folder; by default that of the training, or ``data/NAME`` if that no longer exists.
        split: Such as ``test``.

    Raises:
        ZooError: If the dataset has another number of classes, or ``root`` does not contain it.
    """
    trained = method.config
    classes = trained.data["classes"]
    if trained.data["name"] == data:
        config = trained if root is None else _with(trained, root=root)
        if root is None and not Path(trained.data["root"]).is_dir():
            config = with_standin(_with(config, root=Path("data") / data))
    else:
        # a dataset without a fixed number of classes, such as "folder", uses that of the checkpoint
        sets = [f"data.classes={classes}"] if "classes" in keywords(DATASETS.get(data)) else []
        config = resolve(trained.method["name"], data, known_profile(trained.profile), sets, data_root=root)
        config = _with(config, size=trained.data["size"])
    if config.data["classes"] != classes:
        raise ZooError(
            f"The checkpoint has {classes} classes ({trained.data['name']}), but {data} has "
            f"{config.data['classes']}: give a dataset with the same classes."
        )
    return factory.dataset(config, split)


def _with(config: Config, **data: Any) -> Config:
    return replace(config, data={**config.data, **data})
