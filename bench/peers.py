#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times networks with adze, ONNX Runtime and OpenVINO in one interleaved run.

    bench/peers.py                                  the zoo, one thread
    bench/peers.py --networks resnet50,mobilenet_v2 --threads 1,2
    bench/peers.py --networks photo.onnx --json figures.json

The first call makes build/venv-peers with the other runtimes from PyPI; weights
of the zoo's graphs are drawn once into build/zoo. A network is a name of
../shared/zoo, one of ../shared/models/onnx (as onnx/NAME), or a file.

Every engine is a process of its own, pinned to the first CPUs it may use and
with so many threads; they take turns, in another order each round, and while
one runs the others sleep. A turn is one run that is not timed and then as many
as fit (at least two); the figure is the median of all. Peers compute in
float32 with their standard options. Figures mean something on a machine that
does nothing else.

error   largest difference from ONNX Runtime's outputs / their largest value
ORT/adze and best/adze   how many times faster adze is; above 1, it is ahead
"""
import argparse
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / "build" / "venv-peers"
PACKAGES = ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.31.1",
            "openvino==2026.4.1"]
PEERS = ["ort", "openvino"]
TITLES = {"adze": "adze", "ort": "ORT", "openvino": "OpenVINO"}
# Sizes of dimensions that a model leaves open.
OPEN = {
    "posenet_mnv1_050": "image:[1,3,513,513]",
    "tfpose_mobilenet_v2_small": "image:0:[1,3,368,432]",
    "cifar_resnet20_trained": "image:[1,3,32,32]",
}


def enter_venv():
    """Runs this script again in build/venv-peers, which it makes first."""
    stamp = VENV / "packages"
    wanted = "\n".join(PACKAGES)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"installing {' '.join(PACKAGES)} into {VENV}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "--quiet",
                        "--disable-pip-version-check", *PACKAGES], check=True)
        stamp.write_text(wanted)
    if pathlib.Path(sys.prefix) != VENV:
        python = str(VENV / "bin" / "python")
        os.execv(python, [python, *sys.argv])


def numbers(text):
    return [int(number) for number in text.split(",")]


def names(text):
    return [name for name in text.split(",") if name]


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--adze", type=pathlib.Path, metavar="PROGRAM",
                        default=ROOT / "build" / "bin" / "adze",
                        help="default: build/bin/adze; libadze_runtime.so is "
                        "in ../lib from there")
    parser.add_argument("--shared", type=pathlib.Path, metavar="FOLDER",
                        default=ROOT.parent / "shared",
                        help="where zoo/ and models/ are (../shared)")
    parser.add_argument("--networks", type=names, metavar="NAME,...",
                        default=[], help="default: the whole zoo")
    parser.add_argument("--threads", type=numbers, metavar="N,...",
                        default=[1], help="numbers of threads (1)")
    parser.add_argument("--rounds", type=int, default=10,
                        help="turns of each engine (10)")
    parser.add_argument("--seconds", type=float, default=3,
                        help="time of each engine in all its turns (3)")
    parser.add_argument("--peers", type=names, metavar="NAME,...",
                        default=PEERS, help=f"which of {', '.join(PEERS)}")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="also write the figures there")
    arguments = parser.parse_args()
    for name in arguments.peers:
        if name not in PEERS:
            parser.error(f"no peer {name}; there are {', '.join(PEERS)}")
    cpus = len(os.sched_getaffinity(0))
    if min(arguments.threads) < 1 or max(arguments.threads) > cpus:
        parser.error(f"--threads: from 1 to {cpus} here")
    if arguments.rounds < 1:
        parser.error("--rounds: at least 1")
    if not arguments.adze.exists():
        parser.error(f"{arguments.adze} is absent; `make` builds it")
    return arguments


def zoo_model(shared, name):
    """The network's path in build/zoo, with weights drawn if it is new."""
    path = ROOT / "build" / "zoo" / f"{name}.onnx"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as work:
            subprocess.run([sys.executable, shared / "zoo" / "fill.py", work,
                            name], check=True, stdout=subprocess.DEVNULL)
            path.parent.mkdir(exist_ok=True)
            os.replace(pathlib.Path(work) / path.name, path)
    return path


def find_models(arguments):
    shared, zoo = arguments.shared, arguments.shared / "zoo"
    wanted = arguments.networks
    if not wanted:
        wanted = sorted(path.stem for path in zoo.glob("*.onnx"))
    if not wanted:
        sys.exit(f"{zoo} is absent; name files with --networks")
    models = []
    for name in wanted:
        stem = name.removeprefix("zoo/")
        stored = shared / "models" / f"onnx/{stem.removeprefix('onnx/')}.onnx"
        if pathlib.Path(name).is_file():
            path = pathlib.Path(name)
        elif (zoo / f"{stem}.onnx").exists() and not name.startswith("onnx/"):
            path = zoo_model(shared, stem)
        elif stored.exists():
            path = stored
        else:
            sys.exit(f"{name}: neither a file nor a network of {zoo} or "
                     f"{stored.parent}")
        models.append((path.stem, path))
    return models


class Engine:
    """A process that runs one network with one runtime, when told to."""

    def __init__(self, name, arguments, model, threads, work):
        self.name, self.runs = name, []
        self.outputs = work / f"{name}.npz"
        library = arguments.adze.resolve().parent.parent / "lib" / \
            "libadze_runtime.so"
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "bench" / "engine.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask({"engine": name, "model": str(model), "threads": threads,
                  "package": str(work / "package.tar"),
                  "library": str(library), "shapes": str(work / "shapes.json"),
                  "outputs": str(self.outputs)})

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{TITLES[self.name]} gave up")
        return json.loads(answer)

    def turn(self, seconds):
        self.runs += self.ask({"seconds": seconds})

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compile_model(arguments, stem, model, work):
    command = [arguments.adze, "compile", model, "-o", work / "package.tar"]
    if stem in OPEN:
        command += ["--input-shapes", OPEN[stem]]
        name, dims = OPEN[stem].rsplit(":", 1)
        (work / "shapes.json").write_text(json.dumps({name: json.loads(dims)}))
    else:
        (work / "shapes.json").write_text("{}")
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def largest_error(expected_file, found_file):
    import numpy as np
    worst = 0.0
    with np.load(expected_file) as expected, np.load(found_file) as found:
        for name in expected.files:
            want = expected[name].astype(np.float64)
            difference = np.abs(found[name].astype(np.float64) - want).max()
            largest = np.abs(want).max()
            error = difference / largest if largest else difference
            worst = error if not error <= worst else worst
    return float(worst)


def take_turns(engines, arguments):
    for index in range(arguments.rounds):
        first = index % len(engines)
        for engine in engines[first:] + engines[:first]:
            engine.turn(arguments.seconds / arguments.rounds)
            time.sleep(0.02)  # until waiting threads of this one have stopped


def measure(arguments, stem, model, threads, work):
    engines = []
    row = {"network": stem, "threads": threads, "engines": {}}
    row["compile_s"] = compile_model(arguments, stem, model, work)
    try:
        for name in ["adze", *arguments.peers]:
            engines.append(Engine(name, arguments, model, threads, work))
        take_turns(engines, arguments)
    finally:
        for engine in engines:
            engine.close()
    for engine in engines:
        row["engines"][engine.name] = {
            "median_ms": statistics.median(engine.runs),
            "min_ms": min(engine.runs), "runs": len(engine.runs)}
    row["error"] = None
    if "ort" in arguments.peers:
        row["error"] = largest_error(work / "ort.npz", work / "adze.npz")
    own = row["engines"]["adze"]["median_ms"]
    ratios = {name: row["engines"][name]["median_ms"] / own
              for name in arguments.peers}
    row["ratios"] = ratios
    if ratios:
        row["ratios"] = {**ratios, "best": min(ratios.values())}
    return row


def print_heading(peers):
    titles = [f"{TITLES[name]} ms" for name in ["adze", *peers]]
    ratios = [f"{TITLES[name]}/adze" for name in peers] + ["best/adze"]
    print(f"{'network':<26} {'threads':>7} "
          + " ".join(f"{title:>11}" for title in titles) + " "
          + " ".join(f"{title:>13}" for title in ratios if peers)
          + f" {'error':>8} {'compile s':>9}", flush=True)


def print_row(row, peers):
    cells = [f"{row['engines'][name]['median_ms']:11.3f}"
             for name in ["adze", *peers]]
    cells += [f"{row['ratios'][name]:13.2f}" for name in [*peers, "best"]
              if peers]
    error = "-" if row["error"] is None else f"{row['error']:.1e}"
    print(f"{row['network']:<26} {row['threads']:7d} " + " ".join(cells)
          + f" {error:>8} {row['compile_s']:9.2f}", flush=True)


def geometric_means(rows, peers):
    means = []
    for threads in sorted({row["threads"] for row in rows}):
        some = [row for row in rows if row["threads"] == threads]
        mean = {"threads": threads, "networks": len(some)}
        for name in [*peers, "best"] if peers else []:
            mean[name] = math.exp(statistics.fmean(
                math.log(row["ratios"][name]) for row in some))
        means.append(mean)
    return means


def print_means(means, peers):
    blank = " ".join([" " * 11] * (1 + len(peers)))
    for mean in means if peers else []:
        cells = " ".join(f"{mean[name]:13.2f}" for name in [*peers, "best"])
        print(f"{'geometric mean':<26} {mean['threads']:7d} {blank} {cells}")


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    arguments = parse_arguments()
    enter_venv()
    models = find_models(arguments)
    version = subprocess.run([arguments.adze, "--version"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout.strip()
    about = {"cpu": cpu_name(), "cpus": len(os.sched_getaffinity(0)),
             "adze": version, "packages": PACKAGES,
             "rounds": arguments.rounds, "seconds": arguments.seconds}
    print(f"{about['cpu']}, {about['cpus']} CPUs; {version}, "
          f"{', '.join(PACKAGES[2:])}")
    print_heading(arguments.peers)
    rows, failed = [], []
    for stem, model in models:
        for threads in arguments.threads:
            with tempfile.TemporaryDirectory() as work:
                try:
                    row = measure(arguments, stem, model, threads,
                                  pathlib.Path(work))
                except (RuntimeError, subprocess.CalledProcessError) as error:
                    print(f"{stem:<26} {threads:7d} failed: {error}")
                    failed.append(stem)
                    continue
            rows.append(row)
            print_row(row, arguments.peers)
    means = geometric_means(rows, arguments.peers)
    print_means(means, arguments.peers)
    if arguments.json:
        arguments.json.write_text(json.dumps(
            {**about, "rows": rows, "geometric_means": means,
             "failed": failed}, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
