# SPDX-License-Identifier: Apache-2.0
"""The innermost loops of assembly that LLVM wrote, and what is wrong in them.

    kernel_loops.py FILE.asm...     a line per loop with 8 or more multiply-adds

A loop is what lies between a label and a jump back to it; it is innermost if no
other lies in it. In one that multiplies and adds, these are faults:

  spills   vectors loaded from or stored to the stack: values that were meant to
           stay in registers
  scalars  arithmetic on single floats, where the loop was meant to be vectors

A loop that stores nothing but spills sums up in registers: that is where the
time goes, and no spill is excused. One that stores is a depthwise convolution
or a transform of Winograd's.

x86-64 in AT&T syntax, and AArch64.
"""
import re
import sys

MULTIPLY_ADDS = 8  # what makes a loop worth looking at
LABEL = re.compile(r"^([A-Za-z_.$][\w.$]*):")


class X86:
    jump = re.compile(r"^j[a-z]+\s+(\.L\w+)$")
    multiply_add = re.compile(r"^vf?n?m(add|sub)\d+p[sd]\s")
    scalar = re.compile(r"^v?(fn?m(add|sub)\d+|mul|add|sub)s[sd]\s")
    vector = re.compile(r"%[xyz]mm")
    frame = re.compile(r"^movq\s+%rsp, %rbp$")
    stack, framed = r"\(%rsp[,)]", r"\(%r[sb]p[,)]"
    memory = r"\("
    store = re.compile(r"^v\w+ .*%[xyz]mm\d+, \S*\(|^vextract\w+ .*\)$")


class AArch64:
    jump = re.compile(r"^(?:b\.\w+|cbn?z|tbn?z)\s.*?(\.L\w+)$")
    multiply_add = re.compile(r"^fml[as]\s+v\d+\.")
    scalar = re.compile(r"^(fn?madd|fn?msub|fmul|fadd|fsub)\s+[sd]\d")
    vector = re.compile(r"^(ld|st)\w*\s+\{? ?[qv]\d")
    frame = re.compile(r"^(mov|add)\s+x29, sp\b")
    stack, framed = r"\[sp[],]", r"\[(sp|x29)[],]"
    memory = r"^(ld|st)"
    store = re.compile(r"^st\w* \{? ?[qvds]\d")


class Loop:
    def __init__(self, function, label, lines, machine, framed):
        self.function, self.label = function, label
        self.instructions = lines
        stack = re.compile(machine.framed if framed else machine.stack)

        def count(pattern):
            return sum(bool(pattern.search(line)) for line in lines)

        self.multiply_adds = count(machine.multiply_add)
        self.scalars = count(machine.scalar)
        self.spills = sum(bool(stack.search(line) and
                               machine.vector.search(line) and
                               re.search(machine.memory, line))
                          for line in lines)
        self.stores = sum(bool(machine.store.search(line) and
                               not stack.search(line)) for line in lines)

    def __str__(self):
        return (f"{self.function} {self.label}: {len(self.instructions)} "
                f"instructions, {self.multiply_adds} multiply-adds, "
                f"{self.spills} spills, {self.scalars} scalars, "
                f"{self.stores} stores")


def function_loops(name, lines, machine):
    labels, code, jumps = {}, [], []
    for line in lines:
        label = LABEL.match(line)
        if label:
            labels[label[1]] = len(code)
            continue
        line = re.split(r"\s*(?:#|//)", line.strip())[0]
        line = re.sub(r"\s+", " ", line)
        if not line or line.startswith("."):
            continue
        code.append(line)
        jump = machine.jump.match(line)
        if jump and jump[1] in labels:
            jumps.append((labels[jump[1]], len(code), jump[1]))
    framed = any(machine.frame.match(line) for line in code)
    for start, end, label in jumps:
        if not any(start <= other and last <= end and
                   (start, end) != (other, last) for other, last, _ in jumps):
            yield Loop(name, label, code[start:end], machine, framed)


def loops(assembly):
    """All innermost loops of a file of assembly."""
    machine = AArch64 if re.search(r"^\s+ret$|\bx29\b", assembly,
                                   re.M) and "%r" not in assembly else X86
    name, lines = None, []
    for line in assembly.splitlines():
        label = LABEL.match(line)
        if label and not label[1].startswith("."):
            yield from function_loops(name, lines, machine)
            name, lines = label[1], []
        lines.append(line)
    yield from function_loops(name, lines, machine)


def inner(assembly):
    """Those that multiply and add, in vectors or not."""
    return [loop for loop in loops(assembly)
            if loop.multiply_adds + loop.scalars >= MULTIPLY_ADDS]


def main():
    for path in sys.argv[1:]:
        with open(path) as file:
            for loop in inner(file.read()):
                print(loop)


if __name__ == "__main__":
    main()
