"""Configuration of Sphinx, which builds this directory."""

import craton

project = "Craton"
author = "The Craton developers"
project_copyright = author
version = release = craton.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"

html_theme = "alabaster"
html_theme_options = {"description": "A fleet inventory for Ansible users"}
exclude_patterns = ["_build"]
