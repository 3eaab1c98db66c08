"""Rounds in which the engines take turns, and what their times say."""
import statistics


def take_turns(engines, rounds, seconds):
    """Latencies in ms by engine, one a round. `engines` has what measures by name. Each round starts with another
    engine, so that none is always behind the same one."""
    names = list(engines)
    times = {name: [] for name in names}
    for round_ in range(rounds):
        first = round_ % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(engines[name](seconds))
    return times


def quartiles(values):
    if len(values) == 1:
        return values[0], values[0], values[0]
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def speed_up(times, own, peers):
    """How many times as fast `own` is as the fastest of `peers`: the quartiles of the ratios within each round, whose
    times share what the machine was like in it."""
    ratios = [min(times[peer][i] for peer in peers) / own_ms for i, own_ms in enumerate(times[own])]
    lower, median, upper = quartiles(ratios)
    return {"lower": lower, "median": median, "upper": upper}


def geometric_mean(values):
    return statistics.geometric_mean(values) if values else None
