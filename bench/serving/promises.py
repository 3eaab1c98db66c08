"""Checks of what a single request, or the last one, may rely on."""
import json
import pathlib
import random
import subprocess
import sys
import threading
import time

import client
import loads

WIDTH = 64


def features(seed):
    source = random.Random(seed)
    return [round(source.uniform(-1, 1), 4) for _ in range(WIDTH)]


def slow_model(arguments):
    """A chain of products that keeps the engine busy for seconds."""
    if arguments.slow_model:
        return arguments.slow_model
    path = arguments.folder / "slow.onnx"
    if not path.exists():
        script = pathlib.Path(__file__).with_name("models.py")
        done = subprocess.run([sys.executable, str(script), str(path)], capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"{script.name}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return path


SLOW = client.request("/v2/models/slow/infer", {"inputs": [
    {"name": "x", "shape": [1, 512], "datatype": "FP32", "data": [1] * 512}]})


def deadline(verdict, arguments):
    model = f"slow={slow_model(arguments)}"
    with arguments.server.serving(model, "--max-batch", "1") as running:
        took = []
        for _ in range(10):
            with client.Client(running.port) as one:
                begin = time.perf_counter()
                status, fields, _ = one.ask(SLOW)
                took.append(1e3 * (time.perf_counter() - begin))
                verdict.bounded("status", status, status == 503 and "retry-after" in fields, "503 with Retry-After")
        verdict.at_least("earliest answer", min(took), 500.0, "ms")
        verdict.at_most("latest answer", max(took), 510.0, "ms")
    with arguments.server.serving(model, "--max-batch", "1", "--deadline-ms", "600000") as running:
        with client.Client(running.port, timeout=300) as one:  # plans these shapes, which is no run
            status, _, _ = one.ask(SLOW)
            verdict.bounded("status without a deadline", status, status == 200, "200")
        took = [stops_after_disconnect(running) for _ in range(10)]
        slowest = None if None in took else max(took)
        verdict.at_most("engine goes on to the next request after a disconnect within", slowest, 20.0, "ms")


def stops_after_disconnect(running):
    """From the first client's end to the moment when the second one's request leaves the queue, in ms."""

    def waits(count):
        return client.metric(running.port, "adze_queue_length", 'model="slow"') == count

    first, second = client.Client(running.port), client.Client(running.port)
    first.send(SLOW)
    client.wait_for(lambda: client.metric(running.port, "adze_connections", 'state="inflight"') == 2, 5)
    second.send(SLOW)
    if client.wait_for(lambda: waits(1), 5) is None:
        return None
    begin = time.perf_counter()
    first.reset()
    stopped = client.wait_for(lambda: waits(0), 5, pause=0)
    second.reset()
    client.wait_for(lambda: client.metric(running.port, "adze_connections", 'state="inflight"') == 1, 5)
    return stopped and 1e3 * (time.perf_counter() - begin)


def distinct(verdict, arguments):
    count = 500
    with arguments.server.serving(arguments.model) as running:
        with client.Client(running.port) as one:
            alone = [one.ask(client.predict(features(seed)))[2] for seed in range(count)]
        verdict.at_least("different answers", len(set(alone)), count * 9 // 10)
        clients = [client.Client(running.port) for _ in range(count)]
        wrong = bad = 0
        for _ in range(10):
            for seed, one in enumerate(clients):
                one.send(client.predict(features(seed)))
            for seed, one in enumerate(clients):
                status, _, body = one.receive()
                bad += status != 200
                wrong += status == 200 and body != alone[seed]
        for one in clients:
            one.close()
        batches = client.metric(running.port, "adze_batch_size_count")
        rows = client.metric(running.port, "adze_batch_size_sum")
        verdict.at_most("requests without a 200", bad, 0)
        verdict.at_most("answers that differ from those alone", wrong, 0)
        verdict.note(f"{rows / max(1, batches):.1f} rows a batch")


class Clients:
    """Threads that ask one request after another on new or kept connections, until nobody listens."""

    def __init__(self, port, count):
        self.answered, self.lost, self.other = [], [], []
        self._threads = [threading.Thread(target=self._ask, args=(port, index)) for index in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self, port, index):
        """A connection that closes without an answer counts as lost only if the server had taken the request: one
        that was idle may close just as a request is sent, which is why clients retry those (RFC 9112, 9.3.1)."""
        message = client.predict(features(index))
        while True:
            try:
                one = client.Client(port)
            except OSError:
                return
            with one:
                first = True
                while True:
                    try:
                        one.send(message)
                    except OSError:
                        break
                    status, fields, rest = one.receive()
                    if status == 200:
                        self.answered.append(1)
                    elif status:
                        self.other.append(status)
                    elif rest:
                        self.lost.append(1)
                    if not status or fields.get("connection") == "close":
                        break
                    first = False
                if first and not status:
                    return

    def join(self):
        for thread in self._threads:
            thread.join(10)


def shutdown(verdict, arguments):
    answered = lost = other = 0
    codes, slowest, torn = [], 0.0, 0
    for _ in range(50):
        with arguments.server.serving(arguments.model) as running:
            clients = Clients(running.port, 16)
            time.sleep(0.2)
            taken = client.metric(running.port, "adze_requests_total")
            begin = time.monotonic()
            running.terminate()
            try:
                codes.append(running.wait(10))
            except subprocess.TimeoutExpired:
                codes.append("none")
            slowest = max(slowest, time.monotonic() - begin)
            clients.join()
            answered, lost, other = (answered + len(clients.answered), lost + len(clients.lost),
                                     other + len(clients.other))
            torn += len(clients.answered) + len(clients.other) < taken
    verdict.bounded("exit codes", sorted(set(map(str, codes))), set(codes) == {0}, "0")
    verdict.at_most("answers cut short", lost, 0)
    verdict.at_most("other statuses than 200", other, 0)
    verdict.at_most("runs with fewer answers than the server gave", torn, 0)
    verdict.at_most("slowest end", slowest, 1.6, "s")
    verdict.note(f"{answered} requests answered")


def binary(verdict, arguments):
    """An image model of one average over its pixels: 602 KB in, next to nothing to compute."""
    script = pathlib.Path(__file__).with_name("models.py")
    path = arguments.folder / "image.onnx"
    if not path.exists():
        subprocess.run([sys.executable, str(script), "--image", str(path)], check=True, capture_output=True)
    bench = subprocess.run([arguments.server.binary, "bench", str(path), "--json"], capture_output=True, text=True)
    if bench.returncode:
        raise OSError(bench.stderr.strip())
    engine = 1e3 * json.loads(bench.stdout)["latency_ms"]["p50"]
    with arguments.server.serving(f"image={path}") as running:
        report = arguments.put.run(running.port, connections=1, seconds=arguments.seconds or 5, options=[
            "--path", "/v2/models/image/infer", "--tensor", "image=1x3x224x224", "--binary"])
    verdict.at_most("requests without a 200", loads.failures(report), 0)
    verdict.at_most("median over the bare engine", report["latency_us"]["p50"] - engine, 120.0, "us")
    verdict.note(f"median {report['latency_us']['p50']:.0f} us, engine {engine:.0f} us")
