# SPDX-License-Identifier: Apache-2.0
"""Files that are no files, external data, arrays, pictures and full disks.
files_test.py ADZE SANITIZED quick|long
"""
import io
import os
import random
import struct
import subprocess
import sys
import zipfile
import zlib

from harness import CODES, Harness
from onnx_bytes import block, floats, integer, model, node, tensor, value

X = value("x", [1, 3, 4, 4])
NET = model([node("Relu", ["x"], ["y"], "relu")], [X], [value("y")])
BAD = "INVALID_MODEL"


def check_places(harness):
    """What stands where a file is expected."""
    os.mkdir(harness.path("folder"))
    os.mkfifo(harness.path("pipe"))
    os.symlink("loop", harness.path("loop"))
    empty = harness.write("empty", b"")
    for path in (harness.path("folder"), harness.path("pipe"),
                 harness.path("loop"), harness.path("absent"),
                 "n" * 300, "n" * 5000, "", "/dev/null", "/dev/zero",
                 "/dev/full", "line\nbreak", empty, "/proc/self/mem"):
        for words in (["compile", path], ["run", path], ["info", path],
                      ["bench", path], ["pose", "a.png", "-m", path],
                      ["pose", path, "-m", path],
                      ["run", "net.onnx", "-i", path],
                      ["run", "net.onnx", "--image", path],
                      ["run", "net.onnx", "--print-top", "1", "--labels",
                       path]):
            name = "%s %.30r" % (" ".join(words)[:30], path)
            status = harness.check(name, words, None)[0]
            harness.expect(name, status or words[-2] == "--labels", "success")
        harness.check("verify %.30r" % path, ["verify", path], None)


def check_external(harness):
    data = struct.pack("<4f", 1, 2, 3, 4)
    inside = harness.path("inside")
    os.mkdir(inside)
    secret = harness.write("secret.bin", data)
    harness.write("inside/good.bin", data)
    harness.write("inside/short.bin", data[:15])
    harness.write("inside/one.bin", data)
    os.symlink(secret, harness.path("inside/symbolic.bin"))
    os.symlink("..", harness.path("inside/up"))
    os.link(secret, harness.path("inside/hard.bin"))
    os.mkfifo(harness.path("inside/pipe.bin"))
    rows = [(place, BAD) for place in (
        "../secret.bin", secret, "symbolic.bin", "up/secret.bin", "hard.bin",
        "pipe.bin", "short.bin", ".", "", "good.bin/", "./../secret.bin",
        "/dev/zero", "a/../../secret.bin", "..", "x" * 5000, "good\0.bin")]
    rows.append(("gone.bin", (BAD, "NOT_FOUND")))
    for number, (place, codes) in enumerate(rows):
        path = harness.write("inside/e%d.onnx" % number, model(
            [node("Add", ["x", "w"], ["y"])], [X], [value("y")],
            [tensor("w", [4], external=[("location", place)])]))
        for command in ("compile", "run"):
            out = harness.path("e.tar")
            words = [command, path] + (["-o", out] if command == "compile"
                                       else [])
            harness.check("%s external %.20r" % (command, place), words,
                          (BAD, "NOT_FOUND", "IO", "UNSUPPORTED")
                          if place != "short.bin" else BAD,
                          "e%d.onnx" % number, "'w'", output=out)
    for key, text in (("offset", "-1"), ("offset", "9" * 30), ("offset", "1"),
                      ("offset", str(1 << 62)), ("length", "15"),
                      ("length", "-2"), ("length", "x"), ("offset", "")):
        path = harness.write("inside/f.onnx", model(
            [node("Add", ["x", "w"], ["y"])], [X], [value("y")],
            [tensor("w", [4], external=[("location", "good.bin"),
                                        (key, text)])]))
        harness.check("external %s %.9s" % (key, text),
                      ["compile", path, "-o", harness.path("f.tar")], BAD,
                      "f.onnx", output=harness.path("f.tar"))


# ---- Arrays -----------------------------------------------------------------

def npy(descr="'<f4'", shape="(1, 3, 4, 4)", order="False", data=bytes(192),
        magic=b"\x93NUMPY\1\0"):
    header = "{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n" % (
        descr, order, shape)
    return magic + struct.pack("<H", len(header)) + header.encode() + data


def npz(**arrays):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in arrays.items():
            archive.writestr(name + ".npy", data)
    return file.getvalue()


def check_arrays(harness, long):
    good = npz(x=npy())
    deep = "(" * 100000
    rows = [
        ("other name", npz(z=npy()), "'z'"),
        ("shape", npz(x=npy(shape="(1, 3, 4, 5)", data=bytes(240))), "'x'"),
        ("rank", npz(x=npy(shape="(48,)")), "'x'"),
        ("dtype", npz(x=npy("'<f8'", data=bytes(384))), "'x'"),
        ("other order of bytes", npz(x=npy("'>f4'")), None),
        ("object", npz(x=npy("'|O'")), ""),
        ("text", npz(x=npy("'<U5'")), ""),
        ("record", npz(x=npy("[('a', '<f4')]")), ""),
        ("no npy", npz(x=b"hello"), ""), ("empty npy", npz(x=b""), ""),
        ("short", npz(x=npy(data=bytes(191))), ""),
        ("long", npz(x=npy(data=bytes(193))), ""),
        ("negative", npz(x=npy(shape="(-1, 3, 4, 4)")), ""),
        ("huge", npz(x=npy(shape="(%d, %d)" % (1 << 62, 1 << 62))), ""),
        ("digits", npz(x=npy(shape="(%s,)" % ("9" * 5000))), ""),
        ("rank 17", npz(x=npy(shape="(%s)" % ("1, " * 17))), ""),
        ("deep", npz(x=npy(shape=deep[:60000])), ""),
        ("header length", npz(x=b"\x93NUMPY\2\0\xff\xff\xff\xff"), ""),
        ("version", npz(x=npy(magic=b"\x93NUMPY\x09\0")), ""),
        ("not a zip", b"nothing", ""),
        ("bomb", npz(x=npy(shape="(1, 3, 4, 4)", data=bytes(1 << 26))), ""),
    ]
    step = 1 if long else max(1, len(good) // 12)
    rows += [("cut at %d" % size, good[:size], "")
             for size in range(0, len(good), step)]
    draw = random.Random(2)
    for _ in range(400 if long else 12):
        copy = bytearray(good)
        copy[draw.randrange(len(good))] ^= 1 << draw.randrange(8)
        rows.append(("flip", bytes(copy), None))

    def check(pair):
        number, (name, data, part) = pair
        path = harness.write("a%d.npz" % number, data)
        out = harness.path("out%d.npz" % number)
        # A flipped bit may stand where nobody looks, or in a value.
        codes = ("INVALID_DATA", "SHAPE", "INVALID_ARGUMENT", "UNSUPPORTED",
                 "LIMIT", "NOT_FOUND") + (("OK",) if part is None else ())
        done = harness.check("npz " + name, ["run", "net.tar", "-i", path,
                                             "-o", out], codes, output=out)
        if done[0]:
            harness.expect("npz " + name, os.path.basename(path) in done[2] and
                           (part or "") in done[2], done[2])
    harness.together(check, list(enumerate(rows)))


# ---- Pictures ---------------------------------------------------------------

def png(width=4, height=4, depth=8, color=2, rows=None):
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I",
                                                                        crc)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = rows if rows is not None else b"".join(
        b"\0" + bytes(range(3 * 4)) for _ in range(4))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def bmp(width=4, height=4, bits=24, offset=54, data=bytes(48)):
    return struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54 + len(data), 0, 0,
                       offset, 40, width, height, 1, bits, 0, len(data), 0, 0,
                       0, 0) + data


def check_pictures(harness, long):
    rows = [("png of text", b"text", False), ("png none", b"", False)]
    for name, width, height in (("wide", 1 << 30, 4), ("area", 60000, 60000),
                                ("none", 0, 4), ("most", 0xFFFFFFFF, 1)):
        rows.append(("png " + name, png(width, height), False))
        rows.append(("bmp " + name, bmp(width & 0x7FFFFFFF, height), False))
    rows += [("png depth", png(depth=77), False),
             ("png color", png(color=9), False),
             ("png rows", png(rows=b"\0"), None),
             ("png bomb", png(rows=bytes(1 << 24)), None),
             ("bmp bits", bmp(bits=5), False),
             ("bmp offset", bmp(offset=1 << 31), False),
             ("bmp most negative", bmp(height=-(1 << 31)), False),
             ("bmp short", bmp(data=bytes(3)), False),
             ("good png", png(), True), ("good bmp", bmp(), True)]
    for maker in (png, bmp):
        good = maker()
        step = 1 if long else len(good) // 4
        rows += [("%s cut at %d" % (maker.__name__, size), good[:size], None)
                 for size in range(1, len(good), step)]
        draw = random.Random(3)
        for _ in range(300 if long else 6):
            copy = bytearray(good)
            copy[draw.randrange(len(good))] ^= 1 << draw.randrange(8)
            rows.append(("%s flip" % maker.__name__, bytes(copy), None))

    def check(pair):
        number, (name, data, good) = pair
        path = harness.write("i%d.png" % number, data)
        codes = ("OK",) if good else ("INVALID_DATA", "UNSUPPORTED", "LIMIT",
                                      "INVALID_ARGUMENT")
        if good is None:
            codes += ("OK",)
        harness.check("picture " + name, ["run", "net.tar", "--image", path],
                      codes + ("UNAVAILABLE",), *(
                          () if good or good is None else ("i%d" % number,)))
    harness.together(check, list(enumerate(rows)))


# ---- verify -----------------------------------------------------------------

def check_verify(harness):
    def case(name, x, y):
        folder = harness.path(name)
        os.makedirs(os.path.join(folder, "test_data_set_0"))
        harness.write(name + "/model.onnx", NET)
        for stem, data in (("input_0", x), ("output_0", y)):
            harness.write("%s/test_data_set_0/%s.pb" % (name, stem), data)
        return folder
    good = tensor("x", [1, 3, 4, 4], bytes(192))
    out = tensor("y", [1, 3, 4, 4], bytes(192))
    rows = {"good": (good, out), "cut": (good[:90], out),
            "none": (b"", out), "garbage": (b"\xff" * 99, out),
            "shape": (tensor("x", [1, 3, 4, 5], bytes(240)), out),
            "huge": (tensor("x", [1 << 62, 9], b"1"), out),
            "type": (tensor("x", [1, 3, 4, 4], bytes(384), 7), out),
            "differs": (good, floats("y", [1, 3, 4, 4], *[1.0] * 48)),
            "output": (good, b"\x0a\xff"), "negative": (
                good, tensor("y", [-1], b""))}
    for name, (x, y) in rows.items():
        folder = case("v_" + name, x, y)
        status, text, errors, _ = harness.check(
            "verify " + name, ["verify", folder],
            "OK" if name == "good" else "MISMATCH",
            seconds=30)
        expected = "ok v_good" if name == "good" else "failed v_%s: " % name
        harness.expect("verify " + name, expected in text, text + errors)


# ---- Disks ------------------------------------------------------------------

def check_disks(harness):
    net, limit = "net.onnx", 4096
    out, rest = harness.path("d.tar"), harness.path("d.npz")
    harness.check("compile full", ["compile", net, "-o", "/dev/full"],
                  "IO", "/dev/full")
    harness.check("compile limit", ["compile", net, "-o", out], "IO",
                  output=out, file_bytes=limit)
    harness.check("cache limit", ["run", net, "--input-shapes",
                                  "x:[1,3,4,4]"], ("IO", "OK"),
                  file_bytes=limit)
    for form in ("obj", "static"):
        made = harness.path("d." + form)
        harness.check("compile limit " + form,
                      ["compile", net, "-f", form, "-o", made], "IO",
                      output=made, file_bytes=256)
    made = harness.path("d.c")
    harness.check("compile limit c", ["compile", net, "--target", "c", "-f",
                                      "c", "-o", made], "IO", output=made,
                  file_bytes=256)
    harness.check("run full", ["run", "net.tar", "-o", "/dev/full"], "IO",
                  "/dev/full")
    harness.check("run limit", ["run", "net.tar", "-o", rest], "IO",
                  output=rest, file_bytes=64)
    harness.check("no folder", ["compile", net, "-o", "no/such/folder.tar"],
                  "IO", "no/such")
    harness.check("is folder", ["compile", net, "-o", harness.folder], "IO",
                  harness.folder)
    harness.check("in file", ["compile", net, "-o", "net.onnx/a.tar"],
                  "IO", "net.onnx/a.tar")
    for words in (["info", net], ["run", "net.tar"], ["env"], ["--help"],
                  ["help"], ["bench", "-t", "0.01", "net.tar"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([harness.adze, *words], stdout=full,
                                  stderr=subprocess.PIPE, text=True,
                                  cwd=harness.folder,
                                  env=harness.environment)
        harness.expect("stdout full: " + words[0],
                       done.returncode == CODES["IO"] and
                       done.stderr.startswith("adze: ") and
                       done.stderr.count("\n") == 1,
                       "%d %s" % (done.returncode, done.stderr))
    small = harness.path("small")
    os.mkdir(small)
    if os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k", "none", small],
            capture_output=True).returncode == 0:
        try:
            harness.check("full tmpfs", ["compile", net, "-o",
                                         small + "/a.tar"], "IO", "a.tar")
            harness.check("full tmpfs run", [
                "run", "wide.onnx", "-o", small + "/a.npz"], "IO", "a.npz",
                seconds=30)
            harness.expect("full tmpfs", os.listdir(small) == [],
                           str(os.listdir(small)))
        finally:
            subprocess.run(["umount", small], check=True)


def check_boxes(harness, shared):
    """Boxes, annotations and models for adze pose."""
    top = os.path.join(shared, "models/onnx/ultralight_simplepose.onnx")
    if not os.path.exists(top):
        print("the pose networks beside the project are absent")
        return
    image, package = harness.write("1.png", png()), harness.path("top.tar")
    harness.check("top", ["compile", top, "-o", package], "OK", seconds=300)
    rows = [b"", b"{", b"[" * 100000, b'{"a":' * 50000, b"[1e999]", b"\xff\xfe",
            b'{"images": 3}', b'{"images": [], "annotations": [7]}', b"null",
            b'{"images": [{"id": "x", "file_name": 5}], "annotations": []}',
            b'[{"image_id": 1, "bbox": [1, 2, 3]}]',
            b'[{"image_id": 1, "bbox": [1, 2, -3, 1e308], "score": "a"}]',
            b'[{"image_id": 1, "category_id": 1, "score": 1,'
            b' "bbox": [1e308, -1e308, 1e308, 1e308]}]',
            b'[{"image_id": 1, "category_id": 1, "score": 1,'
            b' "bbox": [0, 0, 0, 0]}]']
    for number, data in enumerate(rows):
        path = harness.write("b%d.json" % number, data)
        for word in ("--boxes", "--evaluate"):
            harness.check("%s %.20r" % (word, data), [
                "pose", image, "-m", package, word, path],
                ("OK", "INVALID_DATA", "LIMIT", "NOT_FOUND",
                 "INVALID_ARGUMENT"))
    for words in (["--write-json", "/dev/full/x"],
                  ["--write-images", "net.onnx"],
                  ["--write-coco-json", "/dev/full"]):
        harness.check("pose %s" % words, ["pose", image, "-m", package] +
                      words, "IO")
    for name, network in (("relu", "net.tar"), ("model", "net.onnx")):
        harness.check("pose " + name, ["pose", image, "-m", network],
                      ("UNSUPPORTED", "SHAPE", "INVALID_ARGUMENT"), network)


def check_words(harness):
    """Options."""
    for words in (["compile"], ["compile", "net.onnx", "net.onnx"],
                  ["frob"], ["compile", "--frob"], ["run", "net.tar", "--fill"],
                  ["run", "net.tar", "--input-shapes", "x"],
                  ["run", "net.tar", "--input-shapes", "x:[1"],
                  ["run", "net.tar", "--input-shapes", "y:[1]"],
                  ["run", "net.tar", "--input-shapes", "x:[99999999999999999]"],
                  ["run", "net.tar", "--input-shapes", "x:[1,3,4,5]"],
                  ["run", "net.tar", "--input-shapes", "x:[%s]" % ("1," * 99)],
                  ["run", "net.tar", "--input-shapes", "[" * 100000],
                  ["run", "net.tar", "--threads", "99999999"],
                  ["run", "net.tar", "--threads", "-3"],
                  ["run", "net.tar", "--repeat", "0"],
                  ["run", "net.tar", "--device", "toaster"],
                  ["compile", "net.onnx", "--target", "llvm -mcpu=zzz"],
                  ["compile", "net.onnx", "--target", "llvm -mattr=+zzz"],
                  ["compile", "net.onnx", "--target", "q" * 100000],
                  ["compile", "net.onnx", "--target", "llvm -mtriple=zzz"],
                  ["compile", "net.onnx", "--mean-values", "1,2,"],
                  ["compile", "net.onnx", "--mean-values", "1,2,3,4,5"],
                  ["compile", "net.onnx", "-f", "exe"],
                  ["compile", "net.onnx", "--dump-code", "poem"],
                  ["bench", "net.tar", "-t", "-1"],
                  ["bench", "net.tar", "-t", "nan"],
                  ["compile", "net.onnx", "-f", "obj", "--module-name", "1 x"],
                  ["\n\x1b[2J"], ["compile", "\n\x1b[2J"]):
        harness.check("words %.60r" % (words,), words,
                      ("INVALID_ARGUMENT", "SHAPE", "NOT_FOUND",
                       "UNSUPPORTED", "LIMIT"),
                      output=harness.path("module.tar"))


def main():
    harness = Harness(sys.argv[1], sys.argv[2] == "1")
    long = sys.argv[3] == "long"
    harness.write("net.onnx", NET)
    harness.write("wide.onnx", model(
        [node("Relu", ["x"], ["y"], "relu")], [value("x", [100000])],
        [value("y")]))
    harness.check("net", ["compile", "net.onnx", "-o", "net.tar"], "OK",
                  seconds=60)
    if long or not harness.sanitized:
        check_places(harness)
    check_external(harness)
    check_arrays(harness, long)
    check_pictures(harness, long)
    check_verify(harness)
    check_disks(harness)
    check_words(harness)
    if long:
        check_boxes(harness, sys.argv[4])
    harness.finish()


main()
