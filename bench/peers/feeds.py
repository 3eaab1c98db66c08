"""Inputs for a model whose file is all that is known of it."""
import numpy as np
import onnx
from onnx import helper


def parse_shape(text):
    return [int(dim) for dim in text.split("x")]


def io_of(path):
    """The inputs that a caller must give, and the names of the outputs."""
    graph = onnx.load(path, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in constants], [value.name for value in graph.output]


def make_feeds(inputs, shapes, given):
    """Arrays by name: those given, and random ones. `shapes` has some inputs' shapes by name, or one under None for a
    model's only input; elsewhere a dimension without a size becomes 1. Integers are 0 or 1, which most models can take
    as an index."""
    random, feeds = np.random.default_rng(1), {}
    for value in inputs:
        if value.name in given:
            feeds[value.name] = given[value.name]
            continue
        tensor = value.type.tensor_type
        shape = shapes.get(value.name) or (shapes.get(None) if len(inputs) == 1 else None)
        if shape is None:
            shape = [dim.dim_value or 1 for dim in tensor.shape.dim]
        kind = helper.tensor_dtype_to_np_dtype(tensor.elem_type) if tensor.elem_type else np.dtype(object)
        if kind.kind in "iub":
            feeds[value.name] = random.integers(0, 2, shape).astype(kind)
        elif kind.kind == "f":
            feeds[value.name] = random.random(shape, np.float32).astype(kind)
        else:
            raise ValueError(f"input {value.name} holds no plain numbers: give it with --input")
    return feeds


def difference(got, want):
    """The largest one of any output, relative to that output's largest value; infinite for another shape or type, and
    where what isn't a float is unequal."""
    worst = 0.0
    for g, w in zip(got, want, strict=True):
        if g.shape != w.shape or g.dtype != w.dtype:
            return float("inf")
        if w.size == 0 or np.array_equal(g, w, equal_nan=w.dtype.kind == "f"):
            continue
        if w.dtype.kind != "f":
            return float("inf")
        finite = np.isfinite(w)
        if not np.isfinite(g[finite]).all() or not np.array_equal(g[~finite], w[~finite], equal_nan=True):
            return float("inf")
        off = np.abs(g[finite].astype(np.float64) - w[finite]).max(initial=0)
        worst = max(worst, float(off / max(np.abs(w[finite]).max(initial=0), 1e-12)))
    return worst
