"""What kind of file system a folder is on."""

from pathlib import Path

NETWORK_TYPES = frozenset({"nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "ceph", "fuse.sshfs", "9p"})


def is_network(folder: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Return whether the folder is on a file system shared over a network, where SQLite's WAL does not work."""
    return filesystem_type(folder, mounts) in NETWORK_TYPES


def filesystem_type(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the type of the file system the folder is on, "" where the system does not tell."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    resolved = folder.resolve()
    best, kind = -1, ""
    for line in lines:
        fields = line.split()
        point = Path(fields[1].replace("\\040", " "))
        if resolved.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind
