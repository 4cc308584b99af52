"""What libraries return is scored as what it is.

The models are real and small, and their weights random. Their libraries are large: `make adapters` installs them and
runs these tests, which are left out elsewhere.
"""

import numpy as np
import pytest

from models import mmsegmentation, torch_library
from segscore import adapters

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def seed():
    """Weights are the same in each run."""
    try:
        import torch
    except ImportError:
        return
    torch.manual_seed(5)


def labels_of(shape, classes):
    return np.random.default_rng(4).integers(0, classes, shape).astype(np.uint8)


def own(labels, probabilities):
    """The probabilities of the labels, of (N, K, H, W)."""
    return np.take_along_axis(probabilities, labels[:, None].astype(int), axis=1)[:, 0]


def softmax(logits):
    return logits.detach().double().softmax(1).numpy()


def assert_scored(client, labels, arguments, probabilities, tolerance=1e-7):
    scores = client.score(labels, **arguments)
    np.testing.assert_allclose(scores.pixel_scores, own(labels, probabilities), rtol=0, atol=tolerance)
    with client.dataset(
        **{name: each for name, each in arguments.items() if name not in ("logits", "pred_probs")}
    ) as dataset:
        dataset.add(labels, **{name: each for name, each in arguments.items() if name in ("logits", "pred_probs")})
    np.testing.assert_array_equal(dataset.job.image_scores(), scores.image_scores)


# torchvision


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_large", "fcn_resnet50"])
def test_torchvision(client, name):
    torchvision = torch_library("torchvision")
    import torch

    options = {"aux_loss": True} if name == "fcn_resnet50" else {}
    model = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=4, **options).eval()
    output = model(torch.rand(2, 3, 32, 48))
    assert ("aux" in output) == (name == "fcn_resnet50") and output["out"].requires_grad
    assert_scored(client, labels_of((2, 32, 48), 4), adapters.torchvision(output), softmax(output["out"]))


# segmentation_models.pytorch


@pytest.mark.parametrize("classes", [1, 3])
def test_segmentation_models_pytorch(client, classes):
    smp = torch_library("segmentation_models_pytorch")
    import torch

    options = {"encoder_weights": None, "classes": classes, "encoder_depth": 3, "decoder_channels": (16, 8, 8)}
    images = torch.rand(2, 3, 32, 48)
    model = smp.Unet("resnet18", **options).eval()
    output = model(images)
    labels = labels_of((2, 32, 48), max(classes, 2))
    one = output.detach().double().sigmoid().numpy()
    expected = np.concatenate([1 - one, one], axis=1) if classes == 1 else softmax(output)
    assert_scored(client, labels, adapters.segmentation_models_pytorch(output), expected)

    activation = "sigmoid" if classes == 1 else "softmax2d"
    active = smp.Unet("resnet18", activation=activation, **options).eval()
    active.load_state_dict(model.state_dict())
    arguments = adapters.segmentation_models_pytorch(active(images), activation=activation)
    assert_scored(client, labels, arguments, expected, tolerance=1e-6)


def test_other_activations_are_no_probabilities():
    with pytest.raises(ValueError, match="tanh"):
        adapters.segmentation_models_pytorch(np.zeros((1, 2, 3, 4)), activation="tanh")


# mmsegmentation


@pytest.mark.parametrize("classes", [1, 4])
def test_mmsegmentation(client, classes):
    mmsegmentation()
    import torch
    from mmengine.config import ConfigDict
    from mmseg.registry import MODELS
    from mmseg.structures import SegDataSample
    from mmseg.utils import register_all_modules

    register_all_modules()
    settings = ConfigDict(
        type="EncoderDecoder",
        data_preprocessor={"type": "SegDataPreProcessor", "mean": [0.0] * 3, "std": [1.0] * 3, "size": (32, 48)},
        backbone={
            "type": "FastSCNN",
            "downsample_dw_channels": (8, 12),
            "global_in_channels": 16,
            "global_block_channels": (16, 24, 32),
            "global_block_strides": (2, 2, 1),
            "global_out_channels": 32,
            "higher_in_channels": 16,
            "lower_in_channels": 32,
            "fusion_out_channels": 32,
        },
        decode_head={
            "type": "FCNHead",
            "in_channels": 32,
            "channels": 8,
            "num_convs": 1,
            "num_classes": max(classes, 2),
            "out_channels": classes,
            "threshold": 0.5 if classes == 1 else None,
            "loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": classes == 1},
            "concat_input": False,
            "align_corners": False,
        },
        test_cfg={"mode": "whole"},
    )
    model = MODELS.build(settings).eval()
    samples = [SegDataSample(metainfo={"ori_shape": (32, 48), "img_shape": (32, 48), "flip": False}) for _ in range(2)]
    images = list(torch.randint(0, 255, (2, 3, 32, 48), dtype=torch.uint8))
    results = model.test_step({"inputs": images, "data_samples": samples})
    logits = torch.stack([result.seg_logits.data for result in results])
    assert logits.shape == (2, classes, 32, 48)
    one = logits.detach().double().numpy()
    expected = np.concatenate([1 - one, one], axis=1) if classes == 1 else softmax(logits)
    labels = labels_of((2, 32, 48), max(classes, 2))
    scores = client.score(list(labels), **adapters.mmsegmentation(results))
    np.testing.assert_allclose(scores.pixel_scores, own(labels, expected), rtol=0, atol=1e-7)
    single = client.score([labels[1]], **adapters.mmsegmentation(results[1]))
    np.testing.assert_array_equal(single.pixel_scores[0], scores.pixel_scores[1])


# transformers


def segformer():
    """The outputs of a small SegFormer, and what transformers makes of them by itself."""
    torch_library("transformers")
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    sizes = {"hidden_sizes": [8, 8, 16, 16], "depths": [1] * 4, "num_attention_heads": [1, 1, 2, 2]}
    model = SegformerForSemanticSegmentation(SegformerConfig(num_labels=5, decoder_hidden_size=16, **sizes)).eval()
    return model(torch.rand(2, 3, 64, 64)), SegformerImageProcessor()


def test_segformer(client):
    """Logits of a quarter of the size go out, and are resized as transformers does it."""
    outputs, processor = segformer()
    assert outputs.logits.shape == (2, 5, 16, 16)
    results = processor.post_process_semantic_segmentation(
        outputs, target_sizes=[(64, 64)] * 2, return_segmentation_scores=True
    )
    expected = np.concatenate([softmax(result.segmentation_scores[None]) for result in results])
    for given in (outputs, dict(outputs)):
        assert_scored(client, labels_of((2, 64, 64), 5), adapters.segformer(given), expected)


def test_segmentation_scores_of_segformer(client):
    """Sizes may differ; the scores of transformers are logits."""
    outputs, processor = segformer()
    results = processor.post_process_semantic_segmentation(
        outputs, target_sizes=[(64, 64), (40, 56)], return_segmentation_scores=True
    )
    labels = [labels_of((64, 64), 5), labels_of((40, 56), 5)]
    scores = client.score(labels, **adapters.segmentation_scores(results))
    for image, result, found in zip(labels, results, scores.pixel_scores):
        expected = own(image[None], softmax(result.segmentation_scores[None]))[0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


def mask2former():
    """The outputs of a small Mask2Former, and those that transformers makes of them by itself."""
    torch_library("transformers")
    import torch
    from transformers import (
        Mask2FormerConfig,
        Mask2FormerForUniversalSegmentation,
        Mask2FormerImageProcessor,
        SwinConfig,
    )

    stages = [f"stage{stage}" for stage in range(1, 5)]
    heads = {"depths": [1] * 4, "num_heads": [1] * 4, "window_size": 4}
    settings = Mask2FormerConfig(
        backbone_config=SwinConfig(image_size=64, embed_dim=8, out_features=stages, **heads),
        num_labels=5,
        num_queries=6,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        encoder_feedforward_dim=16,
        dim_feedforward=16,
        **dict.fromkeys(("hidden_dim", "feature_size", "mask_feature_size"), 32),
    )
    model = Mask2FormerForUniversalSegmentation(settings).eval()
    return model(torch.rand(2, 3, 64, 64)), Mask2FormerImageProcessor()


def test_segmentation_scores_of_mask2former(client):
    outputs, processor = mask2former()
    results = processor.post_process_semantic_segmentation(
        outputs, target_sizes=[(64, 48)] * 2, return_segmentation_scores=True
    )
    weights = np.stack([result.segmentation_scores.detach().double().numpy() for result in results])
    assert abs(weights.sum(axis=1) - 1).max() > 0.01
    labels = labels_of((2, 64, 48), 5)
    scores = client.score(list(labels), **adapters.segmentation_scores(results, of_queries=True))
    expected = own(labels, weights / weights.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(scores.pixel_scores, expected, rtol=0, atol=1e-7)


def test_mask2former(client):
    """Their sums over queries are resized as transformers does it, and divided by their sum over the classes."""
    outputs, processor = mask2former()
    results = processor.post_process_semantic_segmentation(
        outputs, target_sizes=[(64, 48)] * 2, return_segmentation_scores=True
    )
    weights = np.stack([result.segmentation_scores.detach().double().numpy() for result in results])
    expected = weights / weights.sum(axis=1, keepdims=True)
    assert_scored(client, labels_of((2, 64, 48), 5), adapters.mask2former(outputs), expected, tolerance=1e-6)


def test_outputs_of_other_models_are_refused():
    with pytest.raises(TypeError, match="dict has no segmentation_scores"):
        adapters.segmentation_scores([{"segmentation": 1}])
    with pytest.raises(TypeError, match="list has no logits"):
        adapters.segformer([1])


# nnU-Net


@pytest.fixture
def validation(tmp_path):
    """Folders as nnU-Net leaves them: the predictions of a small network for two cases, and the labels of these."""
    torch_library("dynamic_network_architectures")
    nibabel = pytest.importorskip("nibabel")
    export = pytest.importorskip("nnunetv2.inference.export_prediction")
    import torch
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    network = PlainConvUNet(1, 2, (4, 8), torch.nn.Conv3d, 3, (1, 2), 1, 3, 1).eval()
    resampling = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
    settings = {
        "architecture": {"network_class_name": "PlainConvUNet", "arch_kwargs": {}, "_kw_requires_import": []},
        "spacing": [1.0] * 3,
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": resampling,
    }
    plans = PlansManager(
        {
            "image_reader_writer": "NibabelIO",
            "transpose_forward": [0, 1, 2],
            "transpose_backward": [0, 1, 2],
            "label_manager": "LabelManager",
            "configurations": {"3d_fullres": settings},
        }
    )
    data_set = {"labels": {"background": 0, "a": 1, "b": 2}, "file_ending": ".nii.gz"}
    folders = tmp_path / "fold_0" / "validation", tmp_path / "gt_segmentations"
    for folder in folders:
        folder.mkdir(parents=True)
    for case, depth in (("case_2", 6), ("case_10", 4)):
        shape = (depth, 10, 8)
        properties = {
            "spacing": [1.0] * 3,
            "shape_before_cropping": shape,
            "bbox_used_for_cropping": [[0, depth], [1, 9], [0, 8]],
            "shape_after_cropping_and_before_resampling": (depth, 8, 8),
            "nibabel_stuff": {"original_affine": np.eye(4)},
        }
        with torch.no_grad():
            logits = network(torch.rand(1, 1, depth, 8, 8))[0]
        export.export_prediction_from_logits(
            logits, properties, plans.get_configuration("3d_fullres"), plans, data_set, str(folders[0] / case), True, 1
        )
        labels = nibabel.Nifti1Image(labels_of(shape, 3).T, np.eye(4))
        nibabel.save(labels, folders[1] / f"{case}.nii.gz")
    return folders


def test_nnunet(client, validation):
    """Files are read as they lie in the folders of nnU-Net, volumes of several sizes."""
    cases = adapters.nnunet_cases(validation[0])
    assert cases == ["case_10", "case_2"]
    scores = client.score(**adapters.nnunet(*validation), method="num_pixel_issues")
    for index, case in enumerate(cases):
        probabilities = np.load(validation[0] / f"{case}.npz")["probabilities"]
        shape = probabilities.shape[1:]
        expected = own(labels_of(shape, 3)[None], probabilities[None])[0]
        np.testing.assert_array_equal(scores.pixel_scores[index], expected)
        assert scores.label_issues[index].shape == shape


def test_cases_without_labels_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no .npz files; nnUNetv2_train writes them with --npz"):
        adapters.nnunet(tmp_path, tmp_path)
    np.savez(tmp_path / "case_1.npz", probabilities=np.ones((1, 1, 1, 1)))
    with pytest.raises(FileNotFoundError, match=r"has no case_1\.nii\.gz, and 1 of 1 files are missing"):
        adapters.nnunet(tmp_path, tmp_path)
