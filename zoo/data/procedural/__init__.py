"""Procedural stand-ins for the datasets: rooms and landscapes, a standing figure, a street.

A picture is ``paint(layout(name, seed_a), seed_b)``: the layout fixes the label map and the geometry, the style every
class's own colour and texture and one light for all; so the same layout can be drawn in as many styles as one likes.
"""

from zoo.data.procedural.canvas import Layout
from zoo.data.procedural.disk import draw, is_procedural, make
from zoo.data.procedural.painting import class_style, paint
from zoo.data.procedural.scenes import DEFAULT_SIZES, layout

__all__ = ["DEFAULT_SIZES", "Layout", "class_style", "draw", "is_procedural", "layout", "make", "paint"]
