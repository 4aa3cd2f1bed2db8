"""Train the speech and motion workloads with three seeds and write everything that ships of them.

    python workloads/train/train_signals.py speech-tae-t2
    python workloads/train/train_signals.py all --seeds 0 1 2

A float network is trained first (kept under ``--cache``), then its weights, thresholds and membranes become whole
numbers and are trained on as such. The first seed's network ships; the card has the mean and the spread of all. The
data are the shipped ``workloads/data/speech.npz`` and ``motion.npz`` (made by make_signals.py); encoders are
neurosim's own. Needs PyTorch and neurosim. One process on one thread, about a minute a network.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from export_signals import measure, save_folder, save_signal_witness
from signal_net import Numbers, SignalNet, freeze

from neurosim.workload.encoder import Encoder, encoder

ROOT = Path(__file__).resolve().parents[2]
TAE = "tae:threshold=8,up=1,down=1,low=8,high=16,start=zero"
WIDE = "tae:threshold=8,up=1,down=2,low=4,high=64,start=zero"
STEP_FORWARD = "step_forward:threshold=8,start=zero"
WINDOW = "moving_window:threshold=8,window=2,start=zero"
HIDDEN = {"speech": 64, "motion": 48}
EPOCHS = {"speech": 60, "motion": 100}
BATCH = {"speech": 54, "motion": 8}
HELD_OUT = 5  # one in so many of each class of the training part chooses nothing but is reported
RATE_TARGET, RATE_PENALTY = 0.08, 1.0


@dataclass(frozen=True)
class Method:
    """``signed``: the encoder sends +1 and -1; ``ternary``: hidden neurons do. ``bits`` of weights and of hidden
    membranes; None: floats."""

    data: str
    spec: str
    signed: bool
    ternary: bool
    bits: tuple[int, int] | None
    title: str


_SPEECH = (
    ("tae-t2", TAE, True, True, (2, 6), "ternary spikes, 2-bit weights, 6-bit membranes"),
    ("tae-t2-u4", TAE, True, True, (2, 4), "ternary spikes, 2-bit weights, 4-bit membranes"),
    ("tae-t2-u8", TAE, True, True, (2, 8), "ternary spikes, 2-bit weights, 8-bit membranes"),
    ("tae-t4", TAE, True, True, (4, 8), "ternary spikes, 4-bit weights, 8-bit membranes"),
    ("float", TAE, True, True, None, "ternary spikes, float32 weights and membranes"),
    ("sf-t2", STEP_FORWARD, True, True, (2, 6), "step-forward, ternary spikes, 2-bit weights, 6-bit membranes"),
    ("sf-float", STEP_FORWARD, True, True, None, "step-forward, ternary spikes, float32 weights and membranes"),
    ("mw-t2", WINDOW, True, True, (2, 6), "moving window, ternary spikes, 2-bit weights, 6-bit membranes"),
    ("mw-float", WINDOW, True, True, None, "moving window, ternary spikes, float32 weights and membranes"),
    ("onoff", TAE, False, False, (2, 6), "ON and OFF channels, binary spikes, 2-bit weights, 6-bit membranes"),
    ("onoff-float", TAE, False, False, None, "ON and OFF channels, binary spikes, float32 weights and membranes"),
    ("wide-t2", WIDE, True, True, (2, 6), "thresholds of 4 to 64, ternary spikes, 2-bit weights, 6-bit membranes"),
    ("wide-float", WIDE, True, True, None, "thresholds of 4 to 64, ternary spikes, float32 weights and membranes"),
    ("wideonoff", WIDE, False, False, (2, 6), "thresholds of 4 to 64, ON and OFF channels, 2-bit weights"),
    ("wideonoff-float", WIDE, False, False, None, "thresholds of 4 to 64, ON and OFF channels, float32"),
    ("mixed", TAE, True, False, (2, 6), "signed input, binary neurons, 2-bit weights, 6-bit membranes"),
    ("mixed-float", TAE, True, False, None, "signed input, binary neurons, float32 weights and membranes"),
    ("sfmixed", STEP_FORWARD, True, False, (2, 6), "step-forward, signed input, binary neurons, 2-bit weights"),
    ("sfmixed-float", STEP_FORWARD, True, False, None, "step-forward, signed input, binary neurons, float32"),
    ("sfonoff", STEP_FORWARD, False, False, (2, 6), "step-forward, ON and OFF channels, 2-bit weights"),
    ("sfonoff-float", STEP_FORWARD, False, False, None, "step-forward, ON and OFF channels, float32"),
)
_MOTION = [row for row in _SPEECH if row[0] in ("tae-t2", "float", "onoff", "onoff-float", "mixed", "mixed-float")]
METHODS = {
    f"{data}-{name}": Method(data, *rest)
    for data, rows in (("speech", _SPEECH), ("motion", _MOTION))
    for name, *rest in rows
}
# Float networks ship where they are a control; the others are what whole numbers start from.
_CONTROLS = ("speech-float", "speech-onoff-float", "motion-float")
SHIPPED = [name for name, method in METHODS.items() if method.bits is not None or name in _CONTROLS]


@dataclass(frozen=True, eq=False)
class Data:
    """Whole numbers (n, steps, channels) int64 and classes (n,)."""

    train: tuple[np.ndarray, np.ndarray]
    held: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def load(name: str) -> Data:
    """The official split; one in `HELD_OUT` of each training class is held out, chosen by seed 1."""
    with np.load(ROOT / "workloads" / "data" / f"{name}.npz") as arrays:
        values = {key: arrays[key].astype(np.int64) for key in arrays.files}
    classes = values["train_labels"]
    held = np.zeros(len(classes), bool)
    rng = np.random.default_rng(1)
    for c in np.unique(classes):
        rows = rng.permutation(np.flatnonzero(classes == c))
        held[rows[: len(rows) // HELD_OUT]] = True
    signals = values["train_signals"]
    return Data((signals[~held], classes[~held]), (signals[held], classes[held]), (values["signals"], values["labels"]))


def chosen_encoder(method: Method) -> Encoder:
    signed = "true" if method.signed else "false"
    return encoder(f"{method.spec},signed={signed},front_end=true")


def raster(chosen: Encoder, signals: np.ndarray) -> np.ndarray:
    """What the encoder sends, (n, steps, inputs) int64."""
    stimulus = chosen.stimulus(signals, None, None, 0)
    out = np.zeros((stimulus.n_samples * stimulus.timesteps, stimulus.n_inputs), np.int64)
    rows = np.repeat(np.arange(len(out)), np.diff(stimulus.ptr))
    out[rows, stimulus.neuron] = 1 if stimulus.value is None else stimulus.value
    return out.reshape(stimulus.n_samples, stimulus.timesteps, -1)


def _varied(signals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Louder or softer by channel, shifted, with noise of 1.5 steps; still whole numbers of 8 bits."""
    n, _, channels = signals.shape
    gain = 1 + 0.08 * rng.standard_normal((n, 1, channels))
    moved = signals * gain + 3 * rng.standard_normal((n, 1, channels)) + 1.5 * rng.standard_normal(signals.shape)
    return np.clip(np.rint(moved), -127, 127).astype(np.int64)


def _steps_first(spikes: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(spikes).float().transpose(0, 1)


def train(net: SignalNet, method: Method, data: Data, seed: int) -> dict:
    """Train in place to the last epoch (nothing is chosen on any part); what the card says of it."""
    started = time.perf_counter()
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    signals, classes = data.train
    chosen, labels = chosen_encoder(method), torch.from_numpy(classes)
    epochs, batch = EPOCHS[method.data], BATCH[method.data]
    bits = net.numbers.weight_bits
    rate = 0.005 if bits is None else {2: 0.01, 4: 0.05}[bits]
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, epochs * -(-len(labels) // batch), pct_start=0.1)
    for _ in range(epochs):
        views = _steps_first(raster(chosen, _varied(signals, rng)))
        for rows in torch.randperm(len(labels), generator=generator).split(batch):
            out, rates = net(views[:, rows])
            loss = F.cross_entropy(out, labels[rows], label_smoothing=0.05)
            # Only what exceeds the target is charged, so that quiet layers are not silenced.
            loss = loss + RATE_PENALTY * sum((r - RATE_TARGET).clamp(min=0) for r in rates)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        out = net(_steps_first(raster(chosen, data.held[0])))[0]
    return {
        "epochs": epochs, "held_out_accuracy": round(float((out.argmax(1).numpy() == data.held[1]).mean()), 4),
        "train_minutes": round((time.perf_counter() - started) / 60, 2), "threads": torch.get_num_threads(),
        "framework": f"PyTorch {torch.__version__} (CPU)",
    }  # fmt: skip


def float_of(name: str) -> str:
    """The float network that a method in whole numbers starts from."""
    data, kind = name.split("-")[:2]
    return f"{data}-float" if kind == "tae" else f"{data}-{kind}-float"


def obtain(name: str, seed: int, data: Data, cache: Path) -> tuple[SignalNet, dict]:
    """A trained network and its record: from the cache, or trained now."""
    method = METHODS[name]
    inputs = data.train[0].shape[2] * (1 if method.signed else 2)
    sizes = (inputs, *[HIDDEN[method.data]] * 2, int(data.test[1].max()) + 1)
    start = None if method.bits is None else obtain(float_of(name), seed, data, cache)[0]
    torch.manual_seed(seed)
    net = SignalNet(sizes, Numbers(*(method.bits or (None, None)), method.ternary, method.signed), start)
    path = cache / f"{name}-{seed}.pt"
    if path.exists():
        stored = torch.load(path, weights_only=True)
        net.load_state_dict(stored["state"])
        return net, stored["record"]
    record = train(net, method, data, seed)
    cache.mkdir(parents=True, exist_ok=True)
    torch.save({"state": net.state_dict(), "record": record}, path)
    print(f"  {name} seed {seed}: {record}", flush=True)
    return net, record


def build(name: str, seeds: list[int], cache: Path, out: Path, witness: Path) -> None:
    """Train workload ``name`` with every seed; write its folder and its witness file."""
    method = METHODS[name]
    data, chosen = load(method.data), chosen_encoder(method)
    found = []
    for seed in seeds:
        net, record = obtain(name, seed, data, cache)
        found.append(measure(name, freeze(net), raster(chosen, data.test[0]), data.test[1]) | {"record": record})
    if name not in SHIPPED:
        return
    chosen_spec = ",".join(f"{key}={str(value).lower()}" for key, value in chosen.options.items())
    steps = data.test[0].shape[1]
    command = f"python workloads/train/train_signals.py {name} --seeds {' '.join(map(str, seeds))}"
    card = {"method": method.title, "starts_from": None if method.bits is None else float_of(name),
            "train_seed": seeds[0], "command": command, "seeds": seeds}  # fmt: skip
    save_folder(out / name, method.data, f"{chosen.kind}:{chosen_spec}", steps, card, found)
    save_signal_witness(witness / f"{name}.npz", name, found[0])
    print(f"{name}: accuracy {[f['accuracy'] for f in found]}, events {[f['events'] for f in found]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="+", choices=[*METHODS, "all"], help="workloads to train, or all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="the first one's network ships")
    parser.add_argument("--out", type=Path, default=ROOT / "workloads", help="folder that gets <name>/")
    parser.add_argument(
        "--witness", type=Path, default=ROOT / "tests" / "validation" / "data" / "signals", help="what tests compare"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / "neurosim-results" / "train", help="trained networks")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.witness.mkdir(parents=True, exist_ok=True)
    for name in METHODS if "all" in args.names else args.names:
        build(name, args.seeds, args.cache, args.out, args.witness)


if __name__ == "__main__":
    main()
