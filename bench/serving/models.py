#!/usr/bin/env python3
"""Writes models for checks.py with the onnx package.

    models.py FILE           x [batch, length] -> y: products one behind the other; 512 numbers keep a core busy for
                             seconds, one number hardly, so that a server's warm-up is short
    models.py --image FILE   image [batch, 3, 224, 224] -> mean: next to nothing to compute for many bytes
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, PRODUCTS = 512, 2000


def slow():
    weights = numpy_helper.from_array(np.full((WIDTH, WIDTH), 1 / WIDTH, np.float32), "w")
    spread = numpy_helper.from_array(np.ones((1, 1, WIDTH), np.float32), "spread")
    axis = numpy_helper.from_array(np.array([2], np.int64), "axis")
    nodes = [helper.make_node("Unsqueeze", ["x", "axis"], ["x3"]), helper.make_node("Mul", ["x3", "spread"], ["t0"])]
    nodes += [helper.make_node("MatMul", [f"t{i}", "w"], [f"t{i + 1}"]) for i in range(PRODUCTS)]
    nodes.append(helper.make_node("ReduceMean", [f"t{PRODUCTS}"], ["y"], axes=[1, 2], keepdims=0))
    return helper.make_graph(
        nodes, "slow", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch"])], [weights, spread, axis])


def image():
    nodes = [helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0)]
    return helper.make_graph(
        nodes, "image", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 224, 224])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch"])])


def main():
    *flags, path = sys.argv[1:] or sys.exit(__doc__)
    graph = image() if flags == ["--image"] else slow()
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


if __name__ == "__main__":
    main()
