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

    editor, saved = Editor.load(checkpoint, device=device), EditFile.load(file)
    saved.check(editor.method, editor.digest)
    label = saved.mask[None].to(editor.device)
    click.echo(editor.write(out, label, saved.codes.to(editor.device)))
    if saved.facts.get("pasted"):
        click.echo(f"{file} was pasted back onto its picture, which it does not hold: {out} shows the codes alone.")
