"""Replayed membranes against the reference engine's own, step by step."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings

from neurosim.engine import membrane_updates as module
from neurosim.engine.membrane_updates import membrane_updates, replayable
from neurosim.engine.reference import function as reference
from neurosim.engine.reference.neurons import LifPopulation
from neurosim.errors import NeurosimError
from neurosim.snn import Dense, Input, Leak, Lif, Network, Population, Projection, Stimulus
from tests.engine.strategies import cases


class Watched(LifPopulation):
    """Notes how often its stored membranes change."""

    changed: dict[str, int]

    def __init__(self, population):
        super().__init__(population)
        self.name = population.name
        Watched.changed.setdefault(self.name, 0)

    def step(self, current, timestep):
        before = self.v
        value = super().step(current, timestep)
        Watched.changed[self.name] += self.v.size if timestep == 0 else int((self.v != before).sum())
        return value


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_as_the_reference_engine_changes_them(case):
    network, stimulus = case
    Watched.changed = {}
    try:
        with mock.patch.object(reference, "LifPopulation", Watched):
            trace = reference.reference_function(network, stimulus)
    except NeurosimError:
        reject()  # Some networks drawn are refused by both engines.
    assert membrane_updates(network, trace) == Watched.changed


def one_neuron(leak):
    return Network(
        [Population("in", (1,), Input()), Population("a", (1,), Lif(8, leak, membrane_bits=8))],
        [Projection("in", "a", Dense(np.array([[4]], np.int8)))],
    )


@pytest.mark.parametrize(("leak", "changed"), [(Leak(), 2), (Leak("shift", shift=1), 4)])
def test_by_hand(leak, changed):
    """A spike at step 1 of five. Without a leak 0 4 4 4 4; halving 0 4 2 1 1, as 1 - (1 >> 1) is 1."""
    network = one_neuron(leak)
    stimulus = Stimulus.from_dense(np.array([[[0], [1], [0], [0], [0]]]))
    assert membrane_updates(network, reference.reference_function(network, stimulus)) == {"a": changed}


def test_a_trace_of_another_network_is_noticed():
    network = one_neuron(Leak())
    trace = reference.reference_function(network, Stimulus.from_dense(np.ones((1, 4, 1))))
    other = Network(network.populations, [Projection("in", "a", Dense(np.array([[7]], np.int8)))])
    with pytest.raises(RuntimeError, match="spikes elsewhere"):
        membrane_updates(other, trace)


def test_large_networks_are_not_replayed(monkeypatch):
    assert replayable(one_neuron(Leak()))
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 0)
    assert not replayable(one_neuron(Leak()))
