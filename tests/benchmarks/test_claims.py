"""Claims against the paper's own numbers, and against numbers made for each way to fail."""

import pandas as pd
import pytest

from zoo.metrics import parse_metric
from zoo_bench.report.claims import CONFIRMED, INCONCLUSIVE, NOT_CONFIRMED, evaluate
from zoo_bench.results import FINISHED, NOT_APPLICABLE, NOT_RUN
from zoo_bench.tables import Claim, Table, choose, read

ORDER = Claim("a, b, c", "diversity_lpips_alex_40", order=("a", "b", "c"))
BEST = Claim("a is best", "diversity_lpips_alex_40", best="a")
ALIKE = Claim("alike", "top1_lpips_alex_40_l1", alike=("a", "b", "c"), percent=3)
APART = Claim("far apart", "top1_lpips_alex_40_l1", order=("a", "b"), percent=10)


def numbers(values: dict[str, list[float | None]], better: str = "higher", absent: str = NOT_RUN) -> pd.DataFrame:
    """Lines of the long frame for rows with a value per seed."""
    lines = [
        (row, seed, value, absent if value is None else FINISHED, better, 3)
        for row, found in values.items()
        for seed, value in enumerate(found)
    ]
    frame = pd.DataFrame(lines, columns=["row", "seed", "value", "status", "better", "digits"])
    return frame.astype({"value": float})


def outcome(claim: Claim, better: str = "higher", **values: float | None) -> str:
    return evaluate(claim, numbers({row: [value] for row, value in values.items()}, better))[0]


def detail(claim: Claim, better: str = "higher", **values: float | None) -> str:
    return evaluate(claim, numbers({row: [value] for row, value in values.items()}, better))[1]


TABLES = choose(read(), [*"12345", "layers", "faces"], toy=False)


def published(table: Table, claim: Claim) -> pd.DataFrame:
    column = table.metrics.index(claim.metric)
    values = {row.label: [row.paper[column] if row.paper else None] for row in table.rows}
    return numbers(values, parse_metric(claim.metric).cls.better, "not published")


def test_every_table_of_the_paper_has_claims():
    assert {name for name, table in TABLES.items() if table.claims} == {"1", "2", "3", "4", "5", "faces"}


@pytest.mark.parametrize(
    ("name", "claim"),
    [(name, claim) for name, table in TABLES.items() for claim in table.claims],
    ids=lambda value: getattr(value, "text", value),
)
def test_the_paper_confirms_its_own_claims(name: str, claim: Claim):
    found = evaluate(claim, published(TABLES[name], claim))
    assert found[0] == (INCONCLUSIVE if name == "faces" else CONFIRMED), found


def test_numbers_stand_in_the_detail():
    claim = TABLES["3"].claims[0]
    assert evaluate(claim, published(TABLES["3"], claim))[1] == "CLVAE 0.216 > GauGAN-VAE 0.203"


def test_best_is_what_the_metric_calls_better():
    assert detail(BEST, a=0.3, b=0.2, c=0.1) == "a 0.300 > b 0.200, the best of the others"
    assert outcome(BEST, a=0.3, b=0.2, c=0.1) == CONFIRMED
    assert outcome(BEST, "lower", a=0.3, b=0.2, c=0.1) == NOT_CONFIRMED
    assert detail(BEST, "lower", a=0.3, b=0.4, c=0.5) == "a 0.300 < b 0.400, the best of the others"
    assert outcome(BEST, a=0.3, b=0.3, c=0.1) == NOT_CONFIRMED, "a tie is no lead"


def test_order_fails_where_one_pair_is_the_wrong_way_round():
    assert outcome(ORDER, a=0.3, b=0.2, c=0.1) == CONFIRMED
    assert evaluate(ORDER, numbers({"a": [0.3], "b": [0.1], "c": [0.2]})) == (
        NOT_CONFIRMED,
        "a 0.300 > b 0.100 < c 0.200",
    )
    assert outcome(ORDER, "lower", a=0.1, b=0.2, c=0.3) == CONFIRMED


@pytest.mark.parametrize(("b", "expected"), [(0.1109, CONFIRMED), (0.1101, CONFIRMED), (0.1099, NOT_CONFIRMED)])
def test_order_by_percent_of_the_smaller_number(b: float, expected: str):
    assert outcome(APART, "lower", a=0.1, b=b) == expected


def test_order_by_percent_needs_the_direction_too():
    assert outcome(APART, "lower", a=0.2, b=0.1) == NOT_CONFIRMED
    assert "100.0 % apart (10 % at least)" in detail(APART, "lower", a=0.2, b=0.1)


def test_alike_looks_at_the_two_that_lie_farthest_apart():
    assert outcome(ALIKE, a=0.100, b=0.102, c=0.1029) == CONFIRMED
    assert evaluate(ALIKE, numbers({"a": [0.100], "b": [0.102], "c": [0.1031]})) == (
        NOT_CONFIRMED,
        "a 0.100, b 0.102, c 0.103: 3.1 % apart (3 % at most)",
    )
    assert outcome(ALIKE, a=0.1, b=0.1, c=0.103) == CONFIRMED, "just 3 %, although floats make it a little more"


def test_digits_grow_until_they_tell_numbers_apart():
    assert detail(ORDER, a=0.30004, b=0.30001, c=0.1) == "a 0.30004 > b 0.30001 > c 0.10000"


def test_missing_numbers_leave_it_open_unless_the_known_ones_decide():
    assert evaluate(ORDER, numbers({"a": [0.3], "b": [0.2], "c": [None]})) == (
        INCONCLUSIVE,
        "a 0.300 > b 0.200 so far; no number of c (not run)",
    )
    assert outcome(ORDER, a=0.1, b=None, c=0.2) == NOT_CONFIRMED, "a cannot be above b above c any more"
    assert detail(ORDER, a=None, b=None, c=0.2) == "no number of a (not run), b (not run)"
    assert outcome(BEST, a=0.3, b=0.2, c=None) == INCONCLUSIVE
    assert outcome(BEST, a=0.2, b=0.3, c=None) == NOT_CONFIRMED
    assert outcome(BEST, a=None, b=0.3, c=0.1) == INCONCLUSIVE
    assert outcome(ALIKE, a=0.1, b=0.2, c=None) == NOT_CONFIRMED
    assert outcome(ALIKE, a=0.1, b=0.1, c=None) == INCONCLUSIVE


def test_rows_that_cannot_have_a_number_are_not_compared():
    frame = numbers({"a": [0.3], "b": [0.2], "gaugan": [None]}, absent=NOT_APPLICABLE)
    assert evaluate(BEST, frame) == (CONFIRMED, "a 0.300 > b 0.200")


def test_several_seeds_are_compared_by_their_mean_and_counted():
    frame = numbers({"a": [0.30, 0.10, 0.30], "b": [0.20, 0.20, 0.20], "c": [0.0, 0.0]})
    expected = "a 0.233 > b 0.200 > c 0.000; confirmed in 1 of 3 seeds, inconclusive in 1"
    assert evaluate(ORDER, frame) == (CONFIRMED, expected)


def test_nothing_divides_by_zero():
    assert outcome(ALIKE, a=0.0, b=0.0, c=0.0) == CONFIRMED
    assert outcome(ALIKE, a=0.0, b=0.1, c=0.0) == NOT_CONFIRMED
