"""Procedural stand-ins for datasets: rooms and landscapes, a standing figure, a street.

A picture is ``paint(layout(seed), style)``: the layout fixes the label map and the geometry, the style every class's
own colour and texture and one light for all; so the same layout can be drawn in as many styles as needed.
"""

from zoo_standins.canvas import Layout
from zoo_standins.painting import class_style, paint
from zoo_standins.scenes import Figures, Scenes, Streets

__all__ = ["Figures", "Layout", "Scenes", "Streets", "class_style", "paint"]
