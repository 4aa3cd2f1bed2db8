"""Imported by the server that the kill tests fork from: one point is run, so that no child has to load its kernels."""

import tempfile
from pathlib import Path

from neurosim.study.sweep.block import Common, make_block, run_block
from neurosim.study.sweep.design import make_design
from neurosim.study.sweep.inputs import read_inputs
from tests.study.sweep.small import study

with tempfile.TemporaryDirectory() as folder:
    file = study(Path(folder), axes={"chip.core.synapse.lanes": [2]})
    design = make_design(file.study, "warm")
    i = read_inputs(file, design)
    common = Common(i.key, i.base, (("lanes", False),), i.chips, i.workloads, i.mappings, None, 1)
    run_block(common, make_block(0, [0], design))
