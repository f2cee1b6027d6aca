"""`zoo edit replay`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.options import FILE, device_option, examples, plugin_option


@click.command(epilog=examples("zoo edit replay clvae.pth edit.zip --out again.png"))
@click.argument("checkpoint", type=FILE)
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, required=True, help="Picture to write.")
@device_option
@plugin_option
def replay(checkpoint: Path, file: Path, out: Path, device: str) -> None:
    """Draw an edited picture again, from the file that --save or the studio wrote."""
    from zoo.editing.edit_file import EditFile
    from zoo.editing.editor import Editor
    from zoo.visual import save_picture

    editor = Editor.load(checkpoint, device=device)
    save_picture(out, EditFile.load(file).reproduce(editor.method, editor.digest))
    click.echo(f"Wrote {out}")
