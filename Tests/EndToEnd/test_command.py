"""`segscore score` and `segscore version`: the same scores without a server."""

import pathlib
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

import reference
from bodies import arrays_of, npz
from client import curl
from server import BINARY, PATIENCE, environment, eventually, run


@pytest.fixture
def files(tmp_path):
    """Writes arrays to files, and returns their paths."""

    def write(labels, pred_probs):
        np.save(tmp_path / "labels.npy", labels)
        np.save(tmp_path / "pred_probs.npy", pred_probs)
        return tmp_path / "labels.npy", tmp_path / "pred_probs.npy"

    return write


def written(folder):
    return {path.stem: np.load(path) for path in folder.iterdir()}


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8"])
def test_the_command_writes_what_the_service_answers(client, files, tmp_path, dtype):
    labels, pred_probs = reference.sample(dtype=np.dtype(dtype))
    out = tmp_path / "out"
    done = run("score", *files(labels, pred_probs), "--out", out, "--threshold", "0.3")
    assert done.returncode == 0, done.stderr
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), accept="application/x-npz", threshold=0.3)
    expected = arrays_of(answer)
    arrays = written(out)
    assert sorted(arrays) == sorted(expected) == ["image_scores", "issues", "pixel_scores"]
    for name, array in expected.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_without_a_threshold_there_are_no_issues(files, tmp_path):
    labels, pred_probs = reference.sample()
    assert run("score", *files(labels, pred_probs), "--out", tmp_path / "out").returncode == 0
    arrays = written(tmp_path / "out")
    assert sorted(arrays) == ["image_scores", "pixel_scores"]
    np.testing.assert_array_equal(arrays["pixel_scores"], reference.pixel_scores(labels, pred_probs))


@pytest.mark.parametrize("downsample", [1, 2])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_command_finds_the_label_issues_that_the_service_finds(client, files, tmp_path, downsample, order):
    labels, pred_probs = reference.sample(3, 4, 64, 96)
    paths = files(labels, np.asarray(pred_probs, order=order))
    options = {"method": "num_pixel_issues", "downsample": downsample, "ignore_label": 2}
    flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    done = run("score", *paths, "--out", tmp_path / "out", *flags)
    assert done.returncode == 0, done.stderr
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), accept="application/x-npz", **options)
    expected = arrays_of(answer)
    arrays = written(tmp_path / "out")
    assert sorted(arrays) == sorted(expected) == ["image_scores", "label_issues", "pixel_scores"]
    assert expected["label_issues"].any()
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array)
    counts = [int(line.split()[2]) for line in done.stdout.splitlines()[1:4]]
    assert sorted(counts) == sorted(expected["label_issues"].sum(axis=(1, 2)).tolist())


@pytest.mark.parametrize(
    "options",
    [
        {"read": "all"},
        {"read": "all", "threshold": 0.4},
        {"method": "num_pixel_issues", "ignore_label": 2},
        {"method": "margin", "downsample": 2},
    ],
    ids=["disagreements", "issues", "label issues", "margin"],
)
def test_the_command_writes_the_regions_that_the_service_lists(client, files, tmp_path, options):
    labels, pred_probs = reference.sample(3, 4, 64, 96)
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), **options)
    listed = client.get(f"{answer.headers['Location']}/regions", headers={"Accept": "text/csv"})
    assert len(listed.text.splitlines()) > 100
    # What the model says of each pixel is read because regions are wanted.
    flags = [
        part for name, value in options.items() if name != "read" for part in (f"--{name.replace('_', '-')}", value)
    ]
    path = tmp_path / "found" / "regions.csv"
    done = run("score", *files(labels, pred_probs), "--regions", path, *flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"wrote {path}"
    assert path.read_bytes() == listed.content


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--regions", "{folder}/regions.csv", "--read", "labelled"], ["labelled classes", "read=all"]),
        (["--regions", "{folder}/"], ["regions", "a file"]),
        (["--regions", "{folder}/labels.npy/regions.csv"], ["labels.npy"]),
    ],
    ids=["unknown classes", "folder", "file"],
)
def test_regions_that_cannot_be_had_are_one_line(files, tmp_path, flags, words):
    before = files(*reference.sample())
    done = run("score", *before, *(flag.format(folder=tmp_path) for flag in flags))
    assert_one_line(done, words)
    assert sorted(tmp_path.iterdir()) == sorted(before)


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--method", "mean"], ["method", "softmin or num_pixel_issues"]),
        (["--downsample", 2], ["downsample", "softmin"]),
        (["--method", "num_pixel_issues", "--downsample", 3], ["H = 5", "W = 7", "3 × 3"]),
        (["--method", "num_pixel_issues", "--downsample", 0], ["downsample", "0"]),
    ],
)
def test_a_wrong_parameter_is_one_line(files, tmp_path, flags, words):
    assert_one_line(run("score", *files(LABELS, PRED_PROBS), *flags), words)


LABELS, PRED_PROBS = reference.sample()
BAD_LABEL = LABELS.copy()
BAD_LABEL[1, 2, 3] = 9
NOT_A_NUMBER = PRED_PROBS.copy()
NOT_A_NUMBER[0, 1, 2, 3] = np.nan


@pytest.mark.parametrize(
    "labels, pred_probs, words",
    [
        (LABELS[:2], PRED_PROBS, ["labels"]),
        (BAD_LABEL, PRED_PROBS, ["labels", "9"]),
        (LABELS, NOT_A_NUMBER, ["pred_probs", "nan"]),
        (LABELS, PRED_PROBS.astype(int), ["pred_probs", "int64"]),
    ],
    ids=["shape", "label", "nan", "type"],
)
def test_a_mistake_is_one_line_and_leaves_no_output(files, tmp_path, labels, pred_probs, words):
    out = tmp_path / "out"
    done = run("score", *files(labels, pred_probs), "--out", out)
    assert_one_line(done, words)
    assert not out.exists() or written(out) == {}


def assert_one_line(done, words):
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower()


def test_every_probability_is_checked_if_asked(files):
    labels, pred_probs = np.zeros((1, 8, 8), int), np.full((1, 2, 8, 8), 0.5)
    pred_probs[0, 1, 3, 5] = np.nan
    paths = files(labels, pred_probs)
    assert run("score", *paths).returncode == 0 == run("score", *paths, "--read", "labelled").returncode
    done = run("score", *paths, "--read", "all")
    assert done.returncode == 1 and "pred_probs[0, 1, 3, 5] is nan" in done.stderr
    assert "labelled or all" in run("score", *paths, "--read", "some").stderr


def test_a_file_that_is_not_there_is_named(files, tmp_path):
    labels, pred_probs = files(LABELS, PRED_PROBS)
    labels.unlink()
    assert_one_line(run("score", labels, pred_probs, "--out", tmp_path / "out"), ["labels.npy"])


def test_names_are_written_on_one_line(files, tmp_path):
    paths = files(LABELS, PRED_PROBS)
    out = tmp_path / "a\nb\x1b[31m"
    done = run("score", *paths, "--out", out)
    assert done.returncode == 0 and (out / "image_scores.npy").exists()
    assert r"a\u{a}b\u{1b}[31m/image_scores.npy" in done.stdout and "\x1b" not in done.stdout
    done = run("score", out / "none\x1b.npy", paths[1])
    assert_one_line(done, [r"a\u{a}b\u{1b}[31m/none\u{1b}.npy"])


def test_a_file_that_is_no_npy_is_named(files, tmp_path):
    labels, pred_probs = files(LABELS, PRED_PROBS)
    pred_probs.write_bytes(b"not an array")
    assert_one_line(run("score", labels, pred_probs, "--out", tmp_path / "out"), ["pred_probs"])


def test_a_file_that_ends_early_is_named(files, tmp_path):
    labels, pred_probs = files(LABELS, PRED_PROBS)
    pred_probs.write_bytes(pred_probs.read_bytes()[:-1])
    assert_one_line(run("score", labels, pred_probs, "--out", tmp_path / "out"), ["pred_probs"])


def test_an_array_that_cannot_be_written_leaves_nothing_of_it(files, tmp_path):
    out = tmp_path / "out"
    (out / "pixel_scores.npy").mkdir(parents=True)
    done = run("score", *files(*reference.sample()), "--out", out)
    assert_one_line(done, [f"Could not rename {out}/pixel_scores.npy: Is a directory."])
    assert sorted(path.name for path in out.iterdir()) == ["image_scores.npy", "pixel_scores.npy"]
    assert np.load(out / "image_scores.npy").shape == (3,)


def test_the_version_is_told():
    done = run("version")
    assert done.returncode == 0
    assert done.stdout.strip()


def test_every_level_of_processors_scores_alike(files, tmp_path):
    told = run("version", "--cpu").stdout.splitlines()[1]
    levels = told.rpartition("runs ")[2].split(", ")
    assert levels[:2] == ["plain", "vector"] and told.startswith(f"loops for {levels[-1]};")
    paths = files(*reference.sample(2, 5, 61, 67))
    results = []
    for level in levels:
        out = tmp_path / level
        done = run("score", *paths, "--method", "num_pixel_issues", "--threshold", 0.3, "--out", out, "--cpu", level)
        assert done.returncode == 0, done.stderr
        results.append(written(out))
    for result in results[1:]:
        for name, array in results[0].items():
            np.testing.assert_array_equal(result[name], array)
    assert "plain" in run("score", *paths, "--cpu", "sse9").stderr


# Streams that nobody reads


def test_a_complaint_that_cannot_be_written_is_no_reason_to_crash(files, tmp_path):
    for arguments in [(tmp_path / "none.npy", tmp_path / "none.npy"), files(*reference.sample())]:
        expected = run("score", *arguments).returncode
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [BINARY, "score", *arguments],
                stdout=subprocess.DEVNULL,
                stderr=full,
                env=environment(),
                timeout=PATIENCE,
                check=False,
            )
        assert done.returncode == expected


def test_a_list_that_cannot_be_written_is_a_failure(files):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [BINARY, "score", *files(*reference.sample())],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1 and "cannot be written to the standard output" in done.stderr


def test_without_streams_a_server_writes_its_log_into_none_of_its_files(tmp_path):
    state, socket_path = tmp_path / "state", tmp_path / "socket"
    command = [BINARY, "serve", "--listen", f"unix:{socket_path}", "--state-dir", state, "--log-level", "trace"]
    closing = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-']
    process = subprocess.Popen([*closing, *command], env=environment())
    try:
        eventually(socket_path.exists, "it listens")
        body = npz(**dict(zip(("labels", "pred_probs"), reference.sample())))
        (tmp_path / "body").write_bytes(body.data)
        fields = [part for name, value in body.fields.items() for part in ("-H", f"{name}: {value}")]
        for path in ("/score", "/score?threshold=0.5"):
            status, _, _ = curl(
                SimpleNamespace(port=None),
                path,
                *fields,
                "--data-binary",
                f"@{tmp_path / 'body'}",
                socket_path=socket_path,
            )
            assert status == 200
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
    for path in filter(pathlib.Path.is_file, state.rglob("*")):
        assert b"listening" not in path.read_bytes(), path
