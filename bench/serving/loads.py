"""Runs serving_load, and judges single figures of its reports."""
import json
import subprocess


class Failed(Exception):
    """The load could not be put on the server."""


class Loads:
    def __init__(self, binary):
        self._binary = str(binary)

    def run(self, port, *, connections, seconds, rate=0, warm_up=0.5, options=()):
        return self.finish(self.start(port, connections=connections, seconds=seconds, rate=rate, warm_up=warm_up,
                                      options=options))

    def start(self, port, *, connections, seconds, rate=0, warm_up=0.5, options=()):
        command = [self._binary, "--port", str(port), "--connections", str(connections), "--seconds", str(seconds),
                   "--warm-up", str(warm_up), "--rate", str(rate), *map(str, options)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def finish(started):
        out, errors = started.communicate()
        if started.returncode:
            raise Failed(errors.strip() or f"serving_load ended with {started.returncode}")
        return json.loads(out)


def failures(report):
    """Requests without a 200, whatever came of them."""
    return report["due"] - report["statuses"].get("200", 0)
