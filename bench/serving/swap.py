#!/usr/bin/env python3
"""Swaps a model's version again and again under load: no request may be lost, and every answer must be of one version.

    swap.py ADZE [--seconds 60] [--interval-ms 200] [--clients 32] [--control watch|explicit]

The versions are y = x + V, so an answer tells which one computed it. Prints what it saw as JSON; fails unless nothing
failed, nothing was mixed, and the memory at the end is that of the beginning.
"""
import argparse
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import onnx
from onnx import TensorProto, helper, numpy_helper
import numpy as np

WIDTH = 512


def model(version):
    """y = x + version, with a square of weights that does nothing but weigh."""
    eye = numpy_helper.from_array(np.eye(WIDTH, dtype=np.float32), "eye")
    add = numpy_helper.from_array(np.array([version], dtype=np.float32), "add")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "eye"], ["same"]), helper.make_node("Add", ["same", "add"], ["y"])],
        "swap",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", WIDTH])],
        [eye, add])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()


class Repository:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def put(self, version):
        """Complete before it has its name."""
        target = self.folder / "m" / str(version)
        target.mkdir(parents=True)
        partial = self.folder / ".partial"
        partial.write_bytes(model(version))
        os.rename(partial, target / "model.onnx")

    def remove(self, version):
        shutil.rmtree(self.folder / "m" / str(version), ignore_errors=True)


class Client(threading.Thread):
    def __init__(self, port, stop):
        super().__init__()
        self.port, self.stop = port, stop
        self.answered, self.failed, self.mixed, self.versions, self.slowest = 0, [], [], set(), 0.0

    def run(self):
        data = [float(i % 7) for i in range(WIDTH)]
        body = json.dumps({"inputs": [{"name": "x", "shape": [1, WIDTH], "datatype": "FP32", "data": data}]})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.stop.is_set():
            begin = time.monotonic()
            try:
                connection.request("POST", "/v2/models/m/infer", body)
                response = connection.getresponse()
                text = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                return
            self.slowest = max(self.slowest, time.monotonic() - begin)
            if response.status != 200:
                self.failed.append(text.decode())
                continue
            answer = json.loads(text)
            version = int(answer["model_version"])
            if answer["outputs"][0]["data"] != [value + version for value in data]:
                self.mixed.append(version)
            self.versions.add(version)
            self.answered += 1


def post(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, "")
    response = connection.getresponse()
    return response.status, response.read().decode()


def resident_bytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def start(adze, folder, control):
    command = [adze, "serve", "--repository", folder, "--port", "0", "--model-control", control, "--poll-ms", "50",
               "--deadline-ms", "10000"]
    if control == "explicit":
        command += ["--load", "m"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "serving on" in line:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process, int(line.rsplit(":", 1)[1])
    sys.exit("the server didn't start")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("adze")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--interval-ms", type=float, default=200)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--control", choices=["watch", "explicit"], default="explicit")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="adze-swap-")
    repository = Repository(folder)
    repository.put(1)
    process, port = start(options.adze, folder, options.control)
    try:
        stop = threading.Event()
        clients = [Client(port, stop) for _ in range(options.clients)]
        for client in clients:
            client.start()
        refused, version, resident = [], 1, []
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            next_swap = time.monotonic() + options.interval_ms / 1000
            version += 1
            repository.put(version)
            if options.control == "explicit":
                status, text = post(port, "/v2/repository/models/m/load")
                if status != 200:
                    refused.append(text)
            repository.remove(version - 3)
            resident.append(resident_bytes(process.pid))
            time.sleep(max(0.0, next_swap - time.monotonic()))
        stop.set()
        for client in clients:
            client.join()
    finally:
        process.terminate()
        code = process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
    quarter = max(1, len(resident) // 4)
    result = {
        "seconds": options.seconds, "swaps": version - 1, "control": options.control,
        "answered": sum(client.answered for client in clients),
        "failed": sum(len(client.failed) for client in clients),
        "mixed": sum(len(client.mixed) for client in clients),
        "versions_answered": len(set().union(*(client.versions for client in clients))),
        "loads_refused": len(refused),
        "slowest_ms": round(max(client.slowest for client in clients) * 1000, 1),
        # The highest of the second and of the last quarter: what the first swaps need is there by then.
        "resident_mib": [round(max(part) / 2**20, 1) for part in (resident[quarter:2 * quarter] or resident, resident[-quarter:])],
        "exit_code": code,
    }
    print(json.dumps(result))
    for failure in [*refused, *(text for client in clients for text in client.failed)][:5]:
        print(failure, file=sys.stderr)
    grown = result["resident_mib"][1] - result["resident_mib"][0]
    sys.exit(0 if not (result["failed"] or result["mixed"] or refused or code) and grown < 16 else 1)


if __name__ == "__main__":
    main()
