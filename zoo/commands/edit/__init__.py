"""`zoo edit style|object|material|interpolate|replay`: the applications of the paper's section 4.4."""

from __future__ import annotations

import click

from zoo.commands.edit.interpolate import interpolate
from zoo.commands.edit.material import material
from zoo.commands.edit.objects import edit_object
from zoo.commands.edit.replay import replay
from zoo.commands.edit.style import style
from zoo.options import examples


@click.group(
    epilog=examples(
        "zoo edit style clvae.pth --onto plan.png --image sunset.jpg --mask sunset.png --out styled.png",
        "zoo edit object clvae.pth --image face.jpg --mask face.png --classes hair --out redrawn.png",
    )
)
def edit() -> None:
    """Edit pictures through their codes: style, objects, materials, interpolation."""


for command in (style, edit_object, material, interpolate, replay):
    edit.add_command(command)
