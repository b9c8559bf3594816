# SPDX-License-Identifier: Apache-2.0
"""Packages that are cut, changed, or for something else.
package_test.py ADZE SANITIZED quick|long

A changed index is sealed again with its checksum where the test is of what
stands in it.
"""
import random
import struct
import sys

from harness import Harness
from onnx_bytes import floats, model, node, value

INDEX = 512
FIELDS = {  # offset in the index and format, as struct adze_index_header
    "index_version": (8, "<I"), "abi_version": (12, "<I"),
    "index_bytes": (16, "<I"), "file_bytes": (24, "<Q"),
    "code_offset": (32, "<Q"), "code_bytes": (40, "<Q"),
    "weights_offset": (48, "<Q"), "weights_bytes": (56, "<Q"),
    "json_offset": (64, "<Q"), "json_bytes": (72, "<Q"),
    "machine": (96, "<I"), "target_string": (100, "<I"),
    "version_string": (104, "<I"), "name_string": (108, "<I"),
    "feature_count": (112, "<I"), "features": (116, "<I"),
    "symbol_count": (120, "<I"), "symbols": (124, "<I"),
    "input_count": (128, "<I"), "inputs": (132, "<I"),
    "output_count": (136, "<I"), "outputs": (140, "<I"),
    "constraint_count": (144, "<I"), "constraints": (148, "<I"),
    "kernel_count": (152, "<I"), "kernels": (156, "<I"),
    "property_count": (160, "<I"), "properties": (164, "<I"),
}
TOLD = ("feature", "constraint")  # other lists of these are lists too
BAD, OTHER = "INVALID_PACKAGE", "INCOMPATIBLE"


def crc32c(data):
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def get(package, field):
    offset, form = FIELDS[field]
    return struct.unpack_from(form, package, INDEX + offset)[0]


def changed(package, **fields):
    """A copy with these fields of its index, sealed."""
    copy = bytearray(package)
    size = get(package, "index_bytes")
    for field, number in fields.items():
        offset, form = FIELDS[field]
        struct.pack_into(form, copy, INDEX + offset, number)
    struct.pack_into("<I", copy, INDEX + 20, 0)
    struct.pack_into("<I", copy, INDEX + 20,
                     crc32c(copy[INDEX:INDEX + size]))
    return bytes(copy)


def flipped(package, bit):
    copy = bytearray(package)
    copy[bit // 8] ^= 1 << bit % 8
    return bytes(copy)


def borders(package):
    """Where the parts of the file begin and end."""
    found = {0, INDEX, INDEX + get(package, "index_bytes"), len(package)}
    for part in ("code", "weights", "json"):
        begin = get(package, part + "_offset")
        found |= {begin, begin + get(package, part + "_bytes")}
    return sorted(found)


def cuts(package, reach):
    for border in borders(package):
        for size in range(border - reach, border + reach + 1):
            if 0 <= size < len(package):
                yield "cut at %d" % size, package[:size], BAD
    yield "longer", package + b"\0", BAD
    yield "twice", package + package, BAD
    yield "middle missing", package[:1024] + package[1536:], BAD


def flips(package, count):
    draw = random.Random(5)
    ends = borders(package)
    for begin, end in zip(ends, ends[1:]):
        for _ in range(count if end > begin else 0):
            bit = draw.randrange(begin * 8, end * 8)
            yield "bit %d" % bit, flipped(package, bit), BAD
    for bit in range(INDEX * 8, (INDEX + 24) * 8, 7):
        yield "bit %d" % bit, flipped(package, bit), BAD


def others(package):
    yield "newer format", changed(package, index_version=2), OTHER, "format 2"
    yield "ABI 99", changed(package, abi_version=99), OTHER, "99"
    yield "AArch64", changed(package, machine=183), OTHER
    yield "machine 9999", changed(package, machine=9999), OTHER, "9999"
    features = INDEX + get(package, "features")
    assert get(package, "feature_count") > 0
    string = INDEX + struct.unpack_from("<I", package, features)[0]
    odd = bytearray(package)
    odd[string:string + 3] = b"qqq"
    yield "other feature", changed(odd), OTHER, "qqq"
    odd[string:string + 3] = b"\n\x1bq"
    yield "feature of controls", changed(odd), OTHER


def nonsense(package):
    for field, (_, form) in FIELDS.items():
        if field in ("index_version", "abi_version", "machine"):
            continue
        now, most = get(package, field), (1 << 8 * struct.calcsize(form)) - 1
        for number in (most, most >> 1, now + 1, len(package), 4):
            # One string in place of another is as good as it was.
            if number != now and not (field.endswith("_string") and
                                      number < get(package, "index_bytes")):
                yield ("%s %d" % (field, number),
                       changed(package, **{field: number}),
                       (BAD, OTHER, "OK") if field.startswith(TOLD) else BAD)


def main():
    harness = Harness(sys.argv[1], sys.argv[2] == "1")
    long = sys.argv[3] == "long"
    source = harness.write("net.onnx", model(
        [node("Conv", ["x", "w"], ["c"]), node("Relu", ["c"], ["y"])],
        [value("x", [1, 2, "height", 9])], [value("y")],
        [floats("w", [3, 2, 1, 1], 1, 2, 3, 4, 5, 6)]))
    whole = harness.path("whole.tar")
    harness.check("compile", ["compile", source, "-o", whole], "OK",
                  seconds=60)
    with open(whole, "rb") as file:
        package = file.read()
    shapes = ["--input-shapes", "x:[1,2,4,9]", "--threads", "1"]
    harness.check("whole", ["run", whole] + shapes, "OK")
    rows = list(cuts(package, 8 if long else 1))
    rows += list(flips(package, 300 if long else 4))
    rows += list(others(package)) + list(nonsense(package))
    if not long and harness.sanitized:
        rows = rows[::6]

    def check(pair):
        number, (name, data, code, *parts) = pair
        path = harness.write("p%d.tar" % number, data)
        words = {0: ["info", path], 1: ["bench", "-t", "0.01", path]}.get(
            number % 16, ["run", path])
        if words[0] == "info" and code == OTHER:
            code = "OK"  # describing needs no fitting machine
            parts = []
            if "format" in name:
                words[0], code = "run", OTHER
        harness.check(name, words + ([] if words[0] == "info" else shapes),
                      code, *(["p%d.tar" % number] if code in (BAD, OTHER)
                              else []), *parts)

    harness.together(check, list(enumerate(rows)))
    for name, command in (("pose", ["pose", "none.jpg", "-m"]),
                          ("verify", ["verify"])):
        path = harness.write("cut.tar", package[:5000])
        harness.check(name, command + [path], None)
    harness.finish()


main()
