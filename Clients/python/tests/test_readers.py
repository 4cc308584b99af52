"""Labels and predictions as paths of NIfTI, GeoTIFF and NumPy files, with the answer to the same arrays."""

import nibabel
import numpy as np
import pytest
import rasterio

from segscore import _readers
from segscore._readers import nodata_of, read


def nifti(path, array):
    nibabel.save(nibabel.Nifti1Image(array.T, np.eye(4)), path)
    return path


def geotiff(path, array, nodata=None):
    bands = array.reshape(-1, *array.shape[-2:])
    options = {"count": len(bands), "height": bands.shape[1], "width": bands.shape[2], "dtype": array.dtype}
    with rasterio.open(path, "w", driver="GTiff", nodata=nodata, **options) as file:
        file.write(bands)
    return path


def npy(path, array):
    np.save(path, array)
    return path


def npz(path, array):
    np.savez_compressed(path, probabilities=array)
    return path


WRITERS = {".nii": nifti, ".nii.gz": nifti, ".tif": geotiff, ".TIFF": geotiff, ".npy": npy, ".npz": npz}
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture(params=WRITERS)
def files(request, arrays, tmp_path):
    """The paths of files of one kind with the images, of labels and of probabilities."""
    writer, ending = WRITERS[request.param], request.param
    return [
        [writer(tmp_path / f"{name}{index}{ending}", image) for index, image in enumerate(images)]
        for name, images in zip(("labels", "pred_probs"), arrays)
    ]


def test_paths_are_scored_as_their_arrays(client, small_client, arrays, files):
    labels, pred_probs = files
    expected = client.score(*arrays)
    for found in (
        client.score(labels, pred_probs),
        client.score(list(map(str, labels)), arrays[1]),
        small_client.score(labels, pred_probs),
        client.score(iter(labels), iter(pred_probs)),
    ):
        np.testing.assert_array_equal(found.image_scores, expected.image_scores)
        np.testing.assert_array_equal(found.pixel_scores, expected.pixel_scores)
    with client.dataset() as dataset:
        dataset.add(labels[0], pred_probs[0])
        dataset.add(labels[1:], arrays[1][1:])
    np.testing.assert_array_equal(dataset.job.image_scores(), expected.image_scores)


def test_volumes_of_nifti_are_in_the_order_of_nnunet(tmp_path):
    volume = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    path = tmp_path / "volume.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume.transpose(2, 1, 0), np.eye(4)), path)
    assert nibabel.load(path).shape == (4, 3, 2)
    np.testing.assert_array_equal(read(path, "labels"), volume)
    classes = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(5, 2, 3, 4)
    np.testing.assert_array_equal(read(nifti(tmp_path / "classes.nii", classes), "pred_probs"), classes)


# Pixels without data


def test_pixels_without_data_take_no_part(client, arrays, tmp_path):
    labels, pred_probs = arrays[0].astype(np.int16), arrays[1]
    labels[2, 3:9, 4:] = -9999
    paths = [geotiff(tmp_path / f"{index}.tif", image, -9999) for index, image in enumerate(labels)]
    expected = client.score(labels, pred_probs, ignore_label=-9999)
    for ignored in (None, -9999, [255], [255, -9999]):
        scores = client.score(paths, pred_probs, ignore_label=ignored)
        np.testing.assert_array_equal(scores.pixel_scores, expected.pixel_scores)
    job = client.submit(paths, pred_probs, ignore_label=255, only_labelled=True)
    assert job.wait().document()["parameters"]["ignore_label"] == [255, -9999]
    np.testing.assert_array_equal(job.image_scores(), expected.image_scores)


def test_a_data_set_has_to_know_pixels_without_data_ahead(client, arrays, tmp_path):
    labels, pred_probs = arrays
    path = geotiff(tmp_path / "a.tif", labels[0], 3)
    with client.dataset(ignore_label=[255, 3]) as dataset:
        dataset.add(path, pred_probs[0])
    expected = client.score(labels[:1], pred_probs[:1], ignore_label=3)
    np.testing.assert_array_equal(dataset.job.image_scores(), expected.image_scores)
    for given in (path, [path]):
        with client.dataset(ignore_label=255) as dataset:
            with pytest.raises(ValueError, match=r"a\.tif.* names 3 as .*ignore_label=3"):
                dataset.add(given, pred_probs[0] if given is path else pred_probs[:1])
            dataset.add(labels[0], pred_probs[0])


def test_values_of_pixels_without_data(tmp_path):
    bands = np.zeros((2, 3, 4), np.float32)
    paths = [geotiff(tmp_path / f"{nodata}.tif", bands, nodata) for nodata in (None, float("nan"), 0.5, -1, 255)]
    assert nodata_of(paths) == [-1, 255] and nodata_of(["a.png", bands[0]]) == []


# What is refused with a sentence


def test_archives_without_such_an_array(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, labels=np.zeros(3), softmax=np.ones(2), image=np.ones(1))
    assert len(read(path, "labels")) == 3 and len(read(path, "pred_probs")) == 2
    with pytest.raises(ValueError, match=r"a\.npz holds labels, softmax, image, and no array called logits"):
        read(path, "logits")
    np.savez(path, arr_0=np.ones(7))
    assert len(read(path, "logits")) == 7
    np.savez(path)
    with pytest.raises(ValueError, match="holds nothing"):
        read(path, "logits")


def test_files_of_other_kinds(client, arrays, tmp_path):
    (tmp_path / "a.mat").write_bytes(b"MATLAB" * 9)
    with pytest.raises(ValueError, match=r"pred_probs are read from .*, not .*a\.mat"):
        client.score(arrays[0][:1], [tmp_path / "a.mat"])
    with pytest.raises(ValueError, match=r"a\.mat is no PNG image, and no file that is read here"):
        client.score([tmp_path / "a.mat"], arrays[1][:1])
    with pytest.raises(TypeError, match="put it in a list"):
        client.score(arrays[0], str(tmp_path / "a.npy"))


@pytest.mark.parametrize("package, ending", [("nibabel", "nifti"), ("rasterio", "geotiff")])
def test_packages_that_are_missing_are_named(client, arrays, tmp_path, monkeypatch, package, ending):
    path = {"nifti": nifti, "geotiff": geotiff}[ending](
        tmp_path / {"nifti": "a.nii", "geotiff": "a.tif"}[ending], arrays[0][0]
    )
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ImportError, match=rf"segscore\[{ending}\]"):
        client.score([path], arrays[1][:1])
    assert _readers.is_readable(path)
