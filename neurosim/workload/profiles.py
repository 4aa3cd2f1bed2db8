"""How a framework turns a NIR file's continuous equations into timesteps: one explicit profile a framework.

A NIR file holds no step size, no comparison, no reset kind. A profile fixes them all; any entry can be overridden in
its text: ``snntorch``, ``nir:dt=1e-3``, ``snntorch:reset=hard,reset_delay=false``. The profile is recorded with the
network. Sources: the frameworks' own code (snnTorch 1.0, SpikingJelly 2.0, sinabs 3.1, norse 1.1) and NIR's text.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

from neurosim.errors import NeurosimError
from neurosim.snn.neuron import RESETS

DECAYS = ("euler", "exp")
STARTS = ("zero", "reset", "leak")


@dataclass(frozen=True)
class Profile:
    """The rules of one reading.

    dt: seconds a timestep in the file's unit of tau (sinabs: tau is in steps, dt = 1); None must be given.
    compare: a spike when v ``>`` or ``>=`` threshold. reset: ``hard`` to v_reset, ``subtract`` the threshold, ``none``;
    reset_delay: at the next update instead of in the same step.
    decay ``euler``: v <- v (1 - dt/tau) + dt/tau (v_leak + r i). ``exp``: the factor is exp(-dt/tau).
    norm_input: the input is scaled by what the leak removes (with ``euler`` always; with ``exp`` a choice).
    multi_spike: floor(v / threshold) spikes a step, at most 255. v_min: lower clip of the membrane. start: first
    membrane (``zero``, v_reset or v_leak). cuba: whether a synaptic current is understood (a new one enters at
    once). repair_tau: undo an exporter that wrote tau multiplied by dt.
    """

    name: str
    dt: float | None
    compare: str = ">"
    reset: str = "hard"
    reset_delay: bool = False
    decay: str = "euler"
    norm_input: bool = True
    multi_spike: bool = False
    v_min: float | None = None
    start: str = "zero"
    cuba: bool = True
    repair_tau: bool = False

    def __post_init__(self) -> None:
        for key, allowed in (("compare", (">", ">=")), ("reset", RESETS), ("decay", DECAYS), ("start", STARTS)):
            if getattr(self, key) not in allowed:
                raise NeurosimError(
                    f"profile {self.name}: {key}: got {getattr(self, key)!r}, expected one of {', '.join(allowed)}"
                )
        if self.dt is None:
            raise NeurosimError(
                f"profile {self.name}: a NIR file does not hold the step size; give it, for example "
                f"--profile {self.name}:dt=1e-3"
            )
        if self.multi_spike and (self.compare != ">=" or self.reset_delay):
            raise NeurosimError(f"profile {self.name}: multi_spike needs compare >= and a reset in the same step")
        if not 0 < self.dt < 1e6:
            raise NeurosimError(f"profile {self.name}: dt: got {self.dt}, expected a positive number of seconds")

    @property
    def text(self) -> str:
        """What was read, in one line for reports."""
        when = "one step late" if self.reset_delay else "in the same step"
        parts = [f"{self.name}: dt {self.dt:g}", f"spike at v {self.compare} threshold", f"reset {self.reset} {when}"]
        parts.append("decay 1 - dt/tau" if self.decay == "euler" else "decay exp(-dt/tau)")
        parts += ["input not scaled by the leak"] * (not self.norm_input)
        parts += ["several spikes a step"] * self.multi_spike
        parts += [] if self.v_min is None else [f"membrane not below {self.v_min:g}"]
        parts += [f"start at v_{self.start}"] * (self.start != "zero")
        parts += ["tau repaired"] * self.repair_tau
        return ", ".join(parts)

    def spec(self) -> str:
        """Text that `profile` reads back to this profile."""
        changed = [f"{k}={_write(v)}" for k, v in asdict(self).items() if k != "name" and v != PROFILES[self.name][k]]
        return self.name + (":" + ",".join(changed) if changed else "")


_DEFAULTS = {f.name: f.default for f in fields(Profile)} | {"dt": None}
PROFILES: dict[str, dict] = {
    "snntorch": _DEFAULTS | {"dt": 1e-4, "reset": "subtract", "reset_delay": True},
    "spikingjelly": _DEFAULTS | {"dt": 1e-4, "compare": ">=", "start": "reset", "cuba": False},
    "sinabs": _DEFAULTS
    | {"dt": 1.0, "compare": ">=", "reset": "subtract", "decay": "exp", "multi_spike": True, "cuba": False},
    "norse": _DEFAULTS | {"dt": 1e-3, "start": "leak", "cuba": False},
    "nir": _DEFAULTS,
}
"""Values by framework; ``nir`` is the file's own text, read with Euler steps, and needs dt."""


def _write(value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)


def _read(name: str, key: str, text: str):
    kinds = {f.name: str(f.type) for f in fields(Profile)}
    try:
        if kinds[key] == "bool":
            return {"true": True, "false": False}[text.lower()]
        if kinds[key].startswith("float"):
            return None if text.lower() == "none" else float(text)
    except (KeyError, ValueError) as error:
        expected = "true or false" if kinds[key] == "bool" else "a number"
        raise NeurosimError(f"profile {name}: {key}: got {text!r}, expected {expected}") from error
    return text


def profile(spec: str | Profile, dt: float | None = None) -> Profile:
    """The profile that ``NAME`` or ``NAME:KEY=VALUE,...`` names; ``dt`` overrides its step size.

    Raises NeurosimError for an unknown name, key or value.
    """
    if isinstance(spec, Profile):
        return spec if dt is None else replace(spec, dt=dt)
    name, _, rest = spec.partition(":")
    if name not in PROFILES:
        raise NeurosimError(f"profile: got {name!r}, expected one of {', '.join(PROFILES)}")
    values = dict(PROFILES[name])
    for part in filter(None, rest.split(",")):
        key, equals, text = part.partition("=")
        if not equals or key == "name" or key not in values:
            known = ", ".join(k for k in values if k != "name")
            raise NeurosimError(f"profile {name}: got {part!r}, expected KEY=VALUE with a key of {known}")
        values[key] = _read(name, key, text)
    if dt is not None:
        values["dt"] = dt
    return Profile(**{**values, "name": name})
