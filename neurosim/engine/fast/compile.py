"""How the functional kernels are compiled.

``kernel`` is an entry that Python calls: cached on disk, machine code of everything it calls included. ``inner`` is
called by kernels only: no wrapper for Python and no cache of its own, which halves the time of the first run. Neither
allows any reordering of float arithmetic.
"""

import numpy as np
from numba import njit

# An unsigned index needs no test for a negative one, so loops over such indices vectorise.
U = np.uint64

kernel = njit(cache=True, nogil=True, error_model="numpy")
inner = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
# For glue with one or two callers: pasted into its caller before compilation, so it is compiled once, not twice.
pasted = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, inline="always")
