"""The servers that are compared, each a process of its own on a free port of this machine.

    with servers.Adze(binary).serving(model) as server:
        server.port, server.pid

A server that can't be built or started raises Unavailable.
"""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import venv

APPS = pathlib.Path(__file__).parent / "apps"
START_SECONDS = 60


class Unavailable(Exception):
    """A server isn't installed, or doesn't start."""


def raise_descriptor_limit():
    """For thousands of connections, in this process and in those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Running:
    """A started server. What it logs goes to a file that is shown only if it fails."""

    def __init__(self, command, port, environment=None):
        self.port = port
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, start_new_session=True,
                                         env={**os.environ, **(environment or {})})
        self.pid = self._process.pid

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def wait_until(self, ready):
        end = time.monotonic() + START_SECONDS
        while not ready():
            ended = self._process.poll() is not None
            if ended or time.monotonic() > end:
                lines = self.log().strip().splitlines()
                self.stop()
                last = f": {lines[-1]}" if lines else ""
                raise Unavailable(("it ended" if ended else f"it isn't ready after {START_SECONDS} s") + last)
            time.sleep(0.05)

    def terminate(self):
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds):
        return self._process.wait(seconds)

    def stop(self):
        """Ends the process and those that it started: they are a session of their own."""
        if self._process.poll() is None:
            self.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def processes(self):
        """The process and its descendants."""
        found, parents = [self.pid], {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid and child not in found]
        return found

    def cpu_seconds(self):
        ticks = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        pages = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                pages += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()


class Adze:
    name = "adze"
    has_model = True

    def __init__(self, binary):
        self.binary = str(binary)
        try:
            self.version = "adze " + subprocess.run([self.binary, "--version"], capture_output=True, text=True,
                                                    check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(str(error)) from error

    def serving(self, model, *options):
        running = Running([self.binary, "serve", str(model), "--port", "0", *options], 0)

        def ready():
            told = re.search(r"http://\S+:(\d+)", running.log())
            running.port = int(told[1]) if told else 0
            return running.port != 0

        running.wait_until(ready)
        return running


class Go:
    """net/http and encoding/json, with no model behind them."""
    name = "Go, no model"
    has_model = False

    def __init__(self, folder):
        go = shutil.which("go")
        if not go:
            raise Unavailable("there is no go command")
        self.binary = pathlib.Path(folder) / "go-server"
        built = subprocess.run([go, "build", "-o", str(self.binary), "main.go"], cwd=APPS / "go", capture_output=True,
                               text=True, env={**os.environ, "GO111MODULE": "off", "GOCACHE": f"{folder}/go-cache"})
        if built.returncode:
            raise Unavailable(built.stderr.strip())
        self.version = "Go " + subprocess.run([go, "version"], capture_output=True, text=True).stdout.split()[2][2:]

    def serving(self, model):
        port = free_port()
        running = Running([str(self.binary), "--address", f"127.0.0.1:{port}"], port)
        running.wait_until(lambda: accepts(port))
        return running


class Environment:
    """A virtual environment with the Python servers, made once in `folder`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "venv"
        self.python = self.folder / "bin" / "python"
        wanted = pathlib.Path(__file__).with_name("requirements.txt")
        stamp = self.folder / "requirements.txt"
        if stamp.exists() and stamp.read_text() == wanted.read_text():
            return
        print(f"installing the Python servers into {self.folder}", file=sys.stderr)
        venv.create(self.folder, with_pip=True, clear=True)
        done = subprocess.run([self.python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", wanted],
                              capture_output=True, text=True)
        if done.returncode:
            raise Unavailable((done.stderr.strip().splitlines() or ["pip failed"])[-1])
        stamp.write_text(wanted.read_text())

    def version_of(self, package):
        code = f"import importlib.metadata as m; print(m.version({package!r}))"
        return subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


class PythonServer:
    has_model = True

    def __init__(self, environment):
        self._environment = environment
        self.version = (f"{self.package} {environment.version_of(self.package)} with ONNX Runtime "
                        f"{environment.version_of('onnxruntime')}")

    def serving(self, model):
        port = free_port()
        running = Running(self.command(port), port, {"MODEL": str(pathlib.Path(model).resolve()),
                                                     "PYTHONPATH": str(APPS)})
        running.wait_until(lambda: accepts(port))
        return running


class FastApi(PythonServer):
    name = "FastAPI + ORT"
    package = "fastapi"

    def command(self, port):
        return [str(self._environment.python), "-m", "uvicorn", "fastapi_app:app", "--port", str(port), "--log-level",
                "error"]


class Mosec(PythonServer):
    name = "mosec + ORT"
    package = "mosec"

    def command(self, port):
        return [str(self._environment.python), str(APPS / "mosec_app.py"), "--port", str(port)]
