"""The loops over pixels alone, called as `bare_kernels.c` does, for a block of float32 probabilities in C order."""

import ctypes
import os
import pathlib
import shutil
import subprocess

import numpy as np

HERE = pathlib.Path(__file__).parent
LOOPS = HERE.parent / "Sources/CScoringKernels"


class BareKernels:
    """Compiles the loops into a library in a folder, by Swift's own compiler for C, and calls them on a block.

    Each call makes the arrays that it fills, as the engine does.
    """

    def __init__(self, folder: str, labels: np.ndarray, pred_probs: np.ndarray):
        compiler = pathlib.Path(os.path.realpath(shutil.which("swift") or "swift")).parent / "clang"
        sources = [HERE / "bare_kernels.c", LOOPS / "levels.c", *sorted((LOOPS / "levels").glob("*.c"))]
        path = os.path.join(folder, "bare_kernels.so")
        flags = ["-O2", "-shared", "-fPIC", f"-I{LOOPS / 'include'}", "-o", path]
        subprocess.run([compiler, *flags, *sources, "-lm"], check=True)
        self._library = ctypes.CDLL(path)
        self._library.bare_confident.restype = self._library.bare_mark.restype = ctypes.c_size_t
        self._labels, self._pred_probs = labels, pred_probs
        self._images, self._classes, height, width = pred_probs.shape
        self._pixels = height * width

    def reduce(self) -> dict[str, np.ndarray]:
        own = np.empty(self._labels.shape, np.float32)
        largest, predicted = np.empty_like(own), np.empty(own.shape, np.uint8)
        sums, counts = np.zeros((self._images, self._classes)), np.zeros((self._images, self._classes), np.int64)
        sizes = map(ctypes.c_size_t, (self._images, self._classes, self._pixels))
        made = own, largest, predicted, sums, counts
        self._library.bare_reduce(_at(self._pred_probs), _at(self._labels), *sizes, *map(_at, made))
        return {"own": own, "largest": largest, "predicted": predicted, "class_sums": sums, "class_counts": counts}

    def confident(self, largest: np.ndarray, predicted: np.ndarray, thresholds: np.ndarray) -> int:
        sizes = map(ctypes.c_size_t, (largest.size, self._classes))
        arrays = map(_at, (largest, predicted, self._labels))
        return int(self._library.bare_confident(*arrays, *sizes, _at(thresholds)))

    def histogram(self, own: np.ndarray, prefix: int, shift: int, width: int) -> np.ndarray:
        counts = np.zeros(1 << width, np.uint64)
        arrays = _at(own), _at(self._labels), ctypes.c_size_t(own.size)
        self._library.bare_histogram(*arrays, ctypes.c_uint64(prefix), shift, width, _at(counts))
        return counts

    def mark(self, own: np.ndarray, predicted: np.ndarray, score: float) -> np.ndarray:
        mask, candidates = np.empty(own.shape, bool), np.empty(self._pixels, np.uint8)
        sizes = map(ctypes.c_size_t, (self._images, self._pixels))
        arrays = map(_at, (own, self._labels, predicted))
        self._library.bare_mark(*arrays, *sizes, ctypes.c_double(score), _at(candidates), _at(mask))
        return mask


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
