"""Mean and principal directions against numpy's SVD over the stacked codes of the pictures that show a class."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from zoo import ZooError
from zoo.contract import CLASSES
from zoo.editing.edits import edit_material
from zoo.editing.statistics import CodeStatistics, fit_statistics

COMPONENTS = 3


def vectors_of(method, dataset, pick):
    """Float64 ``[pictures, D]``: ``pick(posterior, label)`` of every picture, encoded alone, where it is not None."""
    picked = []
    for item in dataset:
        posterior = method.encode(item["image"][None], item["label"][None])
        vector = pick(posterior, item["label"])
        if vector is not None:
            picked.append(vector.double().flatten().numpy())
    return np.stack(picked)


def of_class(k, *layer):
    """Picks the local code of a class (at a layer, where there are some) out of pictures that have the class."""

    def pick(posterior, label):
        return posterior.mu["local"][(0, *layer, k)] if (label == k).any() else None

    return pick


def the_global(posterior, label):
    return posterior.mu["global"][0]


CASES = {
    "clvae, class 0 at layer 0": ("clvae", "local", (0, 0), of_class(0, 0)),
    "clvae, class 3 at the last layer": ("clvae", "local", (4, 3), of_class(3, 4)),
    "clvae, global": ("clvae", "global", (), the_global),
    "gaugan_vae, global": ("gaugan_vae", "global", (), the_global),
    "groupdnet, class 2": ("groupdnet", "local", (2,), of_class(2)),
}


@pytest.mark.parametrize(("name", "code", "at", "pick"), CASES.values(), ids=CASES)
def test_directions_are_those_of_the_svd(small, noisy, name, code, at, pick):
    found = fit_statistics(small(name), noisy, components=COMPONENTS, batch=4)
    rows = vectors_of(small(name), noisy, pick)
    mean = rows.mean(0)
    _, lengths, directions = np.linalg.svd(rows - mean, full_matrices=False)
    deviations = lengths / np.sqrt(len(rows) - 1)
    scale = deviations[0]
    np.testing.assert_allclose(found.mean[code][(0, *at)].flatten(), mean, atol=1e-6)
    for k in range(COMPONENTS):
        direction = directions[k] * np.sign(directions[k][np.abs(directions[k]).argmax()])
        own = found.principal(k)[code][(0, *at)].flatten().numpy()
        np.testing.assert_allclose(own / scale, direction * deviations[k] / scale, atol=1e-4)
        assert found.variances[code][(k, *at)].item() == pytest.approx(deviations[k] ** 2, rel=1e-4)
    assert found.totals[code][(0, *at)].item() == pytest.approx((deviations**2).sum(), rel=1e-5)
    assert found.counts[code][(0, *at)].item() == len(rows)


def test_only_pictures_that_show_a_class_count(small, noisy):
    counts = fit_statistics(small("groupdnet"), noisy).counts["local"].flatten().tolist()
    assert counts == [10, 10, 10, 10, 3, 1]
    assert fit_statistics(small("groupdnet"), noisy, limit=2).counts["local"].flatten().tolist() == [2, 2, 2, 2, 2, 0]


def test_classes_that_a_coarse_layer_lost_do_not_count(small, noisy):
    found = fit_statistics(small("clvae"), noisy)
    item = noisy[3]
    seen = small("clvae").encode(item["image"][None], item["label"][None]).class_mask["local"][0, :, 5].tolist()
    assert seen[0] and not seen[-1]
    assert found.counts["local"][0, :, 5, 0].tolist() == [int(there) for there in seen]
    assert not found.mean["local"][0, -1, 5].any() and found.mean["local"][0, 0, 5].any()
    assert found.counts["global"].item() == 10


def test_few_pictures_have_few_directions(small, noisy):
    found = fit_statistics(small("clvae"), noisy, components=5)
    lengths = torch.linalg.vector_norm(found.components["local"][:, 0, 4], dim=-1)
    assert (lengths > 0).tolist() == [True, True, False, False, False]  # three pictures span a plane
    assert not found.components["local"][:, :, 5].any()  # one picture spans nothing
    alone = fit_statistics(small("clvae"), noisy, limit=1)
    assert not any(tensor.any() for tensor in alone.components.values())


def test_more_directions_than_a_vector_has_entries_are_zero(small, noisy):
    found = fit_statistics(small("clvae"), noisy, components=8)
    lengths = torch.linalg.vector_norm(found.components["local"][:, 0, 0], dim=-1)
    assert (lengths > 0).tolist() == [True] * CLASSES + [False] * 2


def test_the_size_of_the_batch_changes_nothing(small, noisy):
    one, four = (fit_statistics(small("clvae"), noisy, batch=size) for size in (1, 4))
    for name in one.mean:
        torch.testing.assert_close(one.mean[name], four.mean[name])
        torch.testing.assert_close(one.variances[name], four.variances[name], rtol=1e-3, atol=1e-9)


def test_an_edit_moves_one_class_along_its_direction(small, noisy):
    found = fit_statistics(small("clvae"), noisy)
    codes = small("clvae").sample(noisy[0]["label"][None], seed=0)
    edited = edit_material(codes, found.principal(1), 2.0, classes=[2], layers=[1])
    expected = codes["local"].clone()
    expected[0, 1, 2] += 2 * found.components["local"][1, 1, 2]
    torch.testing.assert_close(edited["local"], expected)
    assert torch.equal(edited["global"], codes["global"])


def test_a_file_gives_back_the_very_numbers(small, noisy, tmp_path):
    found = fit_statistics(small("clvae"), noisy, limit=4, checkpoint="abc")
    found.save(tmp_path / "new" / "codes.safetensors")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["codes.safetensors"]
    loaded = CodeStatistics.load(tmp_path / "new" / "codes.safetensors")
    for part in ("mean", "components", "variances", "totals", "counts"):
        first, second = getattr(found, part), getattr(loaded, part)
        assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    assert loaded.origin == found.origin and loaded.directions == 8
    origin = loaded.origin
    facts = (origin.method, origin.checkpoint, origin.dataset, origin.split, origin.pictures)
    assert facts == ("clvae", "abc", "folder", "test", 4)
    loaded.check(small("clvae"))
    with pytest.raises(ZooError, match=r"clvae .*groupdnet"):
        loaded.check(small("groupdnet"))


def test_directions_are_counted_as_people_do(small, noisy):
    found = fit_statistics(small("gaugan_vae"), noisy, components=2, limit=3)
    for wrong, named in ((2, 3), (-1, 0)):
        with pytest.raises(ZooError, match=rf"direction {named}: .*1 to 2"):
            found.principal(wrong)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "codes.safetensors"
    with pytest.raises(ZooError, match="statistics"):
        CodeStatistics.load(path)
    path.write_text("no tensors")
    with pytest.raises(ZooError, match="statistics"):
        CodeStatistics.load(path)
    for metadata in (None, {"zoo code statistics": "no JSON"}, {"zoo code statistics": '{"specs": {}}'}):
        save_file({"mean.global": torch.zeros(1, 3)}, path, metadata=metadata)
        with pytest.raises(ZooError, match="statistics of codes"):
            CodeStatistics.load(path)


def test_codes_of_another_shape_than_the_file_says_are_refused(small, noisy, tmp_path):
    found = fit_statistics(small("gaugan_vae"), noisy, limit=2)
    found.components["global"] = found.components["global"][:, :5]
    found.save(tmp_path / "codes.safetensors")
    with pytest.raises(ZooError, match="statistics of codes"):
        CodeStatistics.load(tmp_path / "codes.safetensors")


@pytest.mark.parametrize(("name", "lacking"), [("gaugan", "codes"), ("cimle", "encoder")])
def test_methods_that_cannot_encode_are_refused(small, noisy, name, lacking):
    with pytest.raises(ZooError, match=lacking):
        fit_statistics(small(name), noisy)
