"""How much the process grows: by the answer, and by less than 16 MB besides, whatever the size of what is sent."""

import json
import subprocess
import sys

import pytest

IMAGES, CLASSES, EXTENT = 8, 21, 256
SENT = IMAGES * CLASSES * EXTENT * EXTENT * 4
SLACK = 16_000_000

SCRIPT = """
import json, pathlib, sys
import numpy as np
import zarr
from segscore.segmentation import filter, rank
import segscore

url, form, call, folder, images, classes, extent = *sys.argv[1:5], *map(int, sys.argv[5:])
segscore.configure(url, batch_bytes=1 << (24 if form == "batches" else 30))

def status(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def array(shape, dtype, value):
    return np.full(shape, value, dtype)

def warm_up():
    rank.get_label_quality_scores(np.zeros((1, 8, 8), np.uint8), np.full((1, 2, 8, 8), 0.5, np.float32), verbose=False)

shape = (images, extent, extent)
if form == "mapped":
    labels = np.lib.format.open_memmap(f"{folder}/labels.npy", "w+", np.uint8, shape)
    pred_probs = np.lib.format.open_memmap(f"{folder}/probs.npy", "w+", np.float32, (images, classes, extent, extent))
    for image in range(images):
        labels[image], pred_probs[image] = image % classes, 1 / classes
    del labels, pred_probs
    labels, pred_probs = (np.load(f"{folder}/{name}.npy", mmap_mode="r") for name in ("labels", "probs"))
elif form == "zarr":
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
warm_up()
before = status("VmRSS")
pathlib.Path("/proc/self/clear_refs").write_text("5")
if call == "softmin":
    answer = rank.get_label_quality_scores(labels, pred_probs, verbose=False)
elif call == "num_pixel_issues":
    answer = rank.get_label_quality_scores(labels, pred_probs, method="num_pixel_issues", verbose=False)
else:
    answer = [filter.find_label_issues(labels, pred_probs, verbose=False)]
print(json.dumps({"grown": status("VmHWM") - before, "answer": sum(array.nbytes for array in answer)}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
@pytest.mark.parametrize("form, call", [
    *((form, "softmin") for form in ("memory", "Fortran", "channels last", "list", "batches", "mapped", "zarr")),
    *((form, call) for form in ("memory", "batches") for call in ("num_pixel_issues", "find_label_issues"))])
def test_the_process_grows_by_the_answer(server, tmp_path, form, call):
    arguments = [server.url, form, call, tmp_path, IMAGES, CLASSES, EXTENT]
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert SENT > 2 * SLACK, "a copy would be noticed"
    assert found["grown"] < found["answer"] + SLACK, found
