#!/usr/bin/env python3
"""Trains the bundled digit classifier and writes digits.onnx, labels.txt, samples.npy, samples.labels.txt, request.json.

    python examples/digits/train.py

Needs the packages of examples/requirements.txt; takes some seconds. On one machine it writes the same bytes each time.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the order of additions, and so the file, depends on it

import numpy as np
from onnx import helper

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from digits.data import split
from export import save
from layers import Conv3x3, Dense, Flatten, MaxPool2x2, Network, Relu, batches, softmax

EPOCHS = 40
INK = 16  # the data's value for full ink
REQUIRED_ACCURACY = 0.98


def shifted(images, random):
    """Each image moved by up to one pixel each way, and noisy."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moved = np.empty_like(images)
    for i, (y, x) in enumerate(random.integers(0, 3, (len(images), 2))):
        moved[i] = padded[i, :, y : y + 8, x : x + 8]
    return moved + random.normal(0, 0.05, images.shape).astype(np.float32)


def train(images, labels):
    random = np.random.default_rng(11)
    network = Network(
        [
            Conv3x3(1, 16, random), Relu(),
            Conv3x3(16, 32, random), Relu(),
            MaxPool2x2(),
            Conv3x3(32, 32, random), Relu(),
            MaxPool2x2(),
            Flatten(),
            Dense(128, 64, random), Relu(),
            Dense(64, 10, random),
        ],
        weight_decay=1e-3,
    )  # fmt: skip
    wanted = np.eye(10, dtype=np.float32)[labels]
    for epoch in range(EPOCHS):
        rate = 1e-3 * (1 + np.cos(np.pi * epoch / EPOCHS))
        for batch in batches(len(images), 32, random):
            probabilities = softmax(network(shifted(images[batch] / INK, random)))
            network.step((probabilities - wanted[batch]) / len(batch), rate)
    return network


def export(network):
    weights = {}
    for name, layer in zip(("conv1", "conv2", "conv3", "dense1", "dense2"), network.trained):
        weights[f"{name}.w"], weights[f"{name}.b"] = layer.parameters
    weights["conv1.w"] = weights["conv1.w"] / np.float32(INK)  # the graph takes pixels as the data has them
    node = helper.make_node
    border = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    halve = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        node("Conv", ["image", "conv1.w", "conv1.b"], ["c1"], "conv1", **border),
        node("Relu", ["c1"], ["r1"], "relu1"),
        node("Conv", ["r1", "conv2.w", "conv2.b"], ["c2"], "conv2", **border),
        node("Relu", ["c2"], ["r2"], "relu2"),
        node("MaxPool", ["r2"], ["p2"], "pool2", **halve),
        node("Conv", ["p2", "conv3.w", "conv3.b"], ["c3"], "conv3", **border),
        node("Relu", ["c3"], ["r3"], "relu3"),
        node("MaxPool", ["r3"], ["p3"], "pool3", **halve),
        node("Flatten", ["p3"], ["flat"], "flatten"),
        node("Gemm", ["flat", "dense1.w", "dense1.b"], ["d1"], "dense1"),
        node("Relu", ["d1"], ["r4"], "relu4"),
        node("Gemm", ["r4", "dense2.w", "dense2.b"], ["d2"], "dense2"),
        node("Softmax", ["d2"], ["scores"], "softmax", axis=1),
    ]
    save(
        HERE / "digits.onnx",
        doc="Handwritten digits. image: 8 x 8 pixels from 0 (paper) to 16 (ink). scores: the probability of each digit.",
        nodes=nodes,
        weights=weights,
        inputs={"image": ["N", 1, 8, 8]},
        outputs={"scores": ["N", 10]},
    )


def save_samples(images, labels):
    """The first test image of each digit."""
    first = [int(np.argmax(labels == digit)) for digit in range(10)]
    np.save(HERE / "samples.npy", images[first])
    (HERE / "samples.labels.txt").write_text("".join(f"{labels[i]}\n" for i in first))
    (HERE / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    pixels = [int(pixel) for pixel in images[first[3]].reshape(-1)]
    request = {"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8], "data": pixels}]}
    (HERE / "request.json").write_text(json.dumps(request) + "\n")


def main():
    train_images, test_images, train_labels, test_labels = split()
    network = train(train_images, train_labels)
    accuracy = np.mean(network(test_images / INK).argmax(1) == test_labels)
    print(f"{len(test_images)} test images, accuracy {accuracy:.2%}")
    if accuracy < REQUIRED_ACCURACY:
        sys.exit(f"accuracy is below {REQUIRED_ACCURACY:.0%}")
    export(network)
    save_samples(test_images, test_labels)


if __name__ == "__main__":
    main()
