"""What a PyTorch model costs on a chip, in one call: `price` and the `Price` it returns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import units
from neurosim.api.runs import simulate
from neurosim.arch import Chip, LayerChip, load_chip
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.result import Result
from neurosim.snn.codecs import Codec
from neurosim.snn.network import Network
from neurosim.snn.neuron import Lif
from neurosim.validation.spikes import raster
from neurosim.workload.torch_in import TorchWorkload, from_torch

if TYPE_CHECKING:
    from neurosim.compress.report import CompressionReport

WEIGHT_BITS, MEMBRANE_BITS, CALIBRATION = 8, 24, 4


@dataclass(frozen=True, eq=False)
class Price:
    """The answer of `price`; energies and latencies are means of one sample.

    result : everything about the run (`Result`: tables, activity, energy leaf by leaf). workload : the network as read,
    with PyTorch's own spikes. differences : by layer, spikes of the network as read that differ from PyTorch's, end to
    end. compression : what quantising lost, None when the network ran as it was. notes : what the user should know.
    """

    result: Result
    workload: TorchWorkload
    differences: dict[str, int]
    compression: CompressionReport | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def energy_pj(self) -> float:
        """Mean energy of a sample, leakage included."""
        return self.result.energy_pj / self.result.samples

    @property
    def latency_s(self) -> float:
        """Mean simulated seconds of a sample."""
        return self.result.latency_s

    @property
    def footprint_bits(self) -> dict[str, int]:
        """Bits used, by memory."""
        return {memory: int(line["used_bits"]) for memory, line in self.result.footprint.items()}

    @property
    def spikes(self) -> dict[str, float]:
        """Mean spikes of a sample, by population."""
        return {name: n / self.result.samples for name, n in self.result.spikes.items()}

    @property
    def accuracy(self) -> float | None:
        """Share of right answers on the chip; None without labels."""
        return self.result.accuracy

    @property
    def torch_accuracy(self) -> float | None:
        """Share of right answers of the PyTorch model itself on the same batch."""
        labels = self.result.labels
        if labels is None or self.workload.answers is None:
            return None
        return float((self.workload.answers == labels).mean())

    @property
    def same_answers(self) -> int | None:
        """Samples for which the chip answers as PyTorch does; None where one of the two has no answer."""
        if self.workload.answers is None or self.result.predictions is None:
            return None
        return int((self.workload.answers == self.result.predictions).sum())

    @property
    def neuron_steps(self) -> int:
        """Spikes or silences compared for ``differences``."""
        return sum(array.size for array in self.workload.recorded.values())

    def __str__(self) -> str:
        r, total = self.result, self.result.energy_pj
        lines = [f"{r.workload} on {r.chip}: {r.samples} samples x {r.timesteps} timesteps"]
        parts = ", ".join(f"{k} {units.percent(v / total)}" for k, v in r.energy.by_component().items() if v)
        lines.append(f"  energy     {units.energy(self.energy_pj)} a sample ({parts})")
        lines.append(f"  latency    {units.time(self.latency_s)} a sample")
        bits = ", ".join(f"{k} {units.bits(v)}" for k, v in self.footprint_bits.items() if v)
        lines.append(f"  footprint  {units.bits(sum(self.footprint_bits.values()))} ({bits})")
        spikes = ", ".join(f"{k} {n:.4g}" for k, n in self.spikes.items())
        lines.append(f"  spikes     {sum(self.spikes.values()):.4g} a sample ({spikes})")
        events = r.synaptic_events["effective"] / r.samples
        lines.append(f"  synaptic   {units.count(events)} events a sample")
        if self.accuracy is not None:
            own = "" if self.torch_accuracy is None else f"; PyTorch {units.percent(self.torch_accuracy)}"
            lines.append(f"  accuracy   {units.percent(self.accuracy)}{own}")
        lines.append(f"  held to PyTorch: {sum(self.differences.values())} of {self.neuron_steps:,} spikes differ")
        if self.same_answers is not None:
            lines[-1] += f"; {self.same_answers} of {r.samples} answers on the chip are PyTorch's"
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])

    def show(self) -> None:
        """Print the summary."""
        print(self)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>{self.result._repr_html_()}"


def price(
    model: Any, batch: Any, chip: str | Chip | LayerChip = "loihi-silicon", labels: Any = None, *,
    timesteps: int | None = None, loop: str = "auto", readout: str | None = None,
    weight_bits: int | str | dict[str, int | str] | None = None, membrane_bits: int | None = None,
    adapt: bool = True, capacity: str = "refuse", timing: str = "cycle", engine: str = "fast", name: str | None = None,
) -> Price:  # fmt: skip
    """What ``model`` (an ``nn.Module`` of snnTorch or SpikingJelly layers) costs on ``chip`` for ``batch``.

    ``batch``, ``labels``, ``timesteps``, ``loop`` and ``readout`` as in `from_torch`; ``capacity``, ``timing`` and
    ``engine`` as in `neurosim.simulate`. A chip without float arithmetic gets integers: weights that were trained on
    a grid keep theirs, others are quantised to ``weight_bits`` (8), membranes to ``membrane_bits`` (24 or what the chip
    holds), calibrated on the batch; a note says so. Giving one of the two asks for that on any chip. A chip that can
    only reset in the step of the spike does so where the model resets a step later; a note says that too, and
    ``adapt=False`` refuses it. Raises
    NeurosimError naming the layer or the field of the chip that does not fit, and the next move.
    """
    target = load_chip(chip) if isinstance(chip, str) else chip
    work = from_torch(model, batch, labels, timesteps=timesteps, loop=loop, readout=readout, name=name)
    trace = run_function(work.network, work.fixed_stimulus, engine)
    differences = {k: int((raster(work.network, trace, k) != spikes).sum()) for k, spikes in work.recorded.items()}
    arithmetic = getattr(target, "arithmetic", None)
    network, adapted = _resets_at_once(work.network, target) if adapt else (work.network, [])
    report, notes = None, [*work.notes, *adapted]
    asked = weight_bits is not None or membrane_bits is not None
    if asked or (arithmetic is not None and not arithmetic.float32 and not network.is_integer):
        from neurosim.compress.quantize import quantize

        width = membrane_bits or min(MEMBRANE_BITS, getattr(arithmetic, "membrane_bits_max", MEMBRANE_BITS))
        widest = WEIGHT_BITS if arithmetic is None or arithmetic.int_bits is None else arithmetic.int_bits[1]
        formats = _formats(network, min(WEIGHT_BITS, widest)) if weight_bits is None else weight_bits
        # A wide membrane has room to spare, so a few samples show enough of how far it goes.
        seen = work.fixed_stimulus if membrane_bits is not None else work.fixed_stimulus.head(CALIBRATION)
        network, report = quantize(network, formats, width, calibration=seen)
        notes += [*report.notes, _quantised(work.network, network, width, target.name, asked)]
    ready = replace(work, network=network)
    done = simulate(ready, target, samples=None, capacity=capacity, timing=timing, engine=engine)
    return Price(done, work, differences, report, [*notes, *done.notes])


def _resets_at_once(network: Network, chip: Chip | LayerChip) -> tuple[Network, list[str]]:
    """The network with resets in the step of the spike where the chip has no delayed one, and a note that says so."""
    late = [p.name for p in network.populations if isinstance(p.model, Lif) and p.model.reset_delay]
    arithmetic = getattr(chip, "arithmetic", None)
    if not late or arithmetic is None or arithmetic.reset_delay:
        return network, []
    populations = [
        replace(p, model=replace(p.model, reset_delay=False)) if p.name in late else p for p in network.populations
    ]
    note = (
        f"{chip.name} resets in the step of the spike: {', '.join(late)} do so there, a step before PyTorch's (a soft "
        "reset then decays once more); spikes on the chip differ by that, a chip with reset_delay, such as edge-28nm, "
        "has PyTorch's own"
    )
    return replace(network, populations=populations), [note]


def _formats(network: Network, bits: int) -> dict[str, int | str]:
    """A format for every projection: integers keep the narrowest that holds them, floats get ``bits``."""
    formats: dict[str, int | str] = {"default": bits}
    for projection in network.projections:
        if projection.connectivity.event == "synapse" and projection.codec.kind != "float32":
            formats[projection.name] = _own_format(projection.codec, projection.connectivity.weights)
    return formats


def _own_format(codec: Codec, weights: np.ndarray) -> int | str:
    if codec.kind in ("ternary", "binary"):
        return {"ternary": "ternary", "binary": "sign"}[codec.kind]
    if codec.kind != "int":
        raise NeurosimError(f"price: weights of codec {codec.kind}; give weight_bits")
    if codec.grid == "odd":
        return f"odd:{codec.width_bits}"
    # Quantising keeps to -(2^(b-1) - 1) .. 2^(b-1) - 1: a -2^(b-1) needs one bit more there.
    return max(2, 1 + int(np.abs(weights.astype(np.int64)).max()).bit_length())


def _quantised(before: Network, after: Network, membrane_bits: int, chip: str, asked: bool) -> str:
    why = "as asked" if asked else f"{chip} computes in integers"
    kept = [a.name for a, b in zip(before.projections, after.projections, strict=True) if _kept(a, b)]
    rounded = [
        f"{b.name} to {b.codec.bits:g} bits"
        for a, b in zip(before.projections, after.projections, strict=True)
        if a.connectivity.event == "synapse" and a.name not in kept
    ]
    text = f"{why}: membranes of {membrane_bits} bits"
    text += f", weights rounded: {', '.join(rounded)}" if rounded else ""
    text += f", integers kept: {', '.join(kept)}" if kept else ""
    return f"{text}; spikes on the chip may differ from PyTorch's by that rounding"


def _kept(before: Any, after: Any) -> bool:
    if before.connectivity.event != "synapse" or before.connectivity.weights.dtype.kind not in "iu":
        return False
    return np.array_equal(before.connectivity.weights, after.connectivity.weights)
