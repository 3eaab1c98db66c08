#!/usr/bin/env python3
"""Checks what adze promises as a server. Each check starts servers of its own, prints the figures that it took beside
their bounds, and passes or fails.

    checks.py [--adze FILE] [--load FILE] [--folder DIR] [--seconds S] [--model MLP.onnx] [CHECK...]

    connections   8, 64, 512 and 2,000 clients: against Go's net/http without a model
    open-loop     10,000 requests a second, whatever the server does
    idle          10,000 idle connections beside 64 busy ones
    hostile       200 clients of a byte a second, 200 resets in mid-request, beside 64 busy ones
    deadline      a model that takes seconds: the answer at the deadline, and the end of the run at a disconnect
    distinct      500 different requests at once: each the same bytes as alone
    shutdown      SIGTERM 50 times under load
    binary        an image as a binary tensor: what the server adds to the engine

Without a name all run. MODEL is a multi-layer perceptron of 64 numbers. --seconds is the length of each load (the
default of each check otherwise). Exit codes: 0 all passed, 1 one failed, 2 usage.
"""
import argparse
import pathlib
import sys

import busy
import loads
import promises
import servers

CHECKS = {
    "connections": busy.connections,
    "open-loop": busy.open_loop,
    "idle": busy.idle,
    "hostile": busy.hostile,
    "deadline": promises.deadline,
    "distinct": promises.distinct,
    "shutdown": promises.shutdown,
    "binary": promises.binary,
}


class Verdict:
    """Prints figures with their bounds, and remembers whether all were kept."""

    def __init__(self):
        self.passed = True

    def at_most(self, what, value, bound, unit=""):
        self.bounded(what, value, value is not None and value <= bound, f"at most {bound:g}", unit)

    def at_least(self, what, value, bound, unit=""):
        self.bounded(what, value, value is not None and value >= bound, f"at least {bound:g}", unit)

    def bounded(self, what, value, kept, bound, unit=""):
        self.passed &= bool(kept)
        shown = "nothing" if value is None else f"{value:,.4g}" if isinstance(value, float) else str(value)
        print(f"  {'ok  ' if kept else 'FAIL'} {what}: {shown}{unit and ' ' + unit} ({bound})", flush=True)

    @staticmethod
    def note(text):
        print(f"       {text}", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", metavar="CHECK")
    parser.add_argument("--adze", default="build/release/bin/adze", metavar="FILE")
    parser.add_argument("--load", default="build/release/bin/serving_load", metavar="FILE")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("build/serving"), metavar="DIR")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("mlp_score.onnx"), metavar="FILE")
    parser.add_argument("--slow-model", type=pathlib.Path, metavar="FILE", help="of `deadline`; made when not given")
    parser.add_argument("--seconds", type=float, metavar="S")
    arguments = parser.parse_args()
    for name in arguments.checks:
        if name not in CHECKS:
            parser.error(f"{name}: there are {', '.join(CHECKS)}")
    if not arguments.model.exists():
        parser.error(f"{arguments.model}: there is no such file")
    return arguments


def main():
    arguments = parse_arguments()
    arguments.limit = servers.raise_descriptor_limit()
    arguments.folder = arguments.folder.resolve()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    try:
        arguments.server = servers.Adze(arguments.adze)
    except servers.Unavailable as error:
        sys.exit(f"checks.py: {error}")
    arguments.put = loads.Loads(arguments.load)
    failed = []
    for name in arguments.checks or CHECKS:
        print(f"{name}:", flush=True)
        verdict = Verdict()
        try:
            CHECKS[name](verdict, arguments)
        except (loads.Failed, servers.Unavailable, OSError) as error:
            verdict.bounded(type(error).__name__, str(error), False, "none")
        if not verdict.passed:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all passed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
