"""A folder on an SFTP server whose host key is known beforehand."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import paramiko

from meters.sources import _network
from meters.sources._base import (
    MEGABYTE,
    Inbox,
    Item,
    NotReadyError,
    Passed,
    Surroundings,
    UnreachableError,
    connectors,
    copy,
    too_large,
)
from meters.sources._listing import MARKER, Entry, Rules, judge
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param

PREFETCHED = 64
PRIVATE_KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(frozen=True)
class SftpParameters:
    """The server, its key, who we are, and which files are taken."""

    host: str = param(help="Name or address of the server.")
    username: str = param()
    host_keys: tuple[str, ...] = param(
        help="Public host keys as in known_hosts, without the name: 'ssh-ed25519 AAAA...'."
    )
    port: int = param(22, minimum=1, maximum=65_535)
    auth: str = param("key", choices=("key", "password"), help="What the secret is.")
    folder: str = param(".", help="Folder on the server.")
    pattern: str = param("*", help="Which names are taken, such as *.csv.")
    needs_marker: bool = param(False, help="Take a file only when NAME.done lies beside it.")
    settle_seconds: int = param(
        30, unit="s", minimum=1, maximum=86_400, help="How long a file stays the same to be whole."
    )
    after: str = param(
        "leave", choices=("leave", "move", "remove"), help="What becomes of a received file."
    )
    taken_folder: str = param("taken", help="Subfolder for received files that are moved.")
    allow_private: bool = param(False, help="The host may be inside our own networks.")
    connect_seconds: int = param(15, unit="s", minimum=1, maximum=120)
    read_seconds: int = param(30, unit="s", minimum=1, maximum=300)
    total_seconds: int = param(600, unit="s", minimum=1, maximum=800)
    limit_mb: int = param(500, unit="MB", minimum=1, maximum=10_000)

    def __post_init__(self) -> None:
        """Refuse to connect to whoever answers: a host key is a must."""
        if not self.host_keys:
            text = "host_keys: name at least one; ssh-keyscan shows it, its owner confirms it."
            raise Refused("source.host_key", text)
        for line in self.host_keys:
            _key_parts(line)
        if "/" in self.taken_folder or self.taken_folder in ("", ".", ".."):
            text = f"taken_folder: '{self.taken_folder}' is not the name of one subfolder."
            raise Refused("source.path", text)

    @property
    def rules(self) -> Rules:
        """Return which files are whole."""
        return Rules(self.pattern, self.needs_marker, self.settle_seconds, self.taken_folder)


@connectors.register("sftp@1")
class Sftp:
    """An inbox on an SFTP server."""

    title = "SFTP inbox"
    polls = True
    takes_secret = True
    Parameters = SftpParameters

    @staticmethod
    @contextmanager
    def open(parameters: SftpParameters, surroundings: Surroundings) -> Iterator[Inbox]:
        """Connect, compare the host key, only then log in."""
        place = f"{parameters.host}:{parameters.port}"
        plain = _network.connect(
            parameters.host,
            parameters.port,
            allow_private=parameters.allow_private,
            seconds=parameters.connect_seconds,
        )
        seconds = parameters.total_seconds
        with _network.ends_after(seconds, lambda: _network.cut(plain)) as ended:
            try:
                with _transport(plain, parameters) as transport:
                    _check_host_key(transport, parameters)
                    _log_in(transport, parameters, surroundings.secret)
                    yield _SftpInbox(_client(transport, parameters), parameters, surroundings)
            except (paramiko.SSHException, EOFError, OSError) as fault:
                if ended.is_set():
                    text = f"{place} was not finished after {seconds} s; the rest is tried again."
                    raise UnreachableError(text) from fault
                if not _is_broken(fault):
                    raise
                text = f"{place} broke off ({_said(fault)}); what was not received is tried again."
                raise UnreachableError(text) from fault
            finally:
                plain.close()


class _SftpInbox(Inbox):
    """The folder on the server, looked into once."""

    def __init__(
        self,
        client: paramiko.SFTPClient,
        parameters: SftpParameters,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(surroundings)
        self._client, self._parameters = client, parameters
        self.puts_away = parameters.after != "leave"

    def look(self) -> tuple[list[Item], list[Passed]]:
        """List the folder."""
        folder = self._parameters.folder
        try:
            listed = self._client.listdir_attr(folder)
        except (FileNotFoundError, PermissionError) as fault:
            text = f"The folder {folder} of {self._parameters.host} cannot be read: {_said(fault)}."
            raise Refused("source.unreadable", text) from fault
        except UnicodeDecodeError as fault:
            text = f"A name in {folder} of {self._parameters.host} is not UTF-8; rename it there."
            raise Refused("source.name", text) from fault
        entries = [_entry(each) for each in listed]
        items, passed, self.memory = judge(entries, self._parameters.rules, self.memory, self.now)
        for item in items:
            self.compare_clock(item.modified_at or self.now)
        return items, passed

    def fetch(self, item: Item, into: BinaryIO) -> bool:
        """Copy a file; it must be the same before and after."""
        if (item.size or 0) > self._parameters.limit_mb * MEGABYTE:
            raise too_large(item.name, self._parameters.limit_mb)
        try:
            copied = self._copy(item, into)
        except FileNotFoundError as fault:
            raise NotReadyError("went away before it was read") from fault
        except PermissionError as fault:
            text = f"{item.name} cannot be read: {_said(fault)}."
            raise Refused("source.unreadable", text) from fault
        if copied != item.size or self._identity(item) != item.identity:
            raise NotReadyError("changed while it was read")
        return True

    def received(self, item: Item) -> None:
        """Move or remove a received file, when the source says so.

        A file that was replaced meanwhile is another one, which has not been received.
        """
        after = self._parameters.after
        if after == "leave" or self._identity(item) != item.identity:
            return
        try:
            if after == "remove":
                self._client.remove(self._at(item.place))
            else:
                self._move(item)
            self._remove_marker(item)
        except OSError as fault:
            text = f"{item.name} was received but cannot be put away: {_said(fault)}."
            raise Refused("source.unmovable", text) from fault

    def _copy(self, item: Item, into: BinaryIO) -> int:
        with self._client.open(self._at(item.place), "rb") as source:
            source.prefetch(item.size, max_concurrent_requests=PREFETCHED)
            return copy(source.read, into, item.name, self._parameters.limit_mb)

    def _move(self, item: Item) -> None:
        folder = self._at(self._parameters.taken_folder)
        there = set(self._client.listdir(self._parameters.folder))
        if self._parameters.taken_folder not in there:
            self._client.mkdir(folder)
        taken, name, number = set(self._client.listdir(folder)), item.name, 1
        while name in taken:
            number += 1
            name = f"{number}-{item.name}"
        self._client.rename(self._at(item.place), f"{folder}/{name}")

    def _remove_marker(self, item: Item) -> None:
        try:
            self._client.remove(self._at(item.place + MARKER))
        except FileNotFoundError:  # most files have none
            return

    def _identity(self, item: Item) -> str:
        """Return what the file is now; empty when it has gone."""
        try:
            facts = self._client.lstat(self._at(item.place))
        except FileNotFoundError:
            return ""
        facts.filename = item.name
        return _entry(facts).identity

    def _at(self, name: str) -> str:
        return f"{self._parameters.folder.rstrip('/')}/{name}"


@contextmanager
def _transport(plain, parameters: SftpParameters) -> Iterator[paramiko.Transport]:
    transport = paramiko.Transport(plain)
    transport.banner_timeout = transport.auth_timeout = parameters.connect_seconds
    offered = transport.get_security_options()
    wanted = {kind for kind, _key in map(_key_parts, parameters.host_keys)}
    wanted |= {"rsa-sha2-512", "rsa-sha2-256"} if "ssh-rsa" in wanted else set()
    offered.key_types = [kind for kind in offered.key_types if kind in wanted]
    try:
        yield transport
    finally:
        transport.close()


def _check_host_key(transport: paramiko.Transport, parameters: SftpParameters) -> None:
    """Shake hands and refuse a server that does not show a key that is known."""
    try:
        transport.start_client(timeout=parameters.connect_seconds)
    except paramiko.ssh_exception.IncompatiblePeer as fault:
        text = (
            f"{parameters.host} has no host key of a kind that the source knows; nothing was sent "
            "to it. If the server was renewed, let its owner confirm the new key."
        )
        raise Refused("source.host_key", text) from fault
    shown = transport.get_remote_server_key().asbytes()
    if shown not in [key for _kind, key in map(_key_parts, parameters.host_keys)]:
        text = (
            f"{parameters.host} shows the host key {_fingerprint(shown)}, which the source does "
            "not know; nothing was sent to it. If the server was renewed, let its owner confirm "
            "the key; else somebody stands between."
        )
        raise Refused("source.host_key", text)


def _log_in(transport: paramiko.Transport, parameters: SftpParameters, secret: str) -> None:
    if not secret:
        raise Refused("source.secret", "The source names no secret to log in with.")
    try:
        if parameters.auth == "password":
            transport.auth_password(parameters.username, secret)
        else:
            transport.auth_publickey(parameters.username, _private_key(secret))
    except paramiko.AuthenticationException as fault:
        text = (
            f"{parameters.host} refuses the log-in of {parameters.username}; check the "
            f"{parameters.auth} that the secret holds."
        )
        raise Refused("source.login", text) from fault


def _client(transport: paramiko.Transport, parameters: SftpParameters) -> paramiko.SFTPClient:
    client = paramiko.SFTPClient.from_transport(transport)
    client.get_channel().settimeout(parameters.read_seconds)
    return client


def _private_key(text: str) -> paramiko.PKey:
    for kind in PRIVATE_KEYS:
        try:
            return kind.from_private_key(io.StringIO(text))
        except (paramiko.SSHException, ValueError):  # a key of another kind; the next one fits
            continue
    raise Refused(
        "source.secret",
        "The secret is no private key without a passphrase (Ed25519, ECDSA or RSA).",
    )


def _key_parts(line: str) -> tuple[str, bytes]:
    """Return kind and bytes of a public key line; Refused for what is none."""
    kind, _, rest = line.strip().partition(" ")
    try:
        key = base64.b64decode(rest.split(" ")[0], validate=True)
    except binascii.Error:
        key = b""
    if len(key) < 4 + len(kind) or key[4 : 4 + len(kind)] != kind.encode():
        text = f"host_keys: '{line[:40]}' is no line such as 'ssh-ed25519 AAAA...'."
        raise Refused("source.host_key", text)
    return kind, key


def _fingerprint(key: bytes) -> str:
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def _entry(found: paramiko.SFTPAttributes) -> Entry:
    """Return a line of the listing; what a server says nothing about is no regular file."""
    mode, size, mtime = found.st_mode or 0, found.st_size or 0, found.st_mtime or 0
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "folder"), (stat.S_ISLNK, "link"))
    kind = next((name for test, name in kinds if test(mode)), "other")
    return Entry(found.filename, kind, size, mtime, str(mtime))


def _is_broken(fault: BaseException) -> bool:
    """Tell a fault of the server from a full disk of ours, which is an OSError too.

    What the server reports beyond "no such file" and "permission denied" has no number.
    """
    known = (paramiko.SSHException, EOFError, TimeoutError, ConnectionError)
    return isinstance(fault, known) or getattr(fault, "errno", None) is None


def _said(fault: BaseException) -> str:
    return str(getattr(fault, "strerror", "") or fault or type(fault).__name__)
