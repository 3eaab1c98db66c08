#!/usr/bin/env python3
"""Runs the nine image networks that come with the onnx package, by ONNX Runtime and by adze.

    light_models.py ADZE

Their files are small because every weight is the same number, written by a ConstantOfShape node. With such weights all
channels are equal and every class gets the same score, so that hardly a mistake would show: each weight is multiplied
here by a pattern that differs at every place, made from two short vectors inside the graph. Inputs are random; the
scores, and what goes into the last Softmax, must agree within BOUND of the largest value. Exit code 77 without the
packages.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnx.backend.test
    import onnxruntime
    from onnx import helper, numpy_helper
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

BOUND = 1e-3
LARGE = 1 << 24  # elements; larger weights are a product of two vectors alone, to save memory


class Weights:
    """Gives a model weights that differ."""

    def __init__(self, model, seed):
        self.graph, self.random = model.graph, np.random.default_rng(seed)
        self.constants = {value.name: numpy_helper.to_array(value) for value in model.graph.initializer}
        self.variances = {node.input[4] for node in model.graph.node if node.op_type == "BatchNormalization"}

    def constant(self, name, values):
        self.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def spread(self, name, shape):
        """The name of the new weights, and the nodes that make them of `name`'s."""
        if len(shape) == 1:
            low, high = (25, 75) if name in self.variances else (-25, 75)
            factor = self.constant(name + ".factor", self.random.uniform(low, high, shape))
            return name + ".spread", [helper.make_node("Mul", [name, factor], [name + ".spread"])]
        size = 2 / np.sqrt(np.prod(shape[1:]))
        rows = self.random.uniform(1, 30, (shape[0], *[1] * (len(shape) - 1)))
        columns = self.random.uniform(1, 30, (1, *shape[1:]))
        if np.prod(shape) > LARGE:
            rows, columns = rows / 30 * size, np.sin(columns)
        product = helper.make_node(
            "Mul", [self.constant(name + ".rows", rows), self.constant(name + ".columns", columns)], [name + ".product"])
        if np.prod(shape) > LARGE:
            return name + ".product", [product]
        # A sine of products of random numbers has mean 0 and variance 1/2: activations keep their size.
        return name + ".spread", [
            product,
            helper.make_node("Sin", [name + ".product"], [name + ".sine"]),
            helper.make_node("Mul", [name + ".sine", self.constant(name + ".size", np.array(size / 0.02))], [name + ".factor"]),
            helper.make_node("Mul", [name, name + ".factor"], [name + ".spread"]),
        ]  # fmt: skip

    def spread_all(self):
        nodes, renamed = [], {}
        for node in self.graph.node:
            node.input[:] = [renamed.get(name, name) for name in node.input]
            nodes.append(node)
            if node.op_type == "ConstantOfShape":
                renamed[node.output[0]], making = self.spread(node.output[0], self.constants[node.input[0]])
                nodes += making
        del self.graph.node[:]
        self.graph.node.extend(nodes)


def show_logits(graph):
    last = graph.node[-1]
    if last.op_type == "Softmax":
        graph.output.append(helper.make_tensor_value_info(last.input[0], onnx.TensorProto.FLOAT, None))


def scores_of(adze, model, name, image, outputs, work):
    np.save(work / "input.npy", image)
    command = [adze, "run", model, "--input", f"{name}={work}/input.npy", "--output-dir", work]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return [np.load(work / f"{output.replace('/', '_')}.npy") for output in outputs]


def difference(wanted, got):
    assert wanted.shape == got.shape and wanted.dtype == got.dtype, (wanted.shape, got.shape)
    return float(np.abs(wanted - got).max() / np.abs(wanted).max())


def main():
    adze, wrong = pathlib.Path(sys.argv[1]).resolve(), False
    models = sorted((pathlib.Path(onnx.backend.test.__file__).parent / "data" / "light").glob("light_*.onnx"))
    for seed, path in enumerate(models):
        model = onnx.load(path)
        Weights(model, seed).spread_all()
        show_logits(model.graph)
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            onnx.save(model, work / path.name)
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(work / path.name, options, providers=["CPUExecutionProvider"])
            port, outputs = session.get_inputs()[0], [output.name for output in session.get_outputs()]
            image = np.random.default_rng(seed).standard_normal(port.shape, dtype=np.float32)
            wanted = session.run(outputs, {port.name: image})
            del session
            got = scores_of(adze, work / path.name, port.name, image, outputs, work)
        apart = [difference(*pair) for pair in zip(wanted, got, strict=True)]
        spread = [float(np.ptp(values) / np.abs(values).max()) for values in wanted]
        fine = max(apart) <= BOUND and min(spread) > 0.1
        wrong |= not fine
        print(f"{path.stem}: outputs differ by {', '.join(f'{a:.1e}' for a in apart)} of the largest value"
              f"{'' if fine else ', which is too much' if max(apart) > BOUND else f', but hardly vary: {spread}'}",
              flush=True)  # fmt: skip
    if len(models) != 9:
        print(f"{len(models)} models instead of 9")
    sys.exit(1 if wrong or len(models) != 9 else 0)


if __name__ == "__main__":
    main()
