"""Commands that make a network smaller. Heavy imports wait until a command needs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.cli.costs import JsonFlag, print_json
from neurosim.errors import NeurosimError

Model = Annotated[str, typer.Argument(help="A shipped workload, a workload folder, or a model file (native or NIR).")]
Out = Annotated[Path, typer.Option("--out", "-o", help="A model file (.npz), or a workload folder with the data.")]
Input = Annotated[Path | None, typer.Option(help="Input array (.npy, .npz) for a model file.")]
Labels = Annotated[Path | None, typer.Option(help="Labels (.npy, .npz) for a model file.")]
Steps = Annotated[int | None, typer.Option(help="Timesteps a sample; default: the workload's own.")]
Profile = Annotated[str | None, typer.Option(help="How a NIR file runs, as in neurosim run.")]
Encoder = Annotated[str | None, typer.Option(help="How data become spikes, as in neurosim run.")]
Samples = Annotated[int, typer.Option(help="Compare the two networks on at most this many samples; 0: not at all.")]
Layers = Annotated[list[str] | None, typer.Option(help="NAME=VALUE for one projection; can be repeated.")]


def _named(values: list[str] | None, default: Any, option: str) -> Any:
    """``NAME=VALUE`` options and the default of the rest, as quantize takes them."""
    if not values:
        return default
    pairs = {"default": default}
    for text in values:
        name, equals, value = text.rpartition("=")
        if not equals or not name or not value:
            raise NeurosimError(f"{option}: got {text!r}, expected NAME=VALUE")
        pairs[name] = int(value) if value.isdigit() else value
    return pairs


def _clip(text: str) -> float | str:
    try:
        return text if text == "auto" else float(text)
    except ValueError as error:
        raise NeurosimError(f"--clip: got {text!r}, expected a share of 0 to below 0.5, or auto") from error


def _finish(work, network, report, samples: int, skip: int, out: Path, title: str, card: dict, as_json: bool) -> None:
    """Compare on the samples after the first ``skip``, write, and print."""
    from neurosim.compress.compare import compare
    from neurosim.snn.notes import Coding
    from neurosim.workload.folder_out import write_workload
    from neurosim.workload.native import save_network

    if network.coding is None:
        network = replace(network, coding=Coding(work.encoder or "spikes", work.timesteps))
    found = None
    if samples and work.n_samples:
        first = skip if work.n_samples > skip else 0
        stimulus = work.stimulus(first + samples).part(first, min(first + samples, work.n_samples))
        found = compare(work.network, network, stimulus)
    if out.suffix == ".npz":
        save_network(network, out)
    else:
        write_workload(out, work, network, card)
    if as_json:
        comparison = None if found is None else found.to_json()
        print_json({"saved": str(out), **report.to_json(), "comparison": comparison})
        return
    from neurosim.report.text import console
    from neurosim.report.text_compress import compress_text

    console().print(compress_text(report, found, title))
    typer.echo(f"saved  {out}")


def quantize(
    model: Model,
    out: Out,
    weight_bits: Annotated[str, typer.Option(help="Bits, odd:BITS, ternary, sign, codebook:WORDS or keep.")] = "8",
    membrane_bits: Annotated[str, typer.Option(help="2 to 32, or float.")] = "24",
    layer: Layers = None,
    membrane: Annotated[list[str] | None, typer.Option(help="NAME=BITS for one population; repeatable.")] = None,
    per_channel: Annotated[bool, typer.Option(help="One scale a channel, or one a layer.")] = True,
    scale: Annotated[str, typer.Option(help="mse: least squared error; max: the largest weight.")] = "mse",
    clip: Annotated[str, typer.Option(help="Share of membrane updates that may be clipped, or auto.")] = "auto",
    rounding: Annotated[str | None, typer.Option(help="Of the leak: floor, zero or nearest.")] = None,
    input_bits: Annotated[int | None, typer.Option(help="Bits of graded inputs that are fractions.")] = None,
    calibration_samples: Annotated[int, typer.Option(help="Samples that show how far membranes go.")] = 100,
    samples: Samples = 900,
    input: Input = None,
    labels: Labels = None,
    timesteps: Steps = None,
    profile: Profile = None,
    encoder: Encoder = None,
    as_json: JsonFlag = False,
) -> None:
    """Narrow weights and membranes; print what each layer lost, and how spikes and accuracy change."""
    from neurosim.compress.quantize import quantize as quantized
    from neurosim.workload.workload import load_workload

    if membrane_bits != "float" and not membrane_bits.isdigit():
        raise NeurosimError(f"--membrane-bits: got {membrane_bits!r}, expected 2 to 32, or float")
    work = load_workload(model, input, labels, timesteps, profile, encoder)
    bits = None if membrane_bits == "float" else int(membrane_bits)
    weights = _named(layer, int(weight_bits) if weight_bits.isdigit() else weight_bits, "--layer")
    network, report = quantized(
        work.network, weights, _named(membrane, bits, "--membrane"), calibration=work.stimulus(calibration_samples),
        per_channel=per_channel, scale=scale, clip=_clip(clip), rounding=rounding, input_bits=input_bits,
    )  # fmt: skip
    title = f"{work.name}: weights {weight_bits}, membranes {membrane_bits}"
    card = {"made_by": f"quantised, weights {weight_bits}, membranes {membrane_bits}", "from": work.name}
    _finish(work, network, report, samples, calibration_samples, out, title, card, as_json)


def prune(
    model: Model,
    out: Out,
    share: Annotated[float, typer.Option(help="Share of weights, or channels, to remove: 0 to below 1.")] = 0.5,
    structured: Annotated[bool, typer.Option(help="Remove whole channels and neurons.")] = False,
    scope: Annotated[str, typer.Option(help="layer: the share of each; global: of all together.")] = "layer",
    only: Annotated[
        list[str] | None, typer.Option(help="A projection (with --structured: population) to prune; repeatable.")
    ] = None,
    store: Annotated[str, typer.Option(help="same, or sparse: keep entries of dense layers that are not 0.")] = "same",
    compensate: Annotated[
        int, typer.Option(help="With --structured: put the mean input lost, on this many samples, into biases.")
    ] = 0,
    samples: Samples = 1000,
    input: Input = None,
    labels: Labels = None,
    timesteps: Steps = None,
    profile: Profile = None,
    encoder: Encoder = None,
    as_json: JsonFlag = False,
) -> None:
    """Remove the smallest weights, or whole channels; print what is left, and how spikes and accuracy change."""
    from neurosim.compress.prune import prune as pruned
    from neurosim.workload.workload import load_workload

    work = load_workload(model, input, labels, timesteps, profile, encoder)
    names = {"populations" if structured else "projections": only or None}
    network, report = pruned(
        work.network, share, structured=structured, scope=scope, store=store,
        compensate=work.stimulus(compensate) if compensate else None, **names,
    )  # fmt: skip
    kind = "channels" if structured else "weights"
    title = f"{work.name}: {share:.0%} of the {kind} removed, by {scope}"
    _finish(work, network, report, samples, compensate, out, title, {"made_by": title, "from": work.name}, as_json)
