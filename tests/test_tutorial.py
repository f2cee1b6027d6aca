"""docs/editing.md from top to bottom, as a reader would run it, in an empty folder."""

import json
import re
import shlex
import urllib.request
from string import Template

import pytest
from PIL import Image

from tests.command_line import done, working_in
from tests.packaging import REPOSITORY
from tests.zoo.studio.process import running

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_tutorial_runs_as_it_stands(tmp_path):
    names: dict[str, str] = {}
    ran = []
    with working_in(tmp_path):
        for language, block in BLOCK.findall((REPOSITORY / "docs" / "editing.md").read_text()):
            if language == "python":
                exec(compile(block, "docs/editing.md", "exec"), {})
                continue
            for line in block.splitlines():
                name, equals, value = line.partition("=")
                if equals and name.isidentifier():
                    names[name] = value
                    continue
                words = shlex.split(Template(line).substitute(names))
                assert words[0] == "zoo", line
                if words[1] == "studio":
                    with running(*words[2:]) as address, urllib.request.urlopen(address + "/api/setup") as setup:
                        assert [model["method"] for model in json.load(setup)["models"]] == ["clvae"]
                else:
                    done(*words[1:])
                ran.append(words[1:3])
                if "--out" in words and words[words.index("--out") + 1].endswith((".png", ".gif")):
                    with Image.open(words[words.index("--out") + 1]) as picture:
                        assert min(picture.size) >= 64, line
        assert (tmp_path / "again.png").read_bytes() == (tmp_path / "bag.png").read_bytes()
    commands = [["edit", kind] for kind in ("style", "object", "material", "interpolate", "replay")]
    assert all(
        command in ran
        for command in [*commands, ["figure", "15"], ["codes", "fit"], ["codes", "extract"], ["codes", "find"]]
    )
