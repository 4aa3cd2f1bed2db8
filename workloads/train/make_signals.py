"""Write ``workloads/data/speech.npz`` and ``motion.npz``: real recordings as whole numbers on equal time steps.

    python workloads/train/make_signals.py

Needs aeon (BSD 3-Clause), whose package holds both sets: JapaneseVowels (270 utterances to train on, 370 to test;
12 coefficients of a linear prediction, 7 to 29 frames; Kudo, Toyama and Shimbo, Pattern Recognition Letters 20, 1999)
and BasicMotions (40 and 40; six axes of a wrist sensor, 100 moments). The official split is kept. Each utterance is
brought to 60 steps and each motion to 100 by straight lines between its moments. Values are divided by the
deviation of the training part, channel by channel, and written in steps of 1/32 of it, -127 to 127, as a converter of
8 bits would give them. The order within a part is shuffled (seed 0), so that the first samples cover all classes;
``index`` is the place in the source. Needs only numpy beside aeon, so it runs in an environment of its own.
"""

import argparse
from pathlib import Path

import numpy as np
from aeon.datasets import load_basic_motions, load_japanese_vowels

STEPS_A_DEVIATION = 32
SETS = {"speech": (load_japanese_vowels, 60), "motion": (load_basic_motions, 100)}


def stretched(series: np.ndarray, steps: int) -> np.ndarray:
    """(channels, length) to (steps, channels), linear between moments."""
    at = np.linspace(0, series.shape[1] - 1, steps)
    return np.stack([np.interp(at, np.arange(series.shape[1]), channel) for channel in series], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "data")
    folder = parser.parse_args().out
    for name, (load, steps) in SETS.items():
        arrays, scale = {}, None
        for part in ("train", "test"):
            series, classes = load(split=part)
            if scale is None:
                moments = np.concatenate([s.T for s in series])
                mean, deviation = moments.mean(axis=0), moments.std(axis=0)
                words = sorted(set(classes))
                scale = STEPS_A_DEVIATION / deviation
            order = np.random.default_rng(0).permutation(len(series))
            values = np.stack([(stretched(series[i], steps) - mean) * scale for i in order])
            prefix = "" if part == "test" else "train_"
            arrays[f"{prefix}signals"] = np.clip(np.rint(values), -127, 127).astype(np.int8)
            arrays[f"{prefix}labels"] = np.array([words.index(classes[i]) for i in order], np.uint8)
            arrays[f"{prefix}index"] = order.astype(np.int16)
        target = folder / f"{name}.npz"
        temporary = target.with_suffix(".tmp")
        with temporary.open("wb") as stream:
            np.savez_compressed(stream, **arrays)
        temporary.replace(target)
        print(target.name, {key: value.shape for key, value in arrays.items()}, words)


if __name__ == "__main__":
    main()
