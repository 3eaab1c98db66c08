"""Horizontal bars as SVG. Text and bars have colours for light and for dark pages, chosen by the viewer's setting."""
import dataclasses
import math
import xml.etree.ElementTree as ElementTree

WIDTH = 860
CHARACTER = 6.6  # pixels that a letter of a label takes at most, nearly always
LINE, BAR, GAP = 20, 11, 8
VALUE_WIDTH = 120  # right of the bars, for their figures
TOP = 44

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.heading { font-size: 14px; font-weight: 600 }
.tick { font-size: 11px; fill: #57606a }
.grid { stroke: #57606a; stroke-opacity: .2 }
.mark { stroke: #24292f; stroke-dasharray: 4 3 }
.spread { stroke: #24292f; stroke-width: 1.5 }
.s0 { fill: #2f6fb7 } .s1 { fill: #d4802a } .s2 { fill: #6b8e4e } .s3 { fill: #8a63a8 }
@media (prefers-color-scheme: dark) {
 text { fill: #e6edf3 }
 .tick { fill: #9198a1 }
 .grid { stroke: #9198a1 }
 .mark, .spread { stroke: #e6edf3 }
 .s0 { fill: #5b9be6 } .s1 { fill: #e39a4f } .s2 { fill: #8fb573 } .s3 { fill: #b18ad0 }
}
"""


@dataclasses.dataclass
class Bar:
    value: float
    text: str  # the figure, written on the right
    series: int = 0
    spread: tuple | None = None  # from, to


@dataclasses.dataclass
class Row:
    label: str
    bars: list


@dataclasses.dataclass
class Chart:
    title: str
    description: str  # what a reader who sees no picture should know
    groups: list  # of (heading or "", rows)
    mark: float  # a value with a line across all bars
    mark_label: str
    series: list = dataclasses.field(default_factory=list)  # names, for a legend


def tick_step(largest):
    """1, 2 or 5 times a power of ten, so that there are up to six."""
    power = 10 ** math.floor(math.log10(largest / 5))
    return next(step * power for step in (1, 2, 5, 10) if largest / (step * power) <= 6)


class Drawing:
    def __init__(self, chart):
        self.chart = chart
        rows = [row for _, group in chart.groups for row in group]
        bars = [bar for row in rows for bar in row.bars]
        self.largest = max([chart.mark] + [max(bar.value, (bar.spread or (0, 0))[1]) for bar in bars])
        self.left = 16 + CHARACTER * max(len(row.label) for row in rows)
        self.scale = (max(WIDTH, self.left + 400) - self.left - VALUE_WIDTH) / self.largest
        self.root = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img",
                                                "aria-labelledby": "title description"})
        self.add("title", chart.title, id="title")
        self.add("desc", chart.description, id="description")
        self.add("style", STYLE)

    def add(self, tag, text=None, parent=None, **attributes):
        attributes = {name.rstrip("_").replace("_", "-"): value if isinstance(value, str) else f"{value:.2f}"
                      for name, value in attributes.items()}
        element = ElementTree.SubElement(self.root if parent is None else parent, tag, attributes)
        element.text = text
        return element

    def x(self, value):
        return self.left + self.scale * value

    def row(self, row, y):
        height = GAP + BAR * len(row.bars)
        self.add("text", row.label, x=self.left - 8, y=y + height / 2 + 4, text_anchor="end")
        y += GAP / 2
        for bar in row.bars:
            rect = self.add("rect", class_=f"bar s{bar.series}", x=self.left, y=y, width=self.scale * bar.value,
                            height=BAR - 1.0)
            name = f" {self.chart.series[bar.series]}" if self.chart.series else ""
            self.add("title", f"{row.label}{name}: {bar.text}", parent=rect)
            if bar.spread:
                middle, (low, high) = y + (BAR - 1) / 2, bar.spread
                self.add("path", class_="spread",
                         d=f"M{self.x(low):.2f} {middle:.2f}H{self.x(high):.2f}"
                           f"M{self.x(low):.2f} {middle - 3:.2f}v6M{self.x(high):.2f} {middle - 3:.2f}v6")
            self.add("text", bar.text, x=self.x(self.largest) + 8, y=y + BAR - 1.5, class_="tick")
            y += BAR
        return height

    def body(self, y):
        for heading, rows in self.chart.groups:
            if heading:
                self.add("text", heading, x=8, y=y + LINE, class_="heading")
                y += LINE + GAP
            for row in rows:
                y += self.row(row, y)
            y += GAP
        return y

    def scales(self, top, bottom):
        """Behind the bars: ticks and their lines. Before them: the mark."""
        grid = ElementTree.Element("g")
        self.root.insert(3, grid)
        step = tick_step(self.largest)
        for i in range(int(self.largest / step) + 1):
            at = self.x(i * step)
            self.add("path", parent=grid, class_="grid", d=f"M{at:.2f} {top}V{bottom:.2f}")
            self.add("text", f"{i * step:g}", parent=grid, x=at, y=bottom + 14, class_="tick", text_anchor="middle")
        at = self.x(self.chart.mark)
        self.add("line", class_="mark", x1=at, x2=at, y1=top, y2=bottom)
        self.add("text", self.chart.mark_label, x=at, y=bottom + 28, class_="tick", text_anchor="middle")

    def legend(self, y):
        x = self.left
        for number, name in enumerate(self.chart.series):
            self.add("rect", class_=f"s{number}", x=x, y=y - 9.0, width=10, height=10)
            self.add("text", name, x=x + 15, y=y, class_="tick")
            x += 40 + CHARACTER * len(name)

    def draw(self):
        self.add("text", self.chart.title, x=8, y=20, class_="heading")
        self.legend(37)
        bottom = self.body(TOP)
        self.scales(TOP, bottom)
        width, height = self.x(self.largest) + VALUE_WIDTH, bottom + 36
        self.root.set("viewBox", f"0 0 {width:.0f} {height:.0f}")
        self.root.set("width", f"{width:.0f}")
        self.root.set("height", f"{height:.0f}")
        ElementTree.indent(self.root, " ")
        return ElementTree.tostring(self.root, encoding="unicode") + "\n"


def draw(chart):
    return Drawing(chart).draw()
