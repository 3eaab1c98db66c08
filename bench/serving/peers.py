#!/usr/bin/env python3
"""Puts the same load on adze and on what else people serve such a model with, side by side on this machine.

    peers.py [--adze FILE] [--load FILE] [--folder DIR] [--connections 8,64,512,2000] [--rounds N] [--seconds S]
             [--servers NAME,...] [--json FILE] MODEL

MODEL has one input of numbers, like a multi-layer perceptron; each request is a JSON body of that many features. The
servers take turns, round by round, each started afresh from its own package: Go's net/http from the Go here, the
Python ones in a virtual environment that is made in DIR (build/serving). The load is closed: every connection sends
its next request when it has its answer. Load and server share the machine.

Before that each answers one request; a server whose model gives another score than adze's isn't measured. The table is
Markdown, with medians over the rounds; --json writes every figure. Exit codes: 0 right, 1 adze failed to answer a
request, 2 usage.
"""
import argparse
import json
import math
import pathlib
import statistics
import sys

import client
import loads
import servers


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--adze", default="build/release/bin/adze", metavar="FILE")
    parser.add_argument("--load", default="build/release/bin/serving_load", metavar="FILE")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("build/serving"), metavar="DIR")
    parser.add_argument("--connections", default="8,64,512,2000", metavar="N,...")
    parser.add_argument("--features", type=int, default=64, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--seconds", type=float, default=5, metavar="S", help="of each load")
    parser.add_argument("--servers", default="adze,go,fastapi,mosec", metavar="NAME,...")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    arguments = parser.parse_args()
    try:
        arguments.connections = [int(text) for text in arguments.connections.split(",")]
    except ValueError:
        parser.error("--connections takes numbers")
    if arguments.rounds < 1 or arguments.seconds <= 0 or min(arguments.connections) < 1:
        parser.error("--rounds, --seconds and --connections are positive")
    if not arguments.model.exists():
        parser.error(f"{arguments.model}: there is no such file")
    return arguments


def installed(arguments):
    """The servers that are here, in the order that was asked for."""
    arguments.folder = arguments.folder.resolve()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    makers = {
        "adze": lambda: servers.Adze(arguments.adze),
        "go": lambda: servers.Go(arguments.folder),
        "fastapi": lambda: servers.FastApi(servers.Environment(arguments.folder)),
        "mosec": lambda: servers.Mosec(servers.Environment(arguments.folder)),
    }
    found = []
    for name in arguments.servers.split(","):
        if name not in makers:
            sys.exit(f"peers.py: --servers {name}: there are {', '.join(makers)}")
        try:
            found.append(makers[name]())
        except servers.Unavailable as error:
            print(f"skipped {name}: {error}", file=sys.stderr)
    return found


def score(server, arguments):
    features = [math.sin(i) for i in range(arguments.features)]
    with server.serving(arguments.model) as running, client.Client(running.port) as one:
        status, _, body = one.ask(client.predict(features))
        if status != 200:
            raise servers.Unavailable(f"answers {status}: {body.decode(errors='replace')[:200]}")
        return json.loads(body)["score"]


def agreeing(found, arguments):
    """The servers that give the first one's score, or have no model."""
    kept, want = [], None
    for server in found:
        try:
            got = score(server, arguments)
        except (servers.Unavailable, OSError, ValueError, KeyError) as error:
            print(f"skipped {server.name}: {error}", file=sys.stderr)
            continue
        if server.has_model:
            want = got if want is None else want
            if not math.isclose(got, want, rel_tol=1e-3, abs_tol=1e-4):
                print(f"skipped {server.name}: its score is {got}, not {want}", file=sys.stderr)
                continue
        kept.append(server)
    return kept


def measure(server, arguments, connections, put):
    with server.serving(arguments.model) as running:
        before = running.cpu_seconds()
        report = put.run(running.port, connections=connections, seconds=arguments.seconds,
                         options=["--features", arguments.features])
        report["server_cpu_us"] = 1e6 * (running.cpu_seconds() - before) / max(1, report["answered"])
        return report


def take_turns(found, arguments):
    """Reports by number of connections and server, one a round."""
    put = loads.Loads(arguments.load)
    reports = {connections: {server.name: [] for server in found} for connections in arguments.connections}
    for round_ in range(arguments.rounds):
        first = round_ % len(found)
        for connections in arguments.connections:
            for server in found[first:] + found[:first]:
                try:
                    reports[connections][server.name].append(measure(server, arguments, connections, put))
                except (loads.Failed, servers.Unavailable) as error:
                    print(f"{server.name} at {connections} connections: {error}", file=sys.stderr)
    return reports


def median(reports, figure):
    return statistics.median(figure(report) for report in reports)


def markdown(reports):
    lines = ["| connections | server | requests/s | p50 ms | p99 ms | p99.9 ms | server CPU us | unserved | failed |",
             "|---:|---|---:|---:|---:|---:|---:|---:|---:|"]
    for connections, by_server in reports.items():
        for name, all_ in by_server.items():
            if not all_:
                lines.append(f"| {connections} | {name} | - | - | - | - | - | - | - |")
                continue
            quantiles = [f"{median(all_, lambda report: report['latency_us'][q]) / 1e3:.2f}"
                         for q in ("p50", "p99", "p99.9")]
            unserved = max(connections - report["served_connections"] for report in all_)
            failed = sum(loads.failures(report) for report in all_)
            lines.append(f"| {connections} | {name} | {median(all_, lambda report: report['per_second']):,.0f} | "
                         f"{' | '.join(quantiles)} | {median(all_, lambda report: report['server_cpu_us']):.1f} | "
                         f"{unserved} | {failed} |")
    return "\n".join(lines)


def main():
    arguments = parse_arguments()
    servers.raise_descriptor_limit()
    found = agreeing(installed(arguments), arguments)
    if not found:
        sys.exit("peers.py: there is no server to measure")
    reports = take_turns(found, arguments)
    print(markdown(reports))
    print("\n" + ", ".join(server.version for server in found))
    if arguments.json:
        arguments.json.write_text(json.dumps({"model": arguments.model.stem, "servers": {
            server.name: server.version for server in found}, "reports": reports}, indent=1) + "\n")
    own = [report for by_server in reports.values() for report in by_server.get(servers.Adze.name, [])]
    sys.exit(any(loads.failures(report) for report in own))


if __name__ == "__main__":
    main()
