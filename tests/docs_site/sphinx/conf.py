"""How Sphinx makes the site; `docs_site/__main__.py` runs it, with every warning an error."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Rejoin"
author = "the authors of Rejoin"
language = "en"
extensions = ["myst_parser", "diagrams"]
exclude_patterns: list[str] = []

highlight_language = "text"  # for blocks of code that name no language

# The sources are Markdown as GitHub shows it: dashes and quotes stay as they are written, and
# every heading has GitHub's anchor.
smartquotes = False
myst_heading_anchors = 6
myst_fence_as_directive = ["mermaid"]

# Links are checked, and every page has to be in the navigation (`-n -W` makes these errors).
nitpicky = True

templates_path = ["templates"]
html_theme = "furo"
html_title = "Rejoin"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_logo = "../../../resources/icons/rejoin.svg"
html_favicon = html_logo
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0a6b5a",
        "color-brand-content": "#0a6b5a",
        "color-brand-visited": "#0a6b5a",
    },
    "dark_css_variables": {
        "color-brand-primary": "#5ad1b8",
        "color-brand-content": "#5ad1b8",
        "color-brand-visited": "#5ad1b8",
    },
}
