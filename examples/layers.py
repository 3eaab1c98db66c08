"""Layers with hand-written gradients, and Adam: enough to train the bundled models with numpy alone.

A layer is called with a batch and returns its output; backward() takes the loss's gradient by that output, stores the
gradients of its own parameters in `gradients`, and returns the gradient by its input.
"""

import numpy as np


class Dense:
    """y = x w + b, with w of shape [inputs, outputs]."""

    def __init__(self, inputs, outputs, random):
        self.parameters = [
            random.normal(0, np.sqrt(2 / inputs), (inputs, outputs)).astype(np.float32),
            np.zeros(outputs, np.float32),
        ]

    def __call__(self, x):
        self.x = x
        w, b = self.parameters
        return x @ w + b

    def backward(self, dy):
        self.gradients = [self.x.T @ dy, dy.sum(0)]
        return dy @ self.parameters[0].T


class Conv3x3:
    """3 x 3 convolution over [n, c, h, w] with a border of zeros; w has ONNX's shape [oc, c, 3, 3]."""

    def __init__(self, channels, outputs, random):
        scale = np.sqrt(2 / (9 * channels))
        self.parameters = [
            random.normal(0, scale, (outputs, channels, 3, 3)).astype(np.float32),
            np.zeros(outputs, np.float32),
        ]

    def __call__(self, x):
        n, c, h, w = x.shape
        self.shape = x.shape
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))  # n c h w 3 3
        self.columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * 9)
        weights, bias = self.parameters
        y = self.columns @ weights.reshape(len(bias), -1).T + bias
        return y.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, dy):
        n, c, h, w = self.shape
        weights, bias = self.parameters
        dy = dy.transpose(0, 2, 3, 1).reshape(-1, len(bias))
        self.gradients = [(dy.T @ self.columns).reshape(weights.shape), dy.sum(0)]
        columns = (dy @ weights.reshape(len(bias), -1)).reshape(n, h, w, c, 3, 3)
        dx = np.zeros((n, c, h + 2, w + 2), np.float32)
        for i in range(3):
            for j in range(3):
                dx[:, :, i : i + h, j : j + w] += columns[..., i, j].transpose(0, 3, 1, 2)
        return dx[:, :, 1:-1, 1:-1]


class MaxPool2x2:
    def __call__(self, x):
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
        y = blocks.max((3, 5))
        self.chosen = blocks == y[:, :, :, None, :, None]
        return y

    def backward(self, dy):
        n, c, h, w = dy.shape
        return (self.chosen * dy[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w)


class Relu:
    def __call__(self, x):
        self.positive = x > 0
        return x * self.positive

    def backward(self, dy):
        return dy * self.positive


class Flatten:
    def __call__(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy):
        return dy.reshape(self.shape)


class Network:
    """A chain of layers, trained with Adam ("Adam: A Method for Stochastic Optimization")."""

    def __init__(self, layers, weight_decay=0.0):
        self.layers = layers
        self.trained = [layer for layer in layers if hasattr(layer, "parameters")]
        self.weight_decay = weight_decay
        self.moments = [[(np.zeros_like(p), np.zeros_like(p)) for p in layer.parameters] for layer in self.trained]
        self.steps = 0

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def step(self, loss_gradient, rate):
        for layer in reversed(self.layers):
            loss_gradient = layer.backward(loss_gradient)
        self.steps += 1
        for layer, moments in zip(self.trained, self.moments):
            for parameter, gradient, (mean, square) in zip(layer.parameters, layer.gradients, moments):
                mean += 0.1 * (gradient - mean)
                square += 0.001 * (gradient * gradient - square)
                unbiased = mean / (1 - 0.9**self.steps)
                spread = np.sqrt(square / (1 - 0.999**self.steps)) + 1e-8
                parameter -= np.float32(rate) * (unbiased / spread + self.weight_decay * parameter)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def batches(count, size, random):
    order = random.permutation(count)
    return [order[i : i + size] for i in range(0, count, size)]
