#!/usr/bin/env python3
"""Runs scikit-learn models, exported by skl2onnx, through `adze run` and compares with scikit-learn's own predictions.

    sklearn_models.py ADZE

Every model is trained on data that comes with scikit-learn and judged on rows held out from training. Training and the
reference predictions are in double, on numbers that are floats, so that both sides see the same rows. Exit code 77
without the packages.
"""
import pathlib
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
    import skl2onnx.common._container
    from skl2onnx import to_onnx
    from sklearn import datasets
    from sklearn.compose import ColumnTransformer
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import (
        AdaBoostClassifier, BaggingClassifier, ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier,
        GradientBoostingRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor, IsolationForest,
        RandomForestClassifier, RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
    from sklearn.model_selection import train_test_split
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import (
        Binarizer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder,
        RobustScaler, StandardScaler,
    )
    from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, OneClassSVM
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

warnings.filterwarnings("ignore")
TOLERANCE = 1e-5  # of probabilities; of other outputs relative to their size where that is above 1
# A label may differ only where scikit-learn's own scores are this close, relative to their size: floats decide there.
MARGIN = 1e-6
OPSET = {"": 21, "ai.onnx.ml": 3}


def make_node(*args, _original=skl2onnx.common._container.make_node, **attributes):
    """skl2onnx leaves bools in lists where onnx wants integers."""
    for name, value in attributes.items():
        if isinstance(value, list) and any(isinstance(v, bool) for v in value):
            attributes[name] = [int(v) for v in value]
    return _original(*args, **attributes)


skl2onnx.common._container.make_node = make_node


def scaled(model):
    return make_pipeline(StandardScaler(), model)


def logistic(*steps):
    return make_pipeline(*steps, LogisticRegression(max_iter=2000))


def columns_apart():
    return ColumnTransformer(
        [("scaled", StandardScaler(), [0, 1]), ("normed", Normalizer(), [2, 3]), ("same", "passthrough", [3])])


SEED = {"random_state": 0}
CASES = {
    # name: (data, model, ZipMap)
    "logistic_binary": ("cancer", logistic(StandardScaler()), False),
    "logistic_multiclass": ("wine", logistic(StandardScaler()), True),
    "ridge_classifier": ("iris", RidgeClassifier(), False),
    "sgd": ("wine", scaled(SGDClassifier(loss="log_loss", **SEED)), False),
    "lda": ("wine", LinearDiscriminantAnalysis(), False),
    "linear_regression": ("diabetes", LinearRegression(), False),
    "ridge": ("diabetes", Ridge(), False),
    "linear_svc_binary": ("cancer", scaled(LinearSVC()), False),
    "linear_svc_multiclass": ("wine", scaled(LinearSVC()), False),
    "svc_binary": ("cancer", scaled(SVC(probability=True, **SEED)), False),
    "svc_multiclass": ("wine", scaled(SVC(probability=True, **SEED)), True),
    "svc_digits": ("digits", SVC(probability=True, **SEED), False),
    "svc_poly": ("wine", scaled(SVC(kernel="poly", probability=True, **SEED)), False),
    "svc_decisions_binary": ("cancer", scaled(SVC()), False),
    "svc_decisions": ("wine", scaled(SVC()), False),
    "nu_svc_sigmoid": ("wine", scaled(NuSVC(kernel="sigmoid", nu=0.1, probability=True, **SEED)), False),
    "svr": ("diabetes", scaled(SVR(C=10)), False),
    "svr_poly": ("diabetes", scaled(SVR(kernel="poly")), False),
    "one_class_svm": ("iris unlabelled", OneClassSVM(nu=0.3), False),
    "tree": ("wine", DecisionTreeClassifier(**SEED), True),
    "tree_regressor": ("diabetes", DecisionTreeRegressor(**SEED), False),
    "tree_two_targets": ("diabetes twice", DecisionTreeRegressor(max_depth=6, **SEED), False),
    "forest_binary": ("cancer", RandomForestClassifier(30, **SEED), False),
    "forest_multiclass": ("digits", RandomForestClassifier(30, **SEED), True),
    "forest_regressor": ("diabetes", RandomForestRegressor(30, **SEED), False),
    "extra_trees": ("digits", ExtraTreesClassifier(30, **SEED), False),
    "extra_trees_regressor": ("diabetes", ExtraTreesRegressor(30, **SEED), False),
    "bagging": ("wine", BaggingClassifier(n_estimators=5, **SEED), False),
    "boosting_binary": ("cancer", GradientBoostingClassifier(n_estimators=30, **SEED), True),
    "boosting_multiclass": ("wine", GradientBoostingClassifier(n_estimators=30, **SEED), False),
    "boosting_regressor": ("diabetes", GradientBoostingRegressor(n_estimators=50, **SEED), False),
    "hist_boosting_binary": ("cancer coarse", HistGradientBoostingClassifier(max_iter=30, **SEED), False),
    "hist_boosting_multiclass": ("wine coarse", HistGradientBoostingClassifier(max_iter=30, **SEED), False),
    "hist_boosting_missing": ("iris with gaps", HistGradientBoostingClassifier(max_iter=30, **SEED), False),
    "hist_boosting_regressor": ("diabetes coarse", HistGradientBoostingRegressor(max_iter=30, **SEED), False),
    "adaboost": ("wine", AdaBoostClassifier(n_estimators=20, **SEED), False),
    "isolation_forest": ("iris unlabelled", IsolationForest(n_estimators=20, **SEED), False),
    "mlp": ("wine", scaled(MLPClassifier((16, 8), max_iter=400, **SEED)), True),
    "mlp_regressor": ("diabetes", scaled(MLPRegressor(hidden_layer_sizes=(16,), max_iter=400, **SEED)), False),
    "neighbours": ("cancer", KNeighborsClassifier(), False),
    "naive_bayes": ("iris", GaussianNB(), False),
    "min_max_scaler": ("iris", logistic(MinMaxScaler()), False),
    "max_abs_scaler": ("iris", logistic(MaxAbsScaler()), True),
    "robust_scaler": ("iris", logistic(RobustScaler()), False),
    "normalizer_l1": ("iris", logistic(Normalizer("l1")), False),
    "normalizer_l2": ("iris", logistic(Normalizer("l2")), False),
    "normalizer_max": ("iris", logistic(Normalizer("max")), False),
    "binarizer": ("iris", logistic(Binarizer(threshold=2.0)), False),
    "imputer": ("iris with gaps", logistic(SimpleImputer()), False),
    "one_hot": ("iris rounded", logistic(OneHotEncoder(handle_unknown="ignore")), False),
    "ordinal": ("iris rounded", make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                                              DecisionTreeClassifier(**SEED)), False),
    "bins": ("iris", make_pipeline(KBinsDiscretizer(4, encode="ordinal"), DecisionTreeClassifier(**SEED)), False),
    "column_transformer": ("iris", logistic(columns_apart()), True),
}  # fmt: skip


def load(name):
    kind, _, change = name.partition(" ")
    loader = {"iris": datasets.load_iris, "wine": datasets.load_wine, "cancer": datasets.load_breast_cancer,
              "digits": datasets.load_digits, "diabetes": datasets.load_diabetes}[kind]
    x, y = loader(return_X_y=True)
    if change == "rounded":
        x = np.round(x)
    if change == "with gaps":
        x[np.random.default_rng(0).random(x.shape) < 0.1] = np.nan
    if change == "coarse":  # so that thresholds half way between two values are floats, to which skl2onnx rounds them
        x = np.round(x * 4096) / 4096
    if change == "twice":
        y = np.stack([y, np.sqrt(y)], axis=1)
    if change == "unlabelled":
        y = None
    x = x.astype(np.float32)
    if y is None:
        train, held_out = train_test_split(x, test_size=0.4, random_state=1)
        return train.astype(np.float64), held_out, None
    train, held_out, y_train, _ = train_test_split(x, y, test_size=0.4, random_state=1)
    return train.astype(np.float64), held_out, y_train


def export(model, x, zipmap):
    last = model[-1] if isinstance(model, Pipeline) else model
    options = {"zipmap": False} if hasattr(last, "predict_proba") and not zipmap else {}
    return to_onnx(model, x[:1], options={type(last): options}, target_opset=OPSET)


def run(adze, onnx_model, x, folder):
    (folder / "model.onnx").write_bytes(onnx_model.SerializeToString())
    np.save(folder / "x.npy", x)
    name = onnx_model.graph.input[0].name
    command = [adze, "run", folder / "model.onnx", "--input", f"{name}={folder / 'x.npy'}", "--output-dir", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return [np.load(folder / f"{output.name}.npy") for output in onnx_model.graph.output]


def scores_of(model, x):
    """What labels are chosen by, a column per class."""
    if hasattr(model, "predict_proba"):
        return model.predict_proba(x)
    scores = model.decision_function(x)
    return scores if scores.ndim > 1 else np.stack([-scores, scores], axis=1)


def close(found, expected):
    return np.abs(found - expected).max() <= TOLERANCE * max(1, np.abs(expected).max())


def label_faults(model, labels, x):
    scores = np.sort(scores_of(model, x), axis=1)
    decided = scores[:, -1] - scores[:, -2] > MARGIN * np.maximum(1, np.abs(scores[:, -1]))
    return int(np.sum((labels.ravel() != model.predict(x)) & decided))


def faults(model, outputs, x):
    """What is wrong, as text; empty where all agrees."""
    x = x.astype(np.float64)
    if hasattr(model, "classes_"):
        labels, scores = outputs[:2]
        wrong = label_faults(model, labels, x)
        if wrong:
            return f"{wrong} of {len(x)} labels differ"
        if not hasattr(model, "predict_proba"):
            return ""  # skl2onnx and scikit-learn choose different forms of decisions
        expected = model.predict_proba(x)
        if scores.shape != expected.shape:
            return f"probabilities have shape {scores.shape}, not {expected.shape}"
        return "" if close(scores, expected) else f"probabilities differ by {np.abs(scores - expected).max():.2g}"
    if hasattr(model, "decision_function"):  # outliers
        if label_faults(model, outputs[0], x):
            return "labels differ"
        outputs, expected = outputs[1:], model.decision_function(x)
    else:
        expected = model.predict(x)
    found = outputs[0].reshape(expected.shape)
    return "" if close(found, expected) else f"predictions differ by {np.abs(found - expected).max():.2g}"


def refuses_text_labels(adze, folder):
    """Labels as text are refused by name; their probabilities alone are not."""
    train, x, y = load("iris")
    model = logistic(StandardScaler()).fit(train, np.array(["setosa", "versicolor", "virginica"])[y])
    exported = export(model, x, False)
    try:
        run(adze, exported, x, folder)
        return "labels as text were accepted"
    except RuntimeError as error:
        if "LinearClassifier" not in str(error) or "text" not in str(error):
            return f"an unclear message: {error}"
    del exported.graph.output[0]
    found = run(adze, exported, x, folder)[0]
    return "" if close(found, model.predict_proba(x.astype(np.float64))) else "probabilities differ"


def main():
    adze, bad = sys.argv[1], 0
    for name, (data, model, zipmap) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            train, x, y = load(data)
            model.fit(train, y)
            try:
                fault = faults(model, run(adze, export(model, x, zipmap), x, pathlib.Path(folder)), x)
            except RuntimeError as error:
                fault = str(error)
        bad += bool(fault)
        print(f"{name}: {fault or 'agrees'}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        fault = refuses_text_labels(adze, pathlib.Path(folder))
    bad += bool(fault)
    print(f"text_labels: {fault or 'refused'}")
    print(f"{len(CASES) + 1 - bad} of {len(CASES) + 1} agree")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
