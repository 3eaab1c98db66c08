"""bench/plot.py on small reports: the SVG parses, says what it shows, and its bars are as long as their figures."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

PLOT = pathlib.Path(__file__).parents[2] / "bench" / "plot.py"
SVG = "{http://www.w3.org/2000/svg}"


def model(name, lower, median, upper):
    ratio = {"lower": lower, "median": median, "upper": upper} if median else None
    return {"model": name, "speed_up": ratio}


PEERS = {"machine": "<cpu> & co", "engines": {"adze": "adze 1", "peer": "peer 2"}, "threads": 1, "models": [
    model("quick", 2.25, 2.5, 2.75), model("slow", 0.5, 0.5, 0.5), model("refused", None, None, None)]}


def run(name, share, **more):
    return {"name": name, "run_type": "iteration", "label": "m 1 n 2 k 3", "%peak": share, **more}


KERNELS = {"context": {}, "benchmarks": [
    run("gemm_f32/avx512/m/fc", 80), run("gemm_f32/avx512/m/fc", 90), run("gemm_f32/avx2/m/fc", 45),
    run("gemm_f32/avx512/m/fc", 1000, run_type="aggregate"),
    run("conv_f32/avx512/m/3x3", 120),
    {"name": "conv_f32/avx2/m/3x3", "run_type": "iteration", "error_message": "the result is wrong"}]}


def plot(report, *options):
    with tempfile.TemporaryDirectory() as folder:
        figures, svg = pathlib.Path(folder, "figures.json"), pathlib.Path(folder, "figures.svg")
        figures.write_text(report if isinstance(report, str) else json.dumps(report), encoding="utf-8")
        done = subprocess.run([sys.executable, PLOT, figures, "-o", svg, *options], capture_output=True, text=True)
        return done, ElementTree.parse(svg).getroot() if done.returncode == 0 else None


def bars(root):
    """By tooltip, the length in units of the line across all bars."""
    mark = next(root.iter(SVG + "line"))
    found = {}
    for rect in root.iter(SVG + "rect"):
        if "bar" in rect.get("class").split():
            start, width = float(rect.get("x")), float(rect.get("width"))
            found[rect.find(SVG + "title").text] = width / (float(mark.get("x1")) - start)
    return found


class Plots(unittest.TestCase):
    def assert_bars(self, root, want):
        got = bars(root)
        self.assertEqual(list(got), list(want))
        for name, length in want.items():
            self.assertAlmostEqual(got[name], length, places=3, msg=name)

    def assert_described(self, root, *parts):
        self.assertEqual(root.tag, SVG + "svg")
        self.assertEqual(root.get("role"), "img")
        named = {element.get("id"): element.text for element in root if element.tag in (SVG + "title", SVG + "desc")}
        self.assertEqual(root.get("aria-labelledby").split(), list(named))
        for part in parts:
            self.assertIn(part, named["description"])
        self.assertIn("prefers-color-scheme: dark", root.find(SVG + "style").text)

    def test_peers(self):
        done, root = plot(PEERS)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assert_bars(root, {"quick faster: 2.50 (2.25 to 2.75)": 2.5, "slow slower: 0.50 (0.50 to 0.50)": 0.5})
        self.assert_described(root, "2 models", "1 are slower", "<cpu> & co")

    def test_everything_lies_inside(self):
        for report in (PEERS, KERNELS):
            _, root = plot(report)
            _, _, width, height = map(float, root.get("viewBox").split())
            for element in root.iter():
                right = float(element.get("x", 0)) + float(element.get("width", 0)) if element is not root else 0
                self.assertLessEqual(right, width)
                self.assertLessEqual(float(element.get("y", 0)), height)

    def test_kernels(self):
        done, root = plot(KERNELS)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "conv_f32/avx2/m/3x3: the result is wrong\n")
        self.assert_bars(root, {
            "m/fc, m 1 n 2 k 3 avx512: 90 %": 0.9,  # the best of repetitions, no aggregates
            "m/fc, m 1 n 2 k 3 avx2: 45 %": 0.45,
            "m/3x3, m 1 n 2 k 3 avx512: 120 %": 1.2,
        })
        self.assert_described(root, "2 shapes", "gemm_f32, conv_f32", "avx512, avx2")
        headings = [text.text for text in root.iter(SVG + "text") if text.get("class") == "heading"]
        self.assertEqual(headings[1:], ["gemm_f32", "conv_f32"])

    def test_only(self):
        _, root = plot(KERNELS, "--only", "avx2/m/fc")
        self.assert_bars(root, {"m/fc, m 1 n 2 k 3 avx2: 45 %": 0.45})

    def test_usage(self):
        for report in ("nothing", "[]", "{}", json.dumps({"models": []}), json.dumps({"benchmarks": []})):
            done, _ = plot(report)
            self.assertEqual(done.returncode, 2, report)
            self.assertIn("figures.json", done.stderr)


if __name__ == "__main__":
    unittest.main()
