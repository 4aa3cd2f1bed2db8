"""A drawn network may ask for what the engines refuse (a max over graded values); such a case says nothing here."""

from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError


def runnable(network, stimulus):
    """Whether the network runs as it is."""
    try:
        run_function(network, stimulus)
    except NeurosimError:
        return False
    return True
