"""What bench/serving/ makes of given reports: the table, failures, verdicts; and its HTTP client. No server of adze's is
needed."""
import contextlib
import io
import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench" / "serving"))
import checks
import client
import loads
import peers


def report(per_second, connections=8, due=100, ok=100, p99=2000.0):
    return {"connections": connections, "per_second": per_second, "due": due, "statuses": {"200": ok} if ok else {},
            "latency_us": {"p50": 1000.0, "p99": p99, "p99.9": 3000.0}, "served_connections": connections,
            "server_cpu_us": 5.0}


class Reports(unittest.TestCase):
    def test_whatever_has_no_200_failed(self):
        self.assertEqual(loads.failures(report(1)), 0)
        self.assertEqual(loads.failures(report(1, ok=97)), 3)
        self.assertEqual(loads.failures(report(1, ok=0)), 100)

    def test_the_table_has_medians_and_all_failures(self):
        lines = peers.markdown({8: {"adze": [report(100), report(900, ok=99), report(200)], "gone": []}}).splitlines()
        self.assertEqual({line.count("|") for line in lines}, {10})
        self.assertEqual(lines[2], "| 8 | adze | 200 | 1.00 | 2.00 | 3.00 | 5.0 | 0 | 1 |")
        self.assertEqual(lines[3], "| 8 | gone | - | - | - | - | - | - | - |")


class Verdicts(unittest.TestCase):
    def judge(self, method, *arguments):
        verdict, out = checks.Verdict(), io.StringIO()
        with contextlib.redirect_stdout(out):
            getattr(verdict, method)("it", *arguments)
        return verdict.passed, out.getvalue()

    def test_bounds(self):
        self.assertTrue(self.judge("at_most", 5.0, 5.0)[0])
        self.assertFalse(self.judge("at_most", 5.1, 5.0)[0])
        self.assertFalse(self.judge("at_most", None, 5.0)[0])
        self.assertTrue(self.judge("at_least", 5, 5)[0])
        self.assertFalse(self.judge("at_least", 4, 5)[0])
        self.assertEqual(self.judge("at_most", 5.1, 5.0, "ms")[1], "  FAIL it: 5.1 ms (at most 5)\n")


class HttpClient(unittest.TestCase):
    def answer(self, *pieces):
        """What the client makes of these pieces, after which the server hangs up."""
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve():
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    for piece in pieces:
                        connection.sendall(piece)

            thread = threading.Thread(target=serve)
            thread.start()
            with client.Client(listener.getsockname()[1]) as one:
                answers = [one.ask(client.predict([1.0])), one.receive()]
            thread.join()
            return answers

    def test_answers_in_pieces_and_the_end(self):
        answers = self.answer(b"HTTP/1.1 503 No\r\nRetry-After: 2\r\nCont", b"ent-Length: 4\r\n\r\nab", b"cd")
        self.assertEqual(answers[0], (503, {"retry-after": "2", "content-length": "4"}, b"abcd"))
        self.assertEqual(answers[1], (0, {}, b""))

    def test_an_answer_cut_short_is_none(self):
        self.assertEqual(self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")[0], (0, {}, b"ab"))


if __name__ == "__main__":
    unittest.main()
