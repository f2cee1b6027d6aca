"""The commands at work on a few small pictures: what they write, print and leave."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from tests.command_line import CLASSES, done, files_below, working_in, write_pictures, zoo
from tests.parity.fixtures import norm_of, over_cases, read, skip_unless
from zoo import Codes, build, checkpoints, load
from zoo.commands.terminal import print_rows

TRAIN = (
    *("train", "gaugan", "--data", "folder", "--data-root", "pictures", "--profile", "smoke"),
    *("--set", f"data.classes={CLASSES}", "--set", "train.log_every=1"),
)


@pytest.fixture
def here(tmp_path):
    with working_in(tmp_path):
        yield tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with pictures and a run of two iterations; tests leave it as it is."""
    with working_in(tmp_path_factory.mktemp("trained")) as folder:
        write_pictures(folder / "pictures")
        assert "runs/gaugan-folder/latest.pth" in done(*TRAIN, "--set", "train.iterations=2")
        yield folder


def test_list_names_what_there_is(here):
    listed = json.loads(done("list", "--json"))
    assert {row["method"] for row in listed["methods"]} >= {"cimle", "clvae", "gaugan", "gaugan_vae", "groupdnet"}
    sizes = {row["dataset"]: row["classes"] for row in listed["datasets"]}
    assert sizes == {"ade20k": 151, "celebamask": 19, "deepfashion": 16, "gta5": 20, "folder": "data.classes"}
    metrics = {row["metric"]: (row["title"], row["better"]) for row in listed["metrics"]}
    assert metrics["fid_val_inception2015"] == ("FID", "lower")
    assert metrics["diversity_lpips_alex_{samples}"] == ("Diversity", "higher")
    assert [row["profile"] for row in listed["profiles"] if row["toy"]] == ["smoke"]
    assert {table["table"]: table["dataset"] for table in listed["tables"]} == {
        **{"1": "ade20k", "2": "ade20k", "3": "deepfashion"},
        **{"4": "gta5", "5": "gta5", "layers": "gta5", "faces": "folder"},
    }
    assert json.loads(done("list", "profiles", "--json")) == listed["profiles"]
    plain = done("list")
    assert all(name in plain for name in ("groupdnet", "deepfashion", "smoke"))


def test_a_broken_plugin_is_named_once_and_stops_nothing(here):
    outcome = zoo("list", "methods", "--plugin", "absent_plugin.py")
    assert outcome.code == 0 and "clvae" in outcome.out
    assert outcome.err.splitlines() == [
        "The plugin absent_plugin is broken and left out: "
        "There is nothing at absent_plugin.py: give a .py file or a package folder."
    ]


def test_a_broken_plugin_is_not_named_again_when_its_method_is_asked_for(here):
    Path("toy_torn.py").write_text("def\n")
    outcome = zoo("train", "toy_torn", "--data", "deepfashion", "--plugin", "toy_torn.py")
    told, error = outcome.err.splitlines()
    assert outcome.code == 2 and told.startswith("The plugin toy_torn is broken and left out: SyntaxError")
    assert error.startswith('Error: There is no method "toy_torn"') and "broken" not in error


def test_a_broken_plugin_is_named_even_where_it_has_the_name_of_another(here):
    Path("gaugan.py").write_text("1 / 0\n")
    outcome = zoo("list", "methods", "--plugin", "gaugan.py")
    assert outcome.err.startswith("The plugin gaugan (gaugan.py) is broken and left out: ")


def test_train_leaves_a_run_that_explains_itself(trained):
    run = trained / "runs" / "gaugan-folder"
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["data"]["classes"] == CLASSES and config["train"]["iterations"] == 2
    assert checkpoints.load(run / "latest.pth")["config"] == config
    assert [json.loads(line)["iteration"] for line in (run / "log.jsonl").read_text().splitlines()] == [1, 2]


def test_resume_goes_on_from_where_the_run_stopped(here):
    write_pictures(here / "pictures")
    done(*TRAIN, "--set", "train.iterations=1", "--work-dir", "run")
    done(*TRAIN, "--set", "train.iterations=2", "--work-dir", "run", "--resume")
    done(*TRAIN, "--set", "train.iterations=2", "--work-dir", "at-once")
    first, second = (load(Path(name) / "latest.pth").state_dict() for name in ("run", "at-once"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_dry_run_prints_the_plan_and_writes_nothing(here):
    write_pictures(here / "pictures")
    before = files_below(here)
    plan = yaml.safe_load(done(*TRAIN, "--dry-run", "--seed", "3"))
    assert files_below(here) == before
    where = {"root": "pictures", "procedural": False}
    assert plan["data"] == {"name": "folder", "classes": CLASSES, "size": [64, 64], "train": 4, **where}
    assert plan["seed"] == 3 and plan["work_dir"] == "runs/gaugan-folder" and plan["parameters"]["generator"] > 0


def test_sample_writes_every_picture_and_a_grid(trained, tmp_path):
    command = ("sample", "runs/gaugan-folder/latest.pth", "--data", "folder", "--data-root", "pictures")
    outcome = zoo(*command, "--samples", 2, "--out", tmp_path)
    assert outcome.code == 0 and "Wrote 4 pictures and" in outcome.out
    names = {"grid.png", *(f"test{mask}_{sample:02d}.png" for mask in range(2) for sample in range(2))}
    assert {path.name for path in tmp_path.iterdir()} == names
    method = load(trained / "runs" / "gaugan-folder" / "latest.pth")
    label = torch.from_numpy(np.asarray(Image.open("pictures/test/labels/test1.png")).astype(np.int64))[None]
    drawn = method.synthesize(label, method.sample(label, 1))[0].permute(1, 2, 0)
    written = torch.from_numpy(np.array(Image.open(tmp_path / "test1_00.png"))).float()
    cut_off = (drawn + 1) * 127.5 - written  # as the official code writes its pictures: whole steps, not rounded
    assert cut_off.min() > -1e-3 and cut_off.max() < 1 + 1e-3


def test_the_grids_of_samples_have_captions(trained, tmp_path):
    command = ("sample", "runs/gaugan-folder/latest.pth", "--data", "folder", "--data-root", "pictures")
    done(*command, "--samples", 2, "--out", tmp_path)
    drawn = np.asarray(Image.open(tmp_path / "test1_01.png"))
    written = np.asarray(Image.open(tmp_path / "grid.png")).astype(int)
    training = np.asarray(Image.open("runs/gaugan-folder/samples/iter_000002.png")).astype(int)
    for pixels, columns in ((written, 4), (training, 3)):
        above = pixels.shape[0] - (2 * 66 + 2)
        assert above > 8 and pixels.shape[1] == columns * 66 + 2
        for start in range(2, pixels.shape[1], 66):
            assert pixels[:above, start : start + 64].min() < 100, "there is ink above every column"
    assert np.abs(written[-66:-2, -66:-2] - drawn).max() <= 1, "the last sample of the last mask; a file cuts off"


def test_samples_that_cannot_differ_are_announced(trained, tmp_path, caplog):
    command = ("sample", "runs/gaugan-folder/latest.pth", "--data", "folder", "--data-root", "pictures", "--limit", 1)
    done(*command, "--samples", 2, "--out", tmp_path)
    assert "gaugan has no codes to draw, so the samples of a mask are all the same." in caplog.messages
    assert (tmp_path / "test0_00.png").read_bytes() == (tmp_path / "test0_01.png").read_bytes()
    caplog.clear()
    done(*command, "--samples", 1, "--out", tmp_path)
    assert not caplog.messages


def test_the_first_column_of_a_table_is_never_folded(capsys):
    name = "n" * 140
    print_rows("title", [{"name": name, "about": "a" * 140}])
    assert name in capsys.readouterr().out.split()


def test_a_checkpoint_meets_pictures_of_another_dataset(here):
    method = build("gaugan", data="deepfashion", size=(64, 64), profile="smoke", seed=0)
    checkpoints.save("model.pth", {"config": method.config.to_dict(), "method": method.state_dict(), "ema": None})
    write_pictures(here / "pictures")  # their four classes are among the sixteen of the checkpoint
    pictures = ("model.pth", "--data", "folder", "--data-root", "pictures")
    done("sample", *pictures, "--samples", 1, "--out", "samples")
    assert Image.open("samples/test0_00.png").size == (64, 64)
    (line,) = done("eval", *pictures, "--metrics", "lpips_alex_reconstruction", "--json").splitlines()
    assert json.loads(line)["protocol"]["images"] == 2
    Image.fromarray(np.full((64, 64), 16, np.uint8)).save("pictures/test/labels/test1.png")
    outcome = zoo("sample", *pictures, "--out", "more")
    assert outcome.code == 2 and "holds the class id 16, but valid ids are 0 to 15" in outcome.err


def test_eval_says_which_features_its_numbers_come_from(trained):
    command = ("eval", "runs/gaugan-folder/latest.pth", "--data", "folder", "--data-root", "pictures")
    (line,) = done(*command, "--metrics", "lpips_alex_reconstruction", "--limit", 2, "--json").splitlines()
    row = json.loads(line)
    assert row["metric"] == "lpips_alex_reconstruction" and row["value"] > 0
    assert row["protocol"]["network"] == "random features" and row["protocol"]["images"] == 2
    assert row["method"] == "gaugan" and row["seed"] == 0 and row["seconds"] > 0 and row["versions"]["torch"]
    assert row["checkpoint"] == hashlib.sha256(Path("runs/gaugan-folder/latest.pth").read_bytes()).hexdigest()[:12]
    assert "random features" in done(*command, "--metrics", "lpips_alex_reconstruction", "--limit", 2)


def test_eval_keeps_what_it_is_asked_to_keep(trained, tmp_path):
    command = ["eval", "runs/gaugan-folder/latest.pth", "--data", "folder", "--data-root", "pictures", "--limit", 2]
    text = done(*command, "--out", tmp_path, "--pictures", "--json")
    assert (tmp_path / "results.jsonl").read_text() == text
    numbers = pd.read_parquet(tmp_path / "pictures.parquet")
    assert numbers.columns.tolist() == ["index", "name", "metric", "value"]
    stored = {row["metric"]: row["value"] for row in map(json.loads, text.splitlines())}
    assert set(stored) == {"fid_val_inception2015", "lpips_alex_reconstruction"}, "GauGAN has no codes to draw"
    assert numbers["value"].mean() == pytest.approx(stored["lpips_alex_reconstruction"])
    assert sorted(p.name for p in (tmp_path / "reconstruction").iterdir()) == ["test0.png", "test1.png"]
    assert zoo(*command, "--pictures").code == 2


def test_made_data_passes_its_check_and_is_the_same_again(here):
    for folder in ("one", "two"):
        command = ("data", "make", "deepfashion", "--out", folder, "--train", 2, "--test", 1, "--size", 32, 32)
        done(*command, "--seed", 5)
    contents = [{p.name: p.read_bytes() for p in Path(f).rglob("*.*")} for f in ("one", "two")]
    assert contents[0] == contents[1] and len(contents[0]) >= 6
    summary = done("data", "check", "deepfashion", "--data-root", "one")
    assert "2 train, 1 test pairs" in summary and "No problems found." in summary


def test_check_lists_every_problem(here):
    root = write_pictures(here / "pictures")
    (root / "train" / "labels" / "train0.png").unlink()
    Image.fromarray(np.full((64, 64), 200, np.uint8)).save(root / "test" / "labels" / "test1.png")
    outcome = zoo("data", "check", "folder", "--data-root", root, "--classes", CLASSES)
    assert outcome.code == 2 and outcome.err.startswith("Error: folder has 2 problems")
    assert "train0.png has no label" in outcome.out and "test1.png holds the class id 200" in outcome.out


def official(state):
    """A generator's state dict under the names of the SPADE release."""
    names = (
        (r"^decoder\.(blocks\.)?", ""),
        (r"\.mlp_shared\.", ".mlp_shared.0."),
        (r"\.parametrizations\.weight\.original$", ".weight_orig"),
        (r"\.parametrizations\.weight\.0\._([uv])$", r".weight_\1"),
    )
    renamed = {}
    for key, tensor in state.items():
        for pattern, name in names:
            key = re.sub(pattern, name, key)
        renamed[key] = tensor
    return renamed


def test_eval_tells_what_its_numbers_have_in_common_once(trained, tmp_path):
    command = ("eval", "runs/gaugan-folder/latest.pth", "--data", "folder", "--data-root", "pictures", "--limit", 2)
    text = done(*command, "--metrics", "fid_val_inception2015, lpips_alex_reconstruction", "--out", tmp_path)
    title, header, *rows = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    assert title == f"gaugan on folder: 2 test pictures of 64x64, {CLASSES} classes"
    assert header == "metric value better codes samples network"
    assert [row.split()[0] for row in rows[:2]] == ["fid_val_inception2015", "lpips_alex_reconstruction"]
    assert rows[-2].startswith("fid_val_inception2015: FID from 2 pictures, fewer than")
    assert rows[-1] == f"Wrote results.jsonl and pictures.parquet to {tmp_path}"


def test_import_brings_official_weights_in(here):
    ours = build("gaugan", classes=16, size=(256, 256), width=4, seed=1)
    torch.save(official(ours.generator.state_dict()), "latest_net_G.pth")
    settings = ("--set", "method.width=4", "--set", "method.upsampling=normal", "--set", "method.discriminator_width=4")
    done("import", "gaugan", "--generator", "latest_net_G.pth", "--data", "deepfashion", "--out", "g.pth", *settings)
    theirs = load("g.pth").generator.state_dict()
    assert all(torch.equal(theirs[key], tensor) for key, tensor in ours.generator.state_dict().items())


def imported(fixture, method, *settings):
    """The method of a checkpoint that the command made from official weights, at the fixture's settings."""
    opt = fixture.opt
    norm, spectral = norm_of(opt["norm_G"])
    for network in ("G", "E"):
        torch.save(fixture.state(network), f"latest_net_{network}.pth")
    values = {
        "data.classes": fixture.classes,
        "data.size": list(fixture.size),
        "method.width": opt["ngf"],
        "method.global_code_width": opt["z_dim"],
        "method.upsampling": opt["num_upsampling_layers"],
        "method.norm": norm,
        "method.spectral": str(spectral).lower(),
        "method.encoder_norm": norm_of(opt["norm_E"])[0],
    }
    sets = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    files = ("--generator", "latest_net_G.pth", "--encoder", "latest_net_E.pth", "--out", "imported.pth")
    done("import", method, *files, "--data", "folder", *sets, *settings)
    return load("imported.pth")


@over_cases("b")
def test_imported_gaugan_vae_draws_the_official_picture(case, here):
    fixture = read(case)
    skip_unless("z" in fixture.tensors, case, "codes")
    method = imported(fixture, "gaugan_vae")
    image = method.synthesize(fixture.label, Codes({"global": fixture.tensors["z"]}, method.code_specs))
    skip_unless(fixture.compare("out_eval", image), case)


@over_cases("c")
def test_imported_clvae_draws_the_official_pictures(case, here):
    fixture = read(case)
    skip_unless("z" in fixture.tensors, case, "codes")
    method = imported(fixture, "clvae", "--set", f"method.local_code_width={fixture.opt['z_dim_local']}")
    codes = {"global": fixture.tensors["z_global"], "local": fixture.all_classes("z")}
    image = method.synthesize(fixture.label, Codes(codes, method.code_specs))
    skip_unless(fixture.compare("out_eval", image), case)


def test_the_error_of_a_misfitting_official_file_has_both_shapes(here):
    ours = build("gaugan", classes=16, size=(256, 256), width=4, seed=1)
    torch.save(official(ours.generator.state_dict()), "latest_net_G.pth")
    files = ("--generator", "latest_net_G.pth", "--out", "g.pth")
    common = ("import", "gaugan", *files, "--set", "method.upsampling=normal")
    width = zoo(*common, "--data", "deepfashion", "--set", "method.width=8")
    classes = zoo(*common, "--data", "gta5", "--set", "method.width=4")
    assert (width.code, classes.code) == (2, 2)
    for words in ("fc.weight", "[64, 16, 3, 3]", "[128, 16, 3, 3]", "--set"):
        assert words in width.err
    for words in ("fc.weight", "[64, 16, 3, 3]", "[64, 20, 3, 3]", "--data"):
        assert words in classes.err
    assert not Path("g.pth").exists()


def test_a_process_of_its_own_says_one_sentence(here):
    """The same through the interpreter, where warnings of imported packages would show too."""
    command = [sys.executable, "-m", "cli", "train", "clvea", "--data", "deepfashion"]
    outcome = subprocess.run(command, capture_output=True, text=True)
    assert outcome.returncode == 2 and outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert line.startswith('Error: There is no method "clvea"; did you mean "clvae"')


@pytest.mark.slow
def test_two_processes_train_a_real_method(here):
    write_pictures(here / "pictures")
    words = [word if word != "gaugan" else "gaugan_vae" for word in TRAIN]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "-m", "cli", *words]
    limits = ("--set", "train.iterations=2", "--set", "train.batch_size=2", "--set", "train.ema=0.9")
    done_by = subprocess.run([*command, *limits], capture_output=True, text=True, timeout=300, check=False)
    assert done_by.returncode == 0, done_by.stderr
    assert done_by.stdout.count("Trained gaugan_vae") == 1
    method = load("runs/gaugan_vae-folder/latest.pth")
    label = torch.randint(0, CLASSES, (1, 64, 64))
    assert torch.isfinite(method.synthesize(label, method.sample(label, 2, seed=0))).all()
    assert json.loads(Path("runs/gaugan_vae-folder/record.json").read_text())["ranks"] == 2
