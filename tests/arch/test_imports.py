"""The chip floor is cheap to import. (That it imports only downward is tests/test_architecture.py.)"""

import subprocess
import sys


def test_nothing_heavy_comes_with_it():
    code = "import sys, neurosim.arch, neurosim.arch.describe; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"pandas", "rich", "numba", "matplotlib", "simpy"} & set(run.stdout.split()) == set()
