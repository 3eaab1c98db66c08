#!/usr/bin/env python3
"""Runs ONNX's node conformance cases through `adze verify`, each also without the optimising passes.

    node_cases.py ADZE MINIMUM

The cases are those of the installed onnx package whose inputs and outputs are dense tensors of ordinary numeric types.
Every case passes or is listed in known_cases.txt beside this file, and no case does both. Fewer than MINIMUM passed
cases mean that something stopped being collected. Exit code 77 without the onnx package.
"""
import pathlib
import subprocess
import sys
import tempfile
import warnings

try:
    from onnx import TensorProto, numpy_helper
    from onnx.backend.test.case.node import collect_testcases
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

warnings.filterwarnings("ignore")
ORDINARY = {
    TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BOOL,
    TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
    TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64,
}  # fmt: skip

KNOWN_CASES = pathlib.Path(__file__).with_name("known_cases.txt")


def known_cases():
    lines = KNOWN_CASES.read_text().splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


def is_dense(model):
    values = [*model.graph.input, *model.graph.output]
    ordinary = all(v.type.HasField("tensor_type") and v.type.tensor_type.elem_type in ORDINARY for v in values)
    return ordinary and all(n.domain in ("", "ai.onnx", "ai.onnx.ml") for n in model.graph.node)


def write(case, folder):
    folder.mkdir()
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for number, data_set in enumerate(case.data_sets):
        target = folder / f"test_data_set_{number}"
        target.mkdir()
        for stem, values, infos in zip(("input", "output"), data_set, (case.model.graph.input, case.model.graph.output)):
            for index, value in enumerate(values):
                proto = value if isinstance(value, TensorProto) else numpy_helper.from_array(value, infos[index].name)
                (target / f"{stem}_{index}.pb").write_bytes(proto.SerializeToString())


def main():
    adze, minimum = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as work:
        for case in collect_testcases(None):
            if is_dense(case.model):
                write(case, pathlib.Path(work) / case.name)
        done = subprocess.run([adze, "verify", "--passes", work], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    bad = {line.split()[1].rstrip(":"): line for line in lines if line.startswith(("failed", "skipped"))}
    known = known_cases()
    for name in bad.keys() - known.keys():
        print(bad[name])
    for name in known.keys() - bad.keys():
        print(f"{name} passes or isn't collected: remove it from {KNOWN_CASES.name}")
    print(done.stderr + lines[-1])
    passed = int(lines[-1].split()[0])
    if passed < minimum:
        print(f"expected at least {minimum} to pass")
    crashed = done.returncode not in (0, 1)
    sys.exit(1 if crashed or passed < minimum or bad.keys() != known.keys() else 0)


if __name__ == "__main__":
    main()
