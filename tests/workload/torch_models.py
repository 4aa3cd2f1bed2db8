"""Small models for the tests of PyTorch modules, with weights that make every layer spike."""

import torch
from torch import nn


def lively(model, seed=0, gain=1.5):
    """Random weights large enough for spikes, and batch normalisation with statistics as after training."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            fan_in = module.weight[0].numel()
            module.weight.data.normal_(0.1 * gain / fan_in**0.5, gain / fan_in**0.5)
            if module.bias is not None:
                module.bias.data.uniform_(-0.1, 0.3)
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.3, 1.5)
            module.weight.data.normal_(0.8, 0.5)
            module.bias.data.normal_(0.3, 0.2)
    return model


def spikes(*shape, seed=1, rate=0.4):
    """Random binary input."""
    torch.manual_seed(seed)
    return (torch.rand(*shape) < rate).float()
