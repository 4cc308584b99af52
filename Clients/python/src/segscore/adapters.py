"""What well-known libraries return, as arguments of `Client.score`, `Client.submit` and `Dataset.add`.

    client.score(labels, **adapters.segformer(model(**inputs)))

Each function takes the outputs of a library as they are, on any device, and says with them what they are: logits or
probabilities, of one channel or many, of the labels' size or smaller. None of the libraries is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Arguments = dict[str, Any]

QUERY_MASKS = 384
"""The height and width to which transformers resizes the masks of Mask2Former's queries, whatever the image."""


def segformer(outputs: Any) -> Arguments:
    """What SegFormer and other models of transformers return that have `logits`, (N, K, H / 4, W / 4).

    They are resized to the labels as `post_process_semantic_segmentation` does it.
    """
    return {"logits": _field(outputs, "logits"), "resize": "bilinear"}


def mask2former(outputs: Any) -> Arguments:
    """What Mask2Former and MaskFormer of transformers return: classes and masks of queries.

    Scores of classes are summed over the queries as `post_process_semantic_segmentation` does it. They may exceed 1 and
    do not add to 1, so that they are divided by their sum.
    """
    torch: Any = sys.modules["torch"]
    classes = _field(outputs, "class_queries_logits").softmax(-1)[..., :-1]  # The last is for none of the classes.
    masks = torch.nn.functional.interpolate(
        _field(outputs, "masks_queries_logits"), size=(QUERY_MASKS, QUERY_MASKS), mode="bilinear", align_corners=False
    ).sigmoid()
    scores = torch.einsum("nqk,nqhw->nkhw", classes, masks)
    return {"pred_probs": scores, "normalize": "sum", "resize": "bilinear"}


def segmentation_scores(results: Sequence[Any], *, of_queries: bool = False) -> Arguments:
    """What `post_process_semantic_segmentation(…, return_segmentation_scores=True)` of transformers returns.

    Parameters
    ----------
    results : Sequence[Any]
        For each image the scores of classes, at the `target_sizes` that were asked for.
    of_queries : bool
        Whether they are of a model of queries, such as Mask2Former. Those of others are logits.
    """
    scores = [_field(result, "segmentation_scores") for result in results]
    return {"pred_probs": scores, "normalize": "sum"} if of_queries else {"logits": scores}


def torchvision(output: Mapping[str, Any]) -> Arguments:
    """What a model of `torchvision.models.segmentation` returns: the logits of its head, not those of `aux`."""
    return {"logits": output["out"]}


def mmsegmentation(samples: Any) -> Arguments:
    """What mmsegmentation returns for images: a `SegDataSample`, or a list of them.

    Of one channel it has sent the logits through a sigmoid already.
    """
    listed = list(samples) if isinstance(samples, (list, tuple)) else [samples]
    logits = [sample.seg_logits.data for sample in listed]
    if logits and logits[0].shape[0] == 1:
        return {"pred_probs": logits, "classes": 2}
    return {"logits": logits}


def segmentation_models_pytorch(output: Any, *, activation: str | None = None) -> Arguments:
    """What a model of segmentation_models.pytorch returns: (N, K, H, W), or (N, 1, H, W) for two classes.

    Parameters
    ----------
    activation : str | None
        That of the model, if it was made with one: its outputs then are probabilities.
    """
    if activation in (None, "identity"):
        return {"logits": output}
    if activation in ("sigmoid", "softmax", "softmax2d"):
        return {"pred_probs": output, **({"classes": 2} if output.shape[1] == 1 else {})}
    raise ValueError(
        f"outputs of the activation {activation!r} are no probabilities: give the model none, or sigmoid or softmax2d"
    )


def nnunet(validation: str | os.PathLike[str], labels: str | os.PathLike[str], *, ending: str = ".nii.gz") -> Arguments:
    """What nnU-Net leaves in `fold_X/validation` if it runs with `--npz`, with the labels of the same cases.

    The order of cases is that of `nnunet_cases`. They are read one at a time.

    Parameters
    ----------
    validation : str | os.PathLike[str]
        The folder of one fold, or any with `.npz` files of probabilities.
    labels : str | os.PathLike[str]
        The folder of the labels, such as `nnUNet_preprocessed/DatasetXXX_NAME/gt_segmentations`.
    ending : str
        The `file_ending` in the `dataset.json`.

    Raises
    ------
    FileNotFoundError
        There are no such files, or a case has no labels.
    """
    cases = nnunet_cases(validation)
    given = [Path(labels) / (case + ending) for case in cases]
    missing = [path.name for path in given if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"{labels} has no {missing[0]}, and {len(missing)} of {len(given)} files are missing")
    return {"labels": given, "pred_probs": [Path(validation) / (case + ".npz") for case in cases]}


def nnunet_cases(validation: str | os.PathLike[str]) -> list[str]:
    """The names of the cases that nnU-Net has left probabilities of, in the order in which `nnunet` gives them."""
    cases = sorted(path.stem for path in Path(validation).glob("*.npz"))
    if not cases:
        raise FileNotFoundError(f"{validation} has no .npz files; nnUNetv2_train writes them with --npz")
    return cases


def _field(outputs: Any, name: str) -> Any:
    """A field of what transformers returns, which is a tuple or a dict that has its names as attributes too."""
    if isinstance(outputs, Mapping) and name in outputs:
        return outputs[name]
    if hasattr(outputs, name):
        return getattr(outputs, name)
    raise TypeError(f"{type(outputs).__name__} has no {name}: it is not what such a model returns")
