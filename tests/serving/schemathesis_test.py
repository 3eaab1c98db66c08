#!/usr/bin/env python3
"""Sends `adze serve` requests that schemathesis makes up from /openapi.json, right and wrong ones, and lets it judge
the answers: right requests accepted, wrong ones refused, documented statuses, content types and bodies, no server
errors.

    schemathesis_test.py ADZE

Exit code 77 without the packages.
"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

try:
    import onnx
    from onnx import TensorProto, helper
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
if importlib.util.find_spec("schemathesis") is None:
    print("skipped: no schemathesis")
    sys.exit(77)

from served import served


def negation():
    """y = -x for rows of one number."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "negation", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def narrowed(document):
    """The document as it is for that model alone: which tensors it has, no document for all models can say."""
    components = document["components"]
    parameters, schemas = components["parameters"], components["schemas"]
    parameters["Model"]["schema"] = {"enum": ["m"]}
    parameters["Version"]["schema"] = {"enum": ["1"]}
    # Bodies that fit what these two announce are the unit tests' business.
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                operation["parameters"] = [p for p in operation.get("parameters", [])
                                           if p["$ref"].rsplit("/", 1)[1] not in ("JsonLength", "Encoding")]
    del components["requestBodies"]["Infer"]["content"]["application/octet-stream"]
    # Beyond lies what rounds to infinity.
    bound = 3.4028235677973366e38
    number = {"type": "number", "exclusiveMinimum": -bound, "exclusiveMaximum": bound}
    schemas["PredictRequest"]["properties"]["features"] = {"type": "array", "items": number, "minItems": 1, "maxItems": 1}
    request = schemas["InferRequest"]["properties"]
    request["inputs"].update(minItems=1, maxItems=1)
    request["outputs"]["maxItems"] = 1
    del request["parameters"]["properties"]["timeout"]  # too short a one is rightly answered with 503
    tensor = schemas["InputTensor"]
    tensor["required"].append("data")
    tensor["properties"].update(name={"enum": ["x"]}, datatype={"enum": ["FP32"]}, shape={"enum": [[2, 1]]},
                                data={"type": "array", "items": number, "minItems": 2, "maxItems": 2})
    tensor["properties"]["parameters"]["properties"]["binary_data_size"] = {"type": "null"}
    schemas["WantedOutput"]["properties"]["name"] = {"enum": ["y"]}
    return document


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    onnx.save(negation(), folder / "m.onnx")
    with served(sys.argv[1], str(folder / "m.onnx"), "--deadline-ms", "5000") as address:
        with urllib.request.urlopen(f"http://{address}/openapi.json") as response:
            (folder / "openapi.json").write_text(json.dumps(narrowed(json.load(response))))
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", f"http://{address}",
             "--checks", "all", "--phases", "examples,coverage,fuzzing", "--max-examples", "30", "--seed", "1",
             "--continue-on-failure", "--request-timeout", "10", "--no-color"],
            cwd=folder)
sys.exit(done.returncode != 0)
