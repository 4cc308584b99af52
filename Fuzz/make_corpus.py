"""Writes the seeds of the fuzzers: make_corpus.py FOLDER. Small real bodies, made as those of Tests/EndToEnd are."""

import gzip
import json
import pathlib
import sys
import zlib

import ml_dtypes
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent / "Tests/EndToEnd"))

import bodies
import masks

LABELS = np.array([[[0, 1, 2], [2, 1, 0]], [[1, 1, 0], [0, 2, 2]]])
PRED_PROBS = (np.arange(36).reshape(2, 3, 2, 3) * 29 % 64 / 64).astype(np.float32)
ARRAYS = {"labels": LABELS.astype(np.uint8), "pred_probs": PRED_PROBS}
BANDS = np.stack(
    [PRED_PROBS[n, k, y : y + 1] for n in range(2) for y in range(2) for k in np.unique(LABELS[n, y]) if k != 2]
)
PARAMETERS = [("method", "num_pixel_issues"), ("threshold", "0.5"), ("ignore_label", "2"), ("include", "label_issues")]


def npy_files():
    """npy files of every version, order and kind of element."""
    yield "labels", bodies.npy(LABELS)
    for version in [(1, 0), (2, 0), (3, 0)]:
        yield f"version{version[0]}", bodies.npy(PRED_PROBS, version)
    yield "fortran", bodies.npy(np.asfortranarray(PRED_PROBS))
    for descr in ["|b1", "|i1", ">i2", "<u4", ">f2", "<f8"]:
        yield "type-" + descr[1:], bodies.npy(LABELS.astype(descr))
    yield "scalar", bodies.npy(np.float64(1))
    yield "empty", bodies.npy(np.zeros((0, 3)))
    yield "huge", bodies.npy_header("<f8", (1 << 20, 1 << 20, 1 << 20))
    yield "structured", bodies.npy_header([("a", "<f4")], (2,))
    yield "bfloat16", bodies.npy_header("<V2", (2,))


def png_files():
    """PNG images of every depth and kind of pixel, interlaced or not."""
    mask = LABELS[0]
    for depth in (1, 2, 4, 8, 16):
        for interlaced in (False, True):
            yield f"grey{depth}{'-adam7' * interlaced}", masks.by_hand(mask % (1 << depth), depth, interlaced)
    for bits in (1, 2, 4, 8):
        yield f"palette{bits}", masks.palette(mask % (1 << bits), bits)
    black_and_red = [(0, 0, 0), (255, 0, 0), (0, 0, 0)]
    yield "colours", masks.coloured(mask, black_and_red)
    yield "colours-alpha", masks.coloured(mask, black_and_red, alpha=True)
    yield "grey-alpha", masks.by_hand(np.dstack([mask, mask]), colour=4)
    yield "chunks", masks.by_hand(mask, chunks=masks.chunk(b"tEXt", b"Title\0mask") + masks.chunk(b"gAMA", bytes(4)))
    yield "huge", masks.SIGNATURE + masks.head(1 << 30, 1 << 30) + masks.chunk(b"IDAT", zlib.compress(bytes(999)))
    wide = masks.by_hand(np.arange(4000).reshape(40, 100) % 256, 8, interlaced=True)
    yield "wide-adam7", wide


def npz_files():
    """npz files as NumPy writes them, and archives that it does not write."""
    for name in ("npz", "npz_deflated", "npz_streamed", "npz_streamed_deflated"):
        yield name, getattr(bodies, name)(**ARRAYS).data
    yield "fortran", bodies.npz(labels=LABELS, pred_probs=np.asfortranarray(PRED_PROBS)).data
    yield "empty", bodies.npz().data
    yield "bomb", bodies.archive([("labels.npy", bodies.npy(np.zeros((1, 512, 512))))]).data


def safetensors_files():
    """safetensors files as the package writes them, and files that it does not write."""
    yield "arrays", bodies.safetensors_file(**ARRAYS)
    yield "in-order", bodies.safetensors_in_order(**ARRAYS)
    yield "bfloat16", bodies.safetensors_file(pred_probs=PRED_PROBS.astype(ml_dtypes.bfloat16), x=LABELS)
    yield "empty", bodies.safetensors_file()
    scalars = {"a": ("I64", [], bytes(8)), "b": ("BOOL", [0, 3], b""), 'é"': ("F8_E4M3", [3], b"abc")}
    yield "metadata", bodies.safetensors_of(scalars, metadata={"format": "pt", "\n": "\\"})
    yield "huge", bodies.safetensors_of({"labels": ("U8", [1 << 40, 1 << 40], b"")})


def json_texts():
    """JSON bodies with members of every kind."""
    yield "arrays", bodies.json_body(**ARRAYS).data
    yield "behind", bodies.json_body(**dict(reversed(ARRAYS.items())), **dict(PARAMETERS)).data
    yield "list", bodies.json_body(**ARRAYS, include=["image_scores", "issues"], threshold=0.5).data
    yield "scores", bodies.json_body(image_scores=[0.5, 1e-3], pixel_scores=[[[True, 0]], [[1, 0.25]]]).data
    yield "members", b'{"a": null, "b": [1, {"c": []}], "d": "\\u00e9\\ud83d\\ude00", "e": -1.5e+10, "f": {}}'
    yield "ragged", b'{"labels": [[[0, 1], [1]]], "pred_probs": [[NaN, Infinity]]}'


def forms():
    """multipart bodies with parameters ahead of the arrays and behind, and one that is torn."""
    yield "arrays", bodies.multipart(**ARRAYS).data
    yield "behind", bodies.multipart(PARAMETERS, **dict(reversed(ARRAYS.items()))).data
    yield "parameters", bodies.multipart(PARAMETERS).data
    yield "torn", bodies.multipart(PARAMETERS, closed=False).data
    yield "boundary", b'boundary="a\\"b"; charset=utf-8\n'


def request(line, body=None, **fields):
    """A request as the fuzzer of the service reads it."""
    fields = {name.replace("_", "-"): value for name, value in fields.items()} | (body.fields if body else {})
    head = [line, *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\n".join(head).encode() + (body.data if body else b"")


def inferences():
    """Bodies of the Open Inference Protocol.

    Bytes stand behind the JSON in both orders, beside data in the JSON, and compressed.
    """

    def body(members, *datas):
        header = json.dumps(members).encode()
        fields = {"Inference-Header-Content-Length": str(len(header))} if datas else {}
        return bodies.Body(header + b"".join(datas), fields)

    def tensor(name, array, datatype, **parameters):
        return {"name": name, "shape": array.shape, "datatype": datatype, "parameters": parameters}

    labels = tensor("labels", LABELS, "INT64", binary_data_size=LABELS.nbytes)
    probs = tensor("pred_probs", PRED_PROBS, "FP32", binary_data_size=PRED_PROBS.nbytes)
    data = LABELS.tobytes(), PRED_PROBS.tobytes()
    binary = {"binary_data_output": True, "threshold": 0.5, "ignore_label": 2}
    yield "binary", body({"id": "1", "inputs": [labels, probs], "parameters": binary}, *data)
    yield "behind", body({"inputs": [probs, labels], "outputs": [{"name": "pixel_scores"}]}, *data[::-1])
    halves = (PRED_PROBS.view(np.uint32) >> 16).astype(np.uint16)
    bfloat16 = tensor("pred_probs", halves, "BF16", binary_data_size=halves.nbytes)
    in_json = tensor("labels", LABELS, "UINT8") | {"data": LABELS.tolist()}
    yield "bfloat16", body({"inputs": [in_json, bfloat16]}, halves.tobytes())
    all_json = tensor("pred_probs", PRED_PROBS, "FP64") | {"data": PRED_PROBS.flatten().tolist()}
    outputs = [{"name": "label_issues", "parameters": {"binary_data": True}}]
    yield (
        "json",
        body({"inputs": [in_json, all_json], "parameters": {"method": "num_pixel_issues"}, "outputs": outputs}),
    )
    region = {"shared_memory_region": "a", "shared_memory_byte_size": LABELS.nbytes, "shared_memory_offset": 1}
    yield "region", body({"inputs": [tensor("labels", LABELS, "INT64", **region), all_json]})
    whole = body({"inputs": [labels, probs]}, *data)
    yield "deflate", bodies.Body(zlib.compress(whole.data), whole.fields | {"Content-Encoding": "deflate"})


def requests():
    """Requests for every route, with every field that the service reads."""
    query = "&".join(f"{name}={value}" for name, value in PARAMETERS)
    for name, form in bodies.FORMS.items():
        yield "score-" + name.replace(" ", "-"), request("POST /score?threshold=0.5", form(**ARRAYS))
    yield "score-masks", request("POST /score", masks.form([masks.grey(mask) for mask in LABELS], PRED_PROBS))
    coloured = [masks.coloured(mask, [(0, 0, 0), (255, 0, 0), (0, 0, 255)]) for mask in LABELS]
    form = masks.form(coloured, PRED_PROBS, [("colors", "#000000,#ff0000,#0000ff")])
    yield "score-colours", request("POST /score", form)
    form = bodies.multipart(PARAMETERS, **dict(reversed(ARRAYS.items())))
    yield "score-behind", request("POST /score", form, Accept="application/x-npz")
    yield (
        "score-query",
        request(f"POST /score?{query}", bodies.npz(**ARRAYS), Accept="application/x-npy;q=0.5, */*;q=0"),
    )
    yield "score-async", request("POST /score", bodies.json_body(**ARRAYS), Prefer="respond-async, wait=1")
    packed = gzip.compress(bodies.npz(**ARRAYS).data, mtime=0)
    yield "score-gzip", request("POST /score", bodies.Body(packed), Content_Encoding="gzip")
    packed = gzip.compress(b"{}", mtime=0)
    yield "score-members", request("POST /score", bodies.Body(packed * 2), Content_Encoding="gzip")
    yield "score-chunked", request("POST /score", bodies.npz(**ARRAYS), Transfer_Encoding="chunked")
    fortran = bodies.npz(labels=LABELS[:, :2, :2], pred_probs=np.asfortranarray(PRED_PROBS[:, :, :2, :2]))
    yield "score-fortran", request("POST /score?method=num_pixel_issues&downsample=2", fortran)
    banded = {"labels": LABELS, "pred_probs": BANDS}
    yield "score-bands", request("POST /score?classes=3&ignore_label=2", bodies.npz(**banded))
    form = bodies.multipart([("classes", "3"), ("ignore_label", "2")], **dict(reversed(banded.items())))
    yield "score-bands-behind", request("POST /score", form)
    scores = bodies.json_body(image_scores=[0.5, 1e-3], pixel_scores=[[[1, 0]], [[1, 0.25]]])
    yield "issues-mask", request("POST /issues?threshold=0.3", scores)
    yield "issues-images", request("POST /issues", bodies.npz(image_scores=np.array([0.5, 0.05])))
    yield "open", request("POST /jobs", bodies.json_body(method="num_pixel_issues", ignore_label=255))
    yield "batch", request("POST /jobs/{open}/batches", bodies.npz(**ARRAYS), Idempotency_Key="one")
    yield "finish", request("POST /jobs/{open}/finish")
    yield "cancel", request("POST /jobs/{open}/cancel")
    yield "jobs", request("GET /jobs?limit=2&status=succeeded&cursor=1")
    yield "job", request("GET /jobs/{id}?wait=1", traceparent="00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
    yield "delete", request("DELETE /jobs/{id}")
    yield "image_scores", request("GET /jobs/{id}/image_scores", Accept="application/json", Range="bytes=1-2")
    for name in ("pixel_scores", "issues", "label_issues"):
        yield name, request(f"GET /jobs/{{id}}/{name}?image=0", Accept="image/png", If_None_Match='"a", W/"b"')
        yield name + "-range", request(f"GET /jobs/{{id}}/{name}", Range="bytes=-20", If_Range='"a"')
    yield "issues-class", request("HEAD /jobs/{id}/issues?class=1&threshold=0.9", Accept="application/x-npz")
    yield "ranking", request("GET /jobs/{id}/ranking?limit=1&threshold=0.25")
    yield "summary", request("GET /jobs/{id}/summary?class_names=a,b%20c,d&exclude=0&top=2")
    yield "statistics", request("GET /jobs/{id}/statistics")
    yield "events", request("GET /jobs/{open}/events", Accept="text/event-stream")
    for name, seed in inferences():
        yield "infer-" + name, request("POST /v2/models/segscore/infer", seed)
    for name, path in [("server", "v2"), ("model", "v2/models/segscore/versions/1"), ("stats", "v2/models/stats")]:
        yield "inference-" + name, request(f"GET /{path}")
    for path in ("livez", "readyz", "metrics", "version", "openapi.yaml"):
        yield path, request(f"GET /{path}", Origin="https://review.example")


def main():
    """Writes all seeds of each fuzzer to a folder of its name."""
    corpora = {
        "npy": npy_files,
        "npz": npz_files,
        "safetensors": safetensors_files,
        "png": png_files,
        "json": json_texts,
        "form": forms,
        "service": requests,
    }
    for target, seeds in corpora.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
