"""The 150 classes of ADE20K as objects: where each stands, how large it is, and the function that draws it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zoo.data.ade20k import CLASS_NAMES
from zoo_standins import furniture as f
from zoo_standins import household as h
from zoo_standins import nature as n
from zoo_standins import outdoors as o
from zoo_standins import vehicles as v
from zoo_standins.canvas import Canvas
from zoo_standins.shapes import Box

Drawer = Callable[[Canvas, int, Box, np.random.Generator], None]

RARITY = 0.8  # classes are numbered by frequency; the k-th of a place comes up as k ** -RARITY


class Thing(NamedTuple):
    """A class as an object: size in metres, and the height of its foot above the ground."""

    name: str
    draw: Drawer
    width: float
    height: float
    up: float = 0.0

    @property
    def cls(self) -> int:
        """Id of the class."""
        return class_id(self.name)


def class_id(name: str) -> int:
    """Id of a class of ADE20K."""
    return CLASS_NAMES.index(name)


_FLOOR = (
    Thing("bed", f.bed, 1.8, 1.1),
    Thing("cabinet", f.cupboard, 1.0, 1.3),
    Thing("person", n.person, 0.6, 1.72),
    Thing("table", f.table, 1.4, 0.75),
    Thing("plant", n.potted, 0.7, 1.1),
    Thing("chair", f.chair, 0.5, 0.95),
    Thing("sofa", f.sofa, 2.0, 0.85),
    Thing("shelf", f.shelves, 0.9, 1.8),
    Thing("armchair", f.sofa, 0.95, 0.9),
    Thing("seat", f.chair, 0.6, 1.0),
    Thing("desk", f.table, 1.3, 0.75),
    Thing("wardrobe", f.cupboard, 1.3, 2.0),
    Thing("lamp", h.lamp, 0.45, 1.5),
    Thing("bathtub", f.bathtub, 1.7, 0.6),
    Thing("railing", h.upright, 1.6, 0.9),
    Thing("base", f.crate, 0.6, 0.5),
    Thing("box", f.crate, 0.5, 0.4),
    Thing("column", f.column, 0.4, 2.6),
    Thing("chest of drawers", f.drawers, 1.0, 0.95),
    Thing("counter", f.drawers, 1.8, 0.95),
    Thing("fireplace", f.hearth, 1.3, 1.2),
    Thing("refrigerator", f.fridge, 0.8, 1.75),
    Thing("stairs", f.steps, 1.5, 0.9),
    Thing("case", f.cupboard, 1.1, 1.0),
    Thing("pool table", f.table, 2.3, 0.85),
    Thing("stairway", f.steps, 1.2, 1.8),
    Thing("bookcase", f.shelves, 1.1, 1.9),
    Thing("coffee table", f.table, 1.1, 0.45),
    Thing("toilet", f.toilet, 0.45, 0.8),
    Thing("stove", f.appliance, 0.7, 0.9),
    Thing("kitchen island", f.drawers, 1.8, 0.95),
    Thing("swivel chair", f.swivel, 0.6, 1.0),
    Thing("bar", f.cupboard, 2.0, 1.1),
    Thing("arcade machine", f.appliance, 0.7, 1.7),
    Thing("booth", f.sofa, 1.5, 1.2),
    Thing("apparel", h.garment, 0.8, 1.3),
    Thing("bannister", h.upright, 1.2, 1.0),
    Thing("escalator", f.steps, 1.2, 2.0),
    Thing("ottoman", f.stool, 0.7, 0.45),
    Thing("buffet", f.drawers, 1.5, 0.9),
    Thing("stage", f.crate, 2.8, 0.5),
    Thing("conveyor belt", f.table, 2.2, 0.7),
    Thing("washer", f.appliance, 0.65, 0.9),
    Thing("plaything", h.heap, 0.5, 0.4),
    Thing("stool", f.stool, 0.4, 0.65),
    Thing("barrel", h.vessel, 0.6, 0.9),
    Thing("basket", h.vessel, 0.5, 0.45),
    Thing("bag", h.bag, 0.5, 0.5),
    Thing("cradle", f.cradle, 1.2, 0.9),
    Thing("oven", f.appliance, 0.7, 0.9),
    Thing("ball", h.ball, 0.35, 0.35),
    Thing("step", f.steps, 1.2, 0.35),
    Thing("dishwasher", f.appliance, 0.65, 0.9),
    Thing("ashcan", h.vessel, 0.4, 0.6),
)
_WALL = (
    Thing("windowpane", h.window, 1.3, 1.2, 1.0),
    Thing("painting", h.framed, 0.9, 0.7, 1.4),
    Thing("door", h.door, 0.9, 2.1),
    Thing("mirror", h.framed, 0.7, 1.0, 1.1),
    Thing("signboard", o.sign, 0.8, 0.4, 1.9),
    Thing("screen door", h.upright, 0.9, 2.1),
    Thing("blind", h.slats, 1.2, 1.1, 1.1),
    Thing("television", h.framed, 1.1, 0.65, 1.2),
    Thing("poster", h.framed, 0.6, 0.85, 1.3),
    Thing("towel", h.drape, 0.4, 0.7, 0.9),
    Thing("trade name", o.sign, 1.1, 0.3, 2.1),
    Thing("screen", h.slats, 1.3, 0.9, 1.3),
    Thing("hood", h.funnel, 0.8, 0.9, 1.6),
    Thing("sconce", h.sconce, 0.2, 0.35, 1.6),
    Thing("bulletin board", h.framed, 1.3, 0.8, 1.2),
    Thing("shower", h.upright, 0.9, 2.0),
    Thing("radiator", h.upright, 1.0, 0.6, 0.1),
    Thing("clock", h.clock, 0.4, 0.4, 1.9),
    Thing("flag", o.banner, 0.9, 0.9, 1.5),
)
_CEILING = (
    Thing("light", h.downlight, 0.4, 0.15),
    Thing("chandelier", h.chandelier, 0.9, 0.6),
    Thing("fan", h.fan, 1.2, 0.4),
)
_TOP = (
    Thing("lamp", h.lamp, 0.3, 0.5),
    Thing("sink", h.sink, 0.5, 0.25),
    Thing("flower", n.bouquet, 0.35, 0.45),
    Thing("book", h.books, 0.35, 0.16),
    Thing("computer", h.monitor, 0.55, 0.45),
    Thing("bottle", h.bottle, 0.12, 0.35),
    Thing("food", h.heap, 0.3, 0.18),
    Thing("microwave", f.appliance, 0.5, 0.32),
    Thing("pot", h.vessel, 0.3, 0.25),
    Thing("vase", h.vessel, 0.22, 0.4),
    Thing("tray", h.dish, 0.45, 0.1),
    Thing("crt screen", h.monitor, 0.5, 0.45),
    Thing("plate", h.dish, 0.3, 0.1),
    Thing("monitor", h.monitor, 0.55, 0.42),
    Thing("glass", h.tumbler, 0.12, 0.16),
)
_GROUND = (
    Thing("tree", n.tree, 3.0, 4.6),
    Thing("person", n.person, 0.6, 1.72),
    Thing("plant", n.bush, 1.6, 1.0),
    Thing("car", v.car, 3.6, 1.45),
    Thing("house", o.house, 7.0, 4.5),
    Thing("fence", o.fence, 4.0, 1.0),
    Thing("rock", n.rock, 1.6, 1.0),
    Thing("signboard", o.posted(o.sign, 0.4), 1.5, 2.4),
    Thing("grandstand", o.terraces, 9.0, 4.0),
    Thing("flower", n.bouquet, 0.9, 0.7),
    Thing("bench", f.table, 1.6, 0.6),
    Thing("palm", n.palm, 3.0, 5.0),
    Thing("hovel", o.house, 3.5, 2.6),
    Thing("bus", v.coach, 7.0, 2.9),
    Thing("truck", v.lorry, 5.5, 2.7),
    Thing("awning", o.awning, 2.6, 2.4),
    Thing("streetlight", o.streetlight, 1.0, 5.0),
    Thing("pole", o.pole, 0.3, 4.5),
    Thing("van", v.coach, 4.2, 2.1),
    Thing("fountain", o.fountain, 3.0, 2.2),
    Thing("canopy", o.pavilion, 3.0, 2.6),
    Thing("swimming pool", n.patch, 5.0, 0.7, -0.5),
    Thing("tent", o.tent, 2.6, 1.8),
    Thing("minibike", v.cycle, 1.8, 1.2),
    Thing("tank", h.vessel, 3.0, 3.0),
    Thing("animal", n.animal, 1.6, 1.2),
    Thing("bicycle", v.cycle, 1.7, 1.1),
    Thing("sculpture", o.statue, 1.2, 2.6),
    Thing("traffic light", o.posted(o.traffic_light, 0.35), 0.5, 3.2),
    Thing("flag", o.banner, 1.6, 3.5),
    Thing("ashcan", h.vessel, 0.6, 0.9),
)
_SKYLINE = (
    Thing("skyscraper", o.high_rise, 26.0, 60.0),
    Thing("tower", o.tower, 14.0, 45.0),
    Thing("bridge", o.bridge, 80.0, 12.0),
    Thing("waterfall", o.cascade, 9.0, 22.0),
)
_WATER = (
    Thing("boat", v.boat, 4.0, 4.0),
    Thing("ship", v.ship, 14.0, 5.5),
    Thing("pier", f.table, 9.0, 1.6),
)
_AIR = (Thing("airplane", v.airplane, 1.0, 0.4),)


PLACES: dict[str, tuple[Thing, ...]] = {
    place: tuple(sorted(things, key=lambda thing: thing.cls))
    for place, things in (
        ("floor", _FLOOR),
        ("wall", _WALL),
        ("ceiling", _CEILING),
        ("top", _TOP),
        ("ground", _GROUND),
        ("skyline", _SKYLINE),
        ("water", _WATER),
        ("air", _AIR),
    )
}


def pick(place: str, rng: np.random.Generator) -> Thing:
    """A thing of that place; its frequency falls as a power of its rank there."""
    things = PLACES[place]
    weights = np.arange(1, len(things) + 1) ** -RARITY
    return things[rng.choice(len(things), p=weights / weights.sum())]


def find(place: str, name: str) -> Thing:
    """The thing of a name."""
    return next(thing for thing in PLACES[place] if thing.name == name)
