"""What classes can be made of: for each material several colour modes and textures, far enough apart to be counted."""

from __future__ import annotations

from typing import NamedTuple

from zoo.data import ade20k, deepfashion, gta5

Colour = tuple[int, int, int]


class Material(NamedTuple):
    """Colour modes (RGB 0..255), texture names, their period in metres, and what the second colour is.

    It is ``shade`` (darker), ``tint`` (lighter) or ``mode`` (another mode).
    """

    modes: tuple[Colour, ...]
    textures: tuple[str, ...]
    period: float
    second: str = "shade"


WHITE, BLACK, GREY = (240, 240, 238), (38, 38, 42), (140, 140, 142)
RED, NAVY, GREEN, MUSTARD = (190, 35, 45), (35, 50, 110), (45, 120, 70), (225, 170, 50)
PINK, SKY, VIOLET, TEAL, ORANGE, BEIGE = (
    *((235, 160, 180), (130, 185, 230), (120, 70, 150)),
    *((30, 125, 130), (225, 115, 45), (220, 200, 165)),
)
OAK, WALNUT, PINE, CHERRY = (170, 115, 65), (85, 55, 40), (220, 180, 120), (130, 50, 35)
VIVID = (WHITE, BLACK, GREY, RED, NAVY, GREEN, MUSTARD, PINK, SKY, VIOLET, TEAL, ORANGE, BEIGE)
WOODS = (OAK, WALNUT, PINE, CHERRY, (235, 232, 225), (70, 80, 90))
CLOTH = ("plain", "stripes", "hoops", "checks", "plaid", "dots", "floral", "knit")

MATERIALS: dict[str, Material] = {
    "clutter": Material((GREY, BEIGE, WALNUT, TEAL), ("mottled", "grain"), 0.3),
    "plaster": Material(
        ((238, 228, 208), WHITE, (165, 190, 155), (145, 180, 210), (200, 120, 90), (55, 95, 105), (215, 180, 95)),
        ("plain", "plain", "stripes", "bricks", "floral", "planks"),
        0.45,
    ),
    "ceiling": Material((WHITE, (225, 215, 195), (180, 195, 205), OAK), ("plain", "tiles", "planks"), 0.5),
    "floor": Material(
        (*WOODS, (150, 150, 145), (120, 45, 50), (70, 105, 90)), ("planks", "tiles", "checks", "mottled"), 0.35
    ),
    "wood": Material(WOODS, ("grain", "planks", "plain"), 0.3),
    "cloth": Material(VIVID, CLOTH, 0.22, "mode"),
    "metal": Material((WHITE, (175, 180, 185), BLACK, RED, TEAL, MUSTARD), ("plain", "grain"), 0.5),
    "paint": Material((WHITE, BLACK, GREY, RED, NAVY, MUSTARD, TEAL, GREEN, ORANGE), ("plain",), 1.0),
    "glass": Material(
        ((190, 220, 235), (110, 150, 180), (225, 235, 225), (60, 80, 110)), ("plain", "grain"), 0.8, "tint"
    ),
    "ceramic": Material((WHITE, SKY, BEIGE, PINK, TEAL, BLACK), ("plain", "marble"), 0.4),
    "picture": Material(VIVID, ("floral", "mottled", "checks", "hoops", "ripples"), 0.3, "mode"),
    "screen": Material((BLACK, NAVY, TEAL, (90, 120, 150)), ("hoops", "mottled", "plain"), 0.2, "tint"),
    "sky": Material(
        ((95, 155, 225), (165, 200, 230), (205, 208, 212), (240, 185, 140), (170, 140, 190), (60, 100, 175)),
        ("clouds", "clouds", "plain", "ripples"),
        4.0,
        "tint",
    ),
    "leaves": Material(
        ((60, 120, 50), (105, 150, 55), (35, 80, 60), (200, 130, 40), (165, 60, 40), (205, 180, 70)),
        ("foliage", "foliage", "mottled"),
        0.6,
    ),
    "grass": Material(
        ((95, 150, 60), (150, 165, 75), (60, 110, 60), (190, 170, 95)), ("foliage", "mottled", "stripes"), 0.9
    ),
    "soil": Material(((150, 110, 75), (95, 70, 55), (185, 150, 110), (165, 85, 55)), ("mottled", "foliage"), 0.9),
    "sand": Material(
        ((225, 200, 150), (240, 225, 190), (195, 160, 120), (130, 125, 120)),
        ("mottled", "ripples", "plain"),
        0.8,
        "tint",
    ),
    "asphalt": Material(((95, 97, 102), (60, 60, 66), (140, 138, 134), (120, 105, 95)), ("plain", "mottled"), 0.35),
    "paving": Material(
        ((180, 175, 168), (140, 110, 95), (205, 190, 160), (110, 118, 128)),
        ("tiles", "bricks", "checks", "mottled"),
        0.5,
    ),
    "masonry": Material(
        (
            (175, 90, 65),
            (215, 200, 170),
            (150, 150, 150),
            (235, 225, 215),
            (120, 135, 155),
            (205, 150, 85),
            (150, 70, 75),
        ),
        ("bricks", "plain", "planks", "mottled", "hoops"),
        0.9,
    ),
    "stone": Material(
        ((140, 135, 130), (105, 95, 90), (175, 160, 140), (150, 105, 85)), ("marble", "mottled", "bricks"), 0.6
    ),
    "mountain": Material(
        ((105, 115, 135), (130, 105, 90), (75, 100, 75), (165, 155, 155), (150, 90, 70)),
        ("marble", "foliage", "mottled"),
        1.6,
        "tint",
    ),
    "water": Material(
        ((50, 110, 160), (60, 150, 155), (85, 110, 95), (130, 160, 185), (35, 60, 105)),
        ("ripples", "mottled", "plain"),
        0.8,
        "tint",
    ),
    "flowers": Material((RED, MUSTARD, PINK, VIOLET, WHITE, ORANGE), ("floral", "dots", "foliage"), 0.2, "mode"),
    "lampshade": Material(((250, 235, 190), WHITE, (240, 190, 120), RED, TEAL), ("plain", "stripes"), 0.15),
    "fur": Material((OAK, WALNUT, WHITE, BLACK, (190, 150, 100)), ("mottled", "floral", "plain"), 0.2, "mode"),
    "backdrop": Material(
        ((238, 238, 240), (205, 208, 212), (230, 215, 195), (190, 205, 220), (225, 200, 205), (120, 125, 132)),
        ("plain",),
        1.5,
        "tint",
    ),
    "skin": Material(
        ((238, 200, 175), (215, 165, 130), (170, 115, 80), (110, 72, 52), (245, 215, 200)), ("plain",), 0.3
    ),
    "hair": Material(
        (BLACK, (75, 48, 32), (150, 95, 50), (225, 190, 125), (165, 60, 35), (190, 188, 186)),
        ("grain", "ripples", "plain"),
        0.06,
    ),
    "garment": Material(VIVID, CLOTH, 0.09, "mode"),
    "denim": Material(
        (NAVY, (90, 125, 170), BLACK, (150, 175, 200), BEIGE, (95, 100, 70), WHITE, RED),
        ("plain", "mottled", "knit", "plaid", "stripes"),
        0.07,
    ),
    "leather": Material((BLACK, WALNUT, OAK, RED, WHITE, NAVY), ("plain", "mottled", "checks"), 0.06),
    "gold": Material(((225, 185, 80), (200, 205, 210), BLACK, (180, 60, 60)), ("plain",), 0.05, "tint"),
}

_ADE20K: dict[str, str] = {
    "clutter": "unknown",
    "plaster": "wall",
    "ceiling": "ceiling",
    "floor": "floor, stage, escalator",
    "sky": "sky",
    "leaves": "tree, plant, palm",
    "grass": "grass, field, hill",
    "soil": "earth, land, dirt track, path",
    "sand": "sand",
    "asphalt": "road, runway",
    "paving": "sidewalk, step, stairs, stairway, grandstand",
    "masonry": "building, house, skyscraper, tower, bridge, hovel, fireplace",
    "stone": "rock, column, fountain, sculpture, base",
    "mountain": "mountain",
    "water": "water, sea, river, lake, swimming pool, waterfall",
    "flowers": "flower, food, plaything",
    "picture": "painting, poster, book, bulletin board, signboard, trade name, flag, box",
    "glass": "windowpane, mirror, screen door, bottle, glass, shower",
    "screen": "television, screen, crt screen, monitor, computer, arcade machine",
    "cloth": "bed, curtain, sofa, rug, armchair, cushion, pillow, blanket, towel, apparel, ottoman,"
    "seat, chair, swivel chair, person, tent, awning, canopy, blind, cradle, ball, bag, booth",
    "ceramic": "bathtub, sink, toilet, vase, plate, pot, countertop, tray, kitchen island",
    "lampshade": "lamp, light, chandelier, sconce, streetlight, traffic light",
    "fur": "animal",
    "paint": "car, bus, truck, van, minibike, bicycle, boat, ship, airplane, tank, door, clock, pool table",
    "metal": "refrigerator, stove, oven, microwave, dishwasher, washer, hood, radiator, fan,"
    "ashcan, pole, railing, conveyor belt, barrel",
    "wood": "cabinet, table, shelf, fence, desk, wardrobe, chest of drawers, counter, case, bookcase, coffee table,"
    "bench, bar, bannister, buffet, stool, basket, pier",
}
_DEEPFASHION: dict[str, str] = {
    "backdrop": "background",
    "skin": "skin, face",
    "hair": "hair",
    "garment": "skirt, top, outerwear, dress, socks, hat",
    "denim": "pants",
    "leather": "shoes, bag, belt, glasses",
    "gold": "jewellery",
}
_GTA5: dict[str, str] = {
    "asphalt": "road",
    "paving": "sidewalk",
    "masonry": "building",
    "stone": "wall",
    "wood": "fence",
    "metal": "pole",
    "paint": "car, truck, bus, train, motorcycle, bicycle, other",
    "picture": "traffic sign",
    "lampshade": "traffic light",
    "leaves": "vegetation",
    "grass": "terrain",
    "sky": "sky",
    "cloth": "person, rider",
}


def _by_class(names: tuple[str, ...], made_of: dict[str, str]) -> tuple[Material, ...]:
    material = {name.strip(): MATERIALS[key] for key, listed in made_of.items() for name in listed.split(",")}
    return tuple(material[name] for name in names)


CLASS_MATERIALS: dict[str, tuple[Material, ...]] = {
    "scenes": _by_class(ade20k.CLASS_NAMES, _ADE20K),
    "figures": _by_class(deepfashion.CLASS_NAMES, _DEEPFASHION),
    "streets": _by_class(gta5.CLASS_NAMES, _GTA5),
}
"""The material of every class, by stand-in."""
