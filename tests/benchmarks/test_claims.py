"""Verdicts against the paper's own numbers and against numbers made for each way to fail."""

import pytest

from zoo.metrics import parse_metric
from zoo_bench.report.claims import Numbers, Verdict, judge
from zoo_bench.tables import Claim, read

ORDER = Claim("a, b, c", "diversity_lpips_alex_40", order=("a", "b", "c"))
BEST = Claim("a is best", "diversity_lpips_alex_40", best="a")
ALIKE = Claim("alike", "top1_lpips_alex_40_l1", alike=("a", "b", "c"), percent=3)
APART = Claim("far apart", "top1_lpips_alex_40_l1", order=("a", "b"), percent=10)


def verdict(claim: Claim, better: str = "higher", **values: float | None) -> Verdict:
    found = {label: {} if value is None else {0: value} for label, value in values.items()}
    absent = {label: "not run" for label, value in values.items() if value is None}
    return judge(claim, Numbers(better, found, absent))


def published() -> list[tuple[str, Claim]]:
    tables = read().choose([*"12345", "layers", "faces"], "paper")
    return [(name, claim) for name, table in tables.items() for claim in table.claims]


def test_every_table_of_the_paper_has_claims():
    assert {name for name, _ in published()} == {"1", "2", "3", "4", "5", "faces"}


@pytest.mark.parametrize(("name", "claim"), published(), ids=lambda value: getattr(value, "text", value))
def test_the_paper_holds_its_own_claims(name: str, claim: Claim):
    table = read().choose([name], "paper")[name]
    column = table.metrics.index(claim.metric)
    numbers = {row.label: {0: row.paper[column]} if row.paper else {} for row in table.rows}
    absent = {row.label: "not published" for row in table.rows if not row.paper}
    found = judge(claim, Numbers(parse_metric(claim.metric).cls.better, numbers, absent))
    assert found.outcome == ("cannot be told" if name == "faces" else "held"), found.line


def test_numbers_stand_in_the_sentence():
    table = read().choose(["3"], "paper")["3"]
    numbers = {row.label: {0: row.paper[0]} for row in table.rows}
    found = judge(table.claims[0], Numbers("higher", numbers, {}))
    assert found.line == "held: CLVAE is more diverse than GauGAN-VAE (CLVAE 0.216 > GauGAN-VAE 0.203)"


def test_best_is_what_the_metric_calls_better():
    assert verdict(BEST, a=0.3, b=0.2, c=0.1).reason == "a 0.300 > b 0.200, the best of the others"
    assert verdict(BEST, a=0.3, b=0.2, c=0.1).outcome == "held"
    assert verdict(BEST, "lower", a=0.3, b=0.2, c=0.1).outcome == "did not hold"
    assert verdict(BEST, "lower", a=0.3, b=0.4, c=0.5).reason == "a 0.300 < b 0.400, the best of the others"
    assert verdict(BEST, a=0.3, b=0.3, c=0.1).outcome == "did not hold", "a tie is no lead"


def test_order_fails_where_one_pair_is_the_wrong_way_round():
    assert verdict(ORDER, a=0.3, b=0.2, c=0.1).outcome == "held"
    failed = verdict(ORDER, a=0.3, b=0.1, c=0.2)
    assert (failed.outcome, failed.reason) == ("did not hold", "a 0.300 > b 0.100 < c 0.200")
    assert verdict(ORDER, "lower", a=0.1, b=0.2, c=0.3).outcome == "held"


@pytest.mark.parametrize(("b", "outcome"), [(0.1109, "held"), (0.1101, "held"), (0.1099, "did not hold")])
def test_order_by_percent_of_the_smaller_number(b: float, outcome: str):
    assert verdict(APART, "lower", a=0.1, b=b).outcome == outcome


def test_order_by_percent_needs_the_direction_too():
    assert verdict(APART, "lower", a=0.2, b=0.1).outcome == "did not hold"
    assert "100.0 % apart (10 % at least)" in verdict(APART, "lower", a=0.2, b=0.1).reason


def test_alike_looks_at_the_two_that_lie_farthest_apart():
    assert verdict(ALIKE, a=0.100, b=0.102, c=0.1029).outcome == "held"
    failed = verdict(ALIKE, a=0.100, b=0.102, c=0.1031)
    assert (failed.outcome, failed.reason) == ("did not hold", "a 0.100, b 0.102, c 0.103: 3.1 % apart (3 % at most)")
    assert verdict(ALIKE, a=0.1, b=0.1, c=0.103).outcome == "held", "just 3 %, although floats make it a little more"


def test_digits_grow_until_they_tell_numbers_apart():
    assert verdict(ORDER, a=0.30004, b=0.30001, c=0.1).reason == "a 0.30004 > b 0.30001 > c 0.10000"


def test_missing_numbers_leave_it_open_unless_the_known_ones_decide():
    open_ = verdict(ORDER, a=0.3, b=0.2, c=None)
    assert (open_.outcome, open_.reason) == ("cannot be told", "a 0.300 > b 0.200 so far; no number of c (not run)")
    assert verdict(ORDER, a=0.1, b=None, c=0.2).outcome == "did not hold", "a cannot be above b above c any more"
    assert verdict(ORDER, a=None, b=None, c=0.2).reason == "no number of a (not run), b (not run)"
    assert verdict(BEST, a=0.3, b=0.2, c=None).outcome == "cannot be told"
    assert verdict(BEST, a=0.2, b=0.3, c=None).outcome == "did not hold"
    assert verdict(BEST, a=None, b=0.3, c=0.1).outcome == "cannot be told"
    assert verdict(ALIKE, a=0.1, b=0.2, c=None).outcome == "did not hold"
    assert verdict(ALIKE, a=0.1, b=0.1, c=None).outcome == "cannot be told"


def test_rows_that_cannot_have_a_number_do_not_compete():
    values = {"a": {0: 0.3}, "b": {0: 0.2}, "gaugan": {}}
    numbers = Numbers("higher", values, {"gaugan": "has no such pictures"}, frozenset({"gaugan"}))
    assert judge(BEST, numbers).line == "held: a is best (a 0.300 > b 0.200)"


def test_several_seeds_are_judged_by_their_mean_and_counted():
    values = {"a": {0: 0.30, 1: 0.10, 2: 0.30}, "b": {0: 0.20, 1: 0.20, 2: 0.20}, "c": {0: 0.0, 1: 0.0}}
    found = judge(ORDER, Numbers("higher", values, {}))
    assert found.outcome == "held"
    assert found.detail == "a 0.233 > b 0.200 > c 0.000; held in 1 of 3 seeds, 1 cannot tell"


def test_nothing_divides_by_zero():
    assert verdict(ALIKE, a=0.0, b=0.0, c=0.0).outcome == "held"
    assert verdict(ALIKE, a=0.0, b=0.1, c=0.0).outcome == "did not hold"


def test_a_toy_run_says_that_it_means_nothing():
    found = judge(BEST, Numbers("higher", {"a": {0: 0.3}, "b": {0: 0.2}}, {}), toy=True)
    assert found.line.startswith("held (a toy run: this means nothing): a is best")
