"""The figures of the paper on every method: which codes change, which pixels stay, and files that can be opened."""

from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from tests.command_line import CLASSES, write_pictures
from tests.zoo.pictures import write_pair
from zoo import Codes, ZooError, build, checkpoints
from zoo.editing.pasting import region_of
from zoo.editing.statistics import fit_statistics
from zoo.visual import distinct_colours
from zoo_bench.paper_figures import by_layer, material, objects, style, teaser
from zoo_bench.paper_figures.command import figure
from zoo_bench.paper_figures.context import FigureContext
from zoo_bench.paper_figures.file import FigureFile
from zoo_bench.report.figures.sheet import Row, panel, sheet

BY_CLASS = ("clvae", "groupdnet")
RARE = 3
"""The class that the second test picture lacks."""

FIGURES = ("1", "12", "13", "14", "15", "layers")
"""12 and 13 are style-guided synthesis, 14 object editing, 15 material editing; the paper has no figure of layers."""

NO_CODES = "gaugan has no codes"
NO_ENCODER = "cimle has no encoder"
OUTCOMES = {
    "clvae": dict.fromkeys(FIGURES, ""),
    "clvae-1": dict.fromkeys(FIGURES, "") | {"14": "cannot edit by class"},
    "groupdnet": dict.fromkeys(FIGURES, ""),
    "gaugan_vae": dict.fromkeys(FIGURES, "") | {"14": "cannot edit by class"},
    "cimle": dict.fromkeys(FIGURES, NO_ENCODER) | {"1": "", "layers": ""},
    "gaugan": dict.fromkeys(FIGURES, NO_CODES) | {"1": ""},
}
"""By method (clvae-1: with one encoder layer) and figure, what the refusal says; empty where there is none."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two test pictures, of quadrants of four classes and of three bands."""
    made = write_pictures(tmp_path_factory.mktemp("data") / "pictures", train=1, test=1)
    write_pair(made, "test1", np.arange(64)[:, None] // 22 + np.zeros((64, 64), np.int64), "test")
    return made


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("checkpoints")

    def made(name: str) -> Path:
        path = folder / f"{name}.pth"
        if not path.exists():
            registered, _, layers = name.partition("-")
            settings = {"layers": int(layers)} if layers else {}
            method = build(
                registered, data="folder", classes=CLASSES, size=(64, 64), profile="smoke", seed=0, **settings
            )
            config = method.config.to_dict()
            config["data"]["root"] = str(root)
            checkpoints.save(path, {"config": config, "method": method.state_dict(), "ema": None})
        return path

    return made


@pytest.fixture(scope="module")
def subject(checkpoint: Callable[[str], Path]) -> Callable[[str], FigureContext]:
    made: dict[str, FigureContext] = {}
    return lambda name: made.setdefault(name, FigureContext.load(checkpoint(name), device="cpu", seed=7))


def draw(*words: object) -> None:
    figure.main([str(word) for word in words], standalone_mode=False)


def of_class(codes: Codes, k: int) -> torch.Tensor:
    """All values of one class, ``[B, n]``."""
    parts = [codes[name].select(axis, k) for name, spec in codes.specs.items() if (axis := spec.axis("class"))]
    return torch.cat([part.flatten(1) for part in parts], 1)


def images(row: Row) -> list[np.ndarray | None]:
    return [None if panel is None else panel.image for panel in row.panels]


# --- every figure of every method, as the command writes it ---


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in OUTCOMES for number in OUTCOMES[name]])
def test_a_figure_is_written_or_refused_in_a_sentence(checkpoint, tmp_path, name, number):
    out, refusal = tmp_path / "new" / f"{number}.png", OUTCOMES[name][number]
    if refusal:
        with pytest.raises(ZooError, match=refusal):
            draw(number, checkpoint(name), "--device", "cpu", "--out", out)
        assert not out.parent.exists()
        return
    draw(number, checkpoint(name), "--device", "cpu", "--out", out)
    with Image.open(out) as picture:
        assert picture.format == "PNG" and picture.width > 400 and picture.height > 300
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_the_same_command_draws_the_same_file(checkpoint, tmp_path):
    for name in ("a.png", "b.png"):
        draw("14", checkpoint("clvae"), "--samples", 2, "--classes", "class 1", "--out", tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("number", "words", "sentence"),
    [
        ("15", ["--samples", 3], "Figure 15 has no use for --samples"),
        ("layers", ["--classes", "0", "--layers", "0"], "no use for --classes and --layers"),
        ("layers", ["--pictures", "0,1"], "shows one picture, but --pictures names 2"),
        ("1", ["--pictures", "0,2"], "no test picture 2: folder has 2, at the places 0 to 1"),
        ("1", ["--pictures", "first"], "names no places"),
        ("14", ["--pictures", 1, "--classes", "class 3"], "has no class 3"),
        ("1", ["--classes", "sky"], 'no class "sky"'),
        ("1", ["--layers", "9"], "layer indices 0..5"),
        ("15", ["--names", "celebamask"], "names 19 classes, but the checkpoint has 4"),
        ("15", ["--statistics", "absent.safetensors"], "cannot be read"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_nothing_is_written(checkpoint, tmp_path, number, words, sentence):
    with pytest.raises((ZooError, click.UsageError), match=sentence):
        draw(number, checkpoint("clvae"), *words, "--out", tmp_path / "figure.png")
    assert not list(tmp_path.iterdir())


def test_a_figure_is_a_png(checkpoint, tmp_path):
    with pytest.raises(ZooError, match=r"figure is a \.png"):
        draw("1", checkpoint("clvae"), "--out", tmp_path / "figure.jpg")


# --- headings ---


@pytest.mark.parametrize(
    ("module", "title"),
    [
        (teaser, "Figure 1:"),
        (style, "Figures 12 and 13: style-guided synthesis"),
        (objects, "Figure 14: object editing"),
        (material, "Figure 15: material editing"),
        (by_layer, "What each layer does"),
    ],
)
def test_figures_have_the_numbers_of_the_papers_captions(subject, module, title):
    assert module.draw(subject("clvae"), pictures=(0,)).title.startswith(title)


@pytest.mark.parametrize(("dataset", "number"), [("ade20k", "12"), ("deepfashion", "13")])
def test_style_guided_synthesis_has_a_number_per_dataset(subject, monkeypatch, dataset, number):
    clvae = subject("clvae")
    monkeypatch.setattr(clvae.dataset, "name", dataset)
    assert style.draw(clvae, pictures=(0,)).title.startswith(f"Figure {number}:")


def test_the_heading_says_whose_pictures_they_are(subject):
    assert subject("clvae").run == "TOY RUN: clvae, folder, 64x64 real pictures"


def test_the_heading_stands_above_the_sheet_and_within_its_width(tmp_path):
    text = "Unchanged: the picture from its own codes. Below: one layer of them moved along a random direction. " * 3
    file = FigureFile("Figure 0: a title", text, sheet([Row("row", [panel(np.zeros((3, 8, 8), np.uint8))] * 4)]))
    inside = len(file.figure.texts)
    file.save(tmp_path / "figure.png", "TOY RUN: clvae")
    renderer = FigureCanvasAgg(file.figure).get_renderer()
    heading = [text.get_window_extent(renderer) for text in file.figure.texts[inside:]]
    assert len(heading) == 3
    assert all(box.x0 >= 0 and box.x1 <= file.figure.bbox.x1 for box in heading)
    edges = [file.figure.bbox.y1] + [edge for box in heading for edge in (box.y0, box.y1)]
    assert edges == sorted(edges), "from below: text, run, title, none over another"


def test_a_mask_points_at_a_class_by_paling_the_others(subject):
    clvae = subject("clvae")
    _, label = clvae.picture(0)
    whole, pointing = clvae.mask(label).image, clvae.mask(label, only=(1,)).image
    where = label[0].numpy() == 1
    assert np.array_equal(pointing[where], whole[where])
    assert whole[where][0].tolist() == distinct_colours(CLASSES)[1].tolist()
    assert pointing[~where].min() > 200


# --- figure 1 ---


@pytest.mark.parametrize("name", BY_CLASS)
def test_a_class_of_figure_1_comes_from_the_sample_above(subject, name):
    method, (_, label) = subject(name).editor.method, subject(name).picture(0)
    codes = method.sample(label, 3, seed=0)
    everything, part = teaser.parts(codes, [2], [])
    assert all(torch.equal(everything.codes[key], codes[key]) for key in codes)
    for k in range(CLASSES):
        expected = of_class(codes, k) if k == 2 else of_class(codes, k)[:1].expand(3, -1)
        assert torch.equal(of_class(part.codes, k), expected)
    assert all(torch.equal(part.codes[key], codes[key][:1].expand(3, -1)) for key in codes.global_names)


def test_a_layer_of_figure_1_comes_from_the_sample_above(subject):
    method, (_, label) = subject("clvae").editor.method, subject("clvae").picture(0)
    codes = method.sample(label, 3, seed=0)
    fine, whole = list(teaser.parts(codes, [], [0, codes.layers]))[1:]
    assert torch.equal(fine.codes["local"][:, 0], codes["local"][:, 0])
    assert torch.equal(fine.codes["local"][:, 1:], codes["local"][:1, 1:].expand(3, -1, -1, -1))
    assert torch.equal(whole.codes["global"], codes["global"])
    assert torch.equal(whole.codes["local"], codes["local"][:1].expand(3, -1, -1, -1))


def test_figure_1_has_the_largest_classes_and_all_layers(subject):
    titles = [row.title for row in teaser.rows(subject("clvae"), 1, samples=2)]
    assert titles == [
        *("all codes", "class 0", "class 1", "class 2"),
        *("layer 0 (finest)", "layer 1", "layer 2", "layer 3", "layer 4 (coarsest)", "layer 5 (global)"),
    ]
    chosen = teaser.rows(subject("clvae"), 0, classes="3", layers="1-2", samples=2)
    assert [row.title for row in chosen] == ["all codes", "class 3", "layer 1", "layer 2"]


def test_figure_1_of_a_method_without_axes_shows_samples_alone(subject):
    (row,) = teaser.rows(subject("cimle"), 0, samples=3)
    assert len(row.panels) == 4
    (single,) = teaser.rows(subject("gaugan"), 0, samples=3)
    assert len(single.panels) == 2, "one picture per mask"


# --- figure 12 ---


@pytest.mark.parametrize("name", BY_CLASS)
def test_figure_12_takes_common_classes_from_the_target_and_draws_the_rest(subject, name):
    method = subject(name).editor.method
    pictures = [subject(name).picture(place) for place in (0, 1)]
    styled = style.styles(subject(name), (0, 1))
    for target, (image, label) in enumerate(pictures):
        mu = method.encode(image, label).mu
        for mask in (0, 1):
            assert torch.equal(of_class(styled[mask][target], 1), of_class(mu, 1))
            assert all(torch.equal(styled[mask][target][key], mu[key]) for key in mu.global_names)
    drawn = method.sample(pictures[0][1], 1, seed=7)
    assert torch.equal(of_class(styled[0][1], RARE), of_class(drawn, RARE)), "the second target does not show it"


def test_figure_12_has_targets_above_and_masks_on_the_left(subject):
    gaugan_vae = subject("gaugan_vae")
    above, first, second = style.rows(gaugan_vae, (1, 0))
    assert above.panels[0] is None and [panel.caption for panel in above.panels[1:]] == ["target 1", "target 2"]
    (image, label), (_, other) = gaugan_vae.picture(1), gaugan_vae.picture(0)
    assert np.array_equal(images(above)[1], ((image[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy())
    assert np.array_equal(images(first)[0], distinct_colours(CLASSES).numpy()[label[0]])
    assert np.array_equal(above.panels[2].inset, distinct_colours(CLASSES).numpy()[other[0]])
    assert np.array_equal(images(second)[0], above.panels[2].inset)


# --- figure 14 ---


@pytest.mark.parametrize("name", BY_CLASS)
def test_figure_14_keeps_all_other_codes_bit_for_bit(subject, name):
    codes, redraws = objects.edits(subject(name), 0, classes="1,3", samples=3)
    assert list(redraws) == [1, 3]
    for edited, changed in redraws.items():
        for k in range(CLASSES):
            same = torch.equal(of_class(changed, k), of_class(codes, k).expand(3, -1))
            assert same == (k != edited)
        assert all(torch.equal(changed[key], codes[key].expand(3, -1)) for key in codes.global_names)


def test_figure_14_pastes_back_every_pixel_outside_the_class(subject):
    clvae = subject("clvae")
    before, edited, pasted = objects.rows(clvae, 0, classes="2", samples=2)
    original = images(before)[1]
    outside = ~region_of(clvae.picture(0)[1][0], [2]).numpy()
    assert images(pasted)[0] is None
    for synthesised, kept in zip(images(edited)[1:], images(pasted)[1:], strict=True):
        assert np.array_equal(kept[outside], original[outside])
        assert np.array_equal(kept[-1, 0], synthesised[-1, 0]), "deep inside nothing of the picture is left"
        assert not np.array_equal(synthesised[outside], original[outside])


def test_figure_14_redraws_the_largest_classes_by_default(subject):
    label = subject("clvae").picture(1)[1]
    sizes = {k: int((label == k).sum()) for k in range(3)}
    _, redraws = objects.edits(subject("clvae"), 1, samples=2)
    assert list(redraws) == sorted(sizes, key=sizes.__getitem__, reverse=True)


# --- figure 15 ---


def test_the_middle_of_figure_15_is_the_unchanged_picture(subject):
    for name in ("clvae", "groupdnet", "gaugan_vae"):
        codes, moved = material.moves(subject(name), 0, classes=(1,) if name in BY_CLASS else None)
        for edited in moved.values():
            assert all(torch.equal(edited[key][3:4], codes[key]) for key in codes)
        before, *lines = material.rows(subject(name), 0)
        unchanged = images(before)[2].astype(int)
        # batches of other sizes may round differently
        assert all(np.abs(images(line)[3] - unchanged).max() <= 1 for line in lines)


def test_a_line_of_figure_15_moves_one_layer_of_the_class(subject):
    codes, moved = material.moves(subject("clvae"), 0, classes=(1,))
    assert list(moved) == [0, 1, 2, 3, 4, 5]
    local = moved[2]["local"] - codes["local"]
    lengths = local[:, 2, 1].norm(dim=-1)
    torch.testing.assert_close(lengths, lengths[4] * torch.tensor([3.0, 2, 1, 0, 1, 2, 3]), rtol=1e-3, atol=1e-6)
    assert lengths[4] > 0
    torch.testing.assert_close(local[0], -local[-1])
    local[:, 2, 1] = 0
    assert not local.any() and torch.equal(moved[2]["global"], codes["global"].expand(7, -1))
    assert torch.equal(moved[5]["local"], codes["local"].expand(7, -1, -1, -1))
    assert not torch.equal(moved[5]["global"][0], codes["global"][0])


@pytest.mark.parametrize(("name", "title"), [("groupdnet", "class 1"), ("gaugan_vae", "all codes")])
def test_figure_15_has_one_line_for_a_method_without_layers(subject, name, title):
    _, *lines = material.rows(subject(name), 0, classes="1" if name in BY_CLASS else None)
    assert [line.title.partition("\n")[0] for line in lines] == [title]


@pytest.mark.parametrize("given", [True, False])
def test_figure_15_goes_along_the_first_principal_direction(subject, tmp_path, given):
    clvae = subject("clvae")
    statistics = fit_statistics(clvae.editor.method, clvae.dataset, components=1)
    statistics.save(tmp_path / "statistics.safetensors")
    path = tmp_path / "statistics.safetensors" if given else None
    codes, moved = material.moves(clvae, 0, classes=(1,), statistics=path)
    step = moved[0]["local"][4, 0, 1] - codes["local"][0, 0, 1]
    # two pictures vary along the line between them; half their distance, by sqrt(2), is a standard deviation
    means = [clvae.editor.method.encode(*clvae.picture(place)).mu["local"][0, 0, 1] for place in (0, 1)]
    expected = (means[0] - means[1]) / 2**0.5
    torch.testing.assert_close(step.abs(), expected.abs(), rtol=1e-3, atol=1e-6)


# --- what each layer does ---


@pytest.mark.parametrize(
    ("name", "axis", "parts"),
    [("clvae", "layer", 7), ("groupdnet", "class", CLASSES), ("gaugan_vae", "code", 1), ("cimle", "code", 1)],
)
def test_the_figure_of_layers_redraws_the_finest_parts_that_a_method_has(subject, name, axis, parts):
    one = by_layer.redraws(subject(name), 0)
    assert (one.axis, len(one.parts), one.redrawn.shape[1:]) == (axis, parts, (4, 3, 64, 64))


def test_unchanged_in_the_figure_of_layers_has_the_codes_of_the_picture(subject):
    gaugan_vae = subject("gaugan_vae")
    method, (image, label) = gaugan_vae.editor.method, gaugan_vae.picture(0)
    rebuilt = method.synthesize(label, method.encode(image, label).mu)[0]
    expected = ((rebuilt + 1) / 2 * 255).byte().numpy()
    assert np.array_equal(by_layer.redraws(gaugan_vae, 0).base, expected)
