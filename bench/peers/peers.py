#!/usr/bin/env python3
"""Times ONNX models on adze, ONNX Runtime and OpenVINO, side by side on this machine.

    peers.py [--adze FILE] [--threads N] [--rounds N] [--seconds S] [--shape [NAME=]1x3x224x224]...
             [--input NAME=FILE.npy]... [--json FILE] MODEL...

The engines take turns, round by round, all in f32 and with the same number of threads. Before that their outputs are
compared with ONNX Runtime's; one that differs by more than BOUND of the largest value isn't timed. The speed-up is
the median over the rounds of (better peer / adze), with its quartiles: above 1 adze is faster. An engine that isn't
installed, or can't take a model, is left out with the reason.

The table is Markdown; --json writes every figure, for bench/plot.py. Exit codes: 0 right, 1 adze failed on a model or
gave other outputs, 2 usage.
"""
import argparse
import json
import pathlib
import platform
import sys

try:
    import engines
    import feeds
    import numpy as np
except ImportError as error:
    sys.exit(f"peers.py: {error}; see bench/peers/requirements.txt")
import report
import rounds

BOUND = 1e-3


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--adze", default="build/release/bin/adze", metavar="FILE")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--seconds", type=float, default=0.5, metavar="S", help="of each engine in a round")
    parser.add_argument("--shape", action="append", default=[], metavar="[NAME=]1x3x224x224")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=FILE.npy")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.threads < 1 or arguments.rounds < 1 or arguments.seconds <= 0:
        parser.error("--threads, --rounds and --seconds are positive")
    read_models(parser, arguments)
    arguments.shapes, arguments.arrays = {}, {}
    for text in arguments.shape + arguments.input:
        name, _, value = text.rpartition("=")
        try:
            if text in arguments.input:
                arguments.arrays[name] = np.load(value)
            else:
                arguments.shapes[name or None] = feeds.parse_shape(value)
        except (OSError, ValueError) as error:
            parser.error(f"{text}: {error}")
        if (name or text in arguments.input) and not any(
                name == known.name for inputs, _ in arguments.ports.values() for known in inputs):
            parser.error(f"{text}: no model has an input of that name")
    return arguments


def read_models(parser, arguments):
    """Sets `ports`: inputs and names of outputs by model."""
    arguments.ports = {}
    for path in arguments.models:
        try:
            arguments.ports[path] = feeds.io_of(path)
        except OSError as error:
            parser.error(f"{path}: {error.strerror}")
        except Exception as error:  # of protobuf's several
            parser.error(f"{path}: {error}")


def installed(binary):
    """The engines that are here, by name."""
    found = {}
    makers = {
        engines.Adze.name: lambda: engines.Adze(binary),
        engines.OnnxRuntime.name: engines.OnnxRuntime,
        engines.OpenVino.name: engines.OpenVino,
    }
    for name, make in makers.items():
        try:
            found[name] = make()
        except engines.Unavailable as error:
            print(f"skipped {name}: {error}", file=sys.stderr)
    return found


def processor():
    try:
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def compared(loaded, names, notes):
    """Adze's largest difference from ONNX Runtime's outputs, and the engines that run and don't differ from them by
    more than BOUND; without ONNX Runtime, all that run."""
    outputs = {}
    for name, engine in loaded.items():
        try:
            outputs[name] = engine.outputs(names)
        except engines.Unavailable as error:
            notes.append(f"{name}: {error}")
    want = outputs.get(engines.OnnxRuntime.name)
    if want is None:
        notes.append("no outputs of ONNX Runtime to compare with")
        return None, {name: loaded[name] for name in outputs}
    off = {name: feeds.difference(got, want) for name, got in outputs.items()}
    for name, value in off.items():
        if value > BOUND:
            notes.append(f"{name}: outputs differ by {value:.1e} of the largest value, not timed")
    return off.get(report.OWN), {name: loaded[name] for name, value in off.items() if value <= BOUND}


def measure(path, available, arguments):
    inputs, outputs = arguments.ports[path]
    fed, loaded, notes = {}, {}, []
    try:
        fed = feeds.make_feeds(inputs, arguments.shapes, arguments.arrays)
    except ValueError as error:
        notes.append(str(error))
        available = {}
    for name, engine in available.items():
        try:
            loaded[name] = engine.load(path, fed, arguments.threads)
        except engines.Unavailable as error:
            notes.append(f"{name}: {error}")
    difference, same = compared(loaded, outputs, notes)
    times = {}
    if same:
        times = rounds.take_turns({name: engine.latency for name, engine in same.items()}, arguments.rounds,
                                  arguments.seconds)
    peers = [name for name in times if name != report.OWN]
    both = report.OWN in times and peers
    return {
        "model": path.stem,
        "inputs": {name: list(array.shape) for name, array in fed.items()},
        "latency_ms": times,
        "speed_up": rounds.speed_up(times, report.OWN, peers) if both else None,
        "against": {peer: rounds.speed_up(times, report.OWN, [peer]) for peer in peers} if both else {},
        "difference": difference,
        "notes": notes,
    }


def main():
    arguments = parse_arguments()
    available = installed(arguments.adze)
    if report.OWN not in available:
        return 2
    result = {
        "machine": processor(),
        "engines": {name: engine.version for name, engine in available.items()},
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "models": [],
    }
    for path in arguments.models:
        print(path.stem, file=sys.stderr, flush=True)
        result["models"].append(measure(path, available, arguments))
    report.add_means(result)
    print(report.markdown(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if all(report.OWN in model["latency_ms"] for model in result["models"]) else 1


if __name__ == "__main__":
    sys.exit(main())
