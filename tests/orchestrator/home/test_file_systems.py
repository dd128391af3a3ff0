"""File systems that cannot do everything: told as what they are, before anything starts."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.commands import doctor as diagnosis
from orchestrator.home.filesystem import filesystem_type, is_network
from orchestrator.home.home import HomeError, check_writable, driver_lock, lock_holder
from orchestrator.ledger import database
from orchestrator.ledger.database import LedgerWriteError
from orchestrator.ledger.ledger import Ledger
from trainers.files import files
from trainers.files.files import NO_LOCKS, NoLocksError, locked, replaced, try_lock

Locks = Callable[[int], None]


@pytest.fixture
def locks_answer(monkeypatch: pytest.MonkeyPatch) -> Locks:
    """Return what makes every request for a lock answer with an error."""

    def answer(number: int, call: str = "flock") -> None:
        def refuse(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, call, refuse)
        monkeypatch.setattr("orchestrator.home.home.LOCK_TRY_SECONDS", 0.0)

    return answer


@pytest.mark.parametrize("number", sorted(NO_LOCKS))
def test_no_locks_are_told_as_that_before_anything_is_made(number: int, home: Path, locks_answer: Locks) -> None:
    locks_answer(number)
    with pytest.raises(HomeError, match=r"has no locks: .*Mount it with locks .*--home") as told:
        check_writable(home)
    assert os.strerror(number) in str(told.value) and "another driver" not in str(told.value)
    assert not home.exists()
    with pytest.raises(HomeError, match="has no locks"), driver_lock(home, ["a"]):
        pass
    assert lock_holder(home) is None


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EINTR, errno.EBADF, errno.EPERM])
def test_another_fault_is_told_as_itself(number: int, home: Path, locks_answer: Locks) -> None:
    locks_answer(number)
    with pytest.raises(HomeError, match=f"cannot be locked: {os.strerror(number)}; try again"):
        check_writable(home)


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EACCES])
def test_a_lock_that_is_held_is_told_as_held(number: int, home: Path, locks_answer: Locks) -> None:
    locks_answer(number)
    with pytest.raises(HomeError, match="another driver works in"), driver_lock(home, ["a"]):
        pass


def test_locks_by_bytes_are_looked_for_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with pytest.raises(HomeError, match="has no locks"):
        check_writable(home)


def test_a_call_that_is_broken_off_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = fcntl.flock, []

    def once(handle: object, operation: int) -> None:
        calls.append(operation)
        if len(calls) == 1:
            raise InterruptedError(errno.EINTR, "interrupted")
        real(handle, operation)

    monkeypatch.setattr(fcntl, "flock", once)
    with (tmp_path / "a").open("w") as handle:
        assert try_lock(handle)
    assert len(calls) == 2


def test_a_lock_of_ours_waits_for_nobody_where_there_are_none(tmp_path: Path, locks_answer: Locks) -> None:
    """The bank's: what raises here makes the teacher run in every step, with a warning."""
    locks_answer(errno.ENOLCK)
    with pytest.raises(NoLocksError), locked(tmp_path / "lock"):
        pass


def test_doctor_tells_of_missing_locks(home: Path, locks_answer: Locks, monkeypatch: pytest.MonkeyPatch) -> None:
    locks_answer(errno.ENOSYS)
    (found,) = [*diagnosis._home(home)]
    assert found.wrong and "has no locks" in found.text
    assert diagnosis._banks(home / "elsewhere").wrong


def test_doctor_looks_at_the_banks_own_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.name for one in diagnosis._home(home)] == ["home", "disk"]
    monkeypatch.setenv("KDSWEEP_BANKS", str(tmp_path / "scratch"))
    assert [one.name for one in diagnosis._home(home) if not one.wrong] == ["home", "disk", "banks"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_folders_that_cannot_be_flushed(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As s3fs, gcsfuse and CIFS have them; a file that cannot be flushed is an error everywhere."""
    real = os.fsync

    def refuse(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir():
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    with replaced(tmp_path / "file") as temporary:
        temporary.write_text("whole")
    with replaced(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "a").write_text("whole")
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "a").read_text() == "whole"
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
    with pytest.raises(OSError, match="I/O"), replaced(tmp_path / "other") as temporary:
        temporary.write_text("lost")
    assert not (tmp_path / "other").exists()


def test_a_folder_that_another_process_made_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "folder"
    real = files._put

    def late(temporary: Path, path: Path) -> None:
        exists = Path.exists
        monkeypatch.setattr(Path, "exists", lambda self: self != path and exists(self))  # looked at just before
        place.mkdir()
        (place / "first").write_text("")
        real(temporary, path)

    monkeypatch.setattr(files, "_put", late)
    with replaced(place) as temporary:
        temporary.mkdir()
        (temporary / "second").write_text("")
    assert [path.name for path in place.iterdir()] == ["first"]


NETWORK = (
    "nfs nfs4 cifs smb3 lustre gpfs beegfs ceph 9p virtiofs wekafs glusterfs fuse.glusterfs fuse.sshfs fuse.s3fs "
    "fuse.juicefs fuse.gcsfuse fuse.rclone fuse.mount-s3 fuse.blobfuse2 fuse.JuiceFS fuse fuse.nobody-knows"
)


@pytest.mark.parametrize("kind", NETWORK.split())
def test_network_file_systems(kind: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nJuiceFS:x {tmp_path}/net {kind} rw 0 0\n")
    (tmp_path / "net").mkdir()
    assert is_network(tmp_path / "net" / "home", mounts)
    assert not is_network(tmp_path, mounts)


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "bcachefs", "fuseblk", "fuse.fuse-overlayfs"]
)
def test_local_file_systems(kind: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / {kind} rw 0 0\n")
    assert not is_network(tmp_path, mounts)


def test_mount_points_with_any_name(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    line = f"/dev/a {tmp_path}/a\\040b\\011c\\134d ".encode() + b"nfs rw 0 0\n"
    mounts.write_bytes(b"/dev/a / ext4 rw 0 0\n\nshort\n/dev/b /mnt/caf\xe9 nfs rw 0 0\n" + line)
    (tmp_path / "a b\tc\\d").mkdir()
    assert filesystem_type(tmp_path / "a b\tc\\d", mounts) == "nfs"
    assert filesystem_type(tmp_path, mounts) == "ext4"
    assert filesystem_type(Path(os.fsdecode(b"/mnt/caf\xe9/home")), mounts) == "nfs"


class NoMemory(database._Connection):
    """A connection to a file on a file system that maps no memory."""

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        if sql == "PRAGMA journal_mode=WAL":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMMAP
            raise LedgerWriteError("the ledger cannot be written") from error
        return super().execute(sql, *parameters)


def test_a_ledger_where_no_memory_can_be_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_Connection", NoMemory)
    ledger = Ledger(tmp_path / "ledger.db")
    assert ledger.rows("PRAGMA journal_mode")[0][0] == "delete"
    ledger.close()
