"""Random layer chips for the engine tests: edge-28nm-layer with drawn parameters."""

import copy

import yaml
from hypothesis import strategies as st

from neurosim.arch import chip_from_data
from neurosim.data_files import data_root

TEXT = (data_root("arch") / "chips" / "edge-28nm-layer.yaml").read_text("utf-8")
BASE = yaml.safe_load(TEXT)
ROOMY = 1 << 30


def layer_chip(arithmetic=None, io=None, **core):
    """The shipped chip with parts of its core replaced; a dict is merged into the part of that name."""
    data = copy.deepcopy(BASE)
    data["arithmetic"].update(arithmetic or {})
    data["io"].update(io or {})
    for name, value in core.items():
        if isinstance(value, dict):
            data["core"][name].update(value)
        else:
            data["core"][name] = value
    return chip_from_data(data, "test.yaml")


def reuse_chip(codebook, **core):
    """The shipped chip that can reuse codewords, with parts of its core replaced as in `layer_chip`."""
    data = yaml.safe_load((data_root("arch") / "chips" / "edge-28nm-layer-reuse.yaml").read_text("utf-8"))
    data["core"]["codebook"] = codebook
    for name, value in core.items():
        data["core"][name] = {**data["core"][name], **value} if isinstance(value, dict) else value
    # Prices of odd memories are nobody's concern here.
    data["energy"] = {name: {"pj": 1.0, "source": "neurosim"} for name in data["energy"]}
    data["leakage"] = [{"component": "all", "per": "chip", "power_mw": 1.0, "source": "neurosim"}]
    data.pop("standing", None)
    return chip_from_data(data, "test.yaml")


@st.composite
def layer_chips(draw, codebook=False, history=False):
    """A chip of any parameters with room for everything but, at times, wide weight tiles. Wide payloads, slow clock.

    With ``codebook`` it reuses codewords; with ``history`` it works membranes out.
    """

    def ports(*words):
        return {
            "capacity_bits": ROOMY, "word_bits": draw(st.sampled_from(words)), "banks": draw(st.integers(1, 3)),
            "read_cycles": draw(st.integers(4, 6)), "write_cycles": draw(st.integers(4, 5)),
        }  # fmt: skip

    few = st.integers(1, 3)
    tight = draw(st.booleans())
    data = copy.deepcopy(BASE)
    data["clock"] = {"quantum_ps": 1e6, "synchronous": True}
    data["io"] = {"cycles_per_word": draw(st.integers(0, 3)), "payload_bits": 32}
    data["arithmetic"].update(spike_payload_bits=32, int_bits=[1, 24])
    data["core"] = {
        "execution": "layer",
        "time_window": draw(st.sampled_from(["all", 1, 2, 3, 4, 8])),
        "weight_reuse_over_time": draw(st.booleans()),
        "spike_packing": draw(st.sampled_from(["none", "drop_empty_rows", "pack"])),
        "layer_cycles": draw(st.integers(0, 4)),
        "array": {
            "rows": draw(st.integers(1, 9)), "columns": draw(st.sampled_from([1, 2, 3, 8, 64])),
            "cycles_per_slot": {kind: draw(st.integers(1, 9)) for kind in ("dense", "sparse", "conv", "pool", "mac")},
            "fill_cycles": draw(st.integers(0, 3)),
        },
        "update": {
            "lanes": draw(st.integers(1, 5)), "state_cycles": draw(st.integers(0, 30)), "step_cycles": draw(few),
            "when": draw(st.sampled_from(["exposed", "hidden"])),
        },
        "synaptic_memory": {
            "capacity_bits": ROOMY, "word_bits": draw(st.sampled_from([16, 64])), "banks": draw(few),
            "read_cycles": draw(few), "index_bits": draw(st.sampled_from([None, 12])),
        },
        "weight_buffer": {**ports(16, 64), "load": draw(st.sampled_from(["exposed", "hidden"]))},
        "spike_buffer": ports(1, 8, 64),
        "partial_sum_buffer": {**ports(16, 128), "sum_bits": draw(st.integers(8, 40))},
        "membrane_memory": {"capacity_bits": ROOMY, "word_bits": draw(st.sampled_from([16, 64]))},
    }  # fmt: skip
    if codebook:
        data["core"] |= {"codebook": "reuse", "partial_map_buffer": ports(1, 16, 128)}
        names = ("codeword_add", "partial_map_add", "partial_map_write", "partial_map_read")
        data["energy"] = {**data["energy"], **dict.fromkeys(names)}
    if history:
        data["core"] |= {"time_window": 1, "membranes": "from_history"}
    if tight:
        data["core"]["weight_buffer"]["capacity_bits"] = draw(st.integers(256, 4096))
    # Prices of such odd memories are nobody's concern here.
    data["energy"] = {name: {"pj": 1.0, "source": "neurosim"} for name in data["energy"]}
    data["leakage"] = [{"component": "all", "per": "chip", "power_mw": 1.0, "source": "neurosim"}]
    return chip_from_data(data, "random.yaml")
