"""The isolated child: its limits hold, its faults come back as sentences, and it works from where workers run."""

import json
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

import billiard
import pytest

from facility import isolation
from facility.isolation import Crashed, TimedOut, TooMuchMemory, network_isolated, run_isolated

HERE = "tests.facility.test_isolation"


def echo(data: bytes, *args):
    return {"size": len(data), "args": list(args), "pid": os.getpid()}


def hoard(data: bytes):
    return len(bytearray(900 * 1024 * 1024))


def spin(data: bytes):
    while True:
        pass


def sleep(data: bytes, seconds: float):
    time.sleep(seconds)
    return seconds


def fall(data: bytes):
    os.kill(os.getpid(), signal.SIGSEGV)


def fail(data: bytes):
    raise KeyError(data.decode())


def long(data: bytes):
    return "ü" * 3_000_000


def write(data: bytes, path: str):
    with open(path, "wb") as file:
        file.write(data)


def connect(data: bytes, port: int):
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        return True


def surroundings(data: bytes):
    return {
        "environment": dict(os.environ),
        "files": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
    }


def test_bytes_go_in_and_json_comes_out_of_another_process():
    answer = run_isolated(f"{HERE}.echo", b"x" * 9_000_000, "cv.pdf", 3)
    assert (answer["size"], answer["args"]) == (9_000_000, ["cv.pdf", 3])
    assert answer["pid"] not in {os.getpid(), run_isolated(f"{HERE}.echo", b"")["pid"]}


def test_a_long_answer_arrives_whole():
    assert run_isolated(f"{HERE}.long", b"") == "ü" * 3_000_000


@pytest.mark.parametrize(
    ("name", "limits", "error", "sentence"),
    [
        ("hoard", {"memory_mb": 512}, TooMuchMemory, "needs too much memory"),
        ("spin", {"cpu_seconds": 1}, TimedOut, "took too long"),
        ("spin", {"wall_seconds": 1}, TimedOut, "took too long"),
        ("fall", {}, Crashed, "may be damaged"),
        ("fail", {}, Crashed, "may be damaged"),
        ("nothing_of_this_name", {}, Crashed, "may be damaged"),
    ],
)
def test_a_fault_becomes_an_exception_with_a_sentence(name, limits, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        run_isolated(f"{HERE}.{name}", b"secret", **limits)
    assert "secret" not in caught.value.detail
    assert run_isolated(f"{HERE}.echo", b"")["size"] == 0


def test_the_fault_in_the_function_is_named_by_type_and_line():
    with pytest.raises(Crashed) as caught:
        run_isolated(f"{HERE}.fail", b"secret")
    assert caught.value.detail.startswith("KeyError at test_isolation.py:")


def test_a_stuck_spawner_is_given_up_and_the_next_call_starts_another(monkeypatch):
    monkeypatch.setattr(isolation, "GRACE_SECONDS", 1)
    run_isolated(f"{HERE}.echo", b"")
    os.kill(isolation._state["spawner"].process.pid, signal.SIGSTOP)
    with pytest.raises(TimedOut):
        run_isolated(f"{HERE}.echo", b"", wall_seconds=1)
    assert run_isolated(f"{HERE}.echo", b"")["size"] == 0


def test_a_killed_spawner_is_replaced():
    run_isolated(f"{HERE}.echo", b"")
    process = isolation._state["spawner"].process
    process.kill()
    process.wait()
    assert run_isolated(f"{HERE}.echo", b"")["size"] == 0


def test_the_child_sees_no_environment_and_no_other_files(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do not tell")
    isolation._stop()
    seen = run_isolated(f"{HERE}.surroundings", b"", memory_mb=400)
    assert set(seen["environment"]) <= {*isolation.ENVIRONMENT, "LC_CTYPE"}
    assert len(seen["files"]) <= 6
    assert seen["memory"] == 400 * 1024 * 1024


def test_the_child_can_write_no_file(tmp_path):
    with pytest.raises(Crashed):
        run_isolated(f"{HERE}.write", b"x" * 100, str(tmp_path / "loot"))
    assert not (tmp_path / "loot").exists() or (tmp_path / "loot").stat().st_size == 0


def test_the_child_reaches_the_network_only_where_that_is_said():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert connect(b"", port)
        if network_isolated():
            with pytest.raises(Crashed):
                run_isolated(f"{HERE}.connect", b"", port)
        else:
            assert run_isolated(f"{HERE}.connect", b"", port)


def test_calls_from_several_threads_run_side_by_side():
    run_isolated(f"{HERE}.echo", b"")
    began = time.monotonic()
    threads = [threading.Thread(target=run_isolated, args=(f"{HERE}.sleep", b"", 1.5)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 4 * 1.5


def _in_worker(pipe):
    pipe.send(run_isolated(f"{HERE}.echo", b"abc")["size"])


@pytest.mark.parametrize("library", [multiprocessing, billiard])
def test_a_daemonic_process_that_was_forked_after_use_may_call_it(library):
    run_isolated(f"{HERE}.echo", b"")
    parent = isolation._state["spawner"].process.pid
    context = library.get_context("fork")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_in_worker, args=(theirs,), daemon=True)
    worker.start()
    assert ours.poll(30)
    assert ours.recv() == 3
    worker.join()
    assert run_isolated(f"{HERE}.echo", b"")["size"] == 0
    assert isolation._state["spawner"].process.pid == parent


def test_nothing_stays_behind_when_the_asking_process_is_killed():
    script = (
        "import os, sys; from facility import isolation; isolation.network_isolated(); "
        "print(isolation._state['spawner'].process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, text=True)
    spawner = int(json.loads(done.stdout))
    for _ in range(50):
        if not os.path.exists(f"/proc/{spawner}/exe"):
            break
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{spawner}/exe")
