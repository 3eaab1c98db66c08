"""A server in a process of its own, on a free port."""
import contextlib
import re
import subprocess


@contextlib.contextmanager
def served(adze, *arguments):
    """Starts `adze serve` and yields its address, "127.0.0.1:PORT"; afterwards it must end by itself with 0."""
    server = subprocess.Popen([adze, "serve", "--port", "0", *arguments], stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in server.stderr:
            said.append(line)
            if found := re.search(r"http://([^,\s]+)", line):
                yield found.group(1)
                break
        else:
            raise RuntimeError("the server didn't start: " + "".join(said))
    finally:
        server.terminate()
        _, rest = server.communicate(timeout=30)
    if server.returncode != 0:
        raise RuntimeError(f"the server ended with {server.returncode}: {rest}")
