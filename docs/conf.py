"""How the documentation is built: `make docs`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Pages that run find their data here, from wherever they are executed.
os.environ["GAMMAGYM_DOCS"] = str(Path(__file__).parent)
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import gammagym

project = "gammagym"
author = "The gammagym developers"
copyright = "The gammagym developers, MIT license"
release = version = gammagym.__version__

extensions = [
    "myst_nb",  # Markdown, and tutorials that run
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.doctest",
    "generated",  # tables that are made from the code: docs/_ext/generated.py
]
exclude_patterns = ["_build", ".jupyter_cache"]
nitpicky = False

# Markdown.
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3

# Tutorials run from the first cell to the last, every time; a cell that fails fails the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_execution_in_temp = True

# The API pages are made from docstrings.
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
autodoc_mock_imports = ["pettingzoo", "ray", "stable_baselines3", "torch"]
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Attributes that a docstring lists are shown once, as a list.
napoleon_use_ivar = True

# Nothing is fetched from elsewhere, at build time or by the reader's browser.
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_title = f"gammagym {release}"
html_copy_source = False
html_show_sphinx = False

doctest_global_setup = "import numpy as np\nimport gammagym"
# Examples in docstrings are tested with the code (pytest); here only those of these pages.
doctest_test_doctest_blocks = ""
