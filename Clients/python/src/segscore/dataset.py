"""Jobs to which the images of a data set are added call by call."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable

from ._batches import Batch, batches_of, one_of
from ._devices import Reducer
from ._given import GivenSource, given
from ._pictures import Pictures
from ._readers import nodata_of
from ._sampling import are_resized
from ._sending import send
from ._transport import Transport
from .errors import SegscoreError, UnreachableError
from .job import Job

if TYPE_CHECKING:
    from typing_extensions import Self


class Dataset:
    """A job that takes images as they come, and runs when the `with` block ends.

        with client.dataset(method="num_pixel_issues") as dataset:
            for x, y in loader:
                dataset.add(y, model(x))
        dataset.job.ranking()

    An exception in the block cancels the job. No batch is added twice, however often it has to be sent. If the server
    does not answer at all, nobody knows whether it has the batch: the data set then takes no more images, and the job
    is canceled.

    Attributes
    ----------
    job
        The job. It has results after the block.
    images
        How many images were added.
    """

    def __init__(
        self, transport: Transport, parameters: Mapping[str, Any], batch_bytes: int, reducer: Reducer | None = None
    ):
        self._transport = transport
        self._batch_bytes = batch_bytes
        self._reducer = reducer
        self._are_resized = are_resized(parameters)
        self._ignored = [int(value) for value in (parameters.get("ignore_label") or "").split(",") if value]
        # However often it is asked, the server opens one job for this key. If it has forgotten the key, it opens
        # another job, and cancels the first after a while, since nothing is added to that.
        fields = {"Idempotency-Key": uuid.uuid4().hex}
        self.job = Job(transport, transport.ask("POST", "/jobs", query=parameters, fields=fields)["id"])
        self._lost: UnreachableError | None = None
        self.images = 0

    def add(
        self,
        labels: Any,
        pred_probs: Any = None,
        *,
        logits: Any = None,
        own: Any = None,
        largest: Any = None,
        predicted: Any = None,
        images: Any = None,
    ) -> int:
        """Sends one image, (H, W) and (K, H, W), or several, (N, H, W) and (N, K, H, W), with `pred_probs` or `logits`.

        In place of (H, W) there may be any axes, as (D, H, W) of volumes. Each image has a place of its own among the
        job's, so that results begin with an axis of images. In place of predictions there may be `own` of the shape of
        labels, and `largest` and `predicted` with it; the data set is then opened with `classes`. Labels may be the
        path of a file or an image of Pillow, or a list of such, and predictions the path of a file. `images` are their
        pictures, as of `Client.score`, for the page on which people review the job.

        It returns when the server has the images, and the arrays may be changed afterwards. Sizes may differ from call
        to call; K may not.

        Returns
        -------
        int
            The number of the first of these images among the job's.

        Raises
        ------
        ValueError
            The arrays make no sense. The job stays as it was, and takes other images.
        """
        first = self.images
        self._check_nodata(labels)
        arrays = given(own, largest, predicted, pred_probs, logits)
        if arrays:
            batches = GivenSource(labels, arrays, self._batch_bytes).batches()
        else:
            batches = batches_of(labels, *one_of(pred_probs, logits), self._batch_bytes, self._are_resized)
        if self._reducer is not None:
            batches = map(self._reducer.lighter, batches)
        for batch in batches if images is None else Pictures(images).all_of(batches):
            self.send(batch)
        return first

    def _check_nodata(self, labels: Any) -> None:
        """Refuses GeoTIFF files with pixels without data that the job, which has its parameters, would not ignore."""
        for value in nodata_of(labels if isinstance(labels, (list, tuple)) else [labels]):
            if value not in self._ignored:
                raise ValueError(
                    f"{labels!r} names {value} as the value of pixels without data: open the data set with "
                    f"ignore_label={value}"
                )

    def send(self, batch: Batch, on_sent: Callable[[float], None] | None = None) -> None:
        """Sends one batch, and sends it again as long as it is not answered and tries are left."""
        if self._lost is not None:
            raise self._lost
        try:
            send(self._transport, f"/jobs/{self.job.id}/batches", batch, on_sent)
        except UnreachableError as error:
            self._lost = error
            raise
        self.images += batch.images

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._cancel()
            return
        try:
            if self._lost is not None:
                raise self._lost
            self.job.finish()
        except SegscoreError:
            self._cancel()
            raise

    def _cancel(self) -> None:
        try:
            self.job.cancel()
        except SegscoreError:
            pass  # The error before is the one to tell of, and the server cancels a job that is left alone.
