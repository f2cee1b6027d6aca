"""Class names and colours: how a class can be named, and the tables of the datasets."""

import json
from collections import Counter

import pytest

from zoo import ZooError
from zoo.data.class_tables import class_table, class_tables, dataset_table
from zoo.registries import DATASETS

TABLES = class_tables()


def test_classes_go_by_name_or_id():
    table = TABLES["ade20k"]
    assert table.ids("sky,road") == (3, 7)
    assert table.ids(" Pool-Table , 7,chest of drawers,road ") == (7, 45, 57)
    assert table.ids(["0"]) == (0,)


def test_a_wrong_name_gets_near_misses_or_the_names():
    table = TABLES["ade20k"]
    with pytest.raises(ZooError, match='no class "skye"; did you mean "sky"'):
        table.ids("skye")
    with pytest.raises(ZooError, match="no class 151: ids go from 0 to 150"):
        table.ids("151")
    with pytest.raises(ZooError, match=r'"xqzw": the classes are unknown, wall, .* and 131 more'):
        table.ids("xqzw")
    with pytest.raises(ZooError, match="No class is named"):
        table.ids(" , ")


@pytest.mark.parametrize("name", ["ade20k", "celebamask", "deepfashion", "gta5"])
def test_every_dataset_has_a_name_and_a_colour_for_each_class(name):
    table, dataset = TABLES[name], DATASETS.get(name)
    assert table.names == dataset.class_names and len(table.colours) == dataset.classes
    assert class_table({"name": name, "classes": dataset.classes}) == table


def test_colours_are_those_of_the_releases(samples_dir):
    published = json.loads((samples_dir / "deepfashion" / "color_palette.txt").read_text())
    assert [list(colour) for colour in TABLES["deepfashion"].colours] == [list(c) for c in published]
    ade = dict(zip(TABLES["ade20k"].names, TABLES["ade20k"].colours, strict=True))
    assert (ade["wall"], ade["sky"], ade["tree"], ade["person"], ade["flag"]) == (
        *((120, 120, 120), (6, 230, 230), (4, 200, 3), (150, 5, 61), (92, 0, 255)),
    )
    gta = dict(zip(TABLES["gta5"].names, TABLES["gta5"].colours, strict=True))
    assert (gta["road"], gta["car"], gta["other"]) == ((128, 64, 128), (0, 0, 142), (0, 0, 0))


@pytest.mark.parametrize("name", TABLES)
def test_colours_tell_classes_apart(name):
    shared = {colour: n for colour, n in Counter(TABLES[name].colours).items() if n > 1}
    assert len(shared) == (name == "ade20k")  # the benchmark gives two of its classes one colour


def test_a_dataset_without_a_table_has_its_own_names_or_numbers():
    named = class_table({"name": "folder", "classes": 2, "class_names": ["cat", "dog"]})
    assert named.names == ("cat", "dog") and len(set(named.colours)) == 2
    assert class_table({"name": None, "classes": 3}).names == ("class 0", "class 1", "class 2")
    assert class_table({"name": "gta5", "classes": 3}).names == ("class 0", "class 1", "class 2")


def test_a_table_must_fit_the_checkpoint():
    assert dataset_table("celebamask", 19).names[13] == "hair"
    with pytest.raises(ZooError, match='"celeba"; did you mean "celebamask"'):
        dataset_table("celeba", 19)
    with pytest.raises(ZooError, match=r"20 classes.*19"):
        dataset_table("gta5", 19)
