"""Plain sockets for the checks: what a well-behaved HTTP library would hide is what they are about."""
import json
import socket
import time


def request(path, body, fields=""):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


def predict(features):
    return request("/predict", {"features": features})


class Client:
    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """Status, fields and body of the next answer; status 0 when the connection ended before it was there."""
        while b"\r\n\r\n" not in self._received:
            if not self._receive_more():
                return 0, {}, self._received
        head, _, rest = self._received.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(fields.get("content-length", 0))
        self._received = rest
        while len(self._received) < length:
            if not self._receive_more():
                return 0, {}, self._received
        body, self._received = self._received[:length], self._received[length:]
        return int(status.split()[1]), fields, body

    def ask(self, data):
        self.send(data)
        return self.receive()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _receive_more(self):
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            return False
        self._received += data
        return bool(data)


def get(port, path):
    with Client(port) as client:
        return client.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def metric(port, name, labels=""):
    """The sum of a metric's lines whose labels contain this text."""
    _, _, body = get(port, "/metrics")
    total = 0.0
    for line in body.decode().splitlines():
        series, _, value = line.rpartition(" ")
        if series.partition("{")[0] == name and labels in series:
            total += float(value)
    return total


def wait_for(condition, seconds, pause=0.001):
    """The seconds that it took, or None."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        if condition():
            return time.perf_counter() - begin
        time.sleep(pause)
    return None
