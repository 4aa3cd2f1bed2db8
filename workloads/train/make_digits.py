"""Write ``workloads/data/digits.npz``: the 1,797 digits of scikit-learn, 8 x 8, their 16 levels brought to 0..255.

    python workloads/train/make_digits.py

Needs scikit-learn. The images are the test part of the Optical Recognition of Handwritten Digits set (E. Alpaydin and
C. Kaynak, UCI), as scikit-learn ships them.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from neurosim.files import replacing

values, labels = load_digits(return_X_y=True)
images = np.rint(values.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
target = Path(__file__).resolve().parents[1] / "data" / "digits.npz"
with replacing(target) as temporary, temporary.open("wb") as stream:
    np.savez_compressed(stream, images=images, labels=labels.astype(np.uint8))
