"""Configs: which value wins, what is refused and in which words, and every combination that the zoo offers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from zoo import DATASETS, METHODS, Method, ZooError
from zoo.config import Config, OptimizerConfig, Range, TrainConfig, layers, profiles, read, resolve
from zoo.config.read import CONFIGS, parse_yaml, read_layers
from zoo.config.values import check, describe, keywords


class Paint(Method):
    def __init__(
        self,
        *,
        classes: int,
        size: tuple[int, int],
        colour: Literal["red", "green", "blue"] = "red",
        width: int = 1,
        gain: float | None = None,
        steps: tuple[int, ...] = (1, 2),
    ) -> None:
        super().__init__()

    def train_step(self, batch: Any, optimizers: Any) -> dict[str, Any]:
        return {}


class Squares:
    classes = 3
    default_size = (8, 8)

    def __init__(self, *, root: Path, split: str, size: tuple[int, int], flip: bool = True) -> None: ...


@pytest.fixture
def toys():
    METHODS.register("paint")(Paint)
    DATASETS.register("squares")(Squares)
    DATASETS.register("circles")(Squares)
    yield
    METHODS.remove("paint")
    DATASETS.remove("squares")
    DATASETS.remove("circles")


@pytest.fixture
def tree(toys, tmp_path, monkeypatch):
    """A config tree of its own; every file marks its turn with a value that the next one replaces."""
    files = {
        "base.yaml": """
            train:
              {epochs: 1, batch_size: 1, seed: 1, log_every: 1, keep: 1, optimizers: {generator: {lr: 0.5}}}
        """,
        "data/squares.yaml": "data: {size: [16, 16]}\ntrain: {epochs: 2, batch_size: 2, decay_epochs: 2}",
        "methods/brush.yaml": "method: {width: 4}\nwhen: {data=squares: {method: {gain: 0.5}}}",
        "methods/paint.yaml": """
            _base_: brush.yaml
            method: {name: paint, colour: green}
            train: {epochs: 3, optimizers: {generator: {betas: [0.9, 0.999]}}}
            when:
              profile=quick,data=squares: {train: {keep: 6}, method: {steps: [6]}}
              profile=quick: {train: {keep: 5, log_every: 5}, method: {steps: [5]}}
              data=squares: {train: {epochs: 4}, method: {colour: blue}}
              data=circles: {method: {width: 99}}
        """,
        "profiles/quick.yaml": """
            train: {epochs: 5, log_every: 4, keep: 4}
            when:
              method=paint: {train: {log_every: 7}}
              method=other: {train: {log_every: 99}}
        """,
    }
    for name, text in files.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for module in (layers, read):
        monkeypatch.setattr(module, "CONFIGS", tmp_path / "configs")
    return tmp_path / "configs"


def test_later_files_win_and_conditions_wait_for_their_turn(tree):
    config = resolve("paint", "squares", "quick", ["train.seed=8", "method.width=9"], data_root="pictures", seed=7)
    assert config.method == {"name": "paint", "colour": "blue", "width": 9, "gain": 0.5, "steps": (6,)}
    assert config.data == {
        "name": "squares",
        "root": Path("pictures"),
        "size": (16, 16),
        "classes": 3,
        "standin": None,
        "flip": True,
    }
    assert config.train == TrainConfig(
        epochs=5,
        decay_epochs=2,
        batch_size=2,
        seed=8,
        log_every=7,
        keep=6,
        optimizers={"generator": OptimizerConfig(0.5, (0.9, 0.999))},
    )
    assert config.profile == "quick"


def test_without_profile_and_yaml_of_the_data(tree):
    config = resolve("paint", "circles")
    assert config.method == {"name": "paint", "colour": "green", "width": 99, "gain": None, "steps": (1, 2)}
    assert (config.data["root"], config.data["size"]) == (Path("data/circles"), (8, 8))
    assert (config.train.epochs, config.train.keep, config.profile) == (3, 1, None)


def test_each_value_knows_who_set_it(tree):
    origins = resolve("paint", "squares", "quick", ["train.seed=8"], data_root="x").origins
    assert origins["train.batch_size"] == "configs/data/squares.yaml"
    assert origins["method.gain"] == "configs/methods/brush.yaml (when data=squares)"
    assert origins["train.keep"] == "configs/methods/paint.yaml (when profile=quick, data=squares)"
    assert origins["train.seed"] == "--set"
    assert origins["data.root"] == "--data-root"


def test_a_file_of_ones_own_lies_over_the_method_that_it_names(tree, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("method: {name: paint, width: 7}\ntrain: {keep: 2}")
    config = resolve(str(mine), "squares", "quick", ["train.seed=8"])
    assert config.method == {"name": "paint", "colour": "blue", "width": 7, "gain": 0.5, "steps": (6,)}
    mine.write_text("train: {keep: 2}")
    with pytest.raises(ZooError, match=r'mine\.yaml names no method: add "method: {name: ...}", with one of .*paint'):
        resolve(str(mine), "squares")


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        (
            "methods/paint.yaml",
            "method: {widht: 3}",
            'Unknown key "method.widht" in FILE; did you mean "method.width"?',
        ),
        (
            "methods/paint.yaml",
            "method: {zzz: 3}",
            'Unknown key "method.zzz" in FILE; valid keys: method.name, method.colour,',
        ),
        ("methods/paint.yaml", "method: {colour: gren}", 'FILE sets it to "gren"; did you mean "green"'),
        ("data/squares.yaml", "data: {flipp: true}", 'Unknown key "data.flipp" in FILE; did you mean "data.flip"?'),
        ("data/squares.yaml", "data: {size: 8}", "data.size must be a list of 2 values"),
        ("data/squares.yaml", "dta: {size: 8}", 'Unknown key "dta" in FILE; did you mean "data" or'),
        ("data/squares.yaml", "data: 8", "The section data in FILE must hold keys with values, but holds 8."),
        ("data/squares.yaml", "- 8", "FILE must hold keys with values, but holds list."),
        ("data/squares.yaml", "data: {flip: true, flip: false}", 'FILE gives the key "flip" twice, in lines 1 and 1'),
        ("data/squares.yaml", "data: &d {flip: true}\ntrain: *d", "FILE repeats the value of line 1 through an alias"),
        ("data/squares.yaml", "data: !!python/object/apply:os.getcwd []", "FILE is not valid YAML"),
        ("data/squares.yaml", "data: [", "FILE is not valid YAML"),
        ("base.yaml", "train: {epoch: 3}", 'Unknown key "train.epoch" in FILE; did you mean "train.epochs" or'),
        (
            "base.yaml",
            "train: {epochs: 3.5}",
            "train.epochs must be a whole number (at least 0), but FILE sets it to 3.5.",
        ),
        (
            "base.yaml",
            "train: {epochs: -1}",
            "train.epochs must be a whole number (at least 0), but FILE sets it to -1.",
        ),
        ("base.yaml", "train: {epochs: 0}", "train.epochs and train.decay_epochs are both 0"),
        (
            "base.yaml",
            "train: {optimizers: {g: {betas: [0, 0]}}}",
            "train.optimizers.g.lr is not set and has no default",
        ),
        (
            "base.yaml",
            "train: {optimizers: {g: {lr: 1, beta: 0}}}",
            'in FILE; did you mean "train.optimizers.g.betas"?',
        ),
        ("base.yaml", "when: {dta=squares: {}}", 'the condition "dta=squares", expected data=, method= or profile='),
        ("base.yaml", "when: {profile=quik: {}}", 'a profile "quik", which does not exist; did you mean "quick"?'),
        ("base.yaml", "when: {data=squares: 3}", '"when" in FILE must map conditions'),
        ("base.yaml", "_base_: absent.yaml", "_base_ in FILE names absent.yaml, but there is no file"),
        ("base.yaml", "_base_: 3", "_base_ in FILE must be a path or a list of paths, but is 3."),
        ("base.yaml", "_base_: [base.yaml]", "_base_ in FILE names base.yaml, which is based on this file itself"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_key_and_file(tree, file, text, sentence):
    (tree / file).write_text(text)
    if file == "base.yaml":
        for other in ("data/squares.yaml", "methods/paint.yaml"):
            (tree / other).write_text("")
    with pytest.raises(ZooError) as error:
        resolve("paint", "squares")
    assert sentence.replace("FILE", f"configs/{file}") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("train.epoch=3", 'Unknown key "train.epoch" in --set; did you mean "train.epochs" or "train.decay_epochs"?'),
        ("train.batch_size=0", "train.batch_size must be a whole number (at least 1), but --set sets it to 0."),
        ("train.batch_size=four", 'train.batch_size must be a whole number (at least 1), but --set sets it to "four".'),
        ("train.batch_size=true", "must be a whole number (at least 1), but --set sets it to true."),
        ("train.compile=1", "train.compile must be true or false, but --set sets it to 1."),
        ("train.ema=1", "train.ema must be a number (above 0 and below 1) or null, but --set sets it to 1."),
        ("train.ema=.nan", "train.ema must be a number (above 0 and below 1) or null, but --set sets it to nan."),
        ("train.precision=bf15", 'one of "fp32", "bf16", but --set sets it to "bf15"; did you mean "bf16"?'),
        ("train.optimizers.generator.betas=[0,1]", "train.optimizers.generator.betas must be a list of 2 values"),
        ("train.optimizers.generator=3", "must be a mapping with the keys lr, betas, but --set sets it to 3."),
        ("train.optimizers=[]", "train.optimizers must be a mapping, but --set sets it to []."),
        ("method.steps=[1, x]", "method.steps must be a list (each a whole number), but --set sets it to [1, 'x']."),
        ("data.classes=4", "data.classes is 4 (--set), but the dataset squares has 3 classes"),
        ("data.root=3", "data.root must be a path or null, but --set sets it to 3."),
        ("data.standin={train: 2, test: 1}", "data.standin.seed is not set and has no default"),
        (
            "data.standin={train: 2, tst: 1, seed: 0}",
            'Unknown key "data.standin.tst" in --set; did you mean "data.standin.test"',
        ),
        ("train.allow_random_trunk=true", "random features are for the profile smoke only"),
        ("trian.epochs=3", '--set cannot set "trian.epochs"; did you mean "train.epochs"?'),
        ("iterations=3", '--set cannot set "iterations"; did you mean "train.iterations"?'),
        ("batchsize=3", '--set cannot set "batchsize"; did you mean "train.batch_size"?'),
        ("size=3", '--set cannot set "size"; did you mean "data.size"?'),
        ("colour=red", '--set cannot set "colour"; did you mean "method.colour"?'),
        ("flip=false", '--set cannot set "flip"; did you mean "data.flip"?'),
        ("lr=0.1", '--set cannot set "lr"; did you mean "train.optimizers.generator.lr"?'),
        ("zzzz=3", '--set cannot set "zzzz". It takes settings of method, data and train'),
        ("data.name=circles", '--set cannot set "data.name".'),
        ("profile=gpu", '--set cannot set "profile".'),
        ("train.epochs", '--set takes KEY=VALUE, as in --set train.epochs=3, but got "train.epochs".'),
        ("train.epochs=[", "the value of --set train.epochs is not valid YAML"),
    ],
)
def test_what_is_wrong_in_an_option_is_said(tree, option, sentence):
    with pytest.raises(ZooError) as error:
        resolve("paint", "squares", None, [option])
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_numbers_as_people_write_them(tree):
    sets = ["train.optimizers.generator.lr=1e-4", "train.iterations=50", "method.gain=2", "method.steps=[4, 5]"]
    config = resolve("paint", "squares", None, [*sets, "train.ema=null"])
    assert config.train.optimizers["generator"].lr == 0.0001
    assert (config.train.iterations, config.train.ema) == (50, None)
    assert config.method["gain"] == 2.0 and isinstance(config.method["gain"], float)
    assert config.method["steps"] == (4, 5)


def test_names_are_answered_with_near_ones(tree):
    with pytest.raises(ZooError, match='There is no method "pant"; did you mean "paint"'):
        resolve("pant", "squares")
    with pytest.raises(ZooError, match='There is no dataset "sqares"; did you mean "squares"'):
        resolve("paint", "sqares")
    with pytest.raises(ZooError, match=r'There is no profile "quik"; did you mean "quick"\? Known: quick'):
        resolve("paint", "squares", "quik")


def test_a_config_survives_yaml_and_plain_values(tree):
    config = resolve("paint", "squares", "quick", ["data.standin={train: 2, test: 1, seed: 0}"])
    again = Config.from_dict(yaml.safe_load(config.to_yaml()), "config.yaml")
    assert again == config and again.hash() == config.hash()
    assert Config.from_dict(config.to_dict(), "x.pth") == config
    changed = resolve("paint", "squares", "quick", ["data.standin={train: 2, test: 1, seed: 1}"])
    assert changed.hash() != config.hash()
    content = config.to_dict()
    content["train"]["epochs"] = "many"
    with pytest.raises(ZooError, match=r'train.epochs must be .*, but x\.pth sets it to "many"'):
        Config.from_dict(content, "x.pth")


def test_a_config_of_a_method_that_is_not_there_asks_for_its_plugin(tree):
    content = resolve("paint", "squares").to_dict()
    content["method"]["name"] = "pant"
    with pytest.raises(ZooError) as error:
        Config.from_dict(content, "run/x.pth")
    sentence = str(error.value)
    assert sentence.startswith('run/x.pth is of the method "pant", which no installed plugin brings')
    assert "--plugin FILE" in sentence and "zoo.plugins.load_plugins([FILE])" in sentence and "install" in sentence
    assert "did you mean" not in sentence, "nobody has misspelt it"


def test_a_config_outlives_the_plugin_of_its_data(tree):
    config = resolve("paint", "squares")
    DATASETS.remove("squares")
    assert Config.from_dict(config.to_dict(), "x.pth").data == config.data


def test_inherited_keywords_count_and_unreadable_types_are_reported():
    class Finer(Paint):
        def __init__(self, *, detail: int = 2, width: int = 5, **settings: Any) -> None:
            super().__init__(width=width, **settings)

    found = keywords(Finer)
    assert list(found) == ["detail", "width", "classes", "size", "colour", "gain", "steps"]
    assert found["width"].default == 5

    class Unreadable:
        def __init__(self, *, thing: Any = None) -> None: ...

    Unreadable.__init__.__annotations__["thing"] = "Nowhere"

    with pytest.raises(ZooError, match=r"types of .*Unreadable cannot be read .*Nowhere"):
        keywords(Unreadable)


@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.5


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (3, float, 3.0),
        ("1e-4", float, 1e-4),
        ([1, 2], tuple[int, int], (1, 2)),
        ((1, 2), list[float], [1.0, 2.0]),
        ("a/b", Path | None, Path("a/b")),
        (None, Path | None, None),
        ({"x": 1}, Point, Point(1, 0.5)),
        ({"p": {"x": 1, "y": 2}}, dict[str, Point], {"p": Point(1, 2.0)}),
        (True, Literal["auto"] | bool, True),
        ("3", int | str, "3"),
        ([], tuple[int, ...], ()),
    ],
)
def test_values_take_the_type_of_their_annotation(value, annotation, expected):
    got = check(value, annotation, "key", lambda key: "file")
    assert got == expected and type(got) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (True, int),
        (True, float),
        (1, bool),
        (1, str),
        ("1", int),
        ("12", float),
        ([1], tuple[int, int]),
        (1, Literal[True]),
    ],
)
def test_values_of_another_type_are_refused(value, annotation):
    with pytest.raises(ZooError, match=r"^key must be .*, but file sets it to "):
        check(value, annotation, "key", lambda key: "file")


def test_types_and_ranges_in_words():
    assert describe(int | None) == "a whole number or null"
    assert str(Range(at_least=1, at_most=6)) == "at least 1 and at most 6"
    assert 1 in Range(at_least=1) and 0 not in Range(above=0) and 1 not in Range(below=1)


def test_base_yaml_explains_every_key_with_its_default():
    (layer,) = read_layers(CONFIGS / "base.yaml")
    written = check(layer.content["train"], TrainConfig, "train", lambda key: "base.yaml")
    assert layer.content["train"].keys() == TrainConfig.__dataclass_fields__.keys()
    assert written == TrainConfig()


@pytest.mark.parametrize("profile", [None, "smoke", "gpu", "paper"])
@pytest.mark.parametrize("data", ["ade20k", "deepfashion", "gta5", "folder"])
def test_every_combination_resolves(data, profile):
    sets = ["data.classes=19"] if data == "folder" else []
    for method in METHODS.names():
        config = resolve(method, data, profile, sets)
        assert config.method["name"] == method
        if profile == "smoke":
            assert config.data["size"] == ((64, 128) if data == "gta5" else (64, 64))
            assert config.data["standin"] == {"train": 32, "test": 8, "seed": 0}
            assert config.train.allow_random_trunk and config.train.iterations == 20
        if profile in (None, "paper"):
            batch_size = 1 if (method, profile) == ("cimle", "paper") else 4
            assert (config.train.batch_size, config.train.precision, config.train.ema) == (batch_size, "fp32", None)


@pytest.mark.parametrize(
    ("data", "size", "classes", "epochs", "width", "upsampling"),
    [
        ("ade20k", (256, 256), 151, (100, 100), 64, "normal"),
        ("deepfashion", (256, 256), 16, (60, 40), 160, "more"),
        ("gta5", (256, 512), 20, (20, 0), 64, "more"),
    ],
)
def test_the_papers_settings(data, size, classes, epochs, width, upsampling):
    """METHODS 8.1-8.5 and 9.2-9.4."""
    config = resolve("clvae", data, "paper")
    assert (config.data["size"], config.data["classes"]) == (size, classes)
    assert (config.train.epochs, config.train.decay_epochs) == epochs
    assert (config.method["width"], config.method["upsampling"]) == (width, upsampling)
    assert (config.method["kl_weight"], config.method["layers"], config.method["local_code_width"]) == (0.05, 6, None)
    assert config.to_dict()["train"]["optimizers"] == {
        "generator": {"lr": 1e-4, "betas": [0.0, 0.9]},
        "discriminator": {"lr": 4e-4, "betas": [0.0, 0.9]},
    }


def test_conditions_of_the_zoos_own_files_speak_of_what_exists():
    known = {"data": DATASETS.names(), "method": METHODS.names(), "profile": profiles()}
    for path in CONFIGS.rglob("*.yaml"):
        for condition in parse_yaml(path.read_text(), str(path)).get("when", {}):
            for part in condition.split(","):
                key, _, value = part.partition("=")
                assert value in known[key], f"{path}: {condition}"


def test_every_file_opens_with_the_command_that_uses_it():
    files = sorted(CONFIGS.rglob("*.yaml"))
    assert len(files) >= 13
    for path in files:
        assert path.read_text().startswith("# zoo "), path
