#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the tables of bench/peers/cpu_generation.py and cpu_training.py on benchmarks and peers that print
canned rows: usage cpu_peers_test.py PROJECT-FOLDER."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bench" / "peers"))
sys.dont_write_bytecode = True
import cpu_generation  # noqa: E402
import cpu_training  # noqa: E402
from cpu_peers import Peer  # noqa: E402

# A peer: prints its lines where it is asked for its benchmark.
PEER = """import sys
wanted = sys.argv[sys.argv.index("--bench") + 1]
if wanted == {bench!r}:
    print({lines!r})
"""


class Tables(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        # 64 steps in 640 us; at least 320 for multiply-adds and 160 for reading.
        self.bench = self.program("bench", json.dumps({"benchmarks": [{
            "median_us": 640.0, "us_per_step": 10.0, "floor_us": 320.0, "read_floor_us": 160.0}]}))

    def program(self, name, words):
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\nprint({words!r})\n")
        path.chmod(0o755)
        return path

    def peer(self, name, bench, *values, **more):
        """Prints a row a value for `bench`; a text is a status."""
        rows = [{"bench": bench, "case": {"backend": name}, "value": value, "status": "ok"}
                if isinstance(value, float) else
                {"bench": bench, "case": {"backend": name}, "value": None, "status": value}
                for value in values]
        path = self.folder / f"{name}.py"
        path.write_text(PEER.format(bench=bench, lines="\n".join(map(json.dumps, rows))))
        return Peer(name, [sys.executable, str(path)], **more)

    def run_main(self, module, peers, *options):
        """What is printed to stdout, its table by rows of cells, and what is printed to stderr."""
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.object(module, "peers_of", lambda bench: peers), \
                mock.patch.object(sys, "argv", ["main", str(self.bench), "--rounds", "1", *options]), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            module.main()
        table = [[cell.strip() for cell in line.strip("|").split("|")]
                 for line in out.getvalue().splitlines() if line.startswith("|")]
        return out.getvalue(), dict(zip(table[0], table[2])), err.getvalue()

    def generation(self, peers, *options):
        return self.run_main(cpu_generation, peers, "--models", "S", "--batches", "1", *options)

    def test_factor_is_over_the_best_ready_made_peer(self):
        peers = [self.peer("slow", "generate", 40.0), self.peer("ways", "generate", 25.0, "failed: no memory", 20.0),
                 self.peer("loop", "generate", 5.0, ready_made=False)]
        row = self.generation(peers, "--precisions", "fp32")[1]
        self.assertEqual(row["cadenza fp32"], "100,000 (2.00)")
        self.assertEqual([row[f"{name} fp32"] for name in ("slow", "ways", "loop")],
                         ["25,000", "50,000", "200,000"])

    def test_limits_stand_beside_each_row(self):
        row = self.generation([], "--precisions", "fp32")[1]
        self.assertEqual(row["limit by multiply-adds"], "200,000")
        self.assertEqual(row["limit by reading"], "400,000")

    def test_narrow_formats_are_held_against_int8(self):
        peers = [self.peer("wide", "generate", 10.0),
                 self.peer("narrow", "generate", 40.0, precision="int8")]
        row = self.generation(peers, "--precisions", "fp32", "int24", "int16")[1]
        self.assertEqual(row["cadenza fp32"], "100,000 (1.00)")
        self.assertEqual(row["cadenza int24"], "100,000 (1.00)")
        self.assertEqual(row["cadenza int16"], "100,000 (4.00)")

    def test_absent_peers_are_named_and_have_no_column(self):
        peers = [self.peer("there", "generate", 20.0), Peer("unbuilt", [str(self.folder / "nothing")]),
                 self.peer("broken", "generate", 20.0)]
        (self.folder / "broken.py").write_text("import no_such_module")
        (self.folder / "away.py").write_text(
            f"import sys\nsys.path.insert(0, {str(ROOT / 'bench' / 'peers')!r})\nimport peer\n"
            "peer.give_up('away', 'it cannot be imported')")
        peers.append(Peer("away", [sys.executable, str(self.folder / "away.py")]))
        text, row, _ = self.generation(peers, "--precisions", "fp32")
        self.assertIn("there fp32", row)
        for name, reason in (("unbuilt", "nothing was not built"), ("broken", "no_such_module"),
                             ("away", "not present: it cannot be imported")):
            self.assertNotIn(f"{name} fp32", row)
            self.assertRegex(text, f"Left out: {name} fp32 \\(.*{reason}")

    def test_a_failing_case_is_told_and_left_empty(self):
        _, row, errors = self.generation([self.peer("weak", "generate", "failed: no memory")],
                                         "--precisions", "fp32")
        self.assertEqual(row["weak fp32"], "-")
        self.assertEqual(row["cadenza fp32"], "100,000")
        self.assertIn("failed: no memory", errors)

    def test_training_counts_the_tokens_of_a_step(self):
        row = self.run_main(cpu_training, [self.peer("other", "training_step", 1280.0)],
                            "--cases", "S:2x32")[1]
        self.assertEqual(row["cadenza fp32"], "100,000 (2.00)")
        self.assertEqual(row["limit by reading"], "400,000")

    def test_both_draw_their_table(self):
        runs = ((cpu_generation, "generate", ["--models", "S", "--batches", "1", "8"]),
                (cpu_training, "training_step", ["--cases", "S:2x32"]))
        for module, bench, cases in runs:
            svg = self.folder / f"{bench}.svg"
            self.run_main(module, [self.peer("other", bench, 20.0)], *cases, "--svg", str(svg))
            text = svg.read_text()
            for name in ("limit by reading", "cadenza fp32", "other fp32"):
                self.assertIn(name, text)


if __name__ == "__main__":
    unittest.main()
