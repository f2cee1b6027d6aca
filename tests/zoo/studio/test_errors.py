"""Requests with errors: a status, one sentence, and nothing lost."""

import base64
import io
import json
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.zoo.studio.pages import Page, png
from zoo.contract import CLASSES
from zoo.studio.requests import Limits
from zoo.studio.studio_state import StudioState


@pytest.fixture(scope="module")
def narrow(checkpoints):
    """A studio with narrow limits and one model."""
    state = StudioState.load([checkpoints["clvae"]], device="cpu", limits=Limits(megabytes=1, pixels=10_000, queue=1))
    yield Page(state)
    state.close()


@pytest.fixture
def answer(page, label):
    return page.opened(label)


def sentence(status, body, expected=400):
    """The sentence of a refusal."""
    assert status == expected, body
    assert set(body) == {"error"}
    assert body["error"][0].isupper() and body["error"].rstrip().endswith((".", "?"))
    return body["error"]


def picture_file(array, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind)
    return file.getvalue()


# --- uploads ---


def opening(page, mask, picture=None, **fields):
    files = {"mask": ("mask.png", mask)} | ({} if picture is None else {"picture": ("photo.png", picture)})
    return page.send("open", files, **{"model": page.model, "seed": 0} | fields)


def test_a_huge_body(narrow, label):
    noise = np.random.default_rng(0).integers(0, 256, (800, 800, 3), dtype=np.uint8)
    assert "1 MB" in sentence(*opening(narrow, png(label[0]), picture_file(noise)), 413)
    assert "1 MB" in sentence(*narrow.post("render", scene="a" * 2**21), 413)


def test_a_download_may_be_larger_than_what_is_uploaded(narrow, label, monkeypatch):
    """Noise of one megabyte comes as JPEG, in the edit file it lies twice and without loss."""
    noise = np.random.default_rng(0).integers(0, 256, (320, 600, 3), dtype=np.uint8)
    large = label[0].repeat_interleave(5, 0)[:320].repeat_interleave(10, 1)[:, :600]
    monkeypatch.setattr(narrow.state, "limits", replace(narrow.state.limits, pixels=10**6))
    status, answer = opening(narrow, png(large), picture_file(noise, "JPEG"))
    assert status == 200, answer
    paste = {"picture": answer["opened"], "classes": [1], "feather": 3}
    download = narrow.client.post("/api/download", json={"scene": narrow.scene(answer, paste=paste)}).content
    assert len(download) > narrow.state.limits.bytes
    status, again = narrow.send("reload", {"file": ("edit.zip", download)})
    assert status == 200 and again["original"] == [320, 600]
    setup = narrow.client.get("/api/setup").json()
    assert setup["limits"]["edit_megabytes"] * 2**20 > len(download)


def test_too_many_pixels_in_a_small_file(narrow, label):
    large = picture_file(np.zeros((200, 200, 3), np.uint8))
    assert len(large) < 2000
    assert "photo.png" in sentence(*opening(narrow, png(label[0]), large))
    assert "mask.png" in sentence(*opening(narrow, picture_file(np.zeros((200, 200), np.uint8))))


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\x89PNG\r\n\x1a\n then nothing"])
def test_not_a_picture(page, label, content):
    assert "photo.png" in sentence(*opening(page, png(label[0]), content))
    assert "mask.png" in sentence(*opening(page, content))


def test_a_mask_of_another_size_than_the_picture(page, label):
    assert "32x64" in sentence(*opening(page, png(label[0]), picture_file(np.zeros((32, 64, 3), np.uint8))))


def test_a_16_bit_picture(page, label):
    assert "8 bits" in sentence(*opening(page, png(label[0]), picture_file(np.full((64, 64), 40_000, np.uint16))))


def test_an_unknown_palette(page):
    assert "#0a141e" in sentence(*opening(page, picture_file(np.full((64, 64, 3), (10, 20, 30), np.uint8))))


def test_ids_that_are_no_classes(page):
    assert str(CLASSES + 3) in sentence(*opening(page, picture_file(np.full((64, 64), CLASSES + 3, np.uint8))))


def test_a_mask_is_needed_and_a_form(page, image):
    assert "mask" in sentence(*page.send("open", {"picture": ("a.png", png(image))}, model=page.model, seed=0))
    answer = page.client.post("/api/open", json={"model": page.model})
    assert "form" in sentence(answer.status_code, answer.json())
    broken = {"content-type": "multipart/form-data; boundary=x"}
    answer = page.client.post("/api/open", content=b"--y\r\nnothing", headers=broken)
    assert "form" in sentence(answer.status_code, answer.json())
    answer = page.client.post("/api/open", content=b"", headers={"content-type": "multipart/form-data"})
    assert "form" in sentence(answer.status_code, answer.json())


def test_file_names_cannot_spoil_a_sentence(page):
    name = "C:\\folder/../\x1b[31m" + "x" * 300 + ".png"
    said = sentence(*page.send("open", {"mask": (name, b"nothing")}, model=page.model, seed=0))
    assert len(said) < 400 and said.isprintable() and "folder" not in said


# --- what is opened again ---


class Harm:
    def __reduce__(self):
        return exec, ("raise SystemExit('an upload was executed')",)


def test_a_pickle_is_never_read(page):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("result.png", "mask.png", "codes.safetensors", "edit.json"):
            file.writestr(name, pickle.dumps(Harm()))
    for name, content in [
        ("edit.zip", pickle.dumps(Harm())),
        ("edit.safetensors", pickle.dumps(Harm())),
        ("edit.zip", archive.getvalue()),
    ]:
        assert name in sentence(*page.send("reload", {"file": (name, content)}))
    checkpoint = io.BytesIO()
    torch.save({"codes": torch.zeros(3)}, checkpoint)
    sentence(*page.send("reload", {"file": ("edit.zip", checkpoint.getvalue())}))


def test_a_download_of_a_model_that_is_not_loaded(page, narrow, ids, label):
    answer = page.opened(label, model=ids["groupdnet"])
    download = page.client.post("/api/download", json={"scene": page.scene(answer, model=ids["groupdnet"])}).content
    said = sentence(*narrow.send("reload", {"file": ("edit.zip", download)}))
    assert "groupdnet" in said and ids["groupdnet"] in said


# --- requests that do not hold together ---


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b"[" * 100_000, b"\xff\xfe\x00"])
def test_bodies_that_are_no_object(page, body):
    answer = page.client.post("/api/render", content=body)
    assert "JSON" in sentence(answer.status_code, answer.json())


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("redraw", {"seed": None}, 'lacks "seed"'),
        ("redraw", {"seed": -1}, "whole number"),
        ("redraw", {"seed": 1.5}, "whole number"),
        ("redraw", {"seed": True}, "whole number"),
        ("redraw", {"seed": 10**400}, "whole number"),
        ("redraw", {"classes": [CLASSES]}, f"no class {CLASSES}"),
        ("redraw", {"classes": [-1]}, "list of whole numbers"),
        ("redraw", {"classes": "sky"}, "list of whole numbers"),
        ("redraw", {"classes": []}, "empty list"),
        ("redraw", {"layers": [6]}, "layer"),
        ("redraw", {"layers": [0.5]}, "list of whole numbers"),
        ("redraw", {"classes": [1], "layers": [5]}, "Layer 5"),
        ("redraw", {"scene": []}, "object"),
        ("move", {"amount": "far"}, "number"),
        ("move", {"amount": 1e9}, "from -100 to 100"),
        ("move", {"direction": {"kind": "up"}}, '"up"'),
        ("move", {"amount": 10**400}, "from -100 to 100"),
        ("redraw", {"layers": list(range(5000))}, "layer indices 0..5"),
        ("move", {"direction": {"kind": "principal", "component": 1}}, "--statistics"),
        ("move", {"direction": {"kind": "random"}}, 'lacks "seed"'),
    ],
)
def test_fields_that_are_missing_or_wrong(page, answer, name, changes, said):
    sound = {"classes": None, "layers": None, "seed": 0, "amount": 1.0, "direction": {"kind": "random", "seed": 0}}
    status, body = page.post(name, **{"scene": page.scene(answer)} | sound | changes)
    assert said in sentence(status, body)


def test_letters_that_no_text_has(page, answer):
    text = json.dumps({"scene": page.scene(answer), "amount": 1, "direction": {"kind": "\ud800"}})
    reply = page.client.post("/api/move", content=text)
    assert "direction" in sentence(reply.status_code, reply.json())


def test_numbers_that_json_does_not_know(page, answer):
    text = json.dumps({"scene": page.scene(answer), "amount": float("nan"), "direction": {"kind": "random", "seed": 0}})
    reply = page.client.post("/api/move", content=text)
    assert "from -100 to 100" in sentence(reply.status_code, reply.json())


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"codes": "0" * 32}, 404, "open the picture"),
        ({"codes": 7}, 400, "text"),
        ({"model": "nobody"}, 404, "reload the page"),
        ({"mask": "no base64!"}, 400, "base64"),
        ({"mask": base64.b64encode(b"no picture").decode()}, 400, "painted mask"),
        ({"mask": base64.b64encode(png(torch.zeros(32, 32))).decode()}, 400, "32x32"),
        ({"mask": base64.b64encode(png(torch.full((64, 64), 99))).decode()}, 400, "99"),
        ({"paste": {"picture": "0" * 32, "classes": [], "feather": 3}}, 404, "open the picture"),
    ],
)
def test_scenes_that_do_not_hold_together(page, answer, changes, status, said):
    assert said in sentence(*page.post("render", scene=page.scene(answer) | changes), status)


def test_paste_fields(page, label, image):
    answer = page.opened(label, image)
    for changes, said in [({"classes": [CLASSES]}, "no class"), ({"feather": -1}, "feather"), ({"picture": 3}, "text")]:
        paste = {"picture": answer["opened"], "classes": [1], "feather": 3} | changes
        assert said in sentence(*page.post("render", scene=page.scene(answer, paste=paste)))
    # codes are no picture
    paste = {"picture": answer["codes"], "classes": [1], "feather": 3}
    sentence(*page.post("render", scene=page.scene(answer, paste=paste)), 404)


def test_codes_of_another_model(page, ids, label):
    answer = page.opened(label, model=ids["groupdnet"])
    assert "another model" in sentence(*page.post("render", scene=page.scene(answer, model=ids["clvae"])))


def test_an_unknown_example_and_an_unknown_path(page):
    sentence(*page.send("open", model=page.model, seed=0, example="17"), 404)
    for answer in (page.client.get("/api/nothing"), page.client.get("/static/../state.py")):
        sentence(answer.status_code, answer.json(), 404)
    answer = page.client.get("/api/render")
    sentence(answer.status_code, answer.json(), 405)


def test_without_a_bank(page, answer):
    reply = page.client.get("/api/bank?class=1")
    assert "--bank" in sentence(reply.status_code, reply.json())
    taken = page.send("take", scene=page.scene(answer), classes=None, layers=None, strength=1, row=0)
    assert "--bank" in sentence(*taken)
    taken = page.send("take", scene=page.scene(answer), classes=None, layers=None, strength=2)
    assert "from 0 to 1" in sentence(*taken)


# --- methods that lack what an edit needs ---


def test_a_method_without_codes_paints_and_refuses_the_rest(page, ids, label, image):
    model = ids["gaugan"]
    answer = page.opened(label, image, model=model)
    scene = page.scene(answer, model=model)
    assert page.post("render", scene=scene)[1]["result"] == answer["result"]
    files = {"mask": ("a.png", png(label[0])), "picture": ("b.png", png(image))}
    for status, body in [
        page.post("samples", scene=scene, seed=0),
        page.post("redraw", scene=scene, classes=None, layers=None, seed=0),
        page.post("move", scene=scene, amount=1, direction={"kind": "random", "seed": 0}),
        page.send("take", files, scene=scene, classes=None, layers=None, strength=1),
    ]:
        assert "codes" in sentence(status, body)


def test_a_method_without_an_encoder_draws_codes_and_takes_none(page, ids, label, image):
    model = ids["cimle"]
    answer = page.opened(label, image, model=model)
    assert answer["opened"] is not None
    scene = page.scene(answer, model=model)
    assert page.post("samples", scene=scene, seed=0)[0] == 200
    files = {"mask": ("a.png", png(label[0])), "picture": ("b.png", png(image))}
    taken = page.send("take", files, scene=scene, classes=None, layers=None, strength=1)
    assert "encoder" in sentence(*taken)
    redrawn = page.post("redraw", scene=scene, classes=[1], layers=None, seed=0)
    assert "class axis" in sentence(*redrawn)


def test_nothing_is_lost_by_an_error(page, answer):
    sentence(*page.post("redraw", scene=page.scene(answer), classes=[99], layers=None, seed=0))
    assert page.post("render", scene=page.scene(answer))[1]["result"] == answer["result"]


def test_a_defect_is_one_sentence(page, answer, monkeypatch):
    monkeypatch.setitem(page.state.models, page.model, None)
    status, body = page.post("render", scene=page.scene(answer))
    assert "bug" in sentence(status, body, 500)
