"""Puts the folder that `SEGSCORE_WHEEL_PROGRAM` names, which has the program in it, into the wheel."""

from __future__ import annotations

import os
import sysconfig
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ProgramHook(BuildHookInterface[Any]):
    """Makes the wheel one for this platform, since the program is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        folder = os.environ.get("SEGSCORE_WHEEL_PROGRAM")
        if not folder or version == "editable":
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data.update(pure_python=False, tag=f"py3-none-{platform}")
        build_data["force_include"][folder] = "segscore/_program"
