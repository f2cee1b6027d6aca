"""The documentation agrees with the code: messages of the FAQ occur there, links of the pages lead to files."""

import ast
import importlib
import re
from importlib.util import find_spec
from textwrap import dedent

import pytest
import yaml

from tests.packaging import REPOSITORY

DOCS = REPOSITORY / "docs"
PACKAGES = "zoo", "plugins", "benchmarks"


def source() -> str:
    """All Python code, with string literals that follow each other joined, as Python joins them."""
    code = "\n".join(file.read_text() for package in PACKAGES for file in sorted((REPOSITORY / package).rglob("*.py")))
    return re.sub(r"[\"']\s*\n\s*f?[\"']", "", code)


def test_key_words_of_the_faq_occur_in_the_code():
    quoted = re.findall(r"^> .*", (DOCS / "faq.md").read_text(), re.MULTILINE)
    words = [word for line in quoted for word in re.findall(r"\*\*(.+?)\*\*", line)]
    assert len(words) >= 20
    assert len(words) == len(quoted), "every message of the FAQ has its key words in bold"
    code = source()
    # the kind of thing is filled in, as in "There is no method"
    unknown = [w for w in words if w not in code and w.replace("method", "{self.kind}") not in code]
    assert not unknown


def pages() -> list[str]:
    def leaves(node: object) -> list[str]:
        if isinstance(node, dict):
            return [leaf for value in node.values() for leaf in leaves(value)]
        return [leaf for value in node for leaf in leaves(value)] if isinstance(node, list) else [str(node)]

    return leaves(yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())["nav"])


def test_every_page_is_in_the_navigation_once():
    assert sorted(pages()) == sorted(str(file.relative_to(DOCS)) for file in DOCS.rglob("*.md"))


ROOT_PAGES = "README.md", "CHANGELOG.md", "CONTRIBUTING.md"


@pytest.mark.parametrize("page", [*ROOT_PAGES, *(f"docs/{page}" for page in pages())])
def test_relative_links_of_a_page_lead_to_files(page):
    file = REPOSITORY / page
    text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)|src=\"([^\"]+)\"", text)
    relative = [link for pair in links for link in pair if link and "://" not in link]
    assert not [link for link in relative if not (file.parent / link).exists()]


PYTHON = re.compile(r"^( *)```python\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [*ROOT_PAGES, *(f"docs/{page}" for page in pages())])
def test_python_on_a_page_imports_what_exists(page):
    for _, block in PYTHON.findall((REPOSITORY / page).read_text()):
        for node in ast.walk(ast.parse(dedent(block))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            if module and module.partition(".")[0] in ("zoo", "zoo_bench"):
                names = {name.name for name in node.names}
                missing = {name for name in names if not hasattr(importlib.import_module(module), name)}
                missing = {name for name in missing if find_spec(f"{module}.{name}") is None}
                assert not missing, f"{page}: {module} has no {missing}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                package = node.value.id
                if package in ("zoo", "zoo_bench"):
                    assert hasattr(importlib.import_module(package), node.attr), f"{page}: {package}.{node.attr}"
