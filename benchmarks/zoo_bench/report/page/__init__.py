"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zoo_bench.report.claims import Verdict
from zoo_bench.report.entries import BEST, SECOND, ShownTable
from zoo_bench.report.figures import Drawn

HERE = Path(__file__).parent


def render(opening: str, about: Sequence[str], tables: Sequence[ShownTable], figures: Sequence[Drawn]) -> str:
    """The whole page; style and pictures are inside it. ``about``: sentences on where the numbers come from."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"embedded": _embedded, "kind": _kind}
    verdicts = [verdict for table in tables for verdict in table.verdicts]
    return environment.get_template("report.html").render(
        opening=opening,
        about=about,
        tables=tables,
        figures=figures,
        style=(HERE / "style.css").read_text(),
        counts={outcome: sum(v.outcome == outcome for v in verdicts) for outcome in _KINDS},
        toy=any(verdict.toy for verdict in verdicts),
        BEST=BEST,
        SECOND=SECOND,
    )


_KINDS = {"held": "held", "did not hold": "failed", "cannot be told": "open"}


def _kind(verdict: Verdict) -> str:
    """The class of a claim in the style sheet; the words say the same."""
    return "toy" if verdict.toy else _KINDS[verdict.outcome]


def _embedded(figure: Drawn) -> str:
    return "data:image/png;base64," + base64.b64encode(figure.path.read_bytes()).decode()
