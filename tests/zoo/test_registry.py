"""Registries: names, errors that help, and filling themselves on first use, in fresh interpreters too."""

import os
import subprocess
import sys

import pytest

import zoo
from zoo import ZooError
from zoo.registry import Registry


class First:
    pass


class Second:
    pass


def fresh(code: str) -> str:
    """What a new Python process prints."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return run.stdout.strip()


def test_a_class_is_found_under_its_name_and_knows_it():
    things = Registry("thing")
    assert things.register("first")(First) is First
    assert things.get("first") is First
    assert First.name == "first"
    assert things.names() == ["first"]
    assert "first" in things and "second" not in things


def test_a_name_belongs_to_one_class():
    things = Registry("thing")
    things.register("one")(First)
    things.register("one")(First)
    with pytest.raises(ZooError, match=r'Two things are called "one": .*First and .*Second; rename one of them'):
        things.register("one")(Second)
    assert things.get("one") is First


def test_an_unknown_name_is_answered_with_near_ones_and_the_plugins():
    with pytest.raises(ZooError) as error:
        zoo.METHODS.get("clvea")
    assert 'There is no method "clvea"; did you mean "clvae"' in str(error.value)
    with pytest.raises(ZooError, match='There is no method "CLVAE"; did you mean "clvae"'):
        zoo.METHODS.get("CLVAE")
    assert "gaugan_vae" in str(error.value)
    assert "plugins loaded: " in str(error.value)


def test_a_registry_fills_itself_before_the_first_answer():
    things = Registry("thing", lambda: things.register("late")(First))
    assert things.registered() == {}
    assert things.get("late") is First


def test_removed_names_are_free_again():
    things = Registry("thing")
    things.register("one")(First)
    things.remove("one")
    things.remove("never")
    things.register("one")(Second)
    assert things.get("one") is Second


def test_importing_zoo_is_light_and_its_names_come_when_asked_for():
    code = """
import sys, zoo
heavy = {"torch", "mmengine", "numpy", "yaml"} & set(sys.modules)
import zoo.factory
print(sorted(heavy), callable(zoo.build), callable(zoo.load))
print(zoo.METHODS.get("gaugan").name, zoo.DATASETS.get("gta5").classes)
"""
    assert fresh(code) == "[] True True\ngaugan 20"


def test_every_public_name_exists():
    for name in zoo.__all__:
        assert getattr(zoo, name) is not None
    assert set(zoo.__all__) <= set(dir(zoo))
    with pytest.raises(AttributeError):
        getattr(zoo, "nothing of the kind")
