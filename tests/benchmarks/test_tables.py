"""The tables against the numbers of the paper, written out here once more, and what their reader refuses."""

from pathlib import Path

import pytest

import zoo_bench
from tests.command_line import done, working_in
from zoo.catalogue import table_rows
from zoo.errors import ZooError
from zoo_bench.grid import distinguishing_settings
from zoo_bench.tables import available, choose, read

RECONSTRUCTION = ("fid_val_inception2015", "lpips_alex_reconstruction")
RANDOM = ("diversity_lpips_alex_{samples}", "top1_lpips_alex_{samples}_l1")
PUBLISHED = {
    "1": ("ade20k", RECONSTRUCTION, {"GauGAN": (33.9, 0.538), "GauGAN-VAE": (32.9, 0.493), "CLVAE": (31.2, 0.462)}),
    "2": (
        "ade20k",
        RANDOM,
        {
            "GauGAN-VAE": (0.294, 0.490),
            "GauGAN-VAE*": (0.507, 0.583),
            "GroupDNet": (0.177, 0.521),
            "CLVAE": (0.415, 0.503),
        },
    ),
    "3": (
        "deepfashion",
        RANDOM,
        {"GauGAN-VAE": (0.203, 0.155), "GroupDNet": (0.218, 0.159), "CLVAE": (0.216, 0.158)},
    ),
    "4": ("gta5", RANDOM, {"GauGAN-VAE": (0.118, 0.399), "cIMLE": (0.194, 0.390), "CLVAE": (0.266, 0.378)}),
    "5": (
        "gta5",
        RANDOM,
        {
            "w/o class-wise": (0.131, 0.390),
            "w/o layer-wise": (0.242, 0.378),
            "50 % (3 layers)": (0.210, 0.385),
            "75 % (5 layers)": (0.247, 0.377),
            "all": (0.266, 0.378),
        },
    ),
}


def test_tables_hold_the_published_rows_and_numbers():
    found = {
        name: (table.dataset, table.metrics, {row.label: row.paper for row in table.rows})
        for name, table in read().items()
        if name in PUBLISHED
    }
    assert found == PUBLISHED
    assert [list(rows) for _, _, rows in found.values()] == [list(rows) for _, _, rows in PUBLISHED.values()]


def test_further_tables_are_the_number_of_layers_and_the_faces():
    tables = read()
    assert list(tables) == [*PUBLISHED, "faces", "layers"]
    layers = [row.settings.get("layers", 6) for row in tables["layers"].rows]
    assert layers == [1, 2, 3, 4, 5, 6] and tables["layers"].dataset == "gta5"
    faces = tables["faces"]
    assert (faces.dataset, faces.root, faces.data["classes"], faces.extra) == ("folder", "celebamask", 19, True)
    assert faces.metrics == RECONSTRUCTION + RANDOM
    assert [row.label for row in faces.rows[:4]] == ["GauGAN", "GauGAN-VAE", "GroupDNet", "CLVAE"]
    ablations = [row.settings for row in tables["5"].rows if row.settings]
    assert [row.settings for row in faces.rows[4:]] == ablations


def test_rows_name_the_runs_of_the_paper():
    tables = read()
    runs = {row.label: (row.method, row.settings) for table in tables.values() for row in table.rows}
    assert runs["GauGAN-VAE*"] == ("gaugan_vae", {"kl_weight": 0.0005})
    assert runs["w/o class-wise"] == ("clvae", {"class_wise": False})
    assert runs["w/o layer-wise"] == ("clvae", {"layer_wise": False})
    assert runs["50 % (3 layers)"] == ("clvae", {"layers": 3})
    assert runs["75 % (5 layers)"] == ("clvae", {"layers": 5})
    assert runs["all"] == runs["CLVAE"] == ("clvae", {})
    assert distinguishing_settings(tables, "clvae") == {"class_wise", "layer_wise", "layers"}


def test_every_published_number_has_a_source_and_figures_have_the_numbers_of_the_paper():
    tables = read()
    assert all(table.source for table in tables.values() if any(row.paper for row in table.rows))
    numbers = {name: {kind: n for kind, n in table.figures.items() if n} for name, table in tables.items()}
    assert numbers == {
        "1": {"reconstructions": 6, "worst": 16},
        "2": {"samples": 7, "histograms": 10},
        "3": {"samples": 8, "histograms": 10},
        "4": {"samples": 9, "histograms": 10},
        "5": {},
        "faces": {},
        "layers": {"layers": 11},
    }


def test_listing_shows_every_table():
    assert [row["table"] for row in table_rows()] == [*PUBLISHED, "faces", "layers"]


def test_choice_of_tables():
    tables = read()
    assert list(choose(tables, ["all"], toy=False)) == [*PUBLISHED, "layers"], "extra tables are run by name"
    assert list(choose(tables, ["3", " 1", "faces"], toy=False)) == ["1", "3", "faces"]
    with pytest.raises(ZooError, match=r'"7".*1,2,3,4,5,faces,layers'):
        choose(tables, ["1", "7"], toy=False)


def test_the_number_of_samples_is_filled_into_the_names():
    for toy, samples in ((True, 4), (False, 40)):
        table = choose(read(), ["2"], toy=toy)["2"]
        assert table.metrics == (f"diversity_lpips_alex_{samples}", f"top1_lpips_alex_{samples}_l1")
        assert {claim.metric for claim in table.claims} <= set(table.metrics)


TABLE = """
title: A title
dataset: ade20k
figures: {{{figure}: null}}
metrics: [{metric}]
rows:
  - {{label: A, {method}: gaugan, paper: {paper}}}
  - {{label: {second}, method: clvae}}
claims:
  - {{text: A wins, metric: {of}, {claim}}}
"""
SOUND = {
    "figure": "samples",
    "metric": "lpips_alex_reconstruction",
    "of": "lpips_alex_reconstruction",
    "method": "method",
    "paper": "[0.1]",
    "second": "B",
    "claim": "best: A",
}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"method": "methode"}, "methode"),
        ({"paper": "[0.1, 0.2]"}, 'mine.yaml.*"A" has 2'),
        ({"paper": "[good]"}, "paper"),
        ({"metric": "lpips"}, '"lpips"|lpips_alex_reconstruction'),
        ({"of": "fid_val_inception2015"}, "fid_val_inception2015"),
        ({"claim": "best: AA"}, '"AA"'),
        ({"claim": "percent: 3"}, "best, order and alike"),
        ({"claim": "best: A, alike: [A, B]"}, "best, order and alike"),
        ({"claim": "alike: [A, B], percent: -1"}, "percent"),
        ({"second": "A"}, 'two rows "A"'),
        ({"second": "data"}, '"data"'),
        ({"figure": "sample"}, 'did you mean "samples"'),
    ],
)
def test_faulty_tables_are_refused(tmp_path: Path, change: dict[str, str], word: str):
    path = tmp_path / "mine.yaml"
    path.write_text(TABLE.format(**SOUND | change))
    with pytest.raises(ZooError, match=word):
        read(path)


def test_a_metric_that_does_not_exist_is_refused(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(TABLE.format(**SOUND | {"metric": "lpips", "of": "lpips"}))
    with pytest.raises(ZooError, match='no metric "lpips"'):
        read(path)


def test_a_table_of_ones_own(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(TABLE.format(**SOUND | {"paper": "[]"}))
    assert read(path)["mine"].rows[0].paper == ()
    assert list(read(tmp_path)) == ["mine"]


def test_a_file_runs_as_the_tables_of_the_paper_do(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(
        "title: Mine\ndataset: deepfashion\nmetrics: [lpips_alex_reconstruction]\n"
        "rows: [{label: one, method: gaugan, paper: [0.5]}]\n"
    )
    sets = ("train.iterations=1", "data.size=[32, 32]", "data.standin={train: 4, test: 2, seed: 0}")
    words = [word for setting in sets for word in ("--set", setting)]
    with working_in(tmp_path):
        done("bench", "--tables-file", "mine.yaml", "--profile", "smoke", "--jobs", "0", *words)
    table = zoo_bench.load(tmp_path / "bench" / "smoke").table("mine")
    assert table.loc["one", "GT-similarity (paper)"] == 0.5
    assert 0 < table.loc["one", "GT-similarity"] < 2


def test_a_file_cannot_take_the_name_of_a_registered_table(tmp_path: Path):
    path = tmp_path / "3.yaml"
    path.write_text(TABLE.format(**SOUND))
    with pytest.raises(ZooError, match=r'"3".*rename'):
        available([path])
