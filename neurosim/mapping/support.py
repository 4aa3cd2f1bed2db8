"""Does the chip compute what the network asks for? Refused in the first second, with the field named."""

from __future__ import annotations

from collections.abc import Callable, Collection

from neurosim.arch import Chip, list_chips, load_chip
from neurosim.arch.schema import Arithmetic
from neurosim.errors import NeurosimError
from neurosim.mapping.products import check_products_on
from neurosim.snn.codecs import Codec, IntCodec
from neurosim.snn.network import Network, Projection
from neurosim.snn.neuron import Lif


def _codec_support(codec: Codec, chip: Chip) -> tuple[bool, str]:
    """Whether the chip stores such weights, and all that it stores in words."""
    a = chip.arithmetic
    integers = a.int_bits is not None
    flags = {"odd int": integers and a.odd_int, "ternary": a.ternary, "binary": a.binary, "codebook": a.codebook}
    flags["float32"] = a.float32
    accepted = [name for name, yes in flags.items() if yes]
    if integers:
        accepted.insert(0, f"int of {a.int_bits[0]} to {a.int_bits[1]} bits")
    if not isinstance(codec, IntCodec):
        return flags[codec.kind], ", ".join(accepted)
    in_range = integers and a.int_bits[0] <= codec.width_bits <= a.int_bits[1]
    # The odd grid is another meaning of the same stored bits, so the widths are the same.
    return in_range and (codec.grid == "even" or flags["odd int"]), ", ".join(accepted)


def _carries_signs(a: Arithmetic) -> bool:
    return a.ternary_spikes


def _check_projection(projection: Projection, network: Network, chip: Chip) -> None:
    where = f"projection {projection.name}"
    if projection.connectivity.event == "synapse":
        fine, accepted = _codec_support(projection.codec, chip)
        if not fine:
            grid = " on the odd grid" if getattr(projection.codec, "grid", "") == "odd" else ""
            raise NeurosimError(
                f"{where}.codec: {projection.codec.kind} of {projection.codec.bits:g} bits{grid} is not supported by "
                f"chip {chip.name} (arithmetic accepts {accepted or 'none that we know'}); quantise the weights or "
                "choose a chip that stores them"
            )
    if projection.delay > chip.arithmetic.delay_max:
        raise NeurosimError(
            f"{where}.delay: got {projection.delay} timesteps, chip {chip.name} accepts at most "
            f"{chip.arithmetic.delay_max}; shorten the delay or choose another chip"
        )
    connectivity = projection.connectivity
    if connectivity.event == "pool" and connectivity.mode == "average" and not chip.arithmetic.float32:
        raise NeurosimError(
            f"{where}.mode: average pooling sends fractions, which chip {chip.name} does not carry (float32: false); "
            "pool with 'sum' and fold the division into the next threshold"
        )
    if network.is_ternary(projection.source) and not chip.arithmetic.ternary_spikes:
        raise NeurosimError(
            f"{where}: spikes of {projection.source} are +1 and -1, which chip {chip.name} neither carries nor "
            f"subtracts (arithmetic.ternary_spikes: false){_shipped_that(_carries_signs)}; send ON and OFF over two "
            "channels of binary spikes, or choose a chip with ternary spikes"
        )
    _check_payload(where, projection.source, network.value_bits(projection.source), "arithmetic.spike_payload_bits",
                   chip.arithmetic.spike_payload_bits, chip)  # fmt: skip


def _check_payload(where: str, name: str, payload: int, field: str, limit: int, chip: Chip) -> None:
    if payload > 1 and payload > limit:
        raise NeurosimError(
            f"{where}: spikes of {name} carry {payload} bits, chip {chip.name} carries {limit} "
            f"({field}; 0: binary spikes only); send binary spikes or choose a chip with graded spikes "
            "such as edge-28nm"
        )


def _asked(model: Lif, a: Arithmetic) -> tuple[tuple[str, object, tuple], ...]:
    """(field, what the neuron asks for, what the arithmetic accepts)."""
    membrane = "float32" if model.membrane_bits is None else "int"
    return (
        ("leak", model.leak.kind, a.leaks),
        ("reset", model.reset, a.resets),
        ("compare", model.compare, a.compares),
        ("overflow", model.overflow, a.overflows if model.membrane_bits else (model.overflow,)),
        ("decay_input", model.decay_input, (False, a.decay_input)),
        ("reset_delay", model.reset_delay, (False, a.reset_delay)),
        ("refractory", bool(model.refractory), (False, a.refractory)),
        ("current_keep", model.current_keep is not None, (False, a.synaptic_current)),
        ("v_floor", model.v_floor is not None, (False, a.membrane_floor)),
        ("max_spikes", model.max_spikes > 1, (False, a.multi_spike)),
        ("ternary", model.ternary, (False, a.ternary_spikes)),
        ("membrane_bits", membrane, ("int", "float32") if a.float32 else ("int",)),
    )


def _check_model(name: str, model: Lif, chip: Chip) -> None:
    a = chip.arithmetic
    for number, (field, value, accepted) in enumerate(_asked(model, a)):
        if value not in accepted:
            listed = ", ".join(sorted({str(x) for x in accepted}))
            raise NeurosimError(
                f"population {name}.{field}: {value} is not supported by chip {chip.name} (accepts {listed}); "
                f"change the neuron or choose another chip{_accepting(model, number)}"
            )
    if model.membrane_bits is not None and model.membrane_bits > a.membrane_bits_max:
        raise NeurosimError(
            f"population {name}.membrane_bits: got {model.membrane_bits}, chip {chip.name} holds at most "
            f"{a.membrane_bits_max}; use a narrower membrane"
        )


def _accepting(model: Lif, number: int) -> str:
    """Shipped chips that accept what entry ``number`` of `_asked` asks for, for the end of a refusal."""

    def accepts(arithmetic: Arithmetic) -> bool:
        _, value, accepted = _asked(model, arithmetic)[number]
        return value in accepted

    return _shipped_that(accepts)


def _shipped_that(accepts: Callable[[Arithmetic], bool]) -> str:
    """Names of the shipped chips whose arithmetic ``accepts``, for the end of a refusal."""
    arithmetics = {name: getattr(load_chip(name), "arithmetic", None) for name in list_chips()}
    fitting = [name for name, a in arithmetics.items() if a is not None and accepts(a)]
    return f" ({', '.join(fitting)} accept{'s' * (len(fitting) == 1)} it)" if fitting else ""


def check_support(network: Network, chip: Chip, on_cores: Collection[str] = ()) -> None:
    """Raise NeurosimError at the first thing the chip's arithmetic cannot do.

    Input populations enter at the host, and through its port, unless ``on_cores`` names them.
    """
    check_products_on(network, chip)
    for projection in network.projections:
        _check_projection(projection, network, chip)
    for population in network.populations:
        if isinstance(population.model, Lif):
            _check_model(population.name, population.model, chip)
        elif population.model.kind == "input" and population.name not in on_cores:
            where, bits = f"population {population.name}", population.model.value_bits
            _check_payload(where, population.name, bits, "io.payload_bits", chip.io.payload_bits, chip)
