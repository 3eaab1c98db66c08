"""The breast-cancer measurements that scikit-learn ships, split once for training and testing.

Source: W. Wolberg, O. Mangasarian, N. Street, W. Street, "Breast Cancer Wisconsin (Diagnostic)", UCI Machine Learning
Repository (CC BY 4.0).
"""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split


def split():
    """Training rows, test rows, training labels, test labels; 30 measurements a row, label 1 for a malignant tumour."""
    data = load_breast_cancer()
    malignant = (data.target == 0).astype(np.float32)
    return train_test_split(data.data.astype(np.float32), malignant, test_size=0.25, random_state=7, stratify=malignant)


def names():
    return [str(name) for name in load_breast_cancer().feature_names]
