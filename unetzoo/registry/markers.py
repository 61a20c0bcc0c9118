"""The name and version of the hooks, and the markers of their declarations and implementations."""

import pluggy

PROJECT = "unetzoo"
HOOKS_VERSION = 6
"""The version of the hooks: it rises when one is added.

A plugin that needs a hook of a later version says so, `UNETZOO_HOOKS = 2`; without that it follows version 1, and
works with every later version, too. Version 1: encoders, decoders, losses. Version 2: data sets and commands. Version
3: codings of objects. Version 4: formats of image files. Version 5: engines. Version 6: recipes.
"""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's function as the implementation of the hook of the same name."""
