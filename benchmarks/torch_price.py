"""How long `neurosim.price` takes on a SpikingJelly CNN with batch normalisation, warm, PyTorch's own time apart.

    python benchmarks/torch_price.py [CHIP]

Needs torch and spikingjelly. The model's own forward runs once before the clock starts: SpikingJelly imports parts of
PyTorch in it. Run it twice: the first run after an installation compiles.
"""

import sys
import time

import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn


def model() -> nn.Module:
    """16c3-bn-if-max2-32c3-bn-lif-max2-fc10-if, its statistics set from random images."""
    torch.manual_seed(0)
    net = nn.Sequential(
        layer.Conv2d(1, 16, 3, padding=1, bias=False), layer.BatchNorm2d(16), neuron.IFNode(), layer.MaxPool2d(2),
        layer.Conv2d(16, 32, 3, padding=1, bias=False), layer.BatchNorm2d(32), neuron.LIFNode(), layer.MaxPool2d(2),
        layer.Flatten(), layer.Linear(32 * 7 * 7, 10), neuron.IFNode(),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    net[5].weight.data.fill_(1.5)
    net[5].bias.data.fill_(0.5)
    net[9].weight.data *= 3
    for _ in range(20):
        net((torch.rand(8, 16, 1, 28, 28) < 0.15).float())
        functional.reset_net(net)
    return net.eval()


def main() -> None:
    chip = sys.argv[1] if len(sys.argv) > 1 else "loihi-silicon"
    net, batch = model(), (torch.rand(8, 16, 1, 28, 28) < 0.15).float()
    start = time.perf_counter()
    with torch.no_grad():
        net(batch)
    functional.reset_net(net)
    forward = time.perf_counter() - start
    start, busy = time.perf_counter(), time.process_time()
    import neurosim

    price = neurosim.price(net, batch, chip, capacity="report")
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    start = time.perf_counter()
    neurosim.price(net, batch, chip, capacity="report")
    again = time.perf_counter() - start
    price.show()
    print(f"\nPyTorch forward {forward:.2f} s; import neurosim and price {seconds:.2f} s ({busy:.2f} s of CPU)")
    print(f"price again {again:.2f} s")


if __name__ == "__main__":
    main()
