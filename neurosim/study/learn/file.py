"""``kind: learn``: learning rules against time-step surrogate gradient, at the same price tables and batch sizes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosim.study.base import Name, Study

Steps = Annotated[int, Field(ge=1, le=1024)]
Share = Annotated[float, Field(gt=0, lt=1)]
Layer = Annotated[int, Field(ge=1, le=4096)]


class Strict(BaseModel):
    """A part of a study: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InputPoint(Strict):
    """One firing rate of the input: an encoder (docs/encoders.md) over so many timesteps."""

    encoder: Name = "latency:cutoff=0.1"
    timesteps: Steps = 16


class Sweep(Strict):
    """Points of the plot of ratio against 1 / (rho_pre x phi_post): every learner at every input, ``epochs`` long.

    A rule on spike times runs at the inputs whose encoder is ``latency``.
    """

    epochs: Annotated[int, Field(ge=1, le=200)] = 4
    inputs: Annotated[list[InputPoint], Field(min_length=1, max_length=40)]


class RateMap(Strict):
    """The map over firing rate and timesteps, on networks with random weights and random spikes, nothing learned.

    ``rates``: spikes a neuron and timestep, of inputs and hidden neurons alike. ``sizes``: neurons by layer.
    """

    rule: Name = "mpd-ed"
    rates: Annotated[list[Share], Field(min_length=2, max_length=24)]
    timesteps: Annotated[list[Steps], Field(min_length=2, max_length=16)]
    sizes: Annotated[list[Layer], Field(min_length=3, max_length=5)]
    samples: Annotated[int, Field(ge=1, le=64)] = 4
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


class LearnStudy(Study):
    """``kind: learn``: each of ``rules`` against ``bptt-dense``, ``bptt-held`` and ``bptt`` on the same data.

    ``prices`` are learning engines; weights and words are those of the first. ``epochs`` is the same for all learners.
    ``batches``: samples that share an update; the learning rate, which is that of the rule for one sample, grows by as
    much. ``skip_below`` is what rules pass over; baselines pass over nothing, but for one line in the plot of accuracy
    that gives ``bptt`` the same right. ``accuracy_targets``: learners are compared when they reach each.
    """

    kind: Literal["learn"]
    data: Literal["digits", "mnist-mlp"] = "digits"
    rules: Annotated[list[Name], Field(min_length=1, max_length=8)]
    prices: Annotated[list[Name], Field(min_length=1, max_length=4)]
    epochs: Annotated[int, Field(ge=1, le=200)] = 12
    timesteps: Steps = 16
    batches: Annotated[list[Annotated[int, Field(ge=1, le=4096)]], Field(min_length=1, max_length=6)]
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**63)]], Field(min_length=1, max_length=16)]
    skip_below: Annotated[float, Field(ge=0, lt=1)] = 0.05
    accuracy_targets: Annotated[list[Share], Field(min_length=1, max_length=8)]
    sweep: Sweep
    map: RateMap

    @model_validator(mode="after")
    def _each_once(self) -> LearnStudy:
        lists = {
            "rules": self.rules, "prices": self.prices, "batches": self.batches, "seeds": self.seeds,
            "map.rates": self.map.rates, "map.timesteps": self.map.timesteps,
        }  # fmt: skip
        for name, values in lists.items():
            if len(set(values)) != len(values):
                raise ValueError(f"{name}: a value stands twice in {values}")
        if any(rule.startswith("bptt") for rule in self.rules):
            raise ValueError("rules: bptt, bptt-dense and bptt-held are the baselines, which are there anyway")
        for name in ("rates", "timesteps"):
            values = getattr(self.map, name)
            if values != sorted(values):
                raise ValueError(f"map.{name}: not ascending: {values}")
        return self
