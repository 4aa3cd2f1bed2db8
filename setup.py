"""Puts the top-level arch/, workloads/ and reports/ into the package as neurosim/_data when it is built.

They live at the top of the repository where people look for them; an installed package must not add top-level folders.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = {"arch": ("*.yaml", "*.csv"), "workloads": ("*.yaml", "*.npz"), "reports": ("*.yaml",)}


class BuildWithData(build_py):
    """The ordinary build, and then the data."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        root = Path(__file__).parent
        target = Path(self.build_lib) / "neurosim" / "_data"
        shutil.rmtree(target, ignore_errors=True)
        for folder, patterns in SHIPPED.items():
            for pattern in patterns:
                for source in sorted((root / folder).rglob(pattern)):
                    copy = target / source.relative_to(root)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, copy)


setup(cmdclass={"build_py": BuildWithData})
