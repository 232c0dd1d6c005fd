"""A server of mail on this machine that keeps what it gets, and can be slow, silent or away."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message


class Talk(socketserver.StreamRequestHandler):
    """One conversation."""

    def handle(self) -> None:
        try:
            self.converse()
        except ConnectionError:
            return

    def converse(self) -> None:
        """The few words of SMTP that a client needs."""
        assert isinstance(self.server, Post)
        self.server.kept_waiting += self.server.is_silent
        while self.server.is_silent:
            time.sleep(0.1)
        time.sleep(self.server.seconds_before_greeting)
        self.say("220 here")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.say("354 go on")
                self.keep()
                time.sleep(self.server.seconds_before_thanks)
            self.say("221 bye" if word == b"QUIT" else "250 kept")

    def keep(self) -> None:
        """Takes a mail; half a mail, from somebody who was killed on the way, is none."""
        assert isinstance(self.server, Post)
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                self.server.mails.append(message_from_bytes(b"".join(lines)))
                return
            lines.append(line)

    def say(self, words: str) -> None:
        """Answers."""
        self.wfile.write(f"{words}\r\n".encode())


class Post(socketserver.ThreadingTCPServer):
    """Keeps every mail in `mails`."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int = 0, *, seconds_before_greeting: float = 0, seconds_before_thanks: float = 0) -> None:
        super().__init__(("127.0.0.1", port), Talk)
        self.mails: list[Message] = []
        self.seconds_before_greeting = seconds_before_greeting
        self.seconds_before_thanks = seconds_before_thanks
        self.is_silent, self.kept_waiting = False, 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]

    @property
    def url(self) -> str:
        """Its address, as EMAIL_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def ids(self) -> list[str]:
        """The Message-IDs, in the order in which they came."""
        return [str(mail["Message-ID"]).strip() for mail in self.mails]


@contextmanager
def post(port: int = 0, **pauses: float) -> Iterator[Post]:
    """A server of mail that serves."""
    with Post(port, **pauses) as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield made
        finally:
            made.is_silent = False
            made.shutdown()
