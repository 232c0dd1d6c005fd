"""Reading files from strangers in a child process with limits on memory, CPU, wall time and files, and no network.

A small spawner process, one per process that uses it, imports the reading function once and forks a child per file;
each child ends with its file. The spawner starts without the environment, so no secret reaches it, and leaves the
network by a namespace of its own where the system permits that. It is started with plain `subprocess`, because
daemonic processes such as Celery's may have no children through `multiprocessing`.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE = 1, 38, 4
MEGABYTE = 1024 * 1024
MAX_REQUEST = 60_000
MAX_ANSWER = 32 * MEGABYTE
OPEN_FILES = 32
GRACE_SECONDS = 5
START_SECONDS = 30
ENVIRONMENT = {"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
BOOT = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from facility.isolation import serve
serve(int(sys.argv[1]))
"""


class IsolationError(Exception):
    """The child gave no answer; the message is a sentence for people, `detail` a line for the log without content."""

    sentence = "The file could not be read."

    def __init__(self, detail: str = "") -> None:
        super().__init__(self.sentence)
        self.detail = detail


class TimedOut(IsolationError):
    """The child used up its CPU or wall time."""

    sentence = "The file took too long to read. Save it again in a simpler form and send the new copy."


class TooMuchMemory(IsolationError):
    """The child reached its memory limit."""

    sentence = "The file needs too much memory to read. Save it again in a simpler form and send the new copy."


class Crashed(IsolationError):
    """The child ended without an answer, by a fault of its own or a damaged file."""

    sentence = "The file broke off the reading: it may be damaged. Save it again and send the new copy."


def run_isolated(
    function: str, data: bytes, *args: Any, memory_mb: int = 512, cpu_seconds: int = 15, wall_seconds: int = 20
) -> Any:
    """Call `function` (a dotted path, `package.module.name`) with the bytes and JSON-able arguments in a child.

    Returns what the function returned, which must be JSON-able. Raises `TimedOut`, `TooMuchMemory` or `Crashed`;
    an exception inside the function is a `Crashed` whose `detail` names its type and line.
    """
    limits = {"memory": memory_mb * MEGABYTE, "cpu": cpu_seconds, "wall": wall_seconds}
    return _spawner().call(function, data, args, limits)


def network_isolated() -> bool:
    """Tell whether children here are cut off from the network, for the readiness page."""
    return _spawner().network_isolated


# --- the asking side


@dataclass
class _Spawner:
    """The asking process's end of one spawner: its process and the socket that requests go through."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    network_isolated: bool

    def call(self, function: str, data: bytes, args: tuple[Any, ...], limits: dict[str, int]) -> Any:
        request = json.dumps({"function": function, "args": args, "limits": limits}).encode()
        if len(request) > MAX_REQUEST:
            raise ValueError("The arguments of an isolated call are too long; pass long content as the data.")
        inbox = os.memfd_create("upload", os.MFD_CLOEXEC)
        answer, reply = os.pipe()
        try:
            with open(inbox, "wb", closefd=False) as file:
                file.write(data)
            try:
                socket.send_fds(self.control, [request], [inbox, reply])
            except OSError as error:
                _drop(self)
                raise Crashed(f"no spawner: {type(error).__name__}") from error
            finally:
                os.close(reply)
            return _judged(self._read(answer, limits["wall"] + GRACE_SECONDS))
        finally:
            os.close(inbox)
            os.close(answer)

    def _read(self, answer: int, seconds: float) -> bytes:
        """Read until the child and the spawner have both let go of the pipe."""
        chunks: list[bytes] = []
        size, until = 0, time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(answer, selectors.EVENT_READ)
            while selector.select(max(0.0, until - time.monotonic())):
                chunk = os.read(answer, MEGABYTE)
                size += len(chunk)
                if not chunk:
                    return b"".join(chunks)
                if size > MAX_ANSWER:
                    raise Crashed("answer too long")
                chunks.append(chunk)
        # The child's own alarm should have ended it: a spawner that is stuck is of no more use.
        _drop(self)
        raise TimedOut("no answer from the spawner")

    def stop(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait()


_state: dict[str, Any] = {"lock": threading.Lock(), "spawner": None}


def _spawner() -> _Spawner:
    with _state["lock"]:
        spawner = _state["spawner"]
        if spawner is not None and spawner.process.poll() is not None:
            spawner.stop()
            spawner = None
        _state["spawner"] = spawner or _start()
        return _state["spawner"]


def _drop(spawner: _Spawner) -> None:
    with _state["lock"]:
        if _state["spawner"] is spawner:
            _state["spawner"] = None
    spawner.stop()


def _start() -> _Spawner:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(  # noqa: S603 -- this interpreter, with arguments of our own making
            [sys.executable, "-c", BOOT, str(theirs.fileno()), json.dumps([path or os.getcwd() for path in sys.path])],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=ENVIRONMENT, start_new_session=True,
        )  # fmt: skip
    ours.settimeout(START_SECONDS)
    hello = ours.recv(MAX_REQUEST)
    if not hello:
        process.kill()
        process.wait()
        raise Crashed("the spawner did not start")
    return _Spawner(process, ours, json.loads(hello)["network_isolated"])


def _judged(answer: bytes) -> Any:
    """Turn the child's answer and the exit status the spawner wrote behind it into a value or an exception."""
    body, _, status = answer.rpartition(b"\n")
    if not status:
        raise Crashed("no exit status")
    code = int(status)
    if code == 0 and body:
        outcome = json.loads(body)
        if "value" in outcome:
            return outcome["value"]
        raise (TooMuchMemory if outcome["error"] == "MemoryError" else Crashed)(outcome["detail"])
    if -code in (signal.SIGALRM, signal.SIGXCPU):
        raise TimedOut(f"signal {-code}")
    raise Crashed(f"exit status {code}")


def _forget() -> None:
    """Leave the parent's spawner to the parent: a forked process starts its own when it needs one."""
    spawner = _state["spawner"]
    _state.update(lock=threading.Lock(), spawner=None)
    if spawner is not None:
        spawner.control.close()
        spawner.process.returncode = 0


def _stop() -> None:
    if _state["spawner"] is not None:
        _drop(_state["spawner"])


os.register_at_fork(after_in_child=_forget)
atexit.register(_stop)


# --- the spawner and its children


def serve(control_fd: int) -> None:
    """Run the spawner: fork a child per request, write its exit status behind its answer, end with the asking side."""
    control = socket.socket(fileno=control_fd)
    libc = ctypes.CDLL(None, use_errno=True)
    isolated = any(libc.unshare(flags) == 0 for flags in (CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWNET))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    control.send(json.dumps({"network_isolated": isolated}).encode())
    replies: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd != control_fd:
                    selector.unregister(key.fd)
                    _reap(key.fd, *replies.pop(key.fd))
                    continue
                message, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST, 2)
                if not message:
                    return
                inbox, reply = descriptors
                pid = _fork(json.loads(message), inbox, reply, libc)
                watch = os.pidfd_open(pid)
                replies[watch] = (pid, reply)
                selector.register(watch, selectors.EVENT_READ)


def _fork(request: dict[str, Any], inbox: int, reply: int, libc: ctypes.CDLL) -> int:
    """Import the function here, so that later children have it ready, then fork the child that calls it."""
    with contextlib.suppress(Exception):
        # A module that cannot be imported is reported by the child, which tries again.
        importlib.import_module(request["function"].rpartition(".")[0])
    gc.freeze()
    pid = os.fork()
    if pid:
        os.close(inbox)
        return pid
    status = 1
    try:
        _work(request, inbox, reply, libc)
        status = 0
    finally:
        os._exit(status)


def _work(request: dict[str, Any], inbox: int, reply: int, libc: ctypes.CDLL) -> None:
    # Whatever else the spawner has open, other children's answers among it, is none of this child's business.
    for low, high in pairwise(sorted((2, inbox, reply, os.sysconf("SC_OPEN_MAX")))):
        os.closerange(low + 1, high)
    _limit(request["limits"], libc)
    try:
        size = os.fstat(inbox).st_size
        data = os.pread(inbox, size, 0)
        module, _, name = request["function"].rpartition(".")
        value = getattr(importlib.import_module(module), name)(data, *request["args"])
        outcome = json.dumps({"value": value}, ensure_ascii=False).encode("utf-8", "replace")
    except BaseException as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        detail = f"{type(error).__name__} at {os.path.basename(frame.filename)}:{frame.lineno}"
        kind = "MemoryError" if isinstance(error, MemoryError) else "Exception"
        del error, frame
        outcome = json.dumps({"error": kind, "detail": detail}).encode()
    with open(reply, "wb", closefd=False) as pipe:
        pipe.write(outcome + b"\n")


def _limit(limits: dict[str, int], libc: ctypes.CDLL) -> None:
    """Bind the child: it dies with its spawner, at its alarm or its CPU limit, and can write to no file."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    for name, soft in (
        (resource.RLIMIT_AS, limits["memory"]), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES), (resource.RLIMIT_CPU, limits["cpu"]),
    ):  # fmt: skip
        resource.setrlimit(name, (soft, soft + 1 if name == resource.RLIMIT_CPU else soft))
    for number in (signal.SIGALRM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits["wall"])


def _reap(watch: int, pid: int, reply: int) -> None:
    """Write the exit status of a child behind its answer and let go of the pipe."""
    _, status = os.waitpid(pid, 0)
    os.close(watch)
    with contextlib.suppress(OSError):
        os.write(reply, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(reply)
