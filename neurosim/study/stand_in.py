"""A stand-in: a network's shape with random weights of a chosen width, run on spikes that are imposed at a chosen rate.

The trained network fires as it was trained to; to see what other rates cost, every population that sends spikes gets
as many of them as the rate asks for, at random neurons and timesteps. They go through the same mapping, timing engine,
counts and prices as those of any run; only the function stage, which would decide who spikes, is left out. Neurons are
all taken to be active (their membranes off rest) in every timestep.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.arch import Chip, LayerChip
from neurosim.energy.chip_prices import chip_leakage, chip_prices
from neurosim.energy.codebook import map_for_trace
from neurosim.energy.table import EnergyTable, price_activity
from neurosim.engine.activity import count_activity
from neurosim.engine.layer import plan_layers, run_layers
from neurosim.engine.layer_activity import count_layer_activity
from neurosim.engine.lower import lower_timing
from neurosim.engine.plan import TimingPlan
from neurosim.engine.timing import run_timing
from neurosim.errors import NeurosimError
from neurosim.mapping.map import map_network
from neurosim.mapping.mapping import Mapping
from neurosim.run import synaptic_events
from neurosim.snn.codecs import BinaryCodec, IntCodec
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace


def stand_in(network: Network, weight_bits: int, seed: int = 0) -> Network:
    """The same populations and connections with random integer weights of ``weight_bits`` (1: -1 and 1).

    Raises NeurosimError for a network of floats, of graded spikes, or widths outside 1 to 16.
    """
    if not 1 <= weight_bits <= 16:
        raise NeurosimError(f"weight_bits: got {weight_bits}, expected 1 to 16")
    if not network.is_integer:
        raise NeurosimError(
            f"network {network.name}: its membranes are float32; a stand-in needs integers (quantize it)"
        )
    graded = [p.source for p in network.projections if network.value_bits(p.source) > 1]
    if graded:
        raise NeurosimError(
            f"network {network.name}: {graded[0]!r} sends graded spikes; a rate does not say their values"
        )
    rng = np.random.default_rng(seed)
    codec = BinaryCodec() if weight_bits == 1 else IntCodec(weight_bits)
    projections = []
    for projection in network.projections:
        c = projection.connectivity
        if c.event == "synapse":
            low, high = (-1, 2) if weight_bits == 1 else (codec.limits[0], codec.limits[1] + 1)
            drawn = rng.integers(low, high, c.weights.shape)
            if weight_bits == 1:
                drawn = np.where(drawn < 0, -1, 1)
            kept = replace(c, weights=drawn.astype(np.int32))
            projection = replace(projection, connectivity=kept, codec=codec)
        projections.append(projection)
    name = f"stand-in for {network.name}, {weight_bits}-bit weights"
    return replace(network, projections=tuple(projections), name=name)


def imposed_trace(network: Network, samples: int, timesteps: int, rate: float, seed: int = 0) -> SpikeTrace:
    """``round(rate x neurons x timesteps)`` spikes a sample in every population that sends any, drawn without doubles.

    Populations without outgoing projections spike only if the answer is read from their spikes.
    Raises NeurosimError for a rate outside 0 to 1.
    """
    if not 0 <= rate <= 1:
        raise NeurosimError(f"rate: got {rate:g}, expected 0 to 1 spikes a neuron and timestep")
    rng = np.random.default_rng([seed, timesteps, round(rate * 1e9)])
    senders = {p.source for p in network.projections}
    if network.readout is not None and network.readout.kind != "membrane":
        senders.add(network.readout.population)
    rows, neurons = [], []
    for sample in range(samples):
        for index, population in enumerate(network.populations):
            if population.name not in senders:
                continue
            places = population.n_neurons * timesteps
            drawn = rng.choice(places, round(rate * places), replace=False)
            rows.append(sample * timesteps + drawn // population.n_neurons)
            neurons.append(network.offsets[index] + drawn % population.n_neurons)
    row, neuron = np.concatenate(rows), np.concatenate(neurons)
    order = np.lexsort((neuron, row))
    ptr = np.zeros(samples * timesteps + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=samples * timesteps), out=ptr[1:])
    total = network.n_neurons
    return SpikeTrace(
        n_samples=samples, timesteps=timesteps, n_neurons=total, ptr=ptr, neuron=neuron[order].astype(np.int32),
        value=None, active=np.full((samples * timesteps, -(-total // 8)), 255, np.uint8),
        membrane=np.zeros((samples, total), np.int32), saturations=np.zeros(len(network.populations), np.int64),
    )  # fmt: skip


@dataclass(frozen=True)
class Imposed:
    """What an imposed run came to; ``rate`` is events over all connections and timesteps, as measured runs have it."""

    energy: EnergyTable
    samples: int
    seconds: float
    rate: float

    @property
    def pj_per_sample(self) -> float:
        return self.energy.total_pj() / self.samples


class StandIn:
    """A stand-in on a chip, mapped once for each number of timesteps that needs it.

    Loading the network is left out, as on the other side of a map: it is once for any number of samples.
    """

    def __init__(self, network: Network, chip: Chip | LayerChip, engine: str = "fast") -> None:
        self.network, self.chip, self.engine = network, chip, engine
        self.prices = chip_prices(chip)
        self._mapped: tuple[Mapping, dict[int, TimingPlan]] | None = None

    def run(self, timesteps: int, rate: float, samples: int = 1, seed: int = 0) -> Imposed:
        """Raises NeurosimError when network and chip do not agree."""
        trace = imposed_trace(self.network, samples, timesteps, rate, seed)
        layered = isinstance(self.chip, LayerChip)
        activity, cycles, cores_used = (self._layer if layered else self._barrier)(trace)
        seconds = cycles * self.chip.clock.quantum_ps * 1e-12
        energy = price_activity(
            activity.action, activity.place, activity.part, activity.count, self.prices,
            chip_leakage(self.chip, cores_used), seconds,
        )  # fmt: skip
        events = synaptic_events(self.network, trace)
        happened = sum(n for a, n in activity.totals().items() if a.startswith(("accumulate_", "multiply_accumulate")))
        again = layered and self.chip.core.membranes == "from_history"
        if happened != events["effective"] and not (again and happened > events["effective"]):
            raise RuntimeError(f"internal error: {happened} accumulates for {events['effective']} synaptic events")
        return Imposed(energy, samples, seconds, events["effective"] / events["dense"])

    def _barrier(self, trace: SpikeTrace):
        if self._mapped is None:
            self._mapped = map_network(self.network, self.chip), {}
        mapping, plans = self._mapped
        if trace.timesteps not in plans:
            plans[trace.timesteps] = lower_timing(self.network, self.chip, mapping, trace.timesteps)
        plan = plans[trace.timesteps]
        timing = run_timing(plan, trace, engine=self.engine)
        activity = count_activity(self.network, self.chip, mapping, plan, timing, trace)
        return activity, int(timing.round_cycles.sum()), mapping.cores_used

    def _layer(self, trace: SpikeTrace):
        mapping = map_for_trace(self.network, self.chip, trace)
        plan = plan_layers(self.network, self.chip, mapping)
        timing = run_layers(plan, trace, self.engine)
        return count_layer_activity(self.network, plan, timing, trace), int(timing.cycles.sum()), None
