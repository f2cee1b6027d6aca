"""tables.yaml against the numbers of issue and paper, written out here once more, and what its reader refuses."""

from pathlib import Path

import pytest

from zoo.errors import ZooError
from zoo_bench.tables import read, settings_that_tell_rows_apart, table_rows

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
        for name, table in read().tables.items()
        if name in PUBLISHED
    }
    assert found == PUBLISHED
    assert [list(rows) for _, _, rows in found.values()] == [list(rows) for _, _, rows in PUBLISHED.values()]


def test_further_tables_are_the_number_of_layers_and_the_faces():
    tables = read().tables
    assert list(tables) == [*PUBLISHED, "layers", "faces"]
    layers = [row.settings.get("layers", 6) for row in tables["layers"].rows]
    assert layers == [1, 2, 3, 4, 5, 6] and tables["layers"].dataset == "gta5"
    faces = tables["faces"]
    assert (faces.dataset, faces.root, faces.data["classes"], faces.extra) == ("folder", "celebamask", 19, True)
    assert faces.metrics == RECONSTRUCTION + RANDOM
    assert [row.label for row in faces.rows[:4]] == ["GauGAN", "GauGAN-VAE", "GroupDNet", "CLVAE"]
    ablations = [row.settings for row in tables["5"].rows if row.settings]
    assert [row.settings for row in faces.rows[4:]] == ablations


def test_rows_name_the_runs_of_the_paper():
    tables = read().tables
    runs = {row.label: (row.method, row.settings) for table in tables.values() for row in table.rows}
    assert runs["GauGAN-VAE*"] == ("gaugan_vae", {"kl_weight": 0.0005})
    assert runs["w/o class-wise"] == ("clvae", {"class_wise": False})
    assert runs["w/o layer-wise"] == ("clvae", {"layer_wise": False})
    assert runs["50 % (3 layers)"] == ("clvae", {"layers": 3})
    assert runs["75 % (5 layers)"] == ("clvae", {"layers": 5})
    assert runs["all"] == runs["CLVAE"] == ("clvae", {})
    assert settings_that_tell_rows_apart(tables, "clvae") == {"class_wise", "layer_wise", "layers"}


def test_papers_protocol_has_forty_samples_per_mask():
    assert read().evaluation("paper").samples == 40


def test_listing_shows_every_table():
    assert [row["table"] for row in table_rows()] == [*PUBLISHED, "layers", "faces"]


def test_choice_of_tables():
    bench = read()
    assert list(bench.choose(["all"], "paper")) == [*PUBLISHED, "layers"], "extra tables are run by name"
    assert list(bench.choose(["3", " 1", "faces"], "paper")) == ["1", "3", "faces"]
    with pytest.raises(ZooError, match=r'no table "7".*1,2,3,4,5,layers,faces'):
        bench.choose(["1", "7"], "paper")


def test_a_profile_puts_its_number_of_samples_into_the_names():
    for profile, samples in (("smoke", 4), ("paper", 40)):
        table = read().choose(["2"], profile)["2"]
        assert table.metrics == (f"diversity_lpips_alex_{samples}", f"top1_lpips_alex_{samples}_l1")
        assert {claim.metric for claim in table.claims} <= set(table.metrics)
    with pytest.raises(ZooError, match=r'no profile "papr".*paper'):
        read().choose(["2"], "papr")


TABLE = """
profiles: {{smoke: {{samples: 4}}}}
tables:
  1:
    title: A title
    dataset: ade20k
    metrics: [{metric}]
    rows:
      - {{label: A, {method}: gaugan, paper: {paper}}}
      - {{label: B, method: clvae}}
    claims:
      - {{text: A wins, metric: {of}, {claim}}}
"""
SOUND = {
    "metric": "lpips_alex_reconstruction",
    "of": "lpips_alex_reconstruction",
    "method": "method",
    "paper": "[0.1]",
    "claim": "best: A",
}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"method": "methode"}, "methode"),
        ({"paper": "[0.1, 0.2]"}, 'Table 1 .*row "A" has 2 published numbers for 1 metrics'),
        ({"paper": "[good]"}, "paper"),
        ({"metric": "lpips"}, 'no metric "lpips"'),
        ({"of": "fid_val_inception2015"}, '"A wins" is about fid_val_inception2015, which the table does not have'),
        ({"claim": "best: AA"}, '"A wins" names a row "AA", which is not there'),
        ({"claim": "percent: 3"}, '"A wins" needs one of best, order and alike'),
        ({"claim": "best: A, alike: [A, B]"}, '"A wins" needs one of best, order and alike'),
        ({"claim": "alike: [A, B], percent: -1"}, "percent"),
    ],
)
def test_faulty_tables_are_answered_in_a_sentence(tmp_path: Path, change: dict[str, str], sentence: str):
    path = tmp_path / "tables.yaml"
    path.write_text(TABLE.format(**SOUND | change))
    with pytest.raises(ZooError, match=sentence):
        read(path)


def test_sound_table_of_ones_own(tmp_path: Path):
    path = tmp_path / "tables.yaml"
    path.write_text(TABLE.format(**SOUND | {"paper": "[]"}))
    assert read(path).tables["1"].rows[0].paper == ()
    with pytest.raises(ZooError, match=r'no profile "paper".*smoke'):
        read(path).evaluation("paper")
