"""Configs: which value wins, what is refused, and every combination that the zoo offers."""

import re
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from tests.packaging import REPOSITORY
from zoo import DATASETS, METHODS, Method, ZooError
from zoo.config import (
    Config,
    OptimizerConfig,
    Profile,
    TrainConfig,
    is_toy,
    known_profile,
    profile,
    profiles,
    read,
    resolve,
)
from zoo.config.read import CONFIGS, parse_yaml


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
        "data/squares.yaml": """
            data: {size: [16, 16]}
            train: {epochs: 2, batch_size: 2, decay_epochs: 2, optimizers: {generator: {lr: 0.5}}}
        """,
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
            for: A run of a minute.
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
    monkeypatch.setattr(read, "CONFIGS", tmp_path / "configs")
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
        optimizers={"generator": OptimizerConfig(0.5, (0.9, 0.999)), "discriminator": OptimizerConfig(4e-4)},
    )
    assert config.profile == "quick"


def test_without_profile_and_yaml_of_the_data(tree):
    config = resolve("paint", "circles")
    assert config.method == {"name": "paint", "colour": "green", "width": 99, "gain": None, "steps": (1, 2)}
    assert (config.data["root"], config.data["size"]) == (Path("data/circles"), (8, 8))
    assert (config.train.epochs, config.train.keep, config.profile) == (3, TrainConfig().keep, None)


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
    with pytest.raises(ZooError, match=r"mine\.yaml .*method.*paint"):
        resolve(str(mine), "squares")


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("methods/paint.yaml", "method: {widht: 3}", '"method.widht" "method.width"'),
        ("methods/paint.yaml", "method: {zzz: 3}", '"method.zzz" method.colour'),
        ("methods/paint.yaml", "method: {colour: gren}", 'method.colour "gren" "green"'),
        ("data/squares.yaml", "data: {flipp: true}", '"data.flipp" "data.flip"'),
        ("data/squares.yaml", "data: {size: 8}", "data.size list"),
        ("data/squares.yaml", "dta: {size: 8}", '"dta" "data"'),
        ("data/squares.yaml", "data: 8", "data 8"),
        ("data/squares.yaml", "- 8", "list"),
        ("data/squares.yaml", "data: {flip: true, flip: false}", '"flip" twice'),
        ("data/squares.yaml", "data: &d {flip: true}\ntrain: *d", "line 1"),
        ("data/squares.yaml", "data: !!python/object/apply:os.getcwd []", "YAML"),
        ("data/squares.yaml", "data: [", "YAML"),
        ("data/squares.yaml", "toy: true", '"toy"'),
        ("methods/paint.yaml", "train: {epoch: 3}", '"train.epoch" "train.epochs"'),
        ("methods/paint.yaml", "train: {epochs: 3.5}", "train.epochs 3.5"),
        ("methods/paint.yaml", "train: {epochs: -1}", "train.epochs -1"),
        ("methods/paint.yaml", "train: {optimizers: {g: {lr: 1, beta: 0}}}", '"train.optimizers.g.betas"'),
        ("methods/paint.yaml", "when: {dta=squares: {}}", '"dta=squares" data='),
        ("methods/paint.yaml", "when: {profile=quik: {}}", '"quik" "quick"'),
        ("methods/paint.yaml", "when: {data=squares: 3}", '"when"'),
        ("methods/paint.yaml", "_base_: absent.yaml", "_base_ absent.yaml"),
        ("methods/paint.yaml", "_base_: 3", "_base_ 3"),
        ("methods/paint.yaml", "_base_: [paint.yaml]", "_base_ paint.yaml"),
        ("profiles/quick.yaml", "toy: maybe", "toy 'maybe'"),
        ("profiles/quick.yaml", "for: [quick]", "for"),
        ("profiles/quick.yaml", "fro: quick", '"fro"'),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_file(tree, file, text, words):
    (tree / file).write_text(text)
    with pytest.raises(ZooError) as error:
        resolve("paint", "squares", "quick" if file.startswith("profiles") else None)
    message = str(error.value)
    assert all(word in message for word in [*words.split(), f"configs/{file}"]) and "\n" not in message


@pytest.mark.parametrize(
    ("option", "key"),
    [
        ("train.optimizers.g={betas: [0, 0]}", "train.optimizers.g.lr"),
        ("data.standin={train: 2, test: 1}", "data.standin.seed"),
    ],
)
def test_what_has_no_default_must_be_set(tree, option, key):
    with pytest.raises(ZooError, match=re.escape(key)):
        resolve("paint", "squares", None, [option])


def test_a_training_of_no_length_is_refused(tree):
    with pytest.raises(ZooError, match=r"train\.epochs .*train\.decay_epochs"):
        resolve("paint", "squares", None, ["train.epochs=0", "train.decay_epochs=0"])


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("train.epoch=3", '"train.epoch" "train.epochs"'),
        ("train.batch_size=0", "train.batch_size 0"),
        ("train.batch_size=four", 'train.batch_size "four"'),
        ("train.batch_size=true", "train.batch_size true"),
        ("train.compile=1", "train.compile 1"),
        ("train.ema=1", "train.ema 1"),
        ("train.ema=.nan", "train.ema nan"),
        ("train.precision=bf15", '"bf15" "bf16"'),
        ("train.optimizers.generator.betas=[0,1]", "train.optimizers.generator.betas"),
        ("train.optimizers.generator=3", "train.optimizers.generator lr betas 3"),
        ("train.optimizers=[]", "train.optimizers []"),
        ("method.steps=[1, x]", "method.steps 'x'"),
        ("data.classes=4", "data.classes 4 squares"),
        ("data.root=3", "data.root 3"),
        ("data.standin={train: 2, tst: 1, seed: 0}", '"data.standin.tst" "data.standin.test"'),
        ("train.allow_random_vgg=true", "train.allow_random_vgg toy"),
        ("trian.epochs=3", '"trian.epochs" "train.epochs"'),
        ("iterations=3", '"iterations" "train.iterations"'),
        ("batchsize=3", '"batchsize" "train.batch_size"'),
        ("size=3", '"size" "data.size"'),
        ("colour=red", '"colour" "method.colour"'),
        ("flip=false", '"flip" "data.flip"'),
        ("lr=0.1", '"lr" "train.optimizers.generator.lr"'),
        ("zzzz=3", '"zzzz"'),
        ("data.name=circles", '"data.name"'),
        ("profile=gpu", '"profile"'),
        ("train.epochs", "KEY=VALUE"),
        ("train.epochs=[", "train.epochs YAML"),
    ],
)
def test_what_is_wrong_in_an_option_is_named(tree, option, words):
    with pytest.raises(ZooError) as error:
        resolve("paint", "squares", None, [option])
    message = str(error.value)
    assert all(word in message for word in [*words.split(), "--set"]) and "\n" not in message


def test_numbers_as_people_write_them(tree):
    sets = ["train.optimizers.generator.lr=1e-4", "train.iterations=50", "method.gain=2", "method.steps=[4, 5]"]
    config = resolve("paint", "squares", None, [*sets, "train.ema=null"])
    assert config.train.optimizers["generator"].lr == 0.0001
    assert (config.train.iterations, config.train.ema) == (50, None)
    assert config.method["gain"] == 2.0 and isinstance(config.method["gain"], float)
    assert config.method["steps"] == (4, 5)


def test_names_are_answered_with_near_ones(tree):
    with pytest.raises(ZooError, match=r'method "pant".*"paint"'):
        resolve("pant", "squares")
    with pytest.raises(ZooError, match=r'dataset "sqares".*"squares"'):
        resolve("paint", "sqares")
    with pytest.raises(ZooError, match=r'profile "quik".*"quick"'):
        resolve("paint", "squares", "quik")


def test_a_profile_of_ones_own_by_path(tree, tmp_path):
    """It counts in conditions under its file's name, and can be a toy."""
    mine = tmp_path / "quick.yaml"
    mine.write_text("toy: true\nfor: My own.\ntrain: {keep: 9, allow_random_vgg: true}")
    config = resolve("paint", "squares", str(mine))
    assert profile(str(mine)) == Profile("quick", True, "My own.") and is_toy(config.profile)
    assert (config.train.epochs, config.train.keep, config.method["steps"]) == (4, 6, (6,))
    assert profile("quick") == Profile("quick", False, "A run of a minute.")
    assert Config.from_dict(config.to_dict(), "x.pth") == config
    assert known_profile(config.profile) == str(mine)
    mine.unlink()
    assert not is_toy(config.profile) and not is_toy(None) and known_profile(config.profile) is None
    with pytest.raises(ZooError, match=r"quick\.yaml"):
        profile(str(mine))


def test_a_plugin_brings_a_profile(tree, tmp_path, monkeypatch):
    (tmp_path / "brings/configs/profiles").mkdir(parents=True)
    (tmp_path / "brings/configs/profiles/brief.yaml").write_text("for: A minute.\ntrain: {iterations: 3}")
    (tmp_path / "brings/configs/profiles/quick.yaml").write_text("train: {iterations: 99}")
    monkeypatch.setattr("zoo.config.profile_files.homes", lambda: [tmp_path / "brings"])
    assert profiles() == ["brief", "quick"] and profile("brief").description == "A minute."
    assert resolve("paint", "squares", "brief").train.iterations == 3
    assert resolve("paint", "squares", "quick").train.iterations is None, "the zoo's own comes first"


def test_a_profile_on_another_one(tree):
    (tree / "profiles/slower.yaml").write_text("_base_: quick.yaml\nfor: Slower.\ntrain: {keep: 8}")
    assert profile("slower") == Profile("slower", False, "Slower.")
    config = resolve("paint", "squares", "slower")
    assert (config.train.epochs, config.train.keep, config.train.log_every) == (5, 8, 7)


def test_show_is_a_config_with_the_origin_of_each_value(tree):
    config = resolve("paint", "squares", "quick", ["train.seed=8"], data_root="x")
    shown = config.annotated()
    origins = dict(re.findall(r"^ *(\w+): .*# (.*)$", shown, re.MULTILINE))
    assert origins["batch_size"] == "configs/data/squares.yaml" and origins["device"] == "default"
    assert origins["keep"] == "configs/methods/paint.yaml (when profile=quick, data=squares)"
    assert (origins["seed"], origins["root"]) == ("--set", "--data-root") and "profile: quick" in shown
    assert yaml.safe_load(shown) | {"profile": "quick"} == config.to_dict()


def test_a_config_survives_yaml_and_plain_values(tree):
    config = resolve("paint", "squares", "quick", ["data.standin={train: 2, test: 1, seed: 0}"])
    again = Config.from_dict(yaml.safe_load(config.to_yaml()), "config.yaml")
    assert again == config and again.hash() == config.hash()
    assert Config.from_dict(config.to_dict(), "x.pth") == config
    changed = resolve("paint", "squares", "quick", ["data.standin={train: 2, test: 1, seed: 1}"])
    assert changed.hash() != config.hash()
    content = config.to_dict()
    content["train"]["epochs"] = "many"
    with pytest.raises(ZooError, match=r'train\.epochs .*x\.pth .*"many"'):
        Config.from_dict(content, "x.pth")


def test_a_config_of_a_method_that_is_not_there_asks_for_its_plugin(tree):
    content = resolve("paint", "squares").to_dict()
    content["method"]["name"] = "pant"
    with pytest.raises(ZooError) as error:
        Config.from_dict(content, "run/x.pth")
    sentence = str(error.value)
    assert all(word in sentence for word in ("run/x.pth", '"pant"', "--plugin FILE", "load_plugins", "install"))
    assert "did you mean" not in sentence, "nobody has misspelt it"


def test_a_config_outlives_the_plugin_of_its_data(tree):
    config = resolve("paint", "squares")
    DATASETS.remove("squares")
    assert Config.from_dict(config.to_dict(), "x.pth").data == config.data


def test_the_page_about_configs_explains_every_key_of_training():
    page = (REPOSITORY / "docs" / "configs.md").read_text()
    for key in TrainConfig.__dataclass_fields__:
        assert f"`{key}`" in page, key


@pytest.mark.parametrize("profile", [None, *profiles()])
@pytest.mark.parametrize("data", DATASETS.names())
def test_every_combination_resolves(data, profile):
    sets = ["data.classes=19"] if data == "folder" else []
    for method in METHODS.names():
        config = resolve(method, data, profile, sets)
        assert config.method["name"] == method
        if profile == "smoke":
            assert config.data["size"] == ((64, 128) if data == "gta5" else (64, 64))
            assert config.data["standin"] == {"train": 32, "test": 8, "seed": 0}
            assert config.train.allow_random_vgg and config.train.iterations == 20
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
    assert files
    for path in files:
        assert path.read_text().startswith("# zoo "), path
