"""`segscore review`: folders in, a page in between, mended masks out."""

import io
import re
import signal
import subprocess
import zipfile

import numpy as np
import PIL.Image
import pytest
import requests

import exports
from region_cases import sample
from server import BINARY, PATIENCE, environment, run

ARRAYS = sample("blobs", (40, 64), 3, images=3)
NAMES = ["a", "deep/b", "c c"]
FACTS = re.compile(r"review at (http://127\.0\.0\.1:\d+)/#(/jobs/[0-9a-f]+)")


@pytest.fixture
def folders(tmp_path):
    for index, name in enumerate(NAMES):
        for folder in ("masks", "probs", "images"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(ARRAYS["labels"][index].astype(np.uint8)).save(tmp_path / "masks" / f"{name}.png")
        chosen = np.eye(3, dtype=np.float32)[ARRAYS["predicted"][index]].transpose(2, 0, 1)
        np.save(tmp_path / "probs" / f"{name}.npy", 0.9 * chosen + np.float32(0.1 / 3))
        PIL.Image.fromarray(np.full((40, 64, 3), index, np.uint8)).save(tmp_path / "images" / f"{name}.png")
    return tmp_path


class Review:
    """The command, until it has told the address of the page."""

    def __init__(self, folder, *flags, images=True):
        arguments = [folder / "masks", folder / "probs"] + [folder / "images"] * images
        self.process = subprocess.Popen(
            [BINARY, "review", *arguments, "--no-open", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        facts = FACTS.match(self.process.stdout.readline())
        assert facts, self.process.communicate(timeout=PATIENCE)
        self.url, self.job = facts.groups()

    def ask(self, method, path, **options):
        answer = requests.request(method, f"{self.url}{self.job}{path}", timeout=PATIENCE, **options)
        assert answer.ok, answer.text
        return answer

    def end(self, with_signal=signal.SIGINT):
        self.process.send_signal(with_signal)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


def worst(review, image):
    return review.ask("GET", f"/regions?image={image}&limit=1").json()["regions"][0]


def test_a_review_mends_masks_and_leaves_the_given_ones(folders):
    before = {path: path.read_bytes() for path in (folders / "masks").rglob("*.png")}
    review = Review(folders)
    order = review.ask("GET", "/names").json()
    assert order == sorted(NAMES)
    assert review.ask("GET", "").json()["expires_at"] is None
    assert "<title>segscore review</title>" in requests.get(review.url, timeout=PATIENCE).text
    assert review.ask("GET", "/images/1").content == (folders / "images" / f"{order[1]}.png").read_bytes()
    decided = [worst(review, image) for image in (0, 2)]
    review.ask("PUT", f"/decisions/{decided[0]['id']}", json={"verdict": "fine"})
    review.ask("PUT", f"/decisions/{decided[1]['id']}", json={"verdict": "wrong"})
    npy = {"Accept": "application/x-npy"}
    mask = review.ask("GET", f"/regions/{decided[1]['id']}", headers=npy).content
    status, out, err = review.end()
    assert status == 0, err
    assert f"wrote 1 mended masks to {folders / 'masks'}.mended/" in out
    written = [path for path in (folders / "masks.mended").rglob("*") if path.is_file()]
    assert written == [folders / "masks.mended" / f"{order[2]}.png"]
    picture = PIL.Image.open(written[0])
    given = np.array(PIL.Image.open(folders / "masks" / f"{order[2]}.png"))
    expected = given.copy()
    x, y, width, height = decided[1]["bbox"]
    region = np.load(io.BytesIO(mask))
    expected[y : y + height, x : x + width][region] = decided[1]["suggested"]
    assert picture.mode == "P" and np.array_equal(np.array(picture), expected)
    assert (expected != given).sum() == decided[1]["area"]
    assert before == {path: path.read_bytes() for path in (folders / "masks").rglob("*.png")}


def test_a_review_goes_on_where_a_kill_left_it(folders):
    review = Review(folders)
    job, region = review.job, worst(review, 0)
    review.ask("PUT", f"/decisions/{region['id']}", json={"verdict": "wrong", "reviewer": "Ann"})
    assert review.end(signal.SIGKILL)[0] == -signal.SIGKILL
    review = Review(folders)
    assert review.job == job
    (decision,) = review.ask("GET", "/decisions").json()["decisions"]
    assert (decision["region"], decision["reviewer"]) == (region["id"], "Ann")
    status, out, _ = review.end()
    assert status == 0 and "wrote 1 mended masks" in out


def test_other_masks_make_another_review(folders):
    review = Review(folders)
    job = review.job
    status, out, _ = review.end()
    assert status == 0 and "no mask was mended" in out
    PIL.Image.fromarray(ARRAYS["predicted"][0].astype(np.uint8)).save(folders / "masks" / "a.png")
    review = Review(folders, "--state", folders / "masks.review", images=False)
    assert review.job != job
    assert "images" not in review.ask("GET", "").json()["links"]
    assert review.end()[0] == 0


def test_folders_end_as_patterns_say_and_results_go_where_they_are_wanted(folders):
    for name in NAMES:
        (folders / "masks" / f"{name}.png").rename(folders / "masks" / f"{name}_mask.png")
    process = subprocess.Popen(
        [BINARY, "review", f"{folders}/masks/*_mask.png", folders / "probs", "--no-open", "--method", "softmin"]
        + ["--state", folders / "elsewhere", "--out", folders / "out"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    url, job = FACTS.match(process.stdout.readline()).groups()
    assert requests.get(f"{url}{job}/names", timeout=PATIENCE).json() == sorted(NAMES)
    # What the model would label is known, though the method does not ask for it.
    region = requests.get(f"{url}{job}/regions?limit=1", timeout=PATIENCE).json()["regions"][0]
    requests.put(f"{url}{job}/decisions/{region['id']}", json={"verdict": "wrong"}, timeout=PATIENCE).raise_for_status()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert len(list((folders / "out").rglob("*.png"))) == 1 and (folders / "elsewhere").is_dir()


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["masks", "nowhere"], "nowhere"),
        (["nowhere", "probs"], "nowhere"),
        (["masks", "probs", "nowhere"], "nowhere"),
        (["masks", "probs", "--method", "mean"], "method"),
        (["masks", "images"], "probabilities has no .npy"),
    ],
)
def test_what_cannot_be_reviewed_is_said(folders, arguments, word):
    paths = [part if part.startswith("--") or part == "mean" else folders / part for part in arguments]
    done = run("review", *paths, "--no-open")
    assert done.returncode != 0 and word in done.stderr, done.stderr
    assert "review at" not in done.stdout


def export(*arguments):
    return run("export", *arguments)


def painted(archive, names):
    """The classes of the images of a COCO archive by name, from the masks' runs."""
    return {
        name: exports.paint(masks, names, ARRAYS["labels"][0].shape)
        for name, masks in exports.read_coco(archive).items()
    }


def test_what_was_reviewed_is_exported(folders):
    review = Review(folders)
    region = worst(review, 0)
    review.ask("PUT", f"/decisions/{region['id']}", json={"verdict": "wrong"})
    order = review.ask("GET", "/names").json()
    mended = [np.load(io.BytesIO(review.ask("GET", f"/mended?image={image}").content)) for image in range(3)]
    busy = export(folders / "masks", folders / "images", "--format", "coco")
    assert busy.returncode != 0 and "Another server uses the state directory" in busy.stderr
    assert review.end()[0] == 0

    names = ["road", "sea & sky", "a b"]
    done = export(folders / "masks", folders / "images", "--format", "coco", "--class-names", ",".join(names))
    assert done.returncode == 0, done.stderr
    archive = folders / "masks.coco.zip"
    assert done.stdout == f"wrote {archive}\n"
    found = painted(archive.read_bytes(), names)
    assert sorted(found) == order
    for name, labels in zip(order, mended):
        assert np.array_equal(found[name], labels), name
    with zipfile.ZipFile(archive) as file:
        pictures = [name for name in file.namelist() if name.endswith(".png")]
        assert len(pictures) == 3

    out = folders / "new" / "regions.zip"
    done = export(
        folders / "masks", folders / "images", "--format", "geojson", "--content", "regions", "--out", out, "--polygons"
    )
    assert done.returncode == 0, done.stderr
    shapes = {name: mended[0].shape for name in order}
    assert sum(len(masks) for masks in exports.read_geojson(out.read_bytes(), shapes).values()) == 1


def test_what_cannot_be_exported_is_said(folders):
    def refusal(*arguments):
        done = export(*arguments)
        assert done.returncode != 0
        assert not list(folders.glob("*.zip"))
        return done.stderr

    assert "segscore review" in refusal(folders / "masks", "--format", "coco")
    assert Review(folders).end()[0] == 0
    assert "name their folder" in refusal(folders / "masks", "--format", "coco")
    assert "format" in refusal(folders / "masks", folders / "images", "--format", "voc")
    assert "content" in refusal(folders / "masks", folders / "images", "--format", "coco", "--content", "all")
    names = refusal(folders / "masks", folders / "images", "--format", "coco", "--class-names", "a,b")
    assert "class_names" in names
    # It comes last, and the pictures before it are too long to be made in one piece with it.
    with (folders / "images" / "a.png").open("ab") as picture:
        picture.write(bytes(8 << 20))
    (folders / "images" / "deep" / "b.png").write_bytes(b"no picture")
    assert "nothing was written" in refusal(folders / "masks", folders / "images", "--format", "coco")
    (folders / "images" / "a.png").write_bytes(b"no picture")
    assert "a.png cannot be shown" in refusal(folders / "masks", folders / "images", "--format", "coco")
    other = folders / "other.review"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    assert "notes.txt" in refusal(folders / "masks", "--format", "coco", "--state", other)
