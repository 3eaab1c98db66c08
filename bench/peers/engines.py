"""The engines that are timed. load(model, feeds, threads) gives what has

    outputs(names)     the arrays that it computes for these outputs
    latency(seconds)   the median latency in ms of runs that fill about this time

Python's share of a call is inside a peer's latency, as it is for whoever calls these from Python; for models of a few
microseconds it counts. Adze is timed by its own command in a process of its own.
"""
import contextlib
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np


class Unavailable(Exception):
    """An engine isn't installed, or can't take the model or its inputs."""


def reason(error):
    """An error on one line, as much of it as names the trouble."""
    longest = 300
    text = " ".join(str(error).split()).removeprefix("adze: ") or type(error).__name__
    return text if len(text) <= longest else text[:longest] + "..."


@contextlib.contextmanager
def refusals():
    """Each engine has exceptions of its own; here they are all the same."""
    try:
        yield
    except Unavailable:
        raise
    except Exception as error:
        raise Unavailable(reason(error)) from error


def median_ms(call, seconds):
    """As `adze bench` measures: after three runs and a tenth of the time for warming up, at least five."""
    begin, warm = time.perf_counter(), 0
    while warm < 3 or time.perf_counter() - begin < seconds / 10:
        call()
        warm += 1
    times, begin = [], time.perf_counter()
    last = begin
    while last - begin < seconds or len(times) < 5:
        call()
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return 1e3 * statistics.median(times)


class Adze:
    name = "adze"

    def __init__(self, binary):
        self.binary = binary
        self.version = "adze " + self.call("--version").strip()

    def call(self, *arguments):
        with refusals():
            done = subprocess.run([self.binary, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(reason(done.stderr))
        return done.stdout

    def load(self, model, feeds, threads):
        return self.Loaded(self, model, feeds, threads)

    class Loaded:
        def __init__(self, engine, model, feeds, threads):
            self._engine, self._model = engine, str(model)
            self._folder = tempfile.TemporaryDirectory()
            self._options = ["--threads", str(threads)]
            for index, (name, value) in enumerate(feeds.items()):
                path = pathlib.Path(self._folder.name) / f"{index}.npy"
                np.save(path, value)
                self._options += ["--input", f"{name}={path}"]

        def outputs(self, names):
            folder = pathlib.Path(self._folder.name) / "outputs"
            self._engine.call("run", self._model, *self._options, "--output-dir", str(folder))
            return [np.load(folder / (name.replace("/", "_").replace(":", "_") + ".npy")) for name in names]

        def latency(self, seconds):
            report = self._engine.call("bench", self._model, *self._options, "--seconds", str(seconds), "--json")
            return json.loads(report)["latency_ms"]["p50"]


class OnnxRuntime:
    name = "ONNX Runtime"

    def __init__(self):
        with refusals():
            import onnxruntime
        self._module = onnxruntime
        self.version = "ONNX Runtime " + onnxruntime.__version__
        onnxruntime.set_default_logger_severity(4)

    def load(self, model, feeds, threads):
        options = self._module.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Between its calls its threads would go on spinning, on the cores of whichever engine has its turn.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        with refusals():
            session = self._module.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            return self.Loaded(session, feeds)

    class Loaded:
        def __init__(self, session, feeds):
            self._session, self._feeds = session, feeds
            # Bound once, as OpenVINO's are: a call then spends less of its time in Python.
            self._binding = session.io_binding()
            for name, value in feeds.items():
                self._binding.bind_cpu_input(name, value)
            for output in session.get_outputs():
                self._binding.bind_output(output.name)

        def outputs(self, names):
            with refusals():
                return self._session.run(names, self._feeds)

        def latency(self, seconds):
            return median_ms(lambda: self._session.run_with_iobinding(self._binding), seconds)


class OpenVino:
    name = "OpenVINO"

    def __init__(self):
        with refusals():
            import openvino
            from openvino import properties
        self._module, self._properties = openvino, properties
        self._core = openvino.Core()
        self.version = "OpenVINO " + openvino.__version__.split("-")[0]

    def load(self, model, feeds, threads):
        hint = self._properties.hint
        settings = {
            hint.inference_precision(): self._module.Type.f32,  # it would take bf16 by itself where there is hardware
            hint.performance_mode(): hint.PerformanceMode.LATENCY,
            self._properties.inference_num_threads(): threads,
        }
        with refusals():
            read = self._core.read_model(model)
            read.reshape({name: list(value.shape) for name, value in feeds.items()})
            request = self._core.compile_model(read, "CPU", settings).create_infer_request()
            for name, value in feeds.items():
                request.set_tensor(name, self._module.Tensor(value))
        return self.Loaded(request)

    class Loaded:
        def __init__(self, request):
            self._request = request

        def outputs(self, names):
            with refusals():
                self._request.infer()
                return [np.array(self._request.get_tensor(name).data) for name in names]

        def latency(self, seconds):
            return median_ms(lambda: self._request.infer(share_outputs=True), seconds)
