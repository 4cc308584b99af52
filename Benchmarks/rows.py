"""The rows of the table, each of which compares segscore with what it is to keep up with or to beat."""

import pathlib
import re
import shutil
import statistics
import subprocess
from collections.abc import Callable
from functools import partial
from json import dumps as to_json

import numpy as np

import contestants
import data
from measure import Row, compare, single, timed, together

#: Kept results take fresh memory until there is no room for more. With a bound that is soon reached the server behaves
#: as one that has run for a while.
STEADY = ("--result-memory", "40MiB")
SOFTMIN, NUM_PIXEL_ISSUES = "/score", "/score?method=num_pixel_issues"


class Bench:
    """The servers and the data that rows share."""

    def __init__(self, binary: str, folder: str, rounds: int):
        self.binary, self.folder, self.rounds = binary, folder, rounds
        self.sink = contestants.Sink(folder)
        self.server = contestants.Segscore(binary, folder, *STEADY)
        self.voc = data.arrays(8, 21, 512, 512)

    def stop(self) -> None:
        self.server.stop()
        self.sink.stop()

    def post(self, work, media_type, body, *, at_most, target=SOFTMIN, accept="application/json", unix=False) -> Row:
        """The row of a request to segscore, against the same client's request to the sink."""
        ours, theirs = (self.server.unix, self.sink.unix) if unix else (self.server.tcp, self.sink.tcp)
        return compare(
            work,
            "read and dropped",
            lambda: ours.post(media_type, body, target, accept),
            lambda: theirs.post(media_type, body),
            rounds=self.rounds,
            at_most=at_most,
            warm_up=6,
            calls=3,
        )


def wire(bench: Bench):
    """Requests of 176 MB and their answers."""
    for form in (data.npz, data.form):
        body = form(bench.voc)
        name = f"POST {form.__name__}, 8 × 21 × 512 × 512"
        yield bench.post(f"{name}, softmin", *body, at_most=1.15)
        yield bench.post(f"{name}, num_pixel_issues", *body, at_most=1.25, target=NUM_PIXEL_ISSUES)
        yield bench.post(
            f"{name}, softmin, npz answer",
            *body,
            at_most=1.35,
            accept="application/x-npz",
            target="/score?include=image_scores,pixel_scores",
        )
        yield bench.post(f"{name}, softmin, Unix socket", *body, at_most=1.2, unix=True)


def logits(bench: Bench):
    """A model's outputs, of which the server computes the softmax."""
    body = data.npz({"labels": bench.voc["labels"], "logits": np.log(bench.voc["pred_probs"] + np.float32(1e-6))})
    yield bench.post("POST npz of logits, 8 × 21 × 512 × 512, softmin", *body, at_most=1.3)


def resized(bench: Bench):
    """float16 logits of a quarter of the size, against PyTorch, which resizes them, and cleanlab in process."""
    try:
        import torch
        from cleanlab.segmentation.rank import get_label_quality_scores
    except ImportError:
        return print("torch or cleanlab is not here; the rows of resized logits are left out")
    labels, pred_probs = bench.voc["labels"], bench.voc["pred_probs"]
    logits = np.log(pred_probs[:, :, 2::4, 2::4] + np.float32(1e-6)).astype(np.float16)
    body = data.npz({"labels": labels, "logits": logits})

    def in_process() -> object:
        values = torch.from_numpy(logits).float()
        values = torch.nn.functional.interpolate(values, labels.shape[1:], mode="bilinear")
        return get_label_quality_scores(labels.astype(int), values.softmax(1).numpy(), n_jobs=1, verbose=False)

    name = "POST npz of float16 logits, 8 × 21 × 128 × 128 to 512 × 512, softmin"
    yield compare(
        name,
        "PyTorch and cleanlab in process",
        partial(bench.server.tcp.post, *body, f"{SOFTMIN}?resize=bilinear"),
        partial(timed, in_process),
        rounds=bench.rounds,
        at_most=1 / 10,
        warm_up=2,
    )


def reduced(bench: Bench):
    """What one pass over the probabilities finds, 9 bytes a pixel beside its label, and making it."""
    labels, pred_probs = bench.voc["labels"], bench.voc["pred_probs"]
    own = np.take_along_axis(pred_probs, labels[:, None].astype(np.int64), 1)[:, 0]
    arrays = {"own": own, "largest": pred_probs.max(1), "predicted": pred_probs.argmax(1).astype(np.uint8)}
    # As many images as make a body of a hundred megabytes.
    many = {name: np.concatenate([array] * 5) for name, array in ({"labels": labels} | arrays).items()}
    body = data.npz(many)
    name = "POST npz of own, largest, predicted, 40 × 512 × 512"
    yield bench.post(f"{name}, softmin", *body, at_most=1.2, target="/score?classes=21")
    yield bench.post(f"{name}, num_pixel_issues", *body, at_most=1.2, target=f"{NUM_PIXEL_ISSUES}&classes=21")
    body = data.npz(bench.voc)
    accept = "application/x-npz"
    yield bench.post("POST npz to /reduce, 8 × 21 × 512 × 512", *body, at_most=1.35, target="/reduce", accept=accept)


def clients(bench: Bench):
    """One image, and several clients at once."""
    body = data.npz({name: array[:1] for name, array in bench.voc.items()})
    yield bench.post("POST npz, 1 × 21 × 512 × 512", *body, at_most=1.25)
    yield compare(
        "the same, 4 clients, requests a second",
        "read and dropped",
        lambda: together(4, 10, lambda: bench.server.tcp.post(*body)),
        lambda: together(4, 10, lambda: bench.sink.tcp.post(*body)),
        rounds=bench.rounds,
        at_least=0.85,
        unit="/s",
    )


def classes(bench: Bench):
    """Many classes."""
    body = data.npz(data.arrays(4, 150, 512, 512))
    yield bench.post("POST npz, 4 × 150 × 512 × 512, softmin", *body, at_most=1.15)


def json(bench: Bench):
    """JSON, against the parser alone."""
    media_type, body = data.json_text({name: a[:1, ..., :128, :128] for name, a in bench.voc.items()})
    path = pathlib.Path(bench.folder) / "body.json"
    path.write_bytes(body)
    program = contestants.compiled("json_parse.cpp", bench.folder, "-std=c++17", "-lsimdjson")

    def parse() -> float:
        return len(body) / float(subprocess.run([program, path], capture_output=True, check=True).stdout) / 1e6

    yield compare(
        "POST JSON, 1 × 21 × 128 × 128, MB/s",
        "simdjson alone",
        lambda: len(body) / bench.server.tcp.post(media_type, body) / 1e6,
        parse,
        rounds=bench.rounds,
        at_least=0.7,
        unit="MB/s",
        warm_up=3,
    )


def cleanlab_scores(bench: Bench) -> Callable[..., object] | None:
    """cleanlab's function for arrays in memory, on one core and without a progress bar; None if cleanlab is missing."""
    try:
        from cleanlab.segmentation.rank import get_label_quality_scores
    except ImportError:
        print("cleanlab is not here; its rows are left out")
        return None
    labels, pred_probs = bench.voc["labels"].astype(int), bench.voc["pred_probs"]
    return partial(get_label_quality_scores, labels, pred_probs, n_jobs=1, verbose=False)


def files(bench: Bench):
    """`segscore score`, a process from start to end, against cleanlab on arrays in memory."""
    cleanlab = cleanlab_scores(bench)
    if cleanlab is None:
        return
    folder = pathlib.Path(bench.folder)
    paths = [folder / f"{name}.npy" for name in bench.voc]
    for path, array in zip(paths, bench.voc.values()):
        np.save(path, array)
    for method, bar in (("softmin", 1 / 3), ("num_pixel_issues", 1 / 20)):
        command = [bench.binary, "score", *paths, "--method", method]
        yield compare(
            f"segscore score, {method}",
            "cleanlab in process",
            partial(timed, partial(subprocess.run, command, capture_output=True, check=True)),
            partial(timed, partial(cleanlab, method=method)),
            rounds=bench.rounds,
            at_most=bar,
        )


def folders(bench: Bench):
    """`segscore score` on a folder of PNG masks and one of `.npy`, against Pillow, NumPy and cleanlab in process."""
    if cleanlab_scores(bench) is None:
        return
    from cleanlab.segmentation.rank import get_label_quality_scores

    try:
        import PIL.Image
    except ImportError:
        return print("Pillow is not here; the rows of folders are left out")
    masks, probs = (pathlib.Path(bench.folder) / name for name in ("masks", "probs"))
    for folder in (masks, probs):
        folder.mkdir()
    for image, (labels, pred_probs) in enumerate(zip(*bench.voc.values())):
        PIL.Image.fromarray(labels).convert("P").save(masks / f"{image}.png")
        np.save(probs / f"{image}.npy", pred_probs)

    def in_process(method: str) -> object:
        labels = np.stack([np.asarray(PIL.Image.open(path)) for path in sorted(masks.iterdir())]).astype(int)
        pred_probs = np.stack([np.load(path) for path in sorted(probs.iterdir())])
        return get_label_quality_scores(labels, pred_probs, method=method, n_jobs=1, verbose=False)

    for method in ("softmin", "num_pixel_issues"):
        command = [bench.binary, "score", masks, probs, "--method", method]
        yield compare(
            f"segscore score, folders of PNG and npy, {method}",
            "Pillow, NumPy and cleanlab in process",
            partial(timed, partial(subprocess.run, command, capture_output=True, check=True)),
            partial(timed, partial(in_process, method)),
            rounds=bench.rounds,
            at_most=1 / 5,
        )


def volume(bench: Bench):
    """Files that a request names, against cleanlab on arrays in memory."""
    cleanlab = cleanlab_scores(bench)
    if cleanlab is None:
        return
    for name, array in bench.voc.items():
        np.save(pathlib.Path(bench.folder) / f"{name}.npy", array)
    body = to_json({name: {"file": f"{name}.npy"} for name in bench.voc}).encode()
    server = contestants.Segscore(bench.binary, bench.folder, *STEADY, "--data-dir", bench.folder)
    try:
        for parameters, method, bar in (
            ("method=softmin", "softmin", 1 / 3),
            ("method=softmin&read=all", "softmin", None),
            ("method=num_pixel_issues", "num_pixel_issues", 1 / 20),
        ):
            yield compare(
                f"POST that names files, {parameters}",
                "cleanlab in process",
                partial(server.tcp.post, "application/json", body, f"/score?{parameters}"),
                partial(timed, partial(cleanlab, method=method)),
                rounds=bench.rounds,
                at_most=bar,
                warm_up=3,
                calls=3 if method == "softmin" else 1,
            )
    finally:
        server.stop()


def triton(bench: Bench):
    """tritonclient, against the same call to a server that reads and drops."""
    try:
        import tritonclient.http as client
    except ImportError:
        return print("tritonclient is not here; its row is left out")

    def caller(endpoint):
        host, port = endpoint.address
        connection = client.InferenceServerClient(f"{host}:{port}", connection_timeout=60, network_timeout=60)
        datatypes = {"labels": "UINT8", "pred_probs": "FP32"}
        inputs = [
            client.InferInput(name, array.shape, datatypes[name]).set_data_from_numpy(array)
            for name, array in bench.voc.items()
        ]
        outputs = [client.InferRequestedOutput("image_scores")]
        return lambda: timed(lambda: connection.infer("segscore", inputs, outputs=outputs))

    yield compare(
        "tritonclient's infer, softmin",
        "read and dropped",
        caller(bench.server.tcp),
        caller(bench.sink.tcp),
        rounds=bench.rounds,
        at_most=1.25,
        warm_up=6,
        calls=3,
    )


def tiny(bench: Bench):
    """Small requests on 64 connections that stay open, by wrk."""
    if not shutil.which("wrk"):
        return print("wrk is not here; its rows are left out")
    media_type, body = data.npz(data.arrays(1, 2, 8, 8))
    script = pathlib.Path(bench.folder) / "post.lua"
    (pathlib.Path(bench.folder) / "tiny.npz").write_bytes(body)
    script.write_text(
        f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "{media_type}"\n'
        f'wrk.body = io.open("{bench.folder}/tiny.npz", "rb"):read("*a")\n'
    )

    def load(endpoint, seconds: int) -> tuple[float, float]:
        """Requests a second, and the 99th percentile in milliseconds."""
        host, port = endpoint.address
        text = subprocess.run(
            ["wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", "-s", script, f"http://{host}:{port}/score"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "Non-2xx" not in text, text
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[
            unit
        ]

    try:
        fastapi = contestants.FastAPI()
    except (RuntimeError, FileNotFoundError):
        return print("uvicorn does not start; the rows of small requests are left out")
    try:
        tails = []

        def ours() -> float:
            rate, tail = load(bench.server.tcp, 2)
            tails.append(tail)
            return rate

        yield compare(
            "tiny npz, 64 connections, requests a second",
            "FastAPI and cleanlab",
            ours,
            lambda: load(fastapi.tcp, 2)[0],
            rounds=max(bench.rounds // 3, 3),
            at_least=10,
            unit="/s",
        )
        yield single("the same, 99th percentile", statistics.median(tails), "ms", 10)
    finally:
        fastapi.stop()


def memory(bench: Bench):
    """The peak memory of a fresh server that gets one request."""
    body = data.npz(bench.voc)
    server = contestants.Segscore(bench.binary, bench.folder)
    try:
        server.tcp.post(*body)
        pixels = bench.voc["labels"].size
        yield single("peak memory of one POST", server.peak_megabytes, "MiB", (24e6 + 16 * pixels + 8e6) / 2**20)
    finally:
        server.stop()


def growth(bench: Bench):
    """Time a byte and memory with eight times the images, and with four times the classes."""
    small = data.npz(bench.voc)

    def time_of_a_share(server, body, factor):
        return server.tcp.post(*body) / factor

    for name, axis, factor in (("N from 8 to 64", 0, 8), ("K from 21 to 84", 1, 4)):
        named = dict(bench.voc)
        named["pred_probs"] = np.concatenate([named["pred_probs"]] * factor, axis=axis)
        if axis == 0:
            named["labels"] = np.concatenate([named["labels"]] * factor)
        body = data.npz(named)
        del named
        server = contestants.Segscore(bench.binary, bench.folder, *STEADY)
        try:
            yield compare(
                f"time a byte, {name}",
                "before",
                partial(time_of_a_share, server, body, factor),
                partial(bench.server.tcp.post, *small),
                rounds=bench.rounds,
                at_most=1.1,
                warm_up=2,
            )
            if axis == 1:
                pixels = bench.voc["labels"].size
                yield single(
                    "peak memory with K = 84", server.peak_megabytes, "MiB", (24e6 + 16 * pixels + 8e6 + 32e6) / 2**20
                )
        finally:
            server.stop()


EACH = [wire, logits, resized, reduced, clients, classes, json, files, folders, volume, triton, tiny, memory, growth]
ALL = {each.__name__: each for each in EACH}
