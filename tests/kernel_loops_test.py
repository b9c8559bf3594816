# SPDX-License-Identifier: Apache-2.0
"""Inner loops of convolutions keep their values in vector registers.

    kernel_loops_test.py ADZE

Compiles networks of one operator each for four machines and looks through the
assembly (kernel_loops.py): no arithmetic on single floats, and no spills. What
is let be, since it is so today: transforms of Winograd's, which hold more
values than there are registers, spill, but never in more than one instruction
in four; and the loops named in KNOWN. Inputs that lie in many pieces, further
away than the L2 cache, are asked for early, others are not; so are the weights
of Winograd's, whose products need them faster than memory brings them, and all
convolutions' on machines whose caches don't fetch them in time.

Exits with 77, saying why, where adze was built without LLVM.
"""
import os
import random
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "hostile"))
from kernel_loops import inner  # noqa: E402
from onnx_bytes import floats, model, node, tensor, value  # noqa: E402

TARGETS = {"haswell": "llvm -mcpu=haswell", "znver4": "llvm -mcpu=znver4",
           "emeraldrapids": "llvm -mcpu=emeraldrapids",
           "cortex-a76": "llvm -mtriple=aarch64-linux-gnu -mcpu=cortex-a76"}
# For all weights but those of NO_WEIGHTS.
ASKS_ALWAYS = {"emeraldrapids"}
NO_WEIGHTS = ("depthwise", "dense")
TRANSFORM_SPILLS = 0.25  # of the instructions of a loop
# (network, target): so many spills at most in a loop.
KNOWN = {
    # One block of 12 or 13 columns, whose sums change their registers.
    ("3x3 of 24 to 40, 17", "haswell"): 4,
    # 25 vectors of weights beside the sums: more than there are registers.
    ("depthwise 5x5, 14", "znver4"): 68,
    ("depthwise 5x5, 14", "emeraldrapids"): 68,
    ("depthwise 5x5, 14", "cortex-a76"): 47,
    # Winograd's; rows that a last tile lacks are kept across the condition.
    ("7x7 stride 2 of 3", "haswell"): 45,
}

# What Winograd's algorithm takes, by the beginnings of names.
WINOGRAD = ("3x3 of ", "3x3 stride 2, ", "5x5 stride 2", "7x7 stride 2")

# Whether the input is larger than half of every L2 cache, or the weights are
# Winograd's.
ASKS_EARLY = {"1x1, 56": True, "1x1, 7": False, "3x3 of 64, 56": True,
              "3x3 of 128, 28": True}


# Whose places fill one tile, so that every weight is read once; and whose
# weights come in a moment.
NOT_AHEAD = ("3x3 of 24 to 40, 17", "5x5 stride 2, 28",
             "3x3 stride 2 of 24, 33", "1x1 of 96 to 24, 112",
             "3x3 stride 2 of 3", "pooled, 3x3 stride 2 of 3",
             "pooled, 1x1 stride 2 of 64")

BAD_X86 = """kernel0:
\tvxorps %xmm0, %xmm0, %xmm0
.LBB0_1:
\tvmovups -96(%rsp), %ymm1
""" + "\tvfmadd231ps (%rsi), %ymm2, %ymm1\n" * 8 + """\tvmulss %xmm1, %xmm2, %xmm3
\tvmovups %ymm1, -96(%rsp)
\taddq $32, %rsi
\tcmpq %rsi, %rdi
\tjne .LBB0_1
\tretq
"""
BAD_AARCH64 = """kernel0:
.LBB0_1:
\tldr q1, [sp, #16]              // 16-byte Folded Reload
""" + "\tfmla v0.4s, v1.4s, v2.s[0]\n" * 8 + """\tfmadd s3, s4, s5, s3
\tstp q0, q1, [sp, #32]
\tsubs x8, x8, #1
\tb.ne .LBB0_1
\tret
"""


def weights(name, dims):
    count, source = 1, random.Random(name)
    for dim in dims:
        count *= dim
    return tensor(name, dims, struct.pack(
        "<%df" % count, *(source.uniform(-1, 1) for _ in range(count))))


def conv(inputs, outputs, kernel, size, op="Conv", **attributes):
    """relu(conv(x) + b) on images of size x size."""
    group = attributes.get("group", 1)
    dims = [outputs, inputs // group, kernel, kernel]
    if op == "ConvTranspose":
        dims[:2] = inputs, outputs
    pad = kernel // 2 if op == "Conv" else 1
    return model(
        [node(op, ["x", "w", "b"], ["t"], "conv", pads=[pad] * 4,
              **attributes), node("Relu", ["t"], ["y"])],
        [value("x", [1, inputs, size, size])], [value("y")],
        [weights("w", dims), floats("b", [outputs], *[0.5] * outputs)])


def pooled(inputs, outputs, kernel, size):
    """The maxima of relu(conv(x) + b), each with a stride of 2."""
    return model(
        [node("Conv", ["x", "w", "b"], ["t"], "conv", strides=[2, 2]),
         node("Relu", ["t"], ["r"]),
         node("MaxPool", ["r"], ["y"], kernel_shape=[3, 3], strides=[2, 2],
              pads=[1] * 4)],
        [value("x", [1, inputs, size, size])], [value("y")],
        [weights("w", [outputs, inputs, kernel, kernel]),
         floats("b", [outputs], *[0.5] * outputs)])


def dense(inputs, outputs):
    return model(
        [node("Gemm", ["x", "w", "b"], ["y"], "dense", transB=1)],
        [value("x", [1, inputs])], [value("y")],
        [weights("w", [outputs, inputs]),
         floats("b", [outputs], *[0.5] * outputs)])


def networks():
    twice = {"strides": [2, 2]}
    yield "3x3 of 64, 56", conv(64, 64, 3, 56)
    yield "3x3 of 128, 28", conv(128, 128, 3, 28)
    yield "3x3 of 24 to 40, 17", conv(24, 40, 3, 17)
    yield "3x3 stride 2, 56", conv(64, 128, 3, 56, **twice)
    yield "3x3 stride 2 of 24, 33", conv(24, 48, 3, 33, **twice)
    yield "5x5 stride 2, 28", conv(32, 48, 5, 28, **twice)
    yield "1x1, 56", conv(64, 256, 1, 56)
    yield "1x1, 14", conv(256, 64, 1, 14)
    yield "1x1 of 96 to 24, 112", conv(96, 24, 1, 112)
    yield "1x1, 7", conv(160, 320, 1, 7)
    yield "1x1 of 512, 28", conv(512, 1024, 1, 28)
    yield "1x1 stride 2, 28", conv(128, 256, 1, 28, **twice)
    yield "depthwise, 56", conv(144, 144, 3, 56, group=144)
    yield "depthwise stride 2, 56", conv(144, 144, 3, 56, group=144, **twice)
    yield "depthwise 5x5, 14", conv(96, 96, 5, 14, group=96)
    yield "7x7 stride 2 of 3", conv(3, 64, 7, 224, **twice)
    yield "3x3 stride 2 of 3", conv(3, 32, 3, 224, **twice)
    yield "pooled, 3x3 stride 2 of 3", pooled(3, 64, 3, 225)
    yield "pooled, 1x1 stride 2 of 64", pooled(64, 96, 1, 225)
    yield "dense", dense(512, 1000)
    yield "transposed", conv(128, 64, 4, 16, op="ConvTranspose", **twice)


def faults(name, target, found, winograd):
    known = KNOWN.get((name, target), 0)
    for loop in found:
        transform = winograd and loop.stores
        share = TRANSFORM_SPILLS * len(loop.instructions) if transform else 0
        most = max(known, share)
        if loop.spills > most or loop.scalars:
            yield f"{name} for {target}: {loop}"


def assembly(adze, folder, data, target):
    path = os.path.join(folder, "net.onnx")
    with open(path, "wb") as file:
        file.write(data)
    output = os.path.join(folder, "net.tar")
    done = subprocess.run([adze, "compile", path, "-o", output, "--target",
                           target, "--dump-code", "asm"],
                          capture_output=True, text=True)
    if done.returncode == 13:
        print("skipped: adze was built without LLVM")
        sys.exit(77)
    assert done.returncode == 0, done.stderr
    with open(output + ".asm") as file:
        return file.read()


def sees_faults():
    """Assembly that was made bad by hand."""
    for bad in BAD_X86, BAD_AARCH64:
        found = inner(bad)
        assert len(found) == 1, found
        loop = found[0]
        assert (loop.multiply_adds, loop.spills, loop.scalars, loop.stores) \
            == (8, 2, 1, 0), str(loop)
        assert list(faults("bad", "x", found, False))
        assert list(faults("bad", "x", found, True))


def main():
    bad, count = [], 0
    sees_faults()
    with tempfile.TemporaryDirectory() as folder:
        for name, data in networks():
            winograd = name.startswith(WINOGRAD)
            for short, target in TARGETS.items():
                text = assembly(sys.argv[1], folder, data, target)
                found = inner(text)
                if not found:
                    bad.append(f"{name} for {short}: no loop that multiplies "
                               "and adds")
                count += len(found)
                bad += faults(name, short, found, winograd)
                early = "prefetcht0" in text or "prfm" in text
                wanted = ASKS_EARLY.get(name, early)
                if short in ASKS_ALWAYS and not name.startswith(NO_WEIGHTS):
                    wanted = True
                if wanted != early:
                    bad.append(f"{name} for {short}: asks early: {early}")
                ahead = "prefetcht1" in text or "l2keep" in text
                if ahead != (short in ASKS_ALWAYS and name not in NOT_AHEAD and
                             not name.startswith(NO_WEIGHTS)):
                    bad.append(f"{name} for {short}: asks for the next "
                               f"panel or kernel: {ahead}")
    for line in bad:
        print(line)
    print(f"{count} loops, {len(bad)} bad")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
