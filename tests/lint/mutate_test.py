#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests tests/emulation/mutate.py on a project of two files: usage mutate_test.py PROJECT-FOLDER."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "tests" / "emulation"))
sys.dont_write_bytecode = True
import mutate  # noqa: E402

KERNEL = """\
int sum(const int* x, int n) {
  int total = 0;
  for (int i = 0; i < n; ++i) total += x[i];  // - not a difference
  return total;
}
"""
# A zero behind the end hides a loop that goes one too far.
TEST = """\
int sum(const int* x, int n);
int main() {
  const int x[] = {1, 2, 3, 0};
  return sum(x, 3) == EXPECTED ? 0 : 1;
}
"""
NINJA = """\
rule compile
  command = c++ -I. -MMD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
rule link
  command = c++ $in -o $out
build sum.o: compile ../sum.cpp
build main.o: compile ../main.cpp
build program: link sum.o main.o
"""


class Mutants(unittest.TestCase):
    def changes(self, text):
        return [(mutant.what, mutant.text) for mutant in mutate.mutants_of(text)]

    def test_change_operators_between_spaces_only(self):
        self.assertEqual(self.changes("std::vector<int> v = f(a < b);"),
                         [("< to <=", "std::vector<int> v = f(a <= b);")])

    def test_drop_what_orders_threads(self):
        for statement in ("__syncthreads();", "__syncwarp(mask);", "cluster_wait();", "grid.sync();",
                          "copy_async_wait<1>();", "mbarrier_wait<Scope::kCluster>(&full, parity);"):
            self.assertIn(("drop ordering", ";"), self.changes(statement), statement)

    def test_drop_stores_but_no_declarations(self):
        self.assertEqual(self.changes("tile[i].x = y;"), [("drop store", ";")])
        self.assertEqual(self.changes("if (a) parts[f(i)] = y;"), [("drop store", "if (a) ;")])
        self.assertEqual(self.changes("float sums[4] = {};"), [])

    def test_leave_comments_and_declarations(self):
        self.assertEqual(self.changes("// a - b\ntemplate <bool k = true>\n"), [])


class Script(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.project = pathlib.Path(scratch.name).resolve()
        (self.project / "build").mkdir()
        (self.project / "build" / "build.ninja").write_text(NINJA)
        (self.project / "sum.cpp").write_text(KERNEL)

    def run_script(self, expected, *options):
        (self.project / "main.cpp").write_text(TEST.replace("EXPECTED", expected))
        arguments = ["mutate.py", str(self.project / "sum.cpp"), "--build", str(self.project / "build"),
                     "--target", "program", *options]
        with mock.patch.object(mutate, "ROOT", self.project), mock.patch.object(sys, "argv", arguments), \
                contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
            status = mutate.main()
        return status, out.getvalue()

    def test_says_what_survives(self):
        status, text = self.run_script("6")
        self.assertEqual(status, 1)
        self.assertRegex(text, r"\| 3 \| < to <= \| .* \| SURVIVED \|")
        self.assertRegex(text, r"\| 3 \| \+= to -= \| .* \| status 1 \(forward\) \|")
        self.assertIn("1 survived, 0 do not compile", text)
        self.assertEqual((self.project / "sum.cpp").read_text(), KERNEL)

    def test_ends_well_if_all_are_noticed(self):
        status, text = self.run_script("6", "--lines", "2-2")
        self.assertEqual(status, 0, text)
        self.assertIn("1 noticed, 0 survived", text)

    def test_refuses_tests_that_fail_anyway(self):
        status, text = self.run_script("7")
        self.assertEqual(status, 2)
        self.assertIn("program fails without any change: status 1 (forward)", text)


if __name__ == "__main__":
    unittest.main()
