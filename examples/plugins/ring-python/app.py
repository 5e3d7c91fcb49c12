"""A complete plugin in Python: a member of a ring hands its data over before it leaves for good.

Built from the contract alone: `componentize-py -d ../../../wit -w ring componentize --stub-wasi app -o ring.wasm`, see build.
"""

import json

from componentize_py_types import Ok
from wit_world.imports import exec as programs
from wit_world.imports.types import Cause_ScaleIn, Cause_Teardown, Outcome_Done, Outcome_InProgress, Progress


class Describe:
    def manifest(self):
        ask = {"container": "ring", "argv": ["ringctl", "*"], "why": "hand data over"}
        return json.dumps({"name": "ring-python", "version": "0.1.0", "asks": {"exec": [ask]}})


class PreDelete:
    def run(self, call, app, member, why):
        if member.pod is None or not isinstance(why, (Cause_ScaleIn, Cause_Teardown)):
            return Outcome_Done()  # after an update or an eviction it comes back
        state = ringctl(member.pod, "state")
        if state == b"LEFT":
            return Outcome_Done()
        if state != b"LEAVING":
            ringctl(member.pod, "leave")
        return Outcome_InProgress(Progress(b"", None, "handing its data over", 5000, []))


def ringctl(pod, verb):
    command = programs.Command("ring", ["ringctl", verb], b"", [])
    return programs.run(pod, command, 9000).stdout.strip()
