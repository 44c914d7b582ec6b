"""Builds the container image of the page `release`, and runs it: ``python -m tests.release.image [--base FOLDER]``.

buildah does both, without a daemon, as root. In the container, the user that the image names runs the image's command
on a script that terminates a machine of the live cluster, then one of the other. The simulated AWS outside counts what
arrives. Where no registry can be reached, the base is made of a folder: a Debian, as debootstrap makes it, with a
Python in /usr/local. Exit code 1 where something is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from guardrails.testing import SimulatedAWS
from tests.docs.test_pages import block
from tests.release import build, hooks
from tests.support.environments import ROOT

_NAME = "guardrails-image-test"
_BASE = 'FROM scratch\nADD root /\nENV PATH="/usr/local/bin:/usr/bin:/bin"\n'
# Without files, as the page says: the log goes to standard error.
_CONFIG = hooks.CONFIG + '[log]\npath = "-"\n[state]\npath = ":memory:"\n'
_SCRIPT = """
import os
import boto3
import guardrails

ec2 = boto3.client("ec2")
try:
    ec2.terminate_instances(InstanceIds=[os.environ["LIVE"]])
except guardrails.CallDenied as denied:
    print("denied:", *{each.rule for each in denied.decision.violations})
ec2.terminate_instances(InstanceIds=[os.environ["STAGING"]])
print("user", os.getuid())
"""


def main() -> int:
    """Build the image, run it, and say what became of the calls."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", type=Path, help="a folder to make the base image of")
    base = parser.parse_args().base
    page = block("release", "dockerfile", "FROM")
    with tempfile.TemporaryDirectory(prefix="guardrails-image-") as folder:
        work = Path(folder)
        if base:
            (name,) = re.findall(r"^FROM (\S+)", page, re.MULTILINE)
            (work / "Dockerfile").write_text(_BASE.replace("root", base.name))
            _buildah("build", "-q", "-t", name, "-f", str(work / "Dockerfile"), str(base.resolve().parent))
        context = _context(work / "context", page)
        _buildah("build", "-q", *(["--pull-never"] if base else []), "-t", _NAME, str(context))
    container = _buildah("from", "--pull-never", f"localhost/{_NAME}").strip()
    try:
        return _run(container)
    finally:
        _buildah("rm", container)


def _context(folder: Path, page: str) -> Path:
    """What the page says lies beside its file: the wheel, a configuration, a script and a folder of rules."""
    folder.mkdir()
    subprocess.run((sys.executable, "-m", build.__name__, folder), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    hooks.write(folder)
    (folder / "Dockerfile").write_text(page)
    (folder / "guardrails.toml").write_text(_CONFIG)
    (folder / "script.py").write_text(_SCRIPT)
    return folder


def _run(container: str) -> int:
    config = json.loads(_buildah("inspect", container))["OCIv1"]["config"]
    with SimulatedAWS() as aws:
        live, staging = aws.start_cluster("blue", 2, addresses=1), aws.start_cluster("green", 1)
        given = {**aws.environment(), "LIVE": live.instance_ids[0], "STAGING": staging.instance_ids[0]}
        aws.clear()
        variables = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
        said = _buildah("run", *variables, container, "--", *config["Entrypoint"], *config["Cmd"])
        arrived = aws.count("TerminateInstances")
    sys.stdout.write(f"{config['User']}: {said}TerminateInstances arrived: {arrived}\n")
    return int("denied: live-cluster/terminate\n" not in said or arrived != 1 or "user 0\n" in said)


def _buildah(*arguments: str) -> str:
    """What it prints. Raises CalledProcessError, after what it said."""
    # Neither needs more of the kernel than a chroot and folders, so they also work in a container.
    own = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(("buildah", *arguments), env=own, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
