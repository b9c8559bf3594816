#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times networks with adze and other runtimes in one interleaved run.

    bench/peers.py                                  the zoo, one thread
    bench/peers.py --networks resnet50,mobilenet_v2 --threads 1,2
    bench/peers.py --networks photo.onnx --json figures.json
    bench/peers.py --peers ort,openvino,mnn,ncnn,torch,tvm --isa avx2
    bench/peers.py --hint throughput --threads 2 --networks resnet50

The first call makes build/venv-peers with the other runtimes from PyPI; weights
of the zoo's graphs are drawn once into build/zoo. A network is a name of
../shared/zoo, one of ../shared/models/onnx (as onnx/NAME), or a file.

Every engine is a process of its own, pinned to the first CPUs it may use and
with so many threads; they take turns, in another order each round, and while
one runs the others sleep. A turn is one run that is not timed and then as many
as fit (at least two); the figure is the median of all. Peers compute in
float32 with their standard options. Figures mean something on a machine that
does nothing else.

ort (ONNX Runtime) and openvino are compared unless --peers says otherwise. mnn,
ncnn (through pnnx) and torch (torch.compile through onnx2torch, gigabytes to
install) come from PyPI too; tvm takes part, untuned, where build/venv-peers has
it. A peer that can't be installed, or can't load a network, is left out, and a
line says so.

--hint throughput   adze runs a single-threaded instance per thread, OpenVINO
        what its hint THROUGHPUT makes of so many threads; figures are frames
        per second (the median of turns), and ratios are adze/peer
--isa avx2   adze compiles for haswell, TVM too; oneDNN (OpenVINO, torch) is
        held by its environment variables; ONNX Runtime, MNN and ncnn choose by
        the CPU and can't be held: on a CPU with AVX-512 they have the advantage

error   largest difference from ONNX Runtime's outputs / their largest value
        (from OpenVINO's where ONNX Runtime takes no part)
ORT/adze and best/adze   how many times faster adze is; above 1, it is ahead
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import peers_venv
from peers_engine import ISA, Engine, LeftOut, largest_error
from peers_report import (TITLES, cpu_name, geometric_means, print_heading,
                          print_means, print_row)
from peers_venv import PACKAGES, ROOT

# Sizes of dimensions that a model leaves open.
OPEN = {
    "posenet_mnv1_050": "image:[1,3,513,513]",
    "tfpose_mobilenet_v2_small": "image:0:[1,3,368,432]",
    "cifar_resnet20_trained": "image:[1,3,32,32]",
}
THROUGHPUT_PEERS = ["openvino"]


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
                        default=None, help=f"which of {', '.join(PACKAGES)} "
                        "(ort,openvino)")
    parser.add_argument("--hint", choices=["latency", "throughput"],
                        default="latency",
                        help="time of a run, or frames per second (latency)")
    parser.add_argument("--isa", choices=list(ISA),
                        help="hold everybody who can be held to it")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="also write the figures there")
    arguments = parser.parse_args()
    usual = ["ort", "openvino"]
    if arguments.hint == "throughput":
        usual = THROUGHPUT_PEERS
    if arguments.peers is None:
        arguments.peers = usual
    for name in arguments.peers:
        if name not in PACKAGES:
            parser.error(f"no peer {name}; there are {', '.join(PACKAGES)}")
        if arguments.hint == "throughput" and name not in THROUGHPUT_PEERS:
            parser.error(f"--hint throughput compares adze with "
                         f"{', '.join(THROUGHPUT_PEERS)} only, not {name}")
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


def compile_model(arguments, stem, model, cores, work):
    """For as many cores as run one instance, which peers are told, too."""
    target = f"llvm -num-cores={cores}"
    if arguments.isa:
        target += f" -mcpu={ISA[arguments.isa]['mcpu']}"
    command = [arguments.adze, "compile", model, "-o", work / "package.tar",
               "--target", target]
    if stem in OPEN:
        command += ["--input-shapes", OPEN[stem]]
        name, dims = OPEN[stem].rsplit(":", 1)
        (work / "shapes.json").write_text(json.dumps({name: json.loads(dims)}))
    else:
        (work / "shapes.json").write_text("{}")
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def take_turns(engines, arguments):
    for index in range(arguments.rounds):
        first = index % len(engines)
        for engine in engines[first:] + engines[:first]:
            engine.turn(arguments.seconds / arguments.rounds)
            time.sleep(0.02)  # until waiting threads of this one have stopped


def start_engines(arguments, stem, model, threads, work, engines):
    for name in ["adze", *arguments.peers]:
        try:
            engines.append(Engine(name, arguments, model, threads, work))
        except LeftOut as reason:
            if name == "adze":
                raise
            print(f"{stem}: without {reason}", flush=True)


def compare_outputs(row, engines):
    """Each engine's largest difference from the first of ort and openvino."""
    row["error"] = None
    expected = [engine for engine in engines
                if engine.name in ("ort", "openvino")]
    for engine in engines if expected else []:
        error = largest_error(expected[0].outputs, engine.outputs)
        row["engines"][engine.name]["error"] = error
        if engine.name == "adze":
            row["error"] = error
        elif error is None or error > 1e-3:
            text = "other outputs" if error is None else f"an error of {error}"
            print(f"{row['network']}: {TITLES[engine.name]} has {text}")


def measure(arguments, stem, model, threads, work):
    engines = []
    row = {"network": stem, "threads": threads, "engines": {}, "ratios": {}}
    cores = 1 if arguments.hint == "throughput" else threads
    row["compile_s"] = compile_model(arguments, stem, model, cores, work)
    try:
        start_engines(arguments, stem, model, threads, work, engines)
        take_turns(engines, arguments)
    finally:
        for engine in engines:
            engine.close()
    faster = arguments.hint == "throughput"
    for engine in engines:
        row["engines"][engine.name] = {
            "figure": statistics.median(engine.runs),
            "best": (max if faster else min)(engine.runs),
            "runs": len(engine.runs)}
    compare_outputs(row, engines)
    own = row["engines"]["adze"]["figure"]
    for engine in engines[1:]:
        figure = row["engines"][engine.name]["figure"]
        row["ratios"][engine.name] = own / figure if faster else figure / own
    if row["ratios"]:
        row["ratios"]["best"] = min(row["ratios"].values())
    return row


def choose_peers(arguments):
    """Leaves out what isn't there; a line about each, and about --isa."""
    for name in list(arguments.peers):
        if not peers_venv.present(name):
            print(f"without {TITLES[name]}: not in {peers_venv.VENV}")
            arguments.peers.remove(name)
    free = [TITLES[name] for name in ISA.get(arguments.isa, {"free": []})[
        "free"] if name in arguments.peers]
    if arguments.isa:
        print(f"held to {arguments.isa}" + (
            f", but not {', '.join(free)}, which choose by the CPU and can't "
            "be held" if free else ""))


def main():
    arguments = parse_arguments()
    peers_venv.enter(arguments.peers)
    models = find_models(arguments)
    choose_peers(arguments)
    version = subprocess.run([arguments.adze, "--version"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout.strip()
    versions = peers_venv.versions(arguments.peers)
    unit = "fps" if arguments.hint == "throughput" else "ms"
    about = {"cpu": cpu_name(), "cpus": len(os.sched_getaffinity(0)),
             "adze": version, "packages": versions, "hint": arguments.hint,
             "unit": unit, "isa": arguments.isa, "rounds": arguments.rounds,
             "seconds": arguments.seconds}
    print(f"{about['cpu']}, {about['cpus']} CPUs; "
          f"{', '.join([version, *versions])}")
    print_heading(arguments.peers, unit)
    rows, failed = [], []
    for stem, model in models:
        for threads in arguments.threads:
            with tempfile.TemporaryDirectory() as work:
                try:
                    row = measure(arguments, stem, model, threads,
                                  pathlib.Path(work))
                except (LeftOut, subprocess.CalledProcessError) as error:
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
