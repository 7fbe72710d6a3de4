"""Groups of commands, each a module: they parse, call one stage and print, as `pipeline/__main__.py` does."""
