# SPDX-License-Identifier: Apache-2.0
"""The virtual environment of peers.py, with the runtimes it compares."""
import importlib.util
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / "build" / "venv-peers"
BASE = ["numpy==2.4.6", "onnx==1.23.2"]
# Packages of each peer, in the order of tables; a "-" in front: without those
# it depends on. What has none is used where it happens to be installed.
PACKAGES = {
    "ort": ["onnxruntime==1.31.1"],
    "openvino": ["openvino==2026.4.1"],
    "mnn": ["MNN==3.6.1"],
    "ncnn": ["ncnn==1.0.20261020", "-pnnx==20261020"],
    "torch": ["torch==2.15.0", "onnx2torch==1.5.15"],
    "tvm": [],
}
MODULES = {"ort": "onnxruntime", "mnn": "MNN", "torch": "onnx2torch"}


def install(packages):
    """Installs what the stamp does not name; whether that went well."""
    stamp = VENV / "packages"
    there = stamp.read_text().split("\n") if stamp.exists() else []
    for package in packages:
        name = package.removeprefix("-")
        if name in there:
            continue
        print(f"installing {name} into {VENV}", file=sys.stderr)
        alone = ["--no-deps"] if name != package else []
        done = subprocess.run(
            [VENV / "bin" / "pip", "install", "--quiet",
             "--disable-pip-version-check", *alone, name])
        if done.returncode:
            return False
        there.append(name)
        stamp.write_text("\n".join(there))
    return True


def enter(peers):
    """Runs the script again in build/venv-peers, which is made first."""
    if pathlib.Path(sys.prefix) == VENV:
        return
    if not (VENV / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    if not install(BASE):
        sys.exit(f"pip can't install {' '.join(BASE)}")
    for peer in peers:
        install(PACKAGES[peer])
    python = str(VENV / "bin" / "python")
    os.execv(python, [python, *sys.argv])


def present(peer):
    """In the environment: whether a peer is there."""
    return importlib.util.find_spec(MODULES.get(peer, peer)) is not None


def versions(peers):
    from importlib.metadata import version
    names = {"ort": "onnxruntime", "tvm": "apache-tvm"}
    return [f"{names.get(peer, peer)} {version(names.get(peer, peer))}"
            for peer in peers]
