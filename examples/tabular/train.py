#!/usr/bin/env python3
"""Trains the bundled tabular model and writes tumour.onnx, features.txt, samples.npy, samples.labels.txt, request.json.

    python examples/tabular/train.py

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

from export import save
from layers import Dense, Network, Relu, batches
from tabular.data import names, split

EPOCHS = 60
REQUIRED_ACCURACY = 0.95


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def train(rows, labels):
    random = np.random.default_rng(11)
    network = Network(
        [Dense(rows.shape[1], 64, random), Relu(), Dense(64, 32, random), Relu(), Dense(32, 1, random)],
        weight_decay=0.05,
    )
    for epoch in range(EPOCHS):
        rate = 5e-4 * (1 + np.cos(np.pi * epoch / EPOCHS))
        for batch in batches(len(rows), 16, random):
            noisy = rows[batch] + random.normal(0, 0.1, rows[batch].shape).astype(np.float32)
            score = sigmoid(network(noisy))
            network.step((score - labels[batch, None]) / len(batch), rate)
    return network


def export(network, mean, spread):
    weights = {}
    for name, layer in zip(("dense1", "dense2", "dense3"), network.trained):
        weights[f"{name}.w"], weights[f"{name}.b"] = layer.parameters
    # ((x - mean) / spread) w + b = x w' + b': the graph takes the raw measurements.
    raw = weights["dense1.w"] / spread[:, None]
    weights["dense1.b"] = (weights["dense1.b"] - mean @ raw).astype(np.float32)
    weights["dense1.w"] = raw.astype(np.float32)
    node = helper.make_node
    nodes = [
        node("Gemm", ["features", "dense1.w", "dense1.b"], ["d1"], "dense1"),
        node("Relu", ["d1"], ["r1"], "relu1"),
        node("Gemm", ["r1", "dense2.w", "dense2.b"], ["d2"], "dense2"),
        node("Relu", ["d2"], ["r2"], "relu2"),
        node("Gemm", ["r2", "dense3.w", "dense3.b"], ["d3"], "dense3"),
        node("Sigmoid", ["d3"], ["score"], "sigmoid"),
    ]
    save(
        HERE / "tumour.onnx",
        doc="Breast tumours. features: the 30 measurements of features.txt, in that order and in their own units. "
        "score: the probability that the tumour is malignant.",
        nodes=nodes,
        weights=weights,
        inputs={"features": ["N", len(mean)]},
        outputs={"score": ["N", 1]},
    )


def save_samples(rows, labels):
    """The first five benign and the first five malignant test rows, in turn."""
    chosen = np.stack([np.flatnonzero(labels == label)[:5] for label in (0, 1)], axis=1).reshape(-1)
    np.save(HERE / "samples.npy", rows[chosen])
    (HERE / "samples.labels.txt").write_text("".join(f"{int(labels[i])}\n" for i in chosen))
    (HERE / "features.txt").write_text("".join(f"{name}\n" for name in names()))
    features = [float(str(value)) for value in rows[chosen[1]]]
    (HERE / "request.json").write_text(json.dumps({"features": features}) + "\n")


def main():
    train_rows, test_rows, train_labels, test_labels = split()
    mean, spread = train_rows.astype(np.float64).mean(0), train_rows.astype(np.float64).std(0)

    def standardised(rows):
        return ((rows - mean) / spread).astype(np.float32)

    network = train(standardised(train_rows), train_labels)
    accuracy = np.mean((network(standardised(test_rows))[:, 0] > 0) == (test_labels > 0.5))
    print(f"{len(test_rows)} test rows, accuracy {accuracy:.2%}")
    if accuracy < REQUIRED_ACCURACY:
        sys.exit(f"accuracy is below {REQUIRED_ACCURACY:.0%}")
    export(network, mean, spread)
    save_samples(test_rows, test_labels)


if __name__ == "__main__":
    main()
