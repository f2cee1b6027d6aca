"""The help of every command ends with examples that its parser takes; so do those of the READMEs and of the docs."""

import re
import shlex
import subprocess
import sys

import click
import pytest

from tests.command_line import working_in, zoo
from tests.packaging import PLUGIN, REPOSITORY
from zoo import cli, plugins


def commands(command: click.Command = cli.cli, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    """Every command and group below ``command``, by the words that call it."""
    found = {path: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found |= commands(inner, (*path, name))
    return found


def examples_of(path: tuple[str, ...]) -> list[str]:
    """The lines after "Examples:", which must be the last of the help."""
    help_text = zoo(*path, "--help").out
    return [line.strip() for line in help_text.partition("Examples:\n")[2].splitlines() if line.strip()]


def commands_in(text: str) -> list[str]:
    """The lines of the fenced blocks of a Markdown text that call ``zoo``, without the prompt of a console."""
    blocks = re.findall(r"^( *)```\w*\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for _, block in blocks for line in block.splitlines()]
    return [line for line in lines if re.match(r"zoo |torchrun .* zoo ", line)]


@pytest.fixture
def parsed(monkeypatch, tmp_path):
    """Runs a line up to the point where its command would begin, and returns the words that call that command."""
    plugins.load_plugins()
    for name in ("_loaded", "_broken"):  # an example may name a plugin that is not there
        monkeypatch.setattr(plugins, name, dict(getattr(plugins, name)))
    begun: list[tuple[str, ...]] = []
    for path, command in commands().items():
        if not isinstance(command, click.Group):
            monkeypatch.setattr(command, "callback", lambda *_, path=path, **__: begun.append(path))

    def parse(line: str) -> tuple[str, ...]:
        words = shlex.split(line, comments=True)
        words = words[words.index("zoo") + 1 :] if words[0] == "torchrun" else words[1:]
        begun.clear()
        outcome = zoo(*words)
        assert outcome.code == 0, f"{line}: {outcome.err}"
        return begun[0]

    with working_in(tmp_path):
        yield parse


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_ends_with_examples_that_parse(path, parsed):
    lines = examples_of(path)
    assert lines, f"zoo {' '.join(path)} --help shows no examples"
    assert all(parsed(line)[: len(path)] == path for line in lines)


def test_help_answers_without_the_heavy_packages():
    heavy = "torch", "mmengine", "matplotlib", "pandas", "lpips", "rich"
    code = (
        f"import sys, zoo.cli; zoo.cli.cli(['--help'], standalone_mode=False); print(set(sys.modules) & set({heavy}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "set()"


PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    PLUGIN / "README.md",
    *sorted(page for page in (REPOSITORY / "docs").rglob("*.md") if page.parent.name != "api"),
]
WITH_COMMANDS = {"README.md", "quickstart.md", "data.md", "training.md", "bench.md", "editing.md", "studio.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_the_commands_of_the_pages_parse(page, parsed):
    lines = commands_in(page.read_text())
    assert lines or page.name not in WITH_COMMANDS, f"{page} shows no commands"
    assert all(parsed(line) for line in lines)
