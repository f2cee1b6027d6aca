"""Editing of pictures in latent space: the applications of Endo & Kanamori 2020, section 4.4.

    from zoo.editing import Editor, edit_object, render
    editor = Editor.load("clvae.pth")
    image, label = editor.picture("face.jpg", "face.png")
    codes = editor.codes(image, label, seed=0)
    edited = edit_object(editor.method, label, codes, classes=editor.table.ids("hair"), samples=4)
    pictures = render(editor.method, label, edited)  # uint8 [4, 3, H, W]

Edits operate on :class:`zoo.codes.Codes` and its declared axes, so they work for every method whose codes have the axis
and raise ZooError for other methods. Names are imported at first use, so that importing this package is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.editing.bank import CodeBank, extract_bank
    from zoo.editing.bank_row import WHOLE, WHOLE_NAME, BankRow
    from zoo.editing.directions import direction_between, load_direction, random_direction, save_direction
    from zoo.editing.edit_file import EditFile
    from zoo.editing.editor import Editor
    from zoo.editing.edits import Target, edit_material, edit_object, edit_style, interpolate
    from zoo.editing.encoding import codes_of, render
    from zoo.editing.loaded_method import LoadedMethod
    from zoo.editing.pasting import PasteBack, paste_back, paste_region
    from zoo.editing.statistics import CodeStatistics, fit_statistics
    from zoo.editing.thumbnails import thumbnail_sheet

__all__ = [
    "WHOLE",
    "WHOLE_NAME",
    "BankRow",
    "CodeBank",
    "CodeStatistics",
    "EditFile",
    "Editor",
    "LoadedMethod",
    "PasteBack",
    "Target",
    "codes_of",
    "direction_between",
    "edit_material",
    "edit_object",
    "edit_style",
    "extract_bank",
    "fit_statistics",
    "interpolate",
    "load_direction",
    "paste_back",
    "paste_region",
    "random_direction",
    "render",
    "save_direction",
    "thumbnail_sheet",
]

_NAMES = {
    "bank": ("CodeBank", "extract_bank"),
    "bank_row": ("WHOLE", "WHOLE_NAME", "BankRow"),
    "directions": ("direction_between", "load_direction", "random_direction", "save_direction"),
    "edit_file": ("EditFile",),
    "editor": ("Editor",),
    "edits": ("Target", "edit_material", "edit_object", "edit_style", "interpolate"),
    "encoding": ("codes_of", "render"),
    "loaded_method": ("LoadedMethod",),
    "pasting": ("PasteBack", "paste_back", "paste_region"),
    "statistics": ("CodeStatistics", "fit_statistics"),
    "thumbnails": ("thumbnail_sheet",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
