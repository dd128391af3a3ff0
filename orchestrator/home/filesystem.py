"""What kind of file system a folder is on."""

import re
from pathlib import Path

NETWORK_TYPES = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "coda",
        "9p",
        "virtiofs",
        "vboxsf",
        "prl_fs",
        "hgfs",
        "vmhgfs",
        "fakeowner",
        "lustre",
        "gpfs",
        "beegfs",
        "beeond",
        "ceph",
        "glusterfs",
        "wekafs",
        "weka",
        "panfs",
        "pvfs2",
        "orangefs",
        "ocfs2",
        "gfs",
        "gfs2",
        "daos",
        "dfuse",
        "acfs",
        "juicefs",
        "gcsfuse",
        "s3fs",
        "mount-s3",
        "s3ql",
        "goofys",
        "geesefs",
        "ossfs",
        "obsfs",
        "cosfs",
        "tosfs",
        "blobfuse",
        "blobfuse2",
        "rclone",
        "sshfs",
        "davfs",
        "davfs2",
        "curlftpfs",
        "moosefs",
        "mfs",
        "mfsmount",
        "lizardfs",
        "saunafs",
        "seaweedfs",
        "weed",
        "alluxio",
        "hdfs",
        "fuse_dfs",
        "cvmfs2",
        "curvefs",
        "cubefs",
        "chubaofs",
        "quobyte",
        "efs",
    ]
)
"""As /proc/mounts has them, without the `fuse.` before those that are programs."""
LOCAL_FUSE = frozenset(
    [
        "fuse-overlayfs",
        "overlay",
        "mergerfs",
        "bindfs",
        "encfs",
        "gocryptfs",
        "cryfs",
        "ntfs",
        "ntfs-3g",
        "exfat",
        "lxcfs",
        "unionfs",
        "ext2",
        "zfs-fuse",
        "squashfuse",
        "archivemount",
    ]
)
"""Programs that show a disk of this machine; any other program's files may be anywhere."""
OCTAL = re.compile(r"\\([0-7]{3})")


def is_network(folder: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Return whether the folder is on a file system shared over a network, or may be: one of a program that nobody
    knows. SQLite's WAL does not work there."""
    kind, separator, program = filesystem_type(folder, mounts).lower().partition(".")
    if kind == "fuse":
        return not separator or program not in LOCAL_FUSE
    return kind in NETWORK_TYPES


def filesystem_type(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the type of the file system the folder is on, "" where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    resolved = folder.resolve()
    best, kind = -1, ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[1]))
        if resolved.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind
