"""Files of labels and predictions other than PNG: NIfTI, GeoTIFF, NumPy's, and those that nnU-Net leaves."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

NIFTI = (".nii", ".nii.gz")
GEOTIFF = (".tif", ".tiff")
MEMBERS = {"labels": ("labels",), "pred_probs": ("pred_probs", "probabilities", "softmax"), "logits": ("logits",)}
"""What an array may be called in a `.npz` file. nnU-Net 2 has `probabilities`, and nnU-Net 1 had `softmax`."""


def is_readable(path: Any) -> bool:
    """Whether a file is one that is read here, by the end of its name."""
    return os.fsdecode(path).lower().endswith((*NIFTI, *GEOTIFF, ".npy", ".npz"))


def read(path: Any, array: str) -> np.ndarray:
    """The array of a file that holds `labels`, `pred_probs` or `logits`.

    - NIfTI: (z, y, x), and (K, z, y, x) of four dimensions. That is the order of nnU-Net and SimpleITK; that of nibabel
      itself is the reverse.
    - GeoTIFF: (H, W) of one band, (K, H, W) of several.
    - `.npy`: mapped, not read. `.npz`: the array that is called so, or as nnU-Net calls it, or the only one.

    Raises
    ------
    ImportError
        The package that reads such files is not installed.
    ValueError
        The file has no such array.
    """
    name = os.fsdecode(path)
    lower = name.lower()
    if lower.endswith(NIFTI):
        return _read_nifti(name)
    if lower.endswith(GEOTIFF):
        return _read_geotiff(name)
    if lower.endswith(".npz"):
        with np.load(name) as archive:
            return _member(archive, name, array)
    mapped: np.ndarray = np.load(name, mmap_mode="r")
    return mapped


def nodata_of(paths: Iterable[Any]) -> list[int]:
    """The whole numbers that GeoTIFF files name as the value of pixels without data, of all that are among `paths`."""
    found: set[int] = set()
    for path in paths:
        if isinstance(path, (str, os.PathLike)) and os.fsdecode(path).lower().endswith(GEOTIFF):
            with _rasterio().open(os.fsdecode(path)) as file:
                values = [float(value) for value in file.nodatavals if value is not None]
                found.update(int(value) for value in values if value.is_integer())
    return sorted(found)


def _read_nifti(name: str) -> np.ndarray:
    try:
        import nibabel
    except ImportError as error:
        raise ImportError(f"{name} is read by nibabel: pip install 'segscore[nifti]'") from error
    file: Any = nibabel.load(name)
    array: np.ndarray = np.asanyarray(file.dataobj).T
    return array


def _read_geotiff(name: str) -> np.ndarray:
    with _rasterio().open(name) as file:
        array: np.ndarray = file.read()
    return array[0] if len(array) == 1 else array


def _rasterio() -> Any:
    try:
        import rasterio
    except ImportError as error:
        raise ImportError("GeoTIFF files are read by rasterio: pip install 'segscore[geotiff]'") from error
    return rasterio


def _member(archive: Any, name: str, array: str) -> np.ndarray:
    names = [member for member in MEMBERS[array] if member in archive.files]
    if not names and len(archive.files) == 1:
        names = archive.files
    if not names:
        held = ", ".join(archive.files) or "nothing"
        raise ValueError(f"{name} holds {held}, and no array called {' or '.join(MEMBERS[array])}")
    member: np.ndarray = archive[names[0]]
    return member
