"""SpikingJelly's own model zoo through `neurosim.from_torch`: spikes that differ from PyTorch's, end to end.

    python benchmarks/torch_zoo.py

Needs torch and spikingjelly. Weights are random and scaled so that layers fire, two random inputs, two timesteps. The
zoo imports torchvision for downloads alone, so empty modules stand in for it.
"""

import sys
import types
from pathlib import Path

import torch

from neurosim.engine.function import run_function
from neurosim.engine.readout import read_out
from neurosim.validation.spikes import raster
from neurosim.workload.torch_in import from_torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
for name in ("torchvision", *(f"torchvision.{part}" for part in ("models", "models.utils", "models._utils", "ops"))):
    sys.modules[name] = types.ModuleType(name)
sys.modules["torchvision.models.utils"].load_state_dict_from_url = None

from spikingjelly.activation_based import functional, neuron  # noqa: E402
from spikingjelly.activation_based.model import (  # noqa: E402
    ms_resnet,
    parametric_lif_net,
    sew_resnet,
    spiking_resnet,
)

from tests.workload.torch_models import lively  # noqa: E402


def compare(name: str, net: torch.nn.Module, batch: torch.Tensor) -> None:
    """Print the spikes of all neuron layers, how many differ, and whether the answers do."""
    functional.set_step_mode(net, "m")
    work = from_torch(lively(net), batch)
    trace = run_function(work.network, work.fixed_stimulus)
    differ = sum(int((raster(work.network, trace, layer) != spikes).sum()) for layer, spikes in work.recorded.items())
    steps = sum(spikes.size for spikes in work.recorded.values())
    fired = sum(int((spikes != 0).sum()) for spikes in work.recorded.values())
    same = (read_out(work.network, trace) == work.answers).all()
    print(f"{name:32s} {steps:10,} neuron-steps, {fired:8,} spikes, {differ} differ; answers equal: {same}", flush=True)


def main() -> None:
    torch.manual_seed(0)
    images = torch.rand(2, 2, 3, 64, 64)
    digits = (torch.rand(2, 2, 1, 28, 28) < 0.3).float()
    settings = {"spiking_neuron": neuron.LIFNode, "num_classes": 10}
    compare(
        "sew_resnet18 (ADD), IFNode",
        sew_resnet.sew_resnet18(cnf="ADD", **{**settings, "spiking_neuron": neuron.IFNode}),
        images,
    )
    compare("spiking_resnet18, LIFNode", spiking_resnet.spiking_resnet18(**settings), images)
    compare("MNISTNet, ParametricLIFNode", parametric_lif_net.MNISTNet(spiking_neuron=neuron.ParametricLIFNode), digits)
    compare("ms_resnet18, LIFNode", ms_resnet.ms_resnet18(**settings), images)


if __name__ == "__main__":
    main()
