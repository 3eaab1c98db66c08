#!/usr/bin/env python3
"""Draws the figures of the benchmarks as SVG, with Python alone.

    plot.py FILE.json [-o FILE.svg] [--only REGEX]

FILE.json is what `bench/peers/peers.py --json` wrote, or `kernels_bench --benchmark_format=json` printed: speed-ups
against the better peer, or shares of the FMA peak by kernel, shape and instruction set. --only keeps the models or
benchmarks whose names match. Exit codes: 0 right, 2 usage or a file without figures.
"""
import argparse
import json
import pathlib
import re
import sys

from bars import Bar, Chart, Row, draw

FASTER, SLOWER = 0, 1


def peers_chart(report, only):
    rows = []
    for model in report["models"]:
        ratio = model["speed_up"]
        if not ratio or not only.search(model["model"]):
            continue
        text = "{median:.2f} ({lower:.2f} to {upper:.2f})".format(**ratio)
        bar = Bar(ratio["median"], text, FASTER if ratio["median"] >= 1 else SLOWER, (ratio["lower"], ratio["upper"]))
        rows.append(Row(model["model"], [bar]))
    slower = sum(row.bars[0].series == SLOWER for row in rows)
    engines = ", ".join(report["engines"].values())
    return Chart(
        title="Speed against the better peer",
        description=f"One bar for each of {len(rows)} models: how many times as fast adze is as the faster of the "
                    f"other engines, with quartiles; {slower} are slower. {engines}; {report['machine']}, "
                    f"threads: {report['threads']}.",
        groups=[("", rows)], mark=1, mark_label="as fast", series=["faster", "slower"])


def shares(report, only):
    """Percent of the peak by family, then shape, then instruction set; the best of repetitions."""
    families = {}
    for run in report["benchmarks"]:
        if run.get("run_type") == "aggregate" or not only.search(run["name"]):
            continue
        if "%peak" not in run:
            print(f"{run['name']}: {run.get('error_message', 'has no share of the peak')}", file=sys.stderr)
            continue
        family, isa, shape = run["name"].split("/", 2)
        label = f"{shape}, {run['label']}" if run.get("label") else shape
        isas = families.setdefault(family, {}).setdefault(label, {})
        isas[isa] = max(isas.get(isa, 0), run["%peak"])
    return families


def kernels_chart(report, only):
    families = shares(report, only)
    isas = list(dict.fromkeys(isa for shapes in families.values() for by_isa in shapes.values() for isa in by_isa))
    groups = [(family, [Row(shape, [Bar(share, f"{share:.0f} %", isas.index(isa)) for isa, share in by_isa.items()])
                        for shape, by_isa in shapes.items()])
              for family, shapes in families.items()]
    count = sum(len(shapes) for shapes in families.values())
    return Chart(
        title="Kernels: % of the FMA peak of their instruction set",
        description=f"For each of {count} shapes of {', '.join(families)} a bar for each instruction set "
                    f"({', '.join(isas)}): the share of the multiply-adds that one core does in registers.",
        groups=groups, mark=100, mark_label="FMA peak", series=isas)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="FILE.svg", help="else stdout")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX")
    arguments = parser.parse_args()
    try:
        report = json.loads(arguments.figures.read_text(encoding="utf-8"))
        chart = (peers_chart if "models" in report else kernels_chart)(report, arguments.only)
    except OSError as error:
        parser.error(f"{arguments.figures}: {error.strerror}")
    except (ValueError, KeyError, TypeError) as error:
        parser.error(f"{arguments.figures}: is neither a report of peers.py nor of kernels_bench ({error!r})")
    if not any(rows for _, rows in chart.groups):
        parser.error(f"{arguments.figures}: no figures to draw")
    svg = draw(chart)
    if arguments.output:
        arguments.output.write_text(svg, encoding="utf-8")
    else:
        sys.stdout.write(svg)


if __name__ == "__main__":
    main()
