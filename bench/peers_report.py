# SPDX-License-Identifier: Apache-2.0
"""The table of peers.py: a row per network and number of threads."""
import math
import platform
import statistics

TITLES = {"adze": "adze", "ort": "ORT", "openvino": "OpenVINO", "mnn": "MNN",
          "ncnn": "ncnn", "torch": "torch", "tvm": "TVM"}


def print_heading(peers, unit):
    titles = [f"{TITLES[name]} {unit}" for name in ["adze", *peers]]
    ratios = [f"{TITLES[name]}/adze" for name in peers] + ["best/adze"]
    print(f"{'network':<26} {'threads':>7} "
          + " ".join(f"{title:>12}" for title in titles) + " "
          + " ".join(f"{title:>13}" for title in ratios if peers)
          + f" {'error':>8} {'compile s':>9}", flush=True)


def cell(value, width, digits):
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"


def print_row(row, peers):
    cells = [cell(row["engines"].get(name, {}).get("figure"), 12, 3)
             for name in ["adze", *peers]]
    cells += [cell(row["ratios"].get(name), 13, 2)
              for name in [*peers, "best"] if peers]
    error = "-" if row["error"] is None else f"{row['error']:.1e}"
    print(f"{row['network']:<26} {row['threads']:7d} " + " ".join(cells)
          + f" {error:>8} {row['compile_s']:9.2f}", flush=True)


def geometric_means(rows, peers):
    """Of the networks that a peer ran; of all for the best."""
    means = []
    for threads in sorted({row["threads"] for row in rows}):
        some = [row for row in rows if row["threads"] == threads]
        mean = {"threads": threads, "networks": len(some)}
        for name in [*peers, "best"] if peers else []:
            logs = [math.log(row["ratios"][name]) for row in some
                    if name in row["ratios"]]
            mean[name] = math.exp(statistics.fmean(logs)) if logs else None
        means.append(mean)
    return means


def print_means(means, peers):
    blank = " ".join([" " * 12] * (1 + len(peers)))
    for mean in means if peers else []:
        cells = " ".join(cell(mean[name], 13, 2) for name in [*peers, "best"])
        print(f"{'geometric mean':<26} {mean['threads']:7d} {blank} {cells}")


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
