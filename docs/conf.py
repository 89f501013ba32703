"""Build of the documentation site: `sphinx-build -W docs site`, as `.ci/run docs` does."""

project = "autodata"
copyright = "the authors of autodata, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "alabaster"
html_theme_options = {
    "description": "Optimized agents that make training data",
    "fixed_sidebar": True,
    "page_width": "1100px",
}

smartquotes = False  # `--force` in prose stays as it is
myst_heading_anchors = 3  # links such as architecture.md#budgets are checked
default_role = "code"  # a `name` in a docstring is code, as in Markdown
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
