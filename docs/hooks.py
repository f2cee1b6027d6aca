"""Hooks of the documentation: included files, links that leave docs/, and formulas as MathML.

Pages read well on a code host and on the site: a link to another file of the repository is written as a relative path,
``../examples/plugin``. On the site, pictures are copied and other files become links into the repository. A file that
is missing stops the build.
"""

import html
import os
import posixpath
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PICTURES = (".png", ".jpg", ".gif", ".svg")
INCLUDE = re.compile(r"^<!-- include (\S+) -->$", re.MULTILINE)
LINK = re.compile(r'(?P<start>\]\(|src=")(?P<path>[\w./-]+)(?P<anchor>#[\w-]*)?(?P<end>[)"])')
# what pymdownx.arithmatex makes of $...$ and $$...$$
FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)
# cross-references of docstrings as Sphinx writes them
ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):(?=<code>)")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Include files, and make links to files outside of docs/ work on the site."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def included(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match[1]))
        return LINK.sub(lambda link: target(link, posixpath.dirname(path)), (ROOT / path).read_text())

    def target(link: re.Match[str], base: str) -> str:
        path = posixpath.normpath(posixpath.join(base, link["path"]))
        if not (ROOT / path).exists():
            raise PluginError(f"{page.file.src_uri} links to {path}, which does not exist.")
        if path.startswith("docs/"):
            path = posixpath.relpath(path, folder)
        elif path.endswith(PICTURES):
            if files.get_file_from_path(path) is None:
                files.append(File.generated(config, path, abs_src_path=os.fspath(ROOT / path)))
            path = posixpath.relpath(f"docs/{path}", folder)
        else:
            path = f"{config.repo_url}/blob/main/{path}"
        return f"{link['start']}{path}{link['anchor'] or ''}{link['end']}"

    def outside(link: re.Match[str]) -> str:
        leaves = posixpath.normpath(posixpath.join(folder, link["path"])).partition("/")[0] != "docs"
        return target(link, folder) if leaves else link[0]

    return INCLUDE.sub(included, LINK.sub(outside, markdown))


def on_page_content(content: str, **_: Any) -> str:
    """Turn formulas into MathML, which browsers show without a script or font from the network; drop Sphinx's roles."""

    def mathml(match: re.Match[str]) -> str:
        latex = html.unescape(match["latex"]).strip()
        latex = re.sub(r"\\mathrm\b", r"\\text", latex).replace(r"\arg", r"\text{arg}")  # upright, also single letters
        if match["open"] == "(":
            return convert(latex, display="inline")
        formula = convert(re.sub(r"\\(sum|max|min)_", r"\\\1\\limits_", latex), display="block")
        if unknown := re.search(r"<mi>(\\\w+)", formula):
            raise PluginError(f"The formula {latex} has the command {unknown[1]}, which latex2mathml does not know.")
        return formula

    return ROLE.sub("", FORMULA.sub(mathml, content))
