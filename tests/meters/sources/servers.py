"""Servers of one's own for tests: HTTPS that misbehaves on request, and SFTP."""

from __future__ import annotations

import io
import os
import socket
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paramiko
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from poweroptix.clock import now

PASSWORD = "right-horse-battery"
Answer = Callable[[BaseHTTPRequestHandler], None]


def certificate(name: str, days: tuple[int, int]) -> tuple[str, str]:
    """Return a self-signed certificate, valid from day to day as seen from today, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = now()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today + timedelta(days=days[0]))
        .not_valid_after(today + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), plain.decode()


class Website:
    """An HTTPS server of this process; `answers` says what each path does, `asked` what came."""

    def __init__(
        self, folder: Path, name: str = "localhost", days: tuple[int, int] = (-1, 30)
    ) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.pem, key = certificate(name, days)
        both = folder / "server.pem"
        both.write_text(self.pem + key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_args: None  # clients that go away are the point
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.stopping = threading.Event()
        self.port = self._server.server_address[1]

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"https://localhost:{self.port}{path}"

    @contextmanager
    def running(self) -> Iterator[Website]:
        """Answer from another thread for the length of a block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            self._server.shutdown()
            self._server.server_close()

    def _handler(self):
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                site.asked.append((self.path, dict(self.headers.items())))
                self.close_connection = True
                try:
                    site.answers[self.path](self)
                except OSError:
                    return  # the client went away, which is what some tests want

            def log_message(self, *_args):
                return

        return Handler


def body(content: bytes, *, status: int = 200, **headers: str) -> Answer:
    """Return an answer with a body."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


class Account(paramiko.ServerInterface):
    """One person, let in by password or by key."""

    def __init__(self, key: paramiko.PKey | None) -> None:
        self._key = key

    def check_auth_password(self, username, password):
        """Let the right password in."""
        good = (username, password) == ("meters", PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        """Let the right key in."""
        good = username == "meters" and key == self._key
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username):
        """Both ways."""
        return "password,publickey"

    def check_channel_request(self, kind, chanid):
        """Allow sessions."""
        return paramiko.OPEN_SUCCEEDED


class Files(paramiko.SFTPServerInterface):
    """Files of one folder."""

    root: Path = Path()
    #: What the server says instead, on opening a file: a code of SFTP.
    on_open: int | None = None
    #: A name that it shows where there is none like it.
    also_listed: str = ""

    def _path(self, path: str) -> str:
        return str(self.root) + self.canonicalize(path)

    def list_folder(self, path):
        """List a folder without following links."""
        try:
            with os.scandir(self._path(path)) as found:
                listed = [
                    paramiko.SFTPAttributes.from_stat(one.stat(follow_symlinks=False), one.name)
                    for one in found
                ]
            if self.also_listed:
                facts = self.root.parent.stat()
                odd = paramiko.SFTPAttributes.from_stat(facts, self.also_listed)
                odd.st_mode = stat.S_IFREG | 0o644
                listed.append(odd)
            return listed
        except OSError as fault:
            return paramiko.SFTPServer.convert_errno(fault.errno)

    def lstat(self, path):
        """Return facts of a file."""
        try:
            return paramiko.SFTPAttributes.from_stat(os.lstat(self._path(path)))
        except OSError as fault:
            return paramiko.SFTPServer.convert_errno(fault.errno)

    stat = lstat

    def open(self, path, flags, attr):
        """Open a file for reading."""
        if self.on_open is not None:
            return self.on_open
        try:
            stream = Path(self._path(path)).open("rb")  # noqa: SIM115 - paramiko closes it
        except OSError as fault:
            return paramiko.SFTPServer.convert_errno(fault.errno)
        handle = paramiko.SFTPHandle(flags)
        handle.filename, handle.readfile = path, stream
        return handle

    def remove(self, path):
        """Remove a file."""
        return self._do(lambda: Path(self._path(path)).unlink())

    def rename(self, oldpath, newpath):
        """Rename a file."""
        return self._do(lambda: Path(self._path(oldpath)).rename(self._path(newpath)))

    def mkdir(self, path, attr):
        """Make a folder."""
        return self._do(lambda: Path(self._path(path)).mkdir())

    @staticmethod
    def _do(work):
        try:
            work()
        except OSError as fault:
            return paramiko.SFTPServer.convert_errno(fault.errno)
        return paramiko.SFTP_OK


class Inbox:
    """An SFTP server of this process over one folder."""

    def __init__(self, root: Path, **habits) -> None:
        self.root, self.habits = root, habits
        self.host_key = new_key()
        self.client_key, self.client_pem = new_client_key()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._transports: list[paramiko.Transport] = []

    @property
    def host_line(self) -> str:
        """Return the host key as a source names it."""
        return f"{self.host_key.get_name()} {self.host_key.get_base64()}"

    @contextmanager
    def running(self) -> Iterator[Inbox]:
        """Answer from other threads for the length of a block."""
        threading.Thread(target=self._serve, daemon=True).start()
        try:
            yield self
        finally:
            self._listening.close()
            for transport in self._transports:
                transport.close()

    def _serve(self) -> None:
        files = type("FilesHere", (Files,), {"root": self.root} | self.habits)
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files)
            self._transports.append(transport)
            try:
                transport.start_server(server=Account(self.client_key))
            except (paramiko.SSHException, EOFError):
                continue  # the client refused our key


def new_client_key() -> tuple[paramiko.PKey, str]:
    """Return a key and its private part as text."""
    made = ed25519.Ed25519PrivateKey.generate()
    text = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode()
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text)), text


def new_key() -> paramiko.PKey:
    """Return a fresh host key."""
    return new_client_key()[0]
