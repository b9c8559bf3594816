# SPDX-License-Identifier: Apache-2.0
"""Runs the program on bad input and holds it to what it promises.

Every run has a limit of processor time (and, twenty times longer, of time) and,
where no sanitizer needs terabytes of address space, one of memory; it must end
with a documented status, and say why in one line that starts with "adze: " when
that is not 0. A sanitizer's report ends a run with 99, which no status has.
"""
import concurrent.futures
import glob
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
LIMIT_BYTES = 6 << 30
REPORT = 99


def documented_codes():
    with open(os.path.join(ROOT, "include/adze/status.h")) as file:
        rows = re.findall(r"X\((\w+), (\d+), \"", file.read())
    assert len(rows) > 10, rows
    return {name: int(code) for name, code in rows}


CODES = documented_codes()


class Harness:
    def __init__(self, adze, sanitized):
        self.adze, self.sanitized = adze, sanitized
        self.folder = tempfile.mkdtemp(prefix="adze-hostile-")
        self.seconds = 20 if sanitized else 2
        self.failures, self.count = [], 0
        self.environment = dict(
            os.environ, ADZE_THREADS="2",
            ADZE_CACHE=os.path.join(self.folder, "cache"))
        for name in ("ASAN", "UBSAN", "LSAN"):
            self.environment[name + "_OPTIONS"] = (
                "allocator_may_return_null=1:halt_on_error=1:exitcode=%d"
                ":print_stacktrace=1" % REPORT)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def run(self, words, temporary=None, seconds=None, file_bytes=None):
        """(status, text of stdout, text of stderr, seconds)"""
        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            most = int(seconds or self.seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
            if not self.sanitized:
                resource.setrlimit(resource.RLIMIT_AS,
                                   (LIMIT_BYTES, LIMIT_BYTES))
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE,
                                   (file_bytes, file_bytes))
        start = time.monotonic()
        try:
            done = subprocess.run(
                [self.adze, *words], capture_output=True, preexec_fn=limit,
                timeout=20 * (seconds or self.seconds), cwd=self.folder,
                env=dict(self.environment, TMPDIR=temporary or self.folder),
                stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return -999, "", "no end in sight", 20.0 * self.seconds
        errors = done.stderr.decode("utf-8", "replace")
        errors = re.sub(r"==\d+==WARNING: AddressSanitizer failed to "
                        r"allocate.*\n", "", errors)
        return (done.returncode, done.stdout.decode("utf-8", "replace"),
                errors, time.monotonic() - start)

    def complaint(self, result, code=None, parts=()):
        """What is wrong with how a run ended; None when all is well."""
        status, _, errors, _ = result
        if status not in CODES.values():
            return "status %d" % status
        if status == CODES["INTERNAL"]:
            return "a fault of adze itself"
        wanted = code if isinstance(code, (tuple, type(None))) else (code,)
        if wanted and status not in [CODES[name] for name in wanted]:
            return "status %d, not %s" % (status, " or ".join(wanted))
        lines = errors.split("\n")
        if status == CODES["MISMATCH"] and not errors:
            return None
        if status and (len(lines) != 2 or lines[1] or
                       not lines[0].startswith("adze: ")):
            return "not one line that starts with adze:"
        if status and not lines[0].isprintable():
            return "control characters"
        if status == 0 and errors:
            return "success, and yet a message"
        for part in parts:
            if part not in errors:
                return "no '%s' in the message" % part
        return None

    def check(self, name, words, code, *parts, output=None, seconds=None,
              file_bytes=None):
        """One case; `code` is a status' name, or several, or None for any. A
        failed run must leave neither `output` nor anything in TMPDIR."""
        temporary = tempfile.mkdtemp(dir=self.folder, prefix="tmp")
        result = self.run(words, temporary, seconds, file_bytes)
        wrong = self.complaint(result, code, parts)
        left = os.listdir(temporary)
        if output and result[0]:
            # Of this case: others run beside it in the same folder.
            folder, name = os.path.split(glob.escape(output))
            left += glob.glob(output) + glob.glob(
                os.path.join(folder, "." + name + ".*.part"))
        if left and not wrong:
            wrong = "left behind: " + " ".join(left)
        shutil.rmtree(temporary, True)
        self.count += 1
        self.expect(name, not wrong, "%s\n  %s" % (wrong, result[2][:6000]))
        if not wrong and os.environ.get("ADZE_HOSTILE_SHOW"):
            print("ok %s: %d in %.2f s %s" % (name, result[0], result[3],
                                              result[2].rstrip()))
        return result

    def expect(self, name, truth, sentence):
        if not truth:
            self.failures.append(name)
            print("failed %s: %s" % (name, sentence.rstrip()),
                  flush=True)

    def together(self, function, items):
        """Calls function(item) for all items, two at a time."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(function, items))

    def finish(self):
        shutil.rmtree(self.folder, True)
        print("%d cases, %d failed" % (self.count, len(self.failures)))
        sys.exit(1 if self.failures else 0)
