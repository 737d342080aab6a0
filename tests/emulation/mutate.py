#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks of each small mistake in a kernel whether a test would notice it.

One change at a time (a barrier dropped, < for <=, + for -, a store removed, ...) is made in a copy of the
kernel file. The objects that depend on it are compiled and linked beside the build, which stays as it
is, and the test program runs under several schedules until one fails. Mutants that pass everywhere have
survived: either the change makes no difference, or a test is missing.

Exit status: 0 all were noticed; 1 some survived; 2 the build or the tests fail without any change.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
# (order of threads, landing of copies); the first that fails ends the run.
SCHEDULES = [("forward", "lazy"), ("reverse", "eager"), ("greedy", "lazy"), ("random", "random")]

# Statements that order threads or copies; without one, another thread's data may not be there.
ORDERING = (r"(?:__syncthreads|__syncwarp|named_barrier_\w+|mbarrier_\w+|cluster_(?:arrive|wait|sync)"
            r"|copy_async_\w+|store_release|__threadfence\w*|[\w.]+\.sync)(?:<[^;()]*>)?\([^;]*\);")
OPERATORS = [("<", "<="), ("<=", "<"), (">", ">="), (">=", ">"), ("==", "!="), ("!=", "=="),
             ("+", "-"), ("-", "+"), ("*", "+"), ("/", "*"), ("%", "/"), ("&&", "||"), ("||", "&&"),
             ("+=", "-="), ("<<", ">>"), (">>", "<<")]
# (what, pattern, replacement). Sources are formatted, so that binary operators stand between spaces.
MUTATIONS = [
    ("drop ordering", re.compile(ORDERING), ";"),
    ("drop early return", re.compile(r"\bif \([^;{}]*\) return;"), ";"),
    ("drop store", re.compile(r"(?<![\w.\]*&] )(?<!\w\()(?:\*\w+|[\w.>-]+(?:\[[^;=\]]*\])+)"
                              r"(?:\.\w+)* [-+*/|&^]?= [^;{}]*;"), ";"),
    ("shrink mask", re.compile(r"\bkFullMask\b(?! =)|~0U"), "(0xFFFFFFFFU >> 1)"),
    ("other shuffle", re.compile(r"__shfl_xor_sync\b"), "__shfl_down_sync"),
    ("other reduction", re.compile(r"\bMax\(\)\)"), "Sum())"),
    ("zero to one", re.compile(r"(?<=[=<>] )0(?=[;)\s])"), "1"),
    ("true to false", re.compile(r"\btrue\b"), "false"),
] + [(f"{old} to {new}", re.compile(rf"(?<= ){re.escape(old)}(?= )"), new) for old, new in OPERATORS]
# Lines that say what something is, not what is done.
DECLARATIVE = re.compile(r"^\s*(?:#|//|template\b|using\b|static_assert\b|namespace\b)")


class Mutant(NamedTuple):
    line: int
    what: str
    text: str  # of the line, changed
    source: str  # of the whole file, changed


class Command(NamedTuple):
    words: list
    source: pathlib.Path
    object: str  # as the link names it


def mutants_of(source):
    """Every mutant of a file's text, in the order of its lines. Comments are left alone."""
    lines = source.splitlines(keepends=True)
    found = []
    for number, line in enumerate(lines):
        if DECLARATIVE.match(line):
            continue
        code = line.split("//")[0]
        for what, pattern, replacement in MUTATIONS:
            for match in pattern.finditer(code):
                changed = line[:match.start()] + replacement + line[match.end():]
                whole = "".join(lines[:number] + [changed] + lines[number + 1:])
                found.append(Mutant(number + 1, what, " ".join(changed.split()), whole))
    return found


def run(words, cwd, **more):
    return subprocess.run(words, cwd=cwd, text=True, capture_output=True, errors="replace", check=False,
                          **more)


class Build:
    """Compiles and links one target beside an existing build with Ninja."""

    def __init__(self, folder, target):
        self.folder = folder
        made = run(["ninja", target], folder)
        if made.returncode != 0:
            raise RuntimeError(f"{target} in {folder} does not build: {made.stdout[-2000:]}{made.stderr}")
        commands = run(["ninja", "-t", "commands", target], folder).stdout.splitlines()
        self.compilations = [self.compilation(shlex.split(line)) for line in commands
                             if " -c " in line and " -o " in line]
        self.link = [word for word in shlex.split(commands[-1]) if word not in (":", "&&")]
        self.program = str(folder / self.link[self.link.index("-o") + 1])

    def compilation(self, words):
        source = (self.folder / words[words.index("-c") + 1]).resolve()
        return Command(words, source, words[words.index("-o") + 1])

    def dependents(self, file):
        """Compilations that read `file`."""
        objects = [command.object for command in self.compilations]
        readers, current = set(), None
        for line in run(["ninja", "-t", "deps", *objects], self.folder).stdout.splitlines():
            if not line.startswith(" "):
                current = line.split(":")[0]
            elif os.path.normpath(self.folder / line.strip()) == str(file):
                readers.add(current)
        return [command for command in self.compilations
                if command.object in readers or command.source == file]

    def make(self, file, text, dependents, scratch):
        """Path of the program with `text` in place of `file`, or None if it does not compile."""
        copy = scratch / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
        link = list(self.link)
        for number, command in enumerate(dependents):
            object_file = str(scratch / f"{number}.o")
            words = list(command.words)
            words[words.index("-o") + 1] = object_file
            if command.source == file:
                words[words.index("-c") + 1] = str(copy)
            for option in ("-MF", "-MT"):
                if option in words:
                    words[words.index(option) + 1] = object_file + ".d"
            first = next(i for i, word in enumerate(words) if word.startswith("-I"))
            words.insert(first, f"-I{scratch}")
            words.append("-w")  # what a mutant leaves unused is no error
            if run(words, self.folder).returncode != 0:
                return None
            if command.object in link:
                link[link.index(command.object)] = object_file
            else:  # in a library, where it is not looked for if it is there already
                link.insert(link.index("-o"), object_file)
        program = str(scratch / "program")
        link[link.index("-o") + 1] = program
        return program if run(link, self.folder).returncode == 0 else None


def verdict(program, cwd, test_filter, seconds):
    """What noticed a mistake, or None if every schedule passes."""
    for order, copies in SCHEDULES:
        environment = dict(os.environ, CADENZA_EMULATION_ORDER=order, CADENZA_EMULATION_COPIES=copies)
        try:
            done = run([program, f"--gtest_filter={test_filter}", "--gtest_brief=1",
                        "--gtest_fail_fast"], cwd, env=environment, timeout=seconds)
        except subprocess.TimeoutExpired:
            return f"does not end ({order})"
        if done.returncode != 0:
            failed = re.search(r"\[  FAILED  \] ([^\s,]+)", done.stdout)
            return f"{failed[1] if failed else f'status {done.returncode}'} ({order})"
    return None


def check_mutant(build, file, mutant, dependents, options, seconds):
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        program = build.make(file, mutant.source, dependents, pathlib.Path(scratch))
        if program is None:
            return "does not compile"
        return verdict(program, build.folder, options.filter, seconds) or "SURVIVED"


def choose(mutants, options):
    if options.lines:
        first, last = options.lines
        mutants = [m for m in mutants if first <= m.line <= last]
    if options.limit and options.limit < len(mutants):
        chosen = set(random.Random(options.seed).sample(range(len(mutants)), options.limit))
        mutants = [m for i, m in enumerate(mutants) if i in chosen]
    return mutants


def parse_lines(text):
    match = re.fullmatch(r"(\d+)-(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is no range of lines such as 20-45")
    return int(match[1]), int(match[2])


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="+", type=pathlib.Path, metavar="KERNEL",
                        help="file of kernels (.cu, .cuh or .h)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "cpu",
                        help="folder of a build with Ninja and the emulation (default: build/cpu)")
    parser.add_argument("--target", default="kernel_test_emulation",
                        help="test program (default: %(default)s)")
    parser.add_argument("--filter", default="*", help="tests to run, as for GoogleTest (default: all)")
    parser.add_argument("--lines", type=parse_lines, metavar="A-B", help="only mutants of these lines")
    parser.add_argument("--limit", type=int, default=0, metavar="N",
                        help="at most N mutants a file, chosen at random (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="of that choice")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="N mutants at a time")
    options = parser.parse_args()
    for kernel in options.kernels:
        if not kernel.is_file() or ROOT not in kernel.resolve().parents:
            parser.error(f"{kernel}: no file of this project")
    return options


def check_file(build, kernel, options, seconds):
    """Prints a row a mutant; returns how many survived."""
    file = kernel.resolve()
    dependents = build.dependents(file)
    if not dependents:
        raise RuntimeError(f"{kernel} is no part of {options.target}")
    mutants = choose(mutants_of(file.read_text(encoding="utf-8")), options)
    print(f"\n{file.relative_to(ROOT)}: {len(mutants)} mutants\n\n| line | change | becomes | noticed by |\n"
          "|---:|---|---|---|", flush=True)
    verdicts = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        checks = [pool.submit(check_mutant, build, file, mutant, dependents, options, seconds)
                  for mutant in mutants]
        for mutant, check in zip(mutants, checks):
            verdicts.append(check.result())
            text = mutant.text.replace("|", "\\|")
            print(f"| {mutant.line} | {mutant.what} | `{text}` | {verdicts[-1]} |", flush=True)
    survived = verdicts.count("SURVIVED")
    broken = verdicts.count("does not compile")
    print(f"\n{len(verdicts) - survived - broken} noticed, {survived} survived, {broken} do not compile")
    return survived


def main():
    options = parse_options()
    try:
        build = Build(options.build.resolve(), options.target)
        start = time.monotonic()
        problem = verdict(build.program, build.folder, options.filter, 600)
        if problem:
            raise RuntimeError(f"{options.target} fails without any change: {problem}")
        seconds = 10 + 3 * (time.monotonic() - start)
        survived = sum(check_file(build, kernel, options, seconds) for kernel in options.kernels)
    except (RuntimeError, FileNotFoundError) as error:
        print(f"mutate: {error}", file=sys.stderr)
        return 2
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
