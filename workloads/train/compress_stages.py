"""Trained networks of the compression methods: a stage builds on its start, and is kept between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from compressed import CompressedNet, TwinTeacher, conv_specs
from data import Part
from fused import FloatNeurons  # noqa: F401  (compiled before the clock starts)
from grids import codebook_size, common_words, is_codebook
from loop import Recipe, train
from methods import HALF, Method, method_of
from model import SpikingNet
from pruning import channel_scores, cut_channels, kept_channels, mask_smallest, weights_of
from saturating import SaturatingNet
from stages import TIMESTEPS

from neurosim.baseline.ann_model import AnnModel

_TWIN = Path(__file__).resolve().parents[1] / "mnist-conv-w4" / "ann.npz"


def _key(stage: str, seed: int) -> str:
    chain, name = [], stage
    while name:
        method = method_of(name)
        chain.append(repr((replace(method, title="", note=""), TIMESTEPS, seed, torch.__version__)))
        name = method.start
    return f"{stage}-s{seed}-{hashlib.sha256('|'.join(chain).encode()).hexdigest()[:10]}.pt"


def _copy_state(net: CompressedNet, start: CompressedNet) -> None:
    state = {k: v for k, v in start.state_dict().items() if not k.startswith(("mask", "table"))}
    net.load_state_dict(state, strict=False)


def _built(stage: str, seed: int, parts: dict[str, Part], cache: Path) -> tuple[SpikingNet, dict]:
    """The network of a stage before its training, and what pruning kept."""
    method = method_of(stage)
    torch.manual_seed(seed)
    if method.start is None:
        return CompressedNet(method.grids, conv_specs()), {}
    start = obtain_compressed(method.start, seed, parts, cache)[0]
    if method.membrane_bits is not None:
        return SaturatingNet(start, method.membrane_bits, method.regulate is not None), {}
    kept = {}
    if method.prune in ("svs", "mag", "rand"):
        chosen = kept_channels(channel_scores(start, method.prune, parts["train"], TIMESTEPS, seed), HALF)
        return cut_channels(start, chosen), {"kept_channels": [c.tolist() for c in chosen]}
    net = CompressedNet(method.grids, conv_specs(leak_shift=method.leak_shift), method.outliers, method.reset)
    _copy_state(net, start)
    net.make_gains_positive()
    if method.prune == "unstr":
        mask_smallest(net, weights_of(HALF))
        kept = {"kept_weights": net.sizes()}
    for i, grid in enumerate(method.grids):
        if is_codebook(grid):
            net.table(i).copy_(common_words(net.weights[i].detach(), codebook_size(grid)))
    return net, kept


def _gram(membrane: torch.Tensor) -> torch.Tensor:
    """Normalised Gram matrix (n, n) of membranes (timesteps, n, ...) as one row a sample."""
    rows = membrane.transpose(0, 1).flatten(1)
    product = rows @ rows.T
    return product / product.norm().clamp(min=1e-12)


def _extra(net: SpikingNet, method: Method, seed: int, parts: dict[str, Part], cache: Path) -> Callable | None:
    """The further term of a method's loss, if it has one."""
    if method.regulate is not None:
        return lambda inputs, rates: method.regulate * sum((rate - 0.5) ** 2 for rate in rates) / len(rates)
    if not method.distil:
        return None
    teacher = obtain_compressed("base", seed, parts, cache)[0].eval()
    teacher.keep = net.keep = True

    def distil(inputs: torch.Tensor, rates: list[torch.Tensor]) -> torch.Tensor:
        with torch.no_grad():
            teacher(inputs)
        pairs = zip(teacher.membranes, net.membranes, strict=True)
        return method.distil * sum(((_gram(t) - _gram(s)) ** 2).sum() for t, s in pairs)

    return distil


def _load(stage: str, stored: dict, seed: int, parts: dict[str, Part], cache: Path) -> SpikingNet:
    method, channels = method_of(stage), stored["channels"]
    if method.membrane_bits is not None:
        net = _built(stage, seed, parts, cache)[0]
    else:
        net = CompressedNet(method.grids, conv_specs(channels, method.leak_shift), method.outliers, method.reset)
    net.load_state_dict(stored["state"])
    return net.eval()


def obtain_compressed(stage: str, seed: int, parts: dict[str, Part], cache: Path) -> tuple[SpikingNet, dict]:
    """Trained network of a stage and its record; trains it, and what it begins from, unless cached."""
    if stage == "mnist-conv-c-float":
        return obtain_compressed("base", seed, parts, cache)
    path = cache / _key(stage, seed)
    if path.exists():
        stored = torch.load(path, weights_only=True)
        return _load(stage, stored, seed, parts, cache), stored["record"]
    method = method_of(stage)
    net, kept = _built(stage, seed, parts, cache)
    extra = _extra(net, method, seed, parts, cache)
    quiet = 0.0 if method.membrane_bits is not None else 2.0
    recipe = Recipe(
        "conv", True, net.weight_bits, method.epochs, method.learning_rate, method.start, rate_penalty=quiet
    )
    torch.manual_seed(seed)
    teacher = TwinTeacher(AnnModel.load(_TWIN))
    record = kept | train(net, recipe, parts, teacher, seed, TIMESTEPS, extra)
    record["framework"] = f"PyTorch {torch.__version__} (CPU)"
    cache.mkdir(parents=True, exist_ok=True)
    channels = [spec.out_shape[0] for spec in net.specs[:2]]
    torch.save({"state": net.state_dict(), "record": record, "channels": channels}, path)
    print(f"{stage} seed {seed}: {record}", flush=True)
    return net, record
