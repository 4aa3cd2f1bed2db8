"""Published sizes, by the code of every footprint; and what of a file of sizes is refused."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.mapping.model_size import model_bits, model_lines
from neurosim.snn import BinaryCodec, Conv2d, Dense, FloatCodec, Input, Lif, Network, Population, Projection
from neurosim.validation import validate
from neurosim.validation.sizes import shape_network

DATA = Path(__file__).parent / "data" / "size_cases.json"
CASES = json.loads(DATA.read_text())["cases"]


def test_all_27_sizes_to_the_printed_digit():
    verdicts = list(validate("sizes", DATA))
    assert len(verdicts) == 27
    assert [case.line() for case in verdicts if case.verdict != "equal"] == []


def test_one_size_by_hand():
    """Q-SNN ResNet-19: 12,550,144 binary, 3,456 + 5,130 values of 8 bits, 10,496 of 32 bits."""
    case = next(c for c in CASES if c["name"] == "qsnn_resnet19_cifar10")
    bits = model_bits(model_lines(shape_network(case, "here")))
    assert bits == 12_550_144 + 8 * (3_456 + 5_130) + 32 * 10_496


def test_a_size_one_digit_off_is_a_miss(tmp_path):
    wrong = tmp_path / "sizes.json"
    wrong.write_text(json.dumps({"cases": [{**CASES[0], "published_MB": CASES[0]["published_MB"] + 0.01}]}))
    assert [case.verdict for case in validate("sizes", wrong)] == ["miss"]


def test_shapes_alone_take_little_memory():
    """ResNet-19's 12.5 million weights are one stored value."""
    tracemalloc.start()
    network = shape_network(CASES[-1], "here")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2_000_000
    assert sum(p.connectivity.weights.size for p in network.projections) > 12_000_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fc_bits": 30}, "fc_bits"),
        ({"hidden_weight_bits": True}, "hidden_weight_bits"),
        ({"convs": [[3, 35]]}, "convs"),
        ({"convs": [[3, 35, 3], [34, 35, 3]], "fc": [35, 10]}, "34 channels"),
        ({"fc": [511, 10]}, "511 inputs"),
        ({"published_MB": "4.28"}, "published_MB"),
        ({"batchnorm_bits": 16}, "batchnorm_bits 16"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, said):
    file = tmp_path / "sizes.json"
    file.write_text(json.dumps({"cases": [{**CASES[0], **change}]}))
    with pytest.raises(NeurosimError, match=said):
        list(validate("sizes", file))


@pytest.mark.parametrize("content", ["", "[]", '{"cases": []}', '{"cases": [3]}'])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    file = tmp_path / "sizes.json"
    file.write_text(content)
    with pytest.raises(NeurosimError, match=r"sizes\.json"):
        list(validate("sizes", file))


def bestformer() -> Network:
    """The shapes of BESTformer-4-384 for CIFAR-100; what has no layer of its own stands as biases of a population."""
    populations, projections = [Population("input", (3, 1, 1), Input())], []

    def layer(name, source, c_out, kernel=1, codec=None, norm=True):
        c_in = next(p.shape[0] for p in populations if p.name == source)
        codec = codec or BinaryCodec()
        one = np.float32(1) if codec.kind == "float32" else np.int8(1)
        weights = np.broadcast_to(one, (c_out, c_in, kernel, kernel))
        populations.append(Population(name, (c_out, 1, 1), Lif(np.ones(c_out), bias=np.ones(c_out))))
        projections.append(Projection(source, name, Conv2d(weights, padding=(kernel // 2, kernel // 2)), codec))
        return name

    at = layer("conv0", "input", 48, 3, FloatCodec())
    for i, channels in enumerate((96, 192, 384, 384)):
        at = layer(f"tokenizer {i + 1}", at, channels, 3)
    for block in range(4):
        for part in "qkv":
            layer(f"{part}{block}", at, 384)
        at = layer(f"proj{block}", f"v{block}", 384)
        at = layer(f"fc2 {block}", layer(f"fc1 {block}", at, 1536), 384)
        populations.append(Population(f"lambda{block}", (4, 8), Lif(None, bias=np.ones(32))))
    for head in range(2):
        populations.append(Population(f"head {head}", (100,), Lif(None, bias=np.ones(100))))
        weights = np.broadcast_to(np.float32(1), (384, 100))
        projections.append(Projection(at, f"head {head}", Dense(weights), FloatCodec()))
    return Network(populations, projections)


def test_bestformers_parameters():
    """9,275,904 binary weights and 108,280 other values, as the authors' log prints: 9,384,184."""
    lines = [line for line in model_lines(bestformer()) if line.memory == "parameters"]
    binary = {p.name for p in bestformer().projections if p.codec.kind == "binary"}
    n_binary = sum(line.used_bits for line in lines if line.part in binary)
    other_bits = sum(line.used_bits for line in lines if line.part not in binary)
    assert (n_binary, other_bits) == (9_275_904, 32 * 108_280)
    assert n_binary + other_bits // 32 == 9_384_184
    assert f"{n_binary / 8e6:.2f}" == "1.16" and f"{(n_binary + other_bits) / 8e6:.2f}" == "1.59"
