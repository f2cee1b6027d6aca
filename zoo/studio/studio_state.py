"""The state of a running studio: models, examples, stored codes and pictures, and the worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zoo
from zoo.codes import Codes
from zoo.editing.bank import CodeBank
from zoo.editing.statistics import CodeStatistics
from zoo.errors import ZooError
from zoo.studio.examples import Example, examples_for
from zoo.studio.models import StudioModel, load_all
from zoo.studio.requests import Fields, Limits
from zoo.studio.scene import Paste, Scene
from zoo.studio.store import KeptCodes, OpenedPicture, Store, UnknownError
from zoo.studio.training import Training
from zoo.studio.wire import mask_of
from zoo.studio.worker import Worker

PREVIEWS = 8
"""Pictures that the user chooses from."""

WIDEST_FEATHER = 64

STORE_MEGABYTES = 512


class StudioState:
    """The state of a studio.

    All methods except :meth:`setup` and :meth:`close` run in the thread of ``worker``. Without ``models`` the state
    waits for ``training``, whose model :meth:`adopt` adds.

    Args:
        models: Loaded checkpoints.
        examples: Example pictures.
        bank: A code bank.
        statistics: Statistics of codes.
        training: The training of a toy model.
        limits: Limits of requests.
        store_bytes: Capacity of the store of codes and pictures.

    Raises:
        ZooError: If ``bank`` or ``statistics`` fit none of the models.
    """

    def __init__(
        self,
        models: Sequence[StudioModel],
        *,
        examples: Sequence[Example] = (),
        bank: CodeBank | None = None,
        statistics: CodeStatistics | None = None,
        training: Training | None = None,
        limits: Limits | None = None,
        store_bytes: int = STORE_MEGABYTES * 2**20,
    ) -> None:
        self.models = {model.id: model for model in models}
        self.examples = {str(number): example for number, example in enumerate(examples)}
        self.bank, self.statistics, self.training = bank, statistics, training
        self.limits = limits or Limits()
        for given in (bank, statistics):
            if given is not None:
                _check_one(given, models)
        self.store = Store(store_bytes)
        self.worker = Worker(self.limits.queue)

    @classmethod
    def load(
        cls,
        checkpoints: Sequence[Path],
        *,
        device: str = "auto",
        names: str | None = None,
        data_root: Path | None = None,
        bank: Path | None = None,
        statistics: Path | None = None,
        limits: Limits | None = None,
    ) -> StudioState:
        """The state with models from files; the examples are pictures of the first model's dataset."""
        models = load_all(checkpoints, device=device, names=names)
        return cls(
            models,
            examples=examples_for(models[0], data_root) if models else (),
            bank=None if bank is None else CodeBank.open(bank),
            statistics=None if statistics is None else CodeStatistics.load(statistics),
            limits=limits,
        )

    def close(self) -> None:
        """Stop the training, if it runs, and the worker."""
        if self.training is not None:
            self.training.end()
        self.worker.close()

    def setup(self) -> dict[str, Any]:
        """Initial data for the page, as JSON values."""
        training = None if self.models or self.training is None else self.training.status()
        return {
            "version": zoo.__version__,
            "training": training,
            "models": [model.facts() | self._material(model) for model in list(self.models.values())],
            "examples": [
                {"id": number, "name": example.name, "picture": example.thumbnail}
                for number, example in list(self.examples.items())
            ],
            "limits": {
                "megabytes": self.limits.megabytes,
                "edit_megabytes": self.limits.of_edit_files.megabytes,
                "pixels": self.limits.pixels,
                "queue": self.limits.queue,
            },
            "previews": PREVIEWS,
        }

    def _material(self, model: StudioModel) -> dict[str, Any]:
        """What a model can use: the classes of the bank (or None) and the number of principal directions."""
        bank, statistics = self.bank, self.statistics
        return {
            "bank": sorted(bank.classes()) if bank is not None and _misfit(bank, model) is None else None,
            "components": (
                statistics.directions if statistics is not None and _misfit(statistics, model) is None else 0
            ),
        }

    def adopt(self) -> None:
        """Add the model of the finished training, once."""
        training = self.training
        if training is None or training.checkpoint is None or self.models:
            return
        (model,) = load_all([training.checkpoint], device=training.device)
        examples = examples_for(model, training.data_root)
        self.examples.update((str(number), example) for number, example in enumerate(examples))
        self.models[model.id] = model

    def model(self, name: str) -> StudioModel:
        """A model by its id. Raises UnknownError if it is not loaded."""
        if name not in self.models:
            raise UnknownError("The studio has no such model, perhaps because it was restarted: reload the page.")
        return self.models[name]

    def example(self, number: str) -> Example:
        """An example by its number. Raises UnknownError if there is none."""
        if number not in self.examples:
            raise UnknownError("The studio has no such example, perhaps because it was restarted: reload the page.")
        return self.examples[number]

    def keep(self, model: StudioModel, codes: Codes) -> str:
        """Store codes of batch 1; returns their handle."""
        return self.store.put(KeptCodes(model.id, codes.to("cpu")))

    def scene(self, fields: Fields) -> Scene:
        """Read the scene in the field "scene". Raises ZooError if its parts do not fit each other."""
        given = fields.fields("scene")
        model = self.model(given.text("model"))
        label = mask_of(given.text("mask"), model.table, model.size).to(model.device)
        kept = self.store.get(given.text("codes"), KeptCodes)
        if kept.model != model.id:
            raise ZooError(
                f"The codes of this step belong to another model than {model.title}: open the picture again with it."
            )
        paste = self._paste(model, given.fields("paste")) if given.has("paste") else None
        return Scene(model, label, kept.codes.to(model.device), paste)

    def _paste(self, model: StudioModel, fields: Fields) -> Paste:
        opened = self.store.get(fields.text("picture"), OpenedPicture)
        if opened.label.shape[1:] != model.size:
            raise ZooError(f"The opened picture has another size than {model.title} paints: open it again.")
        feather = fields.whole("feather", most=WIDEST_FEATHER)
        return Paste(opened, model.classes(fields.indices("classes")) or (), feather)


def _check_one(given: CodeBank | CodeStatistics, models: Sequence[StudioModel]) -> None:
    problems = [problem for model in models if (problem := _misfit(given, model)) is not None]
    if problems and len(problems) == len(models):
        raise problems[0]


def _misfit(given: CodeBank | CodeStatistics, model: StudioModel) -> ZooError | None:
    """Why a file does not hold codes of a model, or None."""
    try:
        given.check(model.method, model.digest)
    except ZooError as error:
        return error
    return None
