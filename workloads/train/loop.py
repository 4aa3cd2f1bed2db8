"""One training loop for all networks: augmented data, distillation, cosine schedule, selection on validation."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from data import Part, augment, encode
from model import AnnNet, SpikingNet

_EVAL_BATCH = 250


@dataclass(frozen=True)
class Recipe:
    """``weight_bits`` by layer; ``start`` names the stage whose weights it begins from (None: random)."""

    topology: str
    spiking: bool
    weight_bits: tuple[int, ...]
    epochs: int
    learning_rate: float
    start: str | None = None
    teacher: str | None = None
    batch: int = 100
    weight_decay: float = 1e-3
    label_smoothing: float = 0.05
    distill_share: float = 0.7
    temperature: float = 2.0
    rate_target: float = 0.07
    rate_penalty: float = 2.0


def prepare(images: torch.Tensor, spiking: bool, timesteps: int) -> torch.Tensor:
    """Network input of uint8 images (n, 28, 28): spikes, or pixels in 0..1 with a channel axis."""
    return encode(images, timesteps) if spiking else images.unsqueeze(1).float() / 255


@torch.no_grad()
def logits_of(net: SpikingNet | AnnNet, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    """Evaluation-mode logits (n, 10); leaves the network in evaluation mode."""
    net.eval()
    spiking = isinstance(net, SpikingNet)
    return torch.cat([net(prepare(part, spiking, timesteps))[0] for part in images.split(_EVAL_BATCH)])


def accuracy(net: SpikingNet | AnnNet, part: Part, timesteps: int) -> float:
    """Share of correct answers on one part of the data."""
    logits = logits_of(net, torch.from_numpy(part.images), timesteps)
    return float((logits.argmax(1).numpy() == part.labels).mean())


def _loss(out: torch.Tensor, labels: torch.Tensor, taught: torch.Tensor | None, recipe: Recipe) -> torch.Tensor:
    loss = F.cross_entropy(out, labels, label_smoothing=recipe.label_smoothing)
    if taught is None:
        return loss
    soft = F.kl_div(
        F.log_softmax(out / recipe.temperature, 1), F.softmax(taught / recipe.temperature, 1), reduction="batchmean"
    )
    return (1 - recipe.distill_share) * loss + recipe.distill_share * recipe.temperature**2 * soft


def train(
    net: SpikingNet | AnnNet,
    recipe: Recipe,
    parts: dict[str, Part],
    teacher: AnnNet | None,
    seed: int,
    timesteps: int,
    extra: Callable[[torch.Tensor, list[torch.Tensor]], torch.Tensor] | None = None,
) -> dict:
    """Train in place, restore the epoch best on validation; returns what the card reports about it.

    ``extra``: a further term of the loss, of a batch's inputs and the hidden rates.
    """
    started = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(parts["train"].images)
    labels = torch.from_numpy(parts["train"].labels).long()
    optimizer = torch.optim.AdamW(net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * -(-len(images) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, steps, pct_start=0.1)
    best = (-1.0, float("inf"))
    best_state, best_epoch = None, 0
    for epoch in range(recipe.epochs):
        net.train()
        views = augment(images, generator)
        taught = None if teacher is None else logits_of(teacher, views, timesteps)
        for rows in torch.randperm(len(images), generator=generator).split(recipe.batch):
            inputs = prepare(views[rows], recipe.spiking, timesteps)
            out, hidden = net(inputs)
            loss = _loss(out, labels[rows], None if taught is None else taught[rows], recipe)
            if recipe.spiking:
                # Only what exceeds the target is charged, so that quiet layers are not silenced.
                loss = loss + recipe.rate_penalty * sum((rate - recipe.rate_target).clamp(min=0) for rate in hidden)
            if extra is not None:
                loss = loss + extra(inputs, hidden)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        # Early epochs are never the best once the learning rate has fallen; validating them would cost time only.
        if epoch >= recipe.epochs // 2:
            logits = logits_of(net, torch.from_numpy(parts["validation"].images), timesteps)
            truth = torch.from_numpy(parts["validation"].labels).long()
            score = (float((logits.argmax(1) == truth).float().mean()), float(F.cross_entropy(logits, truth)))
            if (score[0], -score[1]) >= (best[0], -best[1]):
                best, best_epoch, best_state = score, epoch + 1, copy.deepcopy(net.state_dict())
        if (epoch + 1) % 10 == 0:
            rates = ", ".join(f"{float(h.detach().mean()):.3f}" for h in hidden)
            progress = f"loss {loss.item():.3f}, hidden {rates}, best {best[0]:.4f}"
            print(f"  epoch {epoch + 1}/{recipe.epochs}: {progress}", flush=True)
    net.load_state_dict(best_state)
    net.eval()
    minutes = (time.perf_counter() - started) / 60
    return {
        "epochs": recipe.epochs, "best_epoch": best_epoch, "validation_accuracy": round(best[0], 4),
        "train_minutes": round(minutes, 2), "threads": torch.get_num_threads(),
    }  # fmt: skip
