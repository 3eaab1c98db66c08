"""Checks under load: how many, how fast, and beside whom."""
import contextlib
import socket
import threading
import time

import client
import loads
import servers

FEATURES = [0.25] * 64
WARM_UP = 0.5  # seconds


def judge_all_served(verdict, report, prefix=""):
    verdict.at_most(f"{prefix}requests without a 200", loads.failures(report), 0)
    verdict.at_least(f"{prefix}connections served", report["served_connections"], report["connections"])


def connections(verdict, arguments):
    """Go and adze take turns; medians of three rounds."""
    go = servers.Go(arguments.folder)
    seconds = arguments.seconds or 5
    for count in (8, 64, 512, 2000):
        reports = {go: [], arguments.server: []}
        for _ in range(3):
            for server, all_ in reports.items():
                with server.serving(arguments.model) as running:
                    all_.append(arguments.put.run(running.port, connections=count, seconds=seconds,
                                                  warm_up=WARM_UP))
        median = {server: sorted(all_, key=lambda report: report["per_second"])[1] for server, all_ in reports.items()}
        theirs, own = median[go], median[arguments.server]
        for name, report in (("Go", theirs), ("adze", own)):
            client_cpu = 100 * report["own_cpu_seconds"] / (report["seconds"] + WARM_UP)
            verdict.note(f"{count} connections, {name}: {report['per_second']:,.0f} requests/s, p50 "
                         f"{report['latency_us']['p50'] / 1e3:.2f} ms, p99 {report['latency_us']['p99'] / 1e3:.2f} ms; "
                         f"the load itself took {client_cpu:.0f} % of a core")
        verdict.at_least(f"{count} connections: requests/s over Go's", own["per_second"] / theirs["per_second"], 2.0)
        verdict.bounded(f"{count} connections: p99", own["latency_us"]["p99"] / 1e3,
                        own["latency_us"]["p99"] < theirs["latency_us"]["p99"],
                        f"below Go's {theirs['latency_us']['p99'] / 1e3:.2f}", "ms")
        for report in reports[arguments.server]:
            judge_all_served(verdict, report, f"{count} connections: ")


def open_loop(verdict, arguments):
    with arguments.server.serving(arguments.model) as running:
        report = arguments.put.run(running.port, connections=256, seconds=arguments.seconds or 60, rate=10_000,
                                   options=["--poisson"])
    verdict.at_most("p99", report["latency_us"]["p99"] / 1e3, 5.0, "ms")
    verdict.at_most("p99.9", report["latency_us"]["p99.9"] / 1e3, 20.0, "ms")
    verdict.at_most("requests without a 200", loads.failures(report), 0)
    verdict.note(f"{report['answered']} answered, p50 {report['latency_us']['p50'] / 1e3:.3f} ms, the load itself sent "
                 f"{report['late_sends']} more than 1 ms late")


def idle(verdict, arguments):
    count, busy = 10_000, {"connections": 64, "seconds": arguments.seconds or 5}
    if arguments.limit < count + 500:
        verdict.bounded("descriptors that a process may have", arguments.limit, False, f"at least {count + 500}")
        return
    with arguments.server.serving(arguments.model) as running, contextlib.ExitStack() as opened:
        alone = arguments.put.run(running.port, **busy)
        before = running.resident_bytes()
        sockets = [opened.enter_context(socket.create_connection(("127.0.0.1", running.port))) for _ in range(count)]
        for one in sockets:  # each has had an answer: it is kept alive, not merely accepted
            one.sendall(client.predict(FEATURES))
        answered = sum(one.recv(4096).startswith(b"HTTP/1.1 200") for one in sockets)
        verdict.at_least("idle connections that had an answer", answered, count)
        verdict.at_most("more resident memory", (running.resident_bytes() - before) / 2**20, 64.0, "MiB")
        time.sleep(0.5)
        cpu, begin = running.cpu_seconds(), time.monotonic()
        time.sleep(5)
        verdict.at_most("of a core while idle", 100 * (running.cpu_seconds() - cpu) / (time.monotonic() - begin), 2.0,
                        "%")
        beside = arguments.put.run(running.port, **busy)
        ratio = beside["latency_us"]["p99"] / alone["latency_us"]["p99"]
        verdict.at_most("p99 of 64 busy clients over theirs alone", ratio, 1.2)
        verdict.note(f"p99 {alone['latency_us']['p99'] / 1e3:.2f} ms alone, {beside['latency_us']['p99'] / 1e3:.2f} ms "
                     f"beside")
        judge_all_served(verdict, beside)
        alive = 0
        for one in sockets[::100]:
            one.sendall(client.predict(FEATURES))
            alive += one.recv(4096).startswith(b"HTTP/1.1 200")
        verdict.at_least("of every hundredth idle connection, still served", alive, count // 100)


class SlowClients:
    """Each sends a request a byte a second."""

    def __init__(self, port, count):
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def _drip(self):
        for byte in client.predict(FEATURES):
            for one in self._sockets:
                with contextlib.suppress(OSError):  # the server may have hung up by now, which is its right
                    one.sendall(bytes([byte]))
            if self._stop.wait(1):
                return

    def stop(self):
        self._stop.set()
        self._thread.join()
        for one in self._sockets:
            one.close()


def reset_in_mid_request(port, count):
    half = client.predict(FEATURES)[:-100]
    for index in range(count):
        one = client.Client(port)
        one.send(half if index % 2 else client.predict(FEATURES))
        one.reset()


def hostile(verdict, arguments):
    busy = {"connections": 64, "seconds": arguments.seconds or 5}
    with arguments.server.serving(arguments.model) as running:
        alone = arguments.put.run(running.port, **busy)
        slow = SlowClients(running.port, 200)
        try:
            started = arguments.put.start(running.port, **busy)
            time.sleep(1)
            reset_in_mid_request(running.port, 200)
            beside = arguments.put.finish(started)
        finally:
            slow.stop()
        judge_all_served(verdict, beside)
        verdict.at_least("requests/s over those without them", beside["per_second"] / alone["per_second"], 0.8)
        verdict.at_most("p99 over that without them", beside["latency_us"]["p99"] / alone["latency_us"]["p99"], 1.5)
        verdict.note(f"p50 {alone['latency_us']['p50']:.0f} and {beside['latency_us']['p50']:.0f} us, p99 "
                     f"{alone['latency_us']['p99']:.0f} and {beside['latency_us']['p99']:.0f} us")
        status, _, _ = client.get(running.port, "/v2/health/ready")
        verdict.bounded("status of readiness afterwards", status, status == 200, "200")
