"""Builds the page before the wheel is packed, so that what is installed needs no Node.

An editable install is left alone: `make setup` builds the page in place.
"""

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageBuildHook(BuildHookInterface[Any]):
    """Runs `server.web.build` for a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the page unless it is current."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from server.web.build import build  # noqa: PLC0415 - the source tree is importable only from here on
        finally:
            sys.path.remove(self.root)
        build()
