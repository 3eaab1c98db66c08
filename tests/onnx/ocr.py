#!/usr/bin/env python3
"""Reads drawn text with trained PP-OCRv4 models, by ONNX Runtime and by adze.

    ocr.py ADZE

Detection, direction and recognition models, and all that is done before, between and after them, are those of the
rapidocr-onnxruntime package. Each page is read twice, with ONNX Runtime and with `adze run` in the place of its
sessions: both must find the drawn lines, in the same boxes, with the same scores. Every single call of a model by the
second reading is repeated by ONNX Runtime, and all outputs compared. Exit code 77 without the packages.

How exact f32 can be depends on the page: where a model is undecided, other orders of the same sums give outputs that
are far apart. ONNX Runtime shows it with two orders of its own, with its optimisations and without.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnxruntime
    import rapidocr_onnxruntime
    from PIL import Image, ImageDraw, ImageFont
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

MODELS = pathlib.Path(rapidocr_onnxruntime.__file__).parent / "models"
OUTPUT_BOUND = 1e-4  # of the largest value of an output, or what ONNX Runtime's two orders allow
ORDERS_BOUND = 4  # times the difference of ONNX Runtime's two orders
BOX_BOUND = 1  # pixels
SCORE_BOUND = 1e-3


class Line:
    """A line of text: its top left corner on the page, size in pixels, and angle in degrees, anticlockwise."""

    def __init__(self, text, x, y, size, angle=0):
        self.text, self.at, self.size, self.angle = text, (x, y), size, angle

    def draw(self, page, ink):
        font = ImageFont.load_default(self.size)  # the outline font that Pillow brings
        left, top, right, bottom = font.getbbox(self.text)
        mask = Image.new("L", (right - left + 2, bottom - top + 2))
        ImageDraw.Draw(mask).text((1 - left, 1 - top), self.text, font=font, fill=255)
        mask = mask.rotate(self.angle, expand=True, resample=Image.Resampling.BICUBIC)
        page.paste(ink, self.at, mask)


# Name: (width, height), paper, ink, lines from top to bottom.
PAGES = {
    "sizes": ((760, 560), "white", "black", [
        Line("Invoice 2024-0815", 40, 30, 48),
        Line("Small print is read as well", 40, 120, 20),
        Line("Total: 1,234.50 EUR", 40, 180, 36),
        Line("The quick brown fox jumps over the lazy dog", 40, 260, 28),
        Line("0123456789", 40, 340, 64),
        Line("user@example.com", 40, 460, 32),
    ]),
    "angles": ((640, 640), "navy", "white", [
        Line("SLANTED LINE 42", 60, 40, 40, angle=12),
        Line("upside down text", 150, 260, 44, angle=180),
        Line("Straight again", 80, 380, 40),
        Line("downhill 75%", 120, 470, 40, angle=-9),
    ]),
    "strip": ((900, 64), "lightyellow", "darkred", [Line("A wide strip with a single line: 3.14159", 20, 12, 34)]),
}


def difference(wanted, got):
    assert wanted.shape == got.shape and wanted.dtype == got.dtype, (wanted.shape, got.shape)
    return float(np.abs(wanted - got).max() / np.abs(wanted).max())


class AdzeSession:
    """Stands in for one of the package's sessions, which it asks again after each call."""

    def __init__(self, adze, model, reference):
        self.adze, self.model, self.reference = adze, MODELS / model, reference
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        self.unoptimised = onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])
        self.differences = []  # a pair for each call: adze from ONNX Runtime, ONNX Runtime's two orders

    def __call__(self, content):
        (name,), (output,) = self.reference.get_input_names(), self.reference.get_output_names()
        with tempfile.TemporaryDirectory() as work:
            np.save(f"{work}/input.npy", content)
            command = [self.adze, "run", self.model, "--input", f"{name}={work}/input.npy", "--output-dir", work]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            got = np.load(f"{work}/{output.replace('/', '_')}.npy")
        wanted, other_order = self.reference(content)[0], self.unoptimised.run([output], {name: content})[0]
        self.differences.append((difference(wanted, got), difference(wanted, other_order)))
        return [got]

    def wrong_calls(self):
        return [pair for pair in self.differences if not pair[0] <= max(OUTPUT_BOUND, ORDERS_BOUND * pair[1])]


def draw(size, paper, ink, lines):
    page = Image.new("RGB", size, paper)
    for line in lines:
        line.draw(page, ink)
    return np.asarray(page)[:, :, ::-1].copy()  # the package takes blue first


def differences(name, lines, wanted, got):
    """Sentences on what is not as it should be."""
    drawn = [line.text.replace(" ", "") for line in lines]
    for reader, result in (("ONNX Runtime", wanted), ("adze", got)):
        texts = [text.replace(" ", "") for _, text, _ in result]
        if texts != drawn:
            yield f"{name}: {reader} reads {texts}, not {drawn}"
    for (box, text, score), (other_box, other_text, other_score) in zip(wanted, got):
        if text != other_text:
            yield f"{name}: {other_text!r} is read, not {text!r}"
        if (apart := float(np.abs(np.subtract(box, other_box)).max())) > BOX_BOUND:
            yield f"{name}: the box of {text!r} is {apart:.1f} pixels away"
        if (apart := abs(float(score) - float(other_score))) > SCORE_BOUND:
            yield f"{name}: the score of {text!r} differs by {apart:.2g}"


def main():
    adze = pathlib.Path(sys.argv[1]).resolve()
    reference, engine = rapidocr_onnxruntime.RapidOCR(), rapidocr_onnxruntime.RapidOCR()
    detect, direct, recognise = engine.text_det, engine.text_cls, engine.text_rec
    detect.infer = AdzeSession(adze, "ch_PP-OCRv4_det_infer.onnx", detect.infer)
    direct.infer = AdzeSession(adze, "ch_ppocr_mobile_v2.0_cls_infer.onnx", direct.infer)
    recognise.session = AdzeSession(adze, "ch_PP-OCRv4_rec_infer.onnx", recognise.session)
    wrong = []
    for name, (size, paper, ink, lines) in PAGES.items():
        page = draw(size, paper, ink, lines)
        wanted, got = reference(page)[0] or [], engine(page)[0] or []
        print(f"{name}: {len(got)} lines read, {len(lines)} drawn")
        wrong += differences(name, lines, wanted, got)
    for session in (detect.infer, direct.infer, recognise.session):
        pairs = ", ".join(f"{ours:.1e} ({theirs:.1e})" for ours, theirs in session.differences)
        print(f"{session.model.name}: outputs differ by {pairs} of the largest value")
        if not session.differences or session.wrong_calls():
            wrong.append(f"{session.model.name}: must be called, and differ by less")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
