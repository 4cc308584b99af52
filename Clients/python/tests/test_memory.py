"""How much the process grows: by the answer, and by less than 16 MB besides, whatever the size of what is sent.

Of arrays that stay where they are, it is less than 8 MB.
"""

import json
import subprocess
import sys

import pytest

IMAGES, CLASSES, EXTENT = 8, 21, 208
SENT = IMAGES * CLASSES * EXTENT * EXTENT * 4
SLACK = 16_000_000

SCRIPT = """
import json, pathlib, sys
import numpy as np
from segscore.segmentation import filter, rank
import segscore

url, form, folder, images, classes, extent = *sys.argv[1:4], *map(int, sys.argv[4:])
segscore.configure(url, batch_bytes=1 << (24 if form == "batches" else 30))

def status(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def array(shape, dtype, value):
    return np.full(shape, value, dtype)

def scores(labels, pred_probs, method):
    return rank.get_label_quality_scores(labels, pred_probs, method=method, verbose=False)

shape = (images, extent, extent)
if form == "mapped":
    labels = np.lib.format.open_memmap(f"{folder}/labels.npy", "w+", np.uint8, shape)
    pred_probs = np.lib.format.open_memmap(f"{folder}/probs.npy", "w+", np.float32, (images, classes, extent, extent))
    for image in range(images):
        labels[image], pred_probs[image] = image % classes, 1 / classes
    del labels, pred_probs
    labels, pred_probs = (np.load(f"{folder}/{name}.npy", mmap_mode="r") for name in ("labels", "probs"))
elif form == "zarr":
    import zarr
    labels = zarr.open_array(f"{folder}/labels", mode="w", shape=shape, chunks=(1, *shape[1:]), dtype="u1")
    pred_probs = zarr.open_array(f"{folder}/probs", mode="w", shape=(images, classes, *shape[1:]), dtype="f4",
                                 chunks=(1, 7, *shape[1:]))
    for image in range(images):
        labels[image], pred_probs[image] = image % classes, 1 / classes
else:
    labels, pred_probs = array(shape, np.uint8, 1), array((images, classes, *shape[1:]), np.float32, 1 / classes)
    if form == "Fortran":
        labels, pred_probs = np.asfortranarray(labels), np.asfortranarray(pred_probs)
    elif form == "channels last":
        pred_probs = array((images, *shape[1:], classes), np.float32, 1 / classes).transpose(0, 3, 1, 2)
    elif form == "list":
        labels, pred_probs = list(labels), list(pred_probs)
scores(array((1, 8, 8), np.uint8, 0), array((1, 2, 8, 8), np.float32, 0.5), "softmin")
works = [lambda: scores(labels, pred_probs, "softmin")]
if form in ("memory", "batches"):
    works += [lambda: scores(labels, pred_probs, "num_pixel_issues"),
              lambda: [filter.find_label_issues(labels, pred_probs, verbose=False)]]
for work in works:
    before = status("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    answer = work()
    grown = status("VmHWM") - before
    print(json.dumps({"grown": grown, "answer": sum(each.nbytes for each in answer)}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
@pytest.mark.parametrize("form", ["memory", "Fortran", "channels last", "list", "batches", "mapped", "zarr"])
@pytest.mark.parametrize("place", ["sent", "in place"])
def test_the_process_grows_by_the_answer(server, start_server, tmp_path, form, place):
    url, slack = server.url, SLACK
    if place == "in place":
        start_server("--allow-client-memory", listen=("127.0.0.1:0", f"unix:{tmp_path}/s"))
        # Arrays that have to be converted or are read by chunks are sent all the same.
        url, slack = f"unix:{tmp_path}/s", SLACK if form in ("channels last", "zarr") else SLACK // 2
    arguments = [url, form, tmp_path, IMAGES, CLASSES, EXTENT]
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert SENT > 1.5 * SLACK, "a copy would be noticed"
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lines) == (3 if form in ("memory", "batches") else 1)
    for found in lines:
        assert found["grown"] < found["answer"] + slack, found
