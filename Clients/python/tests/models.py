"""What the tests with real models need to import their libraries on a machine without a GPU."""

import importlib.machinery
import importlib.util
import pathlib
import re
import sys
import types

import pytest


def torch_library(name):
    """A library over PyTorch, if both are installed."""
    torch = pytest.importorskip("torch")
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    _declare_operators_of_torchvision(torch)
    return importlib.import_module(name)


def mmsegmentation():
    """mmsegmentation with `mmcv-lite`, which has all but the compiled operators. The model of the test uses none."""
    pytest.importorskip("torch")
    for name in ("mmseg", "mmcv"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    if importlib.util.find_spec("mmcv._ext") is None:
        sys.modules["mmcv._ext"] = _WithoutOperators()
    return torch_library("mmseg")


class _WithoutOperators(types.ModuleType):
    """Stands for the compiled operators of mmcv while its modules are imported."""

    def __init__(self):
        super().__init__("mmcv._ext")
        self.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", None)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)


_libraries = []


def _declare_operators_of_torchvision(torch):
    """Declares the compiled operators of torchvision, such as `nms`, if they are missing.

    PyPI's torchvision is built for CUDA, and its operators do not load beside a PyTorch without it. Then torchvision
    cannot even be imported, though models of segmentation use none of them.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or _libraries or "torchvision" in sys.modules:
        return
    folder = pathlib.Path(spec.origin).parent
    if torch.version.cuda is not None:
        return
    source = (folder / "_meta_registrations.py").read_text()
    from torch import library

    operators = library.Library("torchvision", "FRAGMENT")
    for name in sorted(set(re.findall(r'register_(?:meta|fake)\("(?:torchvision::)?(\w+)"', source))):
        operators.define(f"{name}(Tensor input) -> Tensor")
    _libraries.append(operators)  # What it declares is gone with it.
