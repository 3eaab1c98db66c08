"""The handwritten digits that scikit-learn ships, split once for training and testing.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository (CC BY 4.0).
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def split():
    """Training images, test images, training labels, test labels; images are [n, 1, 8, 8] with 0 for paper, 16 for ink."""
    digits = load_digits()
    images = digits.images.astype(np.float32)[:, None]
    return train_test_split(images, digits.target, test_size=0.2, random_state=7, stratify=digits.target)
