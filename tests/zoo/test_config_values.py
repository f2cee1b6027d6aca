"""Values of configs against type annotations: what is converted, and what is refused."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from zoo import ZooError
from zoo.config import Range
from zoo.config.values import check, describe, keywords


def test_inherited_keywords_count_and_unreadable_types_are_reported():
    class Base:
        def __init__(self, *, classes: int, width: int = 1, gain: float | None = None) -> None: ...

    class Finer(Base):
        def __init__(self, *, detail: int = 2, width: int = 5, **settings: Any) -> None:
            super().__init__(width=width, **settings)

    found = keywords(Finer)
    assert list(found) == ["detail", "width", "classes", "gain"]
    assert found["width"].default == 5

    class Unreadable:
        def __init__(self, *, thing: Any = None) -> None: ...

    Unreadable.__init__.__annotations__["thing"] = "Nowhere"

    with pytest.raises(ZooError, match=r"types of .*Unreadable cannot be read .*Nowhere"):
        keywords(Unreadable)


@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.5


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (3, float, 3.0),
        ("1e-4", float, 1e-4),
        ([1, 2], tuple[int, int], (1, 2)),
        ((1, 2), list[float], [1.0, 2.0]),
        ("a/b", Path | None, Path("a/b")),
        (None, Path | None, None),
        ({"x": 1}, Point, Point(1, 0.5)),
        ({"p": {"x": 1, "y": 2}}, dict[str, Point], {"p": Point(1, 2.0)}),
        (True, Literal["auto"] | bool, True),
        ("3", int | str, "3"),
        ([], tuple[int, ...], ()),
    ],
)
def test_values_take_the_type_of_their_annotation(value, annotation, expected):
    got = check(value, annotation, "key", lambda key: "file")
    assert got == expected and type(got) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (True, int),
        (True, float),
        (1, bool),
        (1, str),
        ("1", int),
        ("12", float),
        ([1], tuple[int, int]),
        (1, Literal[True]),
    ],
)
def test_values_of_another_type_are_refused(value, annotation):
    with pytest.raises(ZooError, match=r"^key must be .*, but file sets it to "):
        check(value, annotation, "key", lambda key: "file")


def test_types_and_ranges_in_words():
    assert describe(int | None) == "a whole number or null"
    assert str(Range(at_least=1, at_most=6)) == "at least 1 and at most 6"
    assert 1 in Range(at_least=1) and 0 not in Range(above=0) and 1 not in Range(below=1)
