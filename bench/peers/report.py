"""The figures as a table of Markdown.

A report is what --json writes:

    {"machine", "engines", "threads", "rounds", "seconds",
     "models": [{"model", "inputs", "latency_ms", "speed_up", "against", "difference", "notes"}],
     "geometric_mean", "against_mean"}

latency_ms has a list by engine, one a round; speed_up the quartiles against the better peer, null without figures;
`against` the same by peer.
"""
from rounds import geometric_mean, quartiles

OWN = "adze"


def milliseconds(values):
    return "{:.3f}".format(quartiles(values)[1]) if values else "-"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def add_means(report):
    models = report["models"]
    peers = sorted({peer for model in models for peer in model["against"]})
    report["geometric_mean"] = geometric_mean([m["speed_up"]["median"] for m in models if m["speed_up"]])
    report["against_mean"] = {
        peer: geometric_mean([m["against"][peer]["median"] for m in models if peer in m["against"]]) for peer in peers
    }


def markdown(report):
    names = [name for name in report["engines"]]
    lines = [
        row(["model"] + [f"{name} ms" for name in names] + ["speed-up", "quartiles", "difference"]),
        row(["---"] + ["---:"] * (len(names) + 3)),
    ]
    notes = []
    for model in report["models"]:
        ratio = model["speed_up"]
        lines.append(row(
            [model["model"]] + [milliseconds(model["latency_ms"].get(name)) for name in names] +
            (["{median:.2f}".format(**ratio), "{lower:.2f} to {upper:.2f}".format(**ratio)] if ratio else ["-", "-"]) +
            ["-" if model["difference"] is None else f"{model['difference']:.0e}"]))
        notes += [f"- {model['model']}: {note}" for note in model["notes"]]
    if notes:
        lines += ["", *notes]
    lines += ["", summary(report)]
    return "\n".join(lines)


def summary(report):
    ratios = [model["speed_up"]["median"] for model in report["models"] if model["speed_up"]]
    if not ratios:
        return "No model has figures of adze and a peer."
    means = "".join(f", {mean:.2f} of {peer}" for peer, mean in report["against_mean"].items())
    threads = f"{report['threads']} thread" + ("s" if report["threads"] != 1 else "")
    return (f"{report['machine']}, {threads}, {', '.join(report['engines'].values())}. Over {len(ratios)} models the "
            f"geometric mean is {report['geometric_mean']:.2f} times the speed of the better peer{means}; "
            f"{sum(ratio < 1 for ratio in ratios)} slower, the least {min(ratios):.2f}.")
