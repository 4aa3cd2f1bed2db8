"""The compressed workloads as data: what each begins with, its grids, and what is special about its training.

Every chain begins with `base`, a float network of 30 epochs; seeds of a method share nothing but the teacher.
"""

from __future__ import annotations

from dataclasses import dataclass

HALF = (8, 16)


@dataclass(frozen=True)
class Method:
    """``start``: stage it begins from. ``prune``: svs, mag, rand (channels) or unstr (weights), to the size of `HALF`.
    ``membrane_bits``: saturating membranes of the hidden layers (else wide ones that cannot overflow).
    ``regulate``: weight of the spike term of weight-spike dual regulation (None: no regulation).
    ``distil``: weight of membrane-potential distillation. ``outliers``: outlier-aware codeword choice.
    ``leak_shift`` 0: nothing is carried over a timestep. ``reset`` false: a spike leaves the membrane as it is."""

    title: str
    grids: tuple[str, str, str]
    epochs: int
    learning_rate: float
    start: str | None = "base"
    prune: str | None = None
    membrane_bits: int | None = None
    regulate: float | None = None
    distil: float = 0.0
    outliers: bool = False
    leak_shift: int = 3
    reset: bool = True
    note: str = ""


def _controls() -> dict[str, Method]:
    kinds = {
        "w8": ("8-bit weights", ("int8",) * 3, 3, 3e-4),
        "w4": ("4-bit weights", ("int4",) * 3, 5, 1e-3),
        "ternary": ("ternary weights", ("ternary",) * 3, 6, 2e-3),
        "binary": ("binary weights", ("int8", "binary", "binary"), 6, 2e-3),
    }
    found = {f"mnist-conv-c-{kind}": Method(f"control: {t}", g, e, r) for kind, (t, g, e, r) in kinds.items()}
    return {"mnist-conv-c-float": Method("control: float32", ("float",) * 3, 0, 0.0)} | found


def _qp() -> dict[str, Method]:
    cuts = {
        "s50": ("svs", "half the channels by singular values"),
        "mag50": ("mag", "half the channels by size"),
        "rand50": ("rand", "half the channels at random"),
        "unstr50": ("unstr", "as many single weights as s50, the largest"),
    }
    found = {}
    for bits in (4, 2):
        name, grids = f"mnist-conv-qp-w{bits}", ("int8", f"odd{bits}", f"odd{bits}")
        title = f"QP-SNN, {bits}-bit ReScaW weights"
        note = "In the manner of QP-SNN: ReScaW by output channel; first layer int8, where the paper keeps float."
        found[name] = Method(title, grids, 5, 1e-3, note=note)
        for cut, (kind, text) in cuts.items():
            found[f"{name}-{cut}"] = Method(f"{title}, {text}", grids, 5, 1e-3, start=name, prune=kind, note=note)
    return found


def _q() -> dict[str, Method]:
    grids = {8: "int8", 4: "int4", 2: "ternary"}
    found = {}
    for bits in (8, 4, 2):
        for tail, regulate, text in (("", None, "no regulation"), ("-reg", 0.5, "weight-spike dual regulation")):
            found[f"mnist-conv-q-u{bits}{tail}"] = Method(
                f"Q-SNN, 1-bit weights, {bits}-bit membranes, {text}", (grids[bits], "binary", "binary"),
                8, 2e-3, membrane_bits=bits, regulate=regulate,
                note="In the manner of Q-SNN: saturating integer membranes whose unit is frozen by whole-numbered "
                "thresholds, in place of a tanh of a batch-wide scale; the first layer's weights are no finer than the "
                "membrane's unit; the regulation's weight is 0.5 where the code has 0.005 for 300 epochs.",
            )  # fmt: skip
    return found


def _s2() -> dict[str, Method]:
    note = (
        "In the manner of S2NN: codebooks are the most frequent sign kernels of the binary network; neighbourhood and "
        "guard of the outlier rule and the weight of the distillation are stand-ins. Only the 3 x 3 layer has one."
    )
    found = {}
    for words, tail, distil, outliers, text in (
        (64, "", 1.0, True, ""), (32, "", 1.0, True, ""), (16, "", 1.0, True, ""),
        (16, "-plain", 0.0, False, ", plain choice, no distillation"),
    ):  # fmt: skip
        found[f"mnist-conv-s2-k{words}{tail}"] = Method(
            f"S2NN, {words} codewords of 3 x 3 signs{text}", ("int8", f"book{words}", "binary"), 5, 2e-3,
            start="mnist-conv-c-binary", distil=distil, outliers=outliers, note=note,
        )  # fmt: skip
    return found


def _mfp() -> dict[str, Method]:
    grids, text = ("int8", "binary", "binary"), "In the manner of MFP-QSNN, whose equations were not readable: "
    return {
        "mnist-conv-mfp-w1": Method(
            "memory-free neurons that forget every timestep, binary weights", grids, 6, 2e-3, leak_shift=0,
            note=f"{text}a neuron forgets its membrane after every timestep, the extreme case of storing none.",
        ),
        "mnist-conv-mfp-w1-history": Method(
            "memory-free neurons with history, binary weights", grids, 6, 2e-3, leak_shift=1, reset=False,
            note=f"{text}a neuron never resets, so its membrane is a sum over the input's history, halved each step, "
            "which a chip that takes all timesteps at once need not store.",
        ),
    }  # fmt: skip


BASE = Method("float base", ("float",) * 3, 30, 3e-3, start=None)
METHODS = {**_controls(), **_qp(), **_q(), **_s2(), **_mfp()}


def method_of(stage: str) -> Method:
    """`BASE` for ``base``, else the workload's method."""
    return BASE if stage == "base" else METHODS[stage]
