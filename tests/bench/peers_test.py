"""What bench/peers/ makes of given times: turns, ratios, means, the table. No engine is needed."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench" / "peers"))
import report
import rounds


class Rounds(unittest.TestCase):
    def test_engines_take_turns(self):
        order = []

        def engine(name):
            return lambda seconds: order.append((name, seconds)) or len(order)

        times = rounds.take_turns({name: engine(name) for name in "abc"}, 3, 0.5)
        self.assertEqual("".join(name for name, _ in order), "abc" "bca" "cab")
        self.assertEqual({seconds for _, seconds in order}, {0.5})
        self.assertEqual(times, {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]})

    def test_speed_up_is_of_the_better_peer_of_each_round(self):
        times = {"adze": [1, 2, 4], "slow": [9, 9, 2], "quick": [3, 4, 6]}
        ratios = rounds.speed_up(times, "adze", ["slow", "quick"])  # 3, 2, 0.5
        self.assertEqual(ratios, {"lower": 1.25, "median": 2, "upper": 2.5})
        self.assertEqual(rounds.speed_up(times, "adze", ["slow"])["median"], 4.5)

    def test_one_round_has_no_spread(self):
        self.assertEqual(rounds.quartiles([7]), (7, 7, 7))

    def test_geometric_mean(self):
        self.assertAlmostEqual(rounds.geometric_mean([0.5, 8]), 2)
        self.assertIsNone(rounds.geometric_mean([]))


def model(name, adze, peer, notes=()):
    times = {"adze": adze, "peer": peer} if adze else {"peer": peer}
    ratio = rounds.speed_up(times, "adze", ["peer"]) if adze else None
    return {"model": name, "inputs": {}, "latency_ms": times, "speed_up": ratio,
            "against": {"peer": ratio} if ratio else {}, "difference": 2e-6 if adze else None, "notes": list(notes)}


class Report(unittest.TestCase):
    def setUp(self):
        self.report = {"machine": "cpu", "engines": {"adze": "adze 1", "peer": "peer 2"}, "threads": 1, "models": [
            model("quick", [1, 1, 1], [4, 4, 4]), model("slow", [2, 2, 2], [1, 1, 1]),
            model("refused", None, [5, 5, 5], ["adze: unsupported"])]}
        report.add_means(self.report)

    def test_means(self):
        self.assertAlmostEqual(self.report["geometric_mean"], 2 ** 0.5)
        self.assertAlmostEqual(self.report["against_mean"]["peer"], 2 ** 0.5)

    def test_markdown(self):
        lines = report.markdown(self.report).splitlines()
        self.assertEqual(lines[0], "| model | adze ms | peer ms | speed-up | quartiles | difference |")
        self.assertEqual({line.count("|") for line in lines[:5]}, {7})
        self.assertEqual(lines[2], "| quick | 1.000 | 4.000 | 4.00 | 4.00 to 4.00 | 2e-06 |")
        self.assertEqual(lines[4], "| refused | - | 5.000 | - | - | - |")
        self.assertIn("- refused: adze: unsupported", lines)
        self.assertIn("2 models", lines[-1])
        self.assertIn("1.41 times", lines[-1])
        self.assertIn("1 slower, the least 0.50", lines[-1])

    def test_without_figures(self):
        self.report["models"] = self.report["models"][2:]
        report.add_means(self.report)
        self.assertIsNone(self.report["geometric_mean"])
        self.assertIn("No model has figures", report.markdown(self.report))


try:
    import feeds
    import numpy as np
except ImportError:
    feeds = None


@unittest.skipUnless(feeds, "needs numpy and onnx")
class Difference(unittest.TestCase):
    def off(self, got, want):
        return feeds.difference([np.array(got)], [np.array(want)])

    def test_is_relative_to_the_largest_value(self):
        self.assertAlmostEqual(self.off([1.0, 3.9], [1.0, 4.0]), 0.025)
        self.assertEqual(self.off([1.0, np.nan], [1.0, np.nan]), 0)

    def test_is_infinite_where_nothing_can_be_compared(self):
        for got, want in (([1.0], [1.0, 2.0]), ([1], [1.0]), ([1], [2]), ([np.nan], [1.0]), ([np.inf], [-np.inf]),
                          ([1.0], [np.nan])):
            self.assertEqual(self.off(got, want), float("inf"), (got, want))


if __name__ == "__main__":
    unittest.main()
