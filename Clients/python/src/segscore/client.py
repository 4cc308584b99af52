"""The client of a server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable

from ._bands import banded
from ._batches import Batch, BatchSource, one_of
from ._devices import Reducer
from ._folders import folders_of
from ._given import GivenSource, Reduced, gathered, given
from ._labels import IgnoredLabels, LabelMap, LabelRule, ignored_labels, label_parameters
from ._masks import Colors, colors_text
from ._names import are_plain, names_of, names_text
from ._own_server import program
from ._pictures import Pictures
from ._pool import Verify
from ._readers import nodata_of
from ._sampling import are_resized, sampling_parameters
from ._sending import send
from ._transport import Transport
from .dataset import Dataset
from .job import LONGEST_POLL, Job
from .scores import Scores

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_TIMEOUT = 120.0
DEFAULT_RETRIES = 6
DEFAULT_BATCH_BYTES = 256 << 20
OnImages = Callable[[int], None]


class Client:
    """A client of one server, which may be used by several threads, and in processes that are forked.

    A client can be pickled, as can its jobs; the pickle holds `api_key`.

    Parameters
    ----------
    url : str | None
        `http://host:port`, `https://host:port` or `unix:/path/of/socket`. By default `SEGSCORE_URL`. Else, if
        `SEGSCORE_PROGRAM` names the program, a server of this process's own, which all of its clients share: it is
        started with the first request and ends with the process. Else `http://127.0.0.1:8080`.
    api_key : str | None
        The key by which the server knows the caller, sent as a bearer token. By default `SEGSCORE_API_KEY`.
    verify : Verify | None
        Who vouches for the server's certificate: True for the system's authorities, or the path of a PEM file with
        others. False trusts anyone. By default `SEGSCORE_CA`, else True.
    timeout : float
        Seconds without a byte of an answer after which a request has failed.
    retries : int
        How often a request is sent again if it is not answered, or the answer is that the server is busy.
    batch_bytes : int
        The size up to which a data set is sent by one request. A larger one is sent in batches of whole images, none of
        which is larger unless a single image is.
    fewest_bytes : bool
        Whether probabilities in this process's memory are reduced to 9 bytes a pixel before they are sent, as those on
        a GPU are. NumPy takes longer for that than it takes to send them to a server on the same machine, so that it
        pays over a network alone. The scores are the same to the bit.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        verify: Verify | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        batch_bytes: int = DEFAULT_BATCH_BYTES,
        fewest_bytes: bool = False,
    ):
        url = url or os.environ.get("SEGSCORE_URL") or (DEFAULT_URL if program() is None else None)
        api_key = api_key or (os.environ.get("SEGSCORE_API_KEY") if url is not None else None)
        if verify is None:
            verify = os.environ.get("SEGSCORE_CA") or True
        if timeout <= LONGEST_POLL:
            raise ValueError(f"timeout must be above {LONGEST_POLL} s, for which questions are held")
        self._transport = Transport(url, api_key, verify, timeout, retries)
        self._batch_bytes = batch_bytes
        self._fewest_bytes = fewest_bytes

    def __repr__(self) -> str:
        return f"<segscore.Client of {self._transport}>"

    def score(
        self,
        labels: Any,
        pred_probs: Any = None,
        *,
        logits: Any = None,
        own: Any = None,
        largest: Any = None,
        predicted: Any = None,
        method: str = "softmin",
        temperature: float | None = None,
        downsample: int | None = None,
        threshold: float | None = None,
        ignore_label: IgnoredLabels = None,
        label_map: LabelMap = None,
        label_offset: int | None = None,
        reduce_zero_label: bool = False,
        colors: Colors | None = None,
        activation: str | None = None,
        normalize: str | None = None,
        classes: int | None = None,
        layout: str | None = None,
        resize: str | None = None,
        align_corners: bool = False,
        valid: Sequence[int] | None = None,
        images: Any = None,
        names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        on_images: OnImages | None = None,
    ) -> Scores:
        """Scores a data set, and returns all results.

        Parameters
        ----------
        labels : array_like
            The given classes: integers (N, H, W), or (H, W) of one image, one-hot (N, K, H, W), a list of (H, W) or (K,
            H, W), or anything that gives such arrays when it is iterated over. In place of (H, W) there may be any
            axes, as (D, H, W) of volumes; results have the shape of labels. Arrays of zarr and h5py are read a chunk at
            a time, mapped files are sent without being copied, and tensors of PyTorch, JAX, CuPy and others are taken
            as they are. In the place of (H, W) there may be the path of a PNG file, which is sent as it is, or an image
            of Pillow: its grey values or palette indices are the classes; or the path of a NIfTI, GeoTIFF or NumPy
            file. Or the path of a folder with such a file for each image, in folders of its own or not;
            `FOLDER/*_mask.png` if a star stands for the name.
        pred_probs : array_like
            The model's probabilities: (N, K, H, W), or (K, H, W) of one image, a list of (K, H, W), or what gives such
            arrays or the paths of such files. Labels with as many dimensions are one-hot, with one fewer they are
            classes. Where extents allow both, labels of two dimensions are one image, and those of more are several.
            With a folder of labels it is the path of a folder, whose files have the names that those of the labels
            have.
        logits : array_like
            The model's outputs ahead of the softmax, in place of `pred_probs`. Of one channel there are two classes,
            whose probabilities are 1 - sigmoid and sigmoid.
        own : array_like
            The probability of each pixel's own label, (N, H, W) or a list of (H, W), in place of `pred_probs`; it is
            all that `softmin` needs. `classes` is given with it.
        largest : array_like
            The largest probability of each pixel, beside `own`; needed by all methods but `softmin`, and for the job's
            `regions`.
        predicted : array_like
            The class of the largest probability, the first of equals, beside `own`; needed by all methods but
            `softmin`, and for the job's `summary`, its `regions` and its issues by class. `reduce` makes all three.
        method : str
            `softmin` to rank images, `num_pixel_issues` to find label issues by confident learning, `margin` to rank
            images by how far the model is from their labels where it contradicts them, with the same label issues.
        temperature : float | None
            The temperature of softmin, by default 0.1. With a small one an image's score tends to its lowest pixel
            score, with a large one to their mean.
        downsample : int | None
            The extent of the blocks that label issues are looked for in, by default 1.
        threshold : float | None
            The score below which a pixel is an issue; if it is given, the results have `issues`.
        ignore_label : IgnoredLabels
            A label, often 255, whose pixels take no part, or several such labels. What a GeoTIFF file in a list of
            `labels` names as the value of pixels without data is one too.
        label_map : LabelMap
            The class of each value of the other labels: `{7: 0, 8: 1, 0: None}`, where None is for pixels that take no
            part; or `cityscapes` for the ids of that data set, or `ade20k`.
        label_offset : int | None
            A number that is added to each label that is not ignored, for example -1.
        reduce_zero_label : bool
            Whether pixels labelled 0 or 255 take no part and k is class k - 1, as in mmsegmentation.
        colors : Colors | None
            The classes of the colours in PNG files and images of colours: a list of `"#rrggbb"` or (r, g, b) in the
            order of the classes, or a dict of `"#rrggbb"` to classes.
        activation : str | None
            `softmax` or `sigmoid`, if the values of `pred_probs` become probabilities so; of `logits` it is known from
            the number of channels.
        normalize : str | None
            With `sum`, the values of each pixel are divided by their sum over the classes.
        classes : int | None
            The number of classes. It is known from `pred_probs`, except that with 2 classes one channel of
            probabilities is that of the second class; `own`, `largest` and `predicted` do not tell it.
        layout : str | None
            `NHWC` if the classes are the last axis of the predictions.
        resize : str | None
            `bilinear` or `nearest`, as PyTorch has them, if predictions have another height and width than the labels.
            They are resized ahead of the softmax.
        align_corners : bool
            As PyTorch has it, with `resize="bilinear"`.
        valid : Sequence[int] | None
            The height and width of what is no padding in the predictions; the rest is cut off ahead of `resize`.
        images : array_like
            The pictures that labels are of, for the page on which people review the job: a list with an item for each
            image, which is the path of a PNG, JPEG or WebP file, sent as it is, an image of Pillow, or an array, uint8
            (H, W, 3), (H, W) or (H, W, 1). Or one array of all of these. A string is the name of a folder beneath the
            server's `--data-dir`.
        names : Sequence[str] | None
            What the images are called, one name for each, as paths without a suffix. Images of folders have the names
            of their files, and so have those of `images` that are files, if these names differ.
        class_names : Sequence[str] | None
            What the classes are called, from 0 on, one name for each.
        on_images : OnImages | None
            Called with the number of images that have been sent.

        Raises
        ------
        ValueError
            A parameter or an array makes no sense. If the server found that, it is an `InvalidInputError`.
        SegscoreError
            The server refused for another reason, or did not answer.
        """
        job = self.submit(
            labels,
            pred_probs,
            logits=logits,
            own=own,
            largest=largest,
            predicted=predicted,
            method=method,
            temperature=temperature,
            downsample=downsample,
            threshold=threshold,
            ignore_label=ignore_label,
            label_map=label_map,
            label_offset=label_offset,
            reduce_zero_label=reduce_zero_label,
            colors=colors,
            activation=activation,
            normalize=normalize,
            classes=classes,
            layout=layout,
            resize=resize,
            align_corners=align_corners,
            valid=valid,
            images=images,
            names=names,
            class_names=class_names,
            on_images=on_images,
            wait=True,
        )
        return Scores.of(job, method, threshold)

    def submit(
        self,
        labels: Any,
        pred_probs: Any = None,
        *,
        logits: Any = None,
        own: Any = None,
        largest: Any = None,
        predicted: Any = None,
        method: str = "softmin",
        temperature: float | None = None,
        downsample: int | None = None,
        threshold: float | None = None,
        ignore_label: IgnoredLabels = None,
        label_map: LabelMap = None,
        label_offset: int | None = None,
        reduce_zero_label: bool = False,
        colors: Colors | None = None,
        activation: str | None = None,
        normalize: str | None = None,
        classes: int | None = None,
        layout: str | None = None,
        resize: str | None = None,
        align_corners: bool = False,
        valid: Sequence[int] | None = None,
        images: Any = None,
        names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        on_images: OnImages | None = None,
        wait: bool = False,
        only_labelled: bool = False,
    ) -> Job:
        """Sends a data set, and returns the job; arguments are those of `score`.

        Parameters
        ----------
        wait : bool
            Whether to return only when the job has succeeded, and not as soon as everything is sent.
        only_labelled : bool
            Whether to leave out probabilities that `softmin` does not need, which are those of classes that no pixel in
            the same rows is labelled as. The scores are the same. Probabilities that are not sent are not checked, and
            the job has no `summary`, no `regions` and no issues by class. Where labels are mapped, all are sent.
        """
        arrays = given(own, largest, predicted, pred_probs, logits)
        sampling = sampling_parameters(layout, resize, align_corners, valid)
        called = None if names is None else names_of(names)
        pictures = None if images is None or isinstance(images, str) else Pictures(images)
        data: BatchSource | GivenSource
        if arrays:
            data = GivenSource(labels, arrays, self._batch_bytes)
        else:
            labels, data, files = self._opened(labels, pred_probs, logits, sampling)
            if files is not None and called is not None:
                raise ValueError("images of folders have the names of their files: leave names out")
            called = files or called
        ignored = ignored_in(labels, ignore_label)
        mapping = label_parameters(ignored, label_map, label_offset, reduce_zero_label)
        about = parameters(
            method, temperature, downsample, threshold, colors, activation, normalize, classes, class_names
        )
        wanted = about | mapping | sampling | {"images": images if isinstance(images, str) else None}
        batches = data.batches()
        ahead = [] if data.is_lazy else list(islice(batches, 2))
        rule = LabelRule(ignored, label_map, label_offset, reduce_zero_label)
        reducer = Reducer(wanted, rule, only_labelled and method == "softmin", self._fewest_bytes)
        if ahead:
            wanted = reducer.begin(ahead[0], wanted)
        ahead, batches = list(map(reducer.lighter, ahead)), map(reducer.lighter, batches)
        channels = ahead[0].classes if ahead and ahead[0].name == "pred_probs" else 0
        are_probabilities = logits is None and activation is None and normalize is None and not are_resized(sampling)
        # Here labels are only compared with classes; the server alone maps them.
        are_classes = not (label_map or label_offset or reduce_zero_label)
        # Of one image without an axis of images there are no bands.
        has_images = bool(ahead) and ahead[0].has_images
        are_banded = has_images and channels > 1 and classes in (None, channels) and are_probabilities and are_classes
        # Of a job that nobody waits for, a single batch is sent: see `_post`.
        if (wait or len(ahead) != 1) and self._transport.may_read():
            wanted["read"] = "labelled" if only_labelled and method == "softmin" else "all"
        elif only_labelled and method == "softmin" and are_banded:
            lighter = partial(banded, ignored=ignored)
            ahead, batches = list(map(lighter, ahead)), map(lighter, batches)
            wanted["classes"] = channels
        is_whole = len(ahead) == 1
        batches = chain(ahead, batches)
        if pictures is not None:
            batches = pictures.all_of(batches)
        if is_whole:
            [batch] = batches
            if called is None and pictures is not None:
                called = pictures.names
            if called is not None:
                _check_count(called, batch.images)
            # Names of a single request are known to the server too. Those of files may be any, and are then known here.
            if called is not None and (names is not None or are_plain(called)):
                batch = batch._replace(texts=(("names", json.dumps(called)),))
            job = self._post(batch, wanted, wait, on_images)
        else:
            job = self._post_batches(batches, wanted, called, on_images)
            if called is None and pictures is not None:
                called = pictures.names
        job.names = called
        return job.wait() if wait else job

    def reduce(
        self,
        labels: Any,
        pred_probs: Any = None,
        *,
        logits: Any = None,
        ignore_label: IgnoredLabels = None,
        label_map: LabelMap = None,
        label_offset: int | None = None,
        reduce_zero_label: bool = False,
        colors: Colors | None = None,
        activation: str | None = None,
        normalize: str | None = None,
        classes: int | None = None,
        layout: str | None = None,
        resize: str | None = None,
        align_corners: bool = False,
        valid: Sequence[int] | None = None,
        on_images: OnImages | None = None,
    ) -> Reduced:
        """Reduces a data set's predictions to the 9 bytes a pixel that scores need, and keeps nothing on the server.

        Arguments are those of `score`. `labels` and what is said of them is then given to `score` as it was here.
        """
        sampling = sampling_parameters(layout, resize, align_corners, valid)
        labels, data, _ = self._opened(labels, pred_probs, logits, sampling)
        mapping = label_parameters(ignored_in(labels, ignore_label), label_map, label_offset, reduce_zero_label)
        about = {"colors": colors_text(colors), "activation": activation, "normalize": normalize, "classes": classes}
        query = about | mapping | sampling
        answers: list[bytes] = []
        images = 0
        for batch in data.batches():
            told = counting(batch, images, on_images)
            fields = {"Accept": "application/x-npz"}
            answers.append(send(self._transport, "/reduce", batch, told, query=query, fields=fields))
            images += batch.images
        if not answers:
            raise ValueError("There are no images.")
        return gathered(answers)

    def dataset(
        self,
        *,
        method: str = "softmin",
        temperature: float | None = None,
        downsample: int | None = None,
        threshold: float | None = None,
        ignore_label: IgnoredLabels = None,
        label_map: LabelMap = None,
        label_offset: int | None = None,
        reduce_zero_label: bool = False,
        colors: Colors | None = None,
        activation: str | None = None,
        normalize: str | None = None,
        classes: int | None = None,
        layout: str | None = None,
        resize: str | None = None,
        align_corners: bool = False,
        valid: Sequence[int] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> Dataset:
        """Opens a job that takes images as they come; see `Dataset`. Arguments are those of `score`."""
        mapping = label_parameters(ignore_label, label_map, label_offset, reduce_zero_label)
        about = parameters(
            method, temperature, downsample, threshold, colors, activation, normalize, classes, class_names
        )
        wanted = about | mapping | sampling_parameters(layout, resize, align_corners, valid)
        rule = LabelRule(ignored_labels(ignore_label), label_map, label_offset, reduce_zero_label)
        reducer = Reducer(wanted, rule, everywhere=self._fewest_bytes)
        return Dataset(self._transport, wanted, self._batch_bytes, reducer)

    def job(self, id: str) -> Job:
        """The job of this id, which another process may have made."""
        return Job(self._transport, self._transport.ask("GET", f"/jobs/{id}")["id"])

    def jobs(self, *, status: str | None = None, limit: int = 50) -> list[Job]:
        """The newest jobs of the server."""
        page = self._transport.ask("GET", "/jobs", query={"status": status, "limit": limit})
        return [Job(self._transport, document["id"]) for document in page["jobs"]]

    def version(self) -> str:
        """The server's version."""
        return str(self._transport.ask("GET", "/version")["version"])

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(
        self, labels: Any, pred_probs: Any, logits: Any, sampling: Mapping[str, Any]
    ) -> tuple[Any, BatchSource, list[str] | None]:
        """Labels as they are read, the data set of them and predictions, and what images of folders are called."""
        predictions, name = one_of(pred_probs, logits)
        folders = folders_of(labels, predictions, name)
        if folders is not None:
            labels, predictions = folders.labels, folders.predictions
        data = BatchSource(labels, predictions, self._batch_bytes, name, are_resized(sampling))
        return labels, data, None if folders is None else folders.names

    def _post(self, batch: Batch, wanted: Mapping[str, Any], wait: bool, on_images: OnImages | None) -> Job:
        """Sends a data set by one request."""
        fields = {} if wait else {"Prefer": "respond-async"}
        told = counting(batch, 0, on_images)
        # Of a job that nobody waits for, the server may read the arrays after its answer.
        answer = json.loads(send(self._transport, "/score", batch, told, query=wanted, fields=fields, stays=wait))
        if "job" in answer:  # These are scores, which 200 answers; the job's document, of 202, has an `id`.
            return Job(self._transport, answer["job"], answer["shape"], answer["image_scores"])
        return Job(self._transport, answer["id"])

    def _post_batches(
        self, batches: Iterable[Batch], wanted: Mapping[str, Any], names: list[str] | None, on_images: OnImages | None
    ) -> Job:
        with Dataset(self._transport, wanted, self._batch_bytes) as dataset:
            for batch in batches:
                dataset.send(batch, counting(batch, dataset.images, on_images))
            if dataset.images == 0:
                raise ValueError("There are no images.")
            if names is not None:
                _check_count(names, dataset.images)
        return dataset.job


def ignored_in(labels: Any, ignore_label: IgnoredLabels) -> tuple[int, ...]:
    """The labels whose pixels take no part, with what GeoTIFF files in a list name as the value of no data."""
    ignored = ignored_labels(ignore_label)
    if not isinstance(labels, (list, tuple)):
        return ignored
    return ignored + tuple(value for value in nodata_of(labels) if value not in ignored)


def parameters(
    method: str,
    temperature: float | None,
    downsample: int | None,
    threshold: float | None,
    colors: Colors | None,
    activation: str | None,
    normalize: str | None,
    classes: int | None,
    class_names: Sequence[str] | None,
) -> dict[str, Any]:
    """The query of a scoring request, without what concerns labels."""
    return {
        "method": method,
        "temperature": temperature,
        "downsample": downsample,
        "threshold": threshold,
        "colors": colors_text(colors),
        "activation": activation,
        "normalize": normalize,
        "classes": classes,
        "class_names": names_text(class_names),
    }


def _check_count(names: list[str], images: int) -> None:
    """Refuses another number of names than of images.

    Raises
    ------
    ValueError
        There is another.
    """
    if len(names) != images:
        raise ValueError(f"names are {len(names)}, and there {'is 1 image' if images == 1 else f'are {images} images'}")


def counting(batch: Batch, before: int, on_images: OnImages | None) -> Callable[[float], None] | None:
    """What to call with the share of a batch that was sent, so that `on_images` is called with a number of images."""
    if on_images is None:
        return None
    told = on_images
    return lambda share: told(before + int(share * batch.images))
