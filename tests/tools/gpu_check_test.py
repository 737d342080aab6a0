#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests tools/gpu_check without a GPU: usage gpu_check_test.py PROJECT-FOLDER.

Canned parts are merged and rendered; then the script itself runs with stand-ins for nvidia-smi, the
sanitizer, Python's peers and the carried binaries.
"""
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "tools" / "gpu_check"))
sys.dont_write_bytecode = True
import comparisons  # noqa: E402
import parts  # noqa: E402
import report  # noqa: E402
import table  # noqa: E402


def benchmark(name, **counters):
    return {"name": name + "/iterations:1/manual_time", "real_time": 1.0, **counters}


def test_report(passed=1, failed=0, skipped=0):
    tests = [{"name": f"p{i}", "result": "COMPLETED"} for i in range(passed)]
    tests += [{"name": f"f{i}", "result": "COMPLETED", "failures": [{}]} for i in range(failed)]
    tests += [{"name": f"s{i}", "result": "SKIPPED"} for i in range(skipped)]
    return json.dumps({"testsuites": [{"name": "Suite", "testsuite": tests}]})


class Work(unittest.TestCase):
    """A folder of canned parts."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.work = pathlib.Path(self.scratch.name) / "work"
        self.work.mkdir()

    def part(self, name, group, kind, stdout="", rc=0, **more):
        folder = self.work / f"{len(list(self.work.iterdir())):03d}"
        folder.mkdir()
        meta = {"name": name, "group": group, "kind": kind}
        if rc is not None:
            meta.update(rc=rc, seconds=2, limit=10)
        meta.update({key: value for key, value in more.items() if key in ("status", "reason")})
        (folder / "meta").write_text("".join(f"{key}={value}\n" for key, value in meta.items()))
        (folder / "stdout").write_text(stdout)
        (folder / "stderr").write_text(more.get("stderr", ""))
        if "report" in more:
            (folder / "report.json").write_text(more["report"])
        return parts.read_part(folder)


class ReadParts(Work):
    def test_tests_that_pass(self):
        part = self.part("t", "correctness", "tests", report=test_report(3, 0, 1))
        self.assertEqual((part.status, part.detail), ("ok", "3 passed, 0 failed, 1 skipped"))

    def test_tests_that_fail(self):
        part = self.part("t", "correctness", "tests", rc=1, report=test_report(3, 1))
        self.assertEqual(part.status, "failed")
        self.assertIn("first: Suite.f0", part.detail)

    def test_skipped_tests_prove_nothing(self):
        part = self.part("t", "correctness", "tests", report=test_report(0, 0, 9))
        self.assertEqual(part.status, "failed")
        self.assertIn("no test ran on the device", part.detail)

    def test_tests_without_report(self):
        self.assertEqual(self.part("t", "correctness", "tests").status, "failed")

    def test_a_crash_shows_its_last_words(self):
        part = self.part("b", "speed", "rows", rc=139, stderr="first\nthe end\n")
        self.assertEqual(part.status, "failed")
        self.assertIn("exit status 139: the end", part.detail)

    def test_a_time_out_keeps_what_was_measured(self):
        whole = json.dumps({"benchmarks": [benchmark("matmul/cuda/fp32/M:1/N:2", median_us=5.0),
                                           benchmark("matmul/cuda/fp32/M:2/N:2", median_us=6.0)]},
                           indent=2)
        part = self.part("b", "speed", "benchmark", whole[: whole.index("M:2")], rc=124)
        self.assertEqual(part.status, "timed out")
        self.assertEqual([row["value"] for row in part.rows], [5.0])
        self.assertEqual(part.rows[0]["case"], {"backend": "cuda", "precision": "fp32", "M": 1, "N": 2})

    def test_a_killed_part_timed_out(self):
        self.assertEqual(self.part("b", "speed", "rows", rc=137).status, "timed out")

    def test_a_case_that_failed_fails_its_part(self):
        entry = benchmark("matmul/cuda/fp32/M:1", error_occurred=True, error_message="no memory")
        part = self.part("b", "speed", "benchmark", json.dumps({"benchmarks": [entry]}))
        self.assertEqual(part.status, "failed")
        self.assertIn("no memory", part.detail)

    def test_a_part_that_did_not_run(self):
        part = self.part("b", "speed", "rows", rc=None, status="not run", reason="no time left")
        self.assertEqual((part.status, part.detail), ("not run", "no time left"))

    def test_a_part_that_never_ended(self):
        part = self.part("b", "speed", "rows", rc=None)
        self.assertEqual((part.status, part.detail), ("failed", "the check ended before it"))

    def test_rows_cut_short_are_counted(self):
        part = self.part("m", "speed", "rows", '{"bench": "x", "case": {}, "value": 1}\n{"bench": "x", "ca')
        self.assertEqual((part.status, part.detail, len(part.rows)), ("ok", "1 lines cut short", 1))

    def test_rows_that_say_nothing(self):
        self.assertEqual(self.part("m", "speed", "rows", "hello\n").status, "failed")

    def test_a_missing_peer_is_not_present(self):
        row = {"bench": "peer", "case": {}, "value": None, "status": "not present: no torch"}
        part = self.part("p", "speed", "rows", json.dumps(row))
        self.assertEqual((part.status, part.detail), ("not present", "no torch"))

    def test_sanitizer_summaries(self):
        passed = "[  PASSED  ] 4 tests.\n"
        clean = self.part("memcheck", "correctness", "sanitizer",
                          passed + "========= ERROR SUMMARY: 0 errors\n")
        self.assertEqual((clean.status, clean.detail), ("ok", "0 errors"))
        race = self.part("racecheck", "correctness", "sanitizer",
                         passed + "========= RACECHECK SUMMARY: 2 hazards displayed\n", rc=9)
        self.assertEqual(race.status, "failed")
        self.assertIn("2 hazards", race.detail)
        empty = self.part("memcheck", "correctness", "sanitizer",
                          "[  PASSED  ] 0 tests.\n========= ERROR SUMMARY: 0 errors\n")
        self.assertEqual(empty.status, "failed")

    def test_device_facts(self):
        part = self.part("device", "facts", "device",
                         "csv name, driver_version\ncsv NVIDIA Thing 9, 580.1\nsystem: Linux\n")
        self.assertEqual(part.facts, {"name": "NVIDIA Thing 9", "driver_version": "580.1",
                                      "system": "Linux"})

    def test_training_loss(self):
        part = self.part("JSB training, cuda", "speed", "training", '{\n "best_valid_nll": 8.25\n}\n')
        self.assertEqual(part.rows[0]["case"], {"backend": "cuda"})
        self.assertEqual(part.rows[0]["value"], 8.25)


class Merge(Work):
    def merged(self, **facts):
        return report.merge(parts.read_parts(self.work), {"date": "2026-01-02T03:04:05Z",
                                                          "commit": "abc1234", **facts})

    def test_nothing_was_measured(self):
        result = self.merged()
        text = table.render(result)
        self.assertIsNone(result["correct"])
        self.assertEqual(report.exit_status(result), 2)
        self.assertTrue(all(c["factor"] is None and c["met"] is None for c in result["comparisons"]))
        self.assertIn("not yet measured on a GPU", text)
        self.assertNotIn("| yes |", text)

    def test_the_name_is_date_device_commit(self):
        self.part("device", "facts", "device", "csv name\ncsv NVIDIA H100 80GB\n")
        self.assertEqual(self.merged()["name"], "2026-01-02-nvidia-h100-80gb-abc1234")

    def test_one_failure_is_not_correct(self):
        self.part("a", "correctness", "tests", report=test_report())
        self.assertTrue(self.merged()["correct"])
        self.part("memcheck", "correctness", "sanitizer", "ERROR SUMMARY: 1 errors\n", rc=9)
        result = self.merged()
        self.assertFalse(result["correct"])
        self.assertEqual(report.exit_status(result), 2)
        self.assertIn("**Not correct on this device**", table.render(result))

    def test_a_missing_sanitizer_is_said(self):
        self.part("a", "correctness", "tests", report=test_report())
        self.part("memcheck", "correctness", "sanitizer", rc=None, status="not present", reason="none")
        result = self.merged()
        self.assertTrue(result["correct"])
        self.assertIn("without memcheck (not present)", table.verdict(result))

    def test_missing_tests_are_not_correct(self):
        self.part("memcheck", "correctness", "sanitizer", rc=None, status="not present", reason="none")
        self.assertFalse(self.merged()["correct"])

    def test_a_slow_sanitizer_lets_speed_be_measured(self):
        self.part("a", "correctness", "tests", report=test_report())
        self.part("memcheck", "correctness", "sanitizer", rc=124)
        found = parts.read_parts(self.work)
        self.assertTrue(report.may_measure(found))
        self.assertFalse(report.is_correct(found))

    def test_failed_and_timed_out_parts_stand_in_the_table(self):
        self.part("good", "speed", "rows", '{"bench": "x", "case": {"B": 4}, "value": 1.5, "unit": "us"}')
        self.part("bad", "speed", "rows", rc=3, stderr="it broke")
        self.part("slow", "speed", "rows", rc=124)
        self.part("gone", "speed", "rows", rc=None, status="not present", reason="no torch | at all")
        text = table.render(self.merged())
        self.assertIn("| good | speed | ok |", text)
        self.assertIn("| bad | speed | **failed** | 2 s | exit status 3: it broke", text)
        self.assertIn("| slow | speed | **timed out** |", text)
        self.assertIn("| gone | speed | **not present** | 0 s | no torch \\| at all |", text)
        self.assertIn("| B 4 | 1.5 us |", text)


def row(bench, value, more=None, **case):
    return {"bench": bench, "case": case, "value": value, "unit": "us", "status": "ok", **(more or {})}


class Compare(unittest.TestCase):
    def find(self, rows, claim, case):
        found = [c for c in comparisons.compare(rows) if claim in c.claim and c.case == case]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_sampler_against_its_floor(self):
        ours = row("sample_tokens", 8.0, {"bytes": 8e6, "floor_us": 2.5}, backend="cuda",
                   precision="fp32", V=128, B=16384, filter="plain")
        case = "V 128, B 16384"
        self.assertEqual(self.find([ours], "floor", case).factor, 3.2)
        measured = self.find([ours, row("copy", 2000.0)], "floor", case)  # 8 MB at 2 TB/s: 4 us
        self.assertEqual((measured.factor, measured.met), (2.0, True))
        slow = {**ours, "value": 8.1}
        self.assertFalse(self.find([slow, row("copy", 2000.0)], "floor", case).met)

    def test_sampler_against_the_fastest_peer(self):
        base = {"precision": "fp32", "V": 256, "B": 65536, "filter": "plain"}
        rows = [row("sample_tokens", 10.0, backend="cuda", **base),
                row("sample_tokens", 40.0, backend="pytorch", way="a", **base),
                row("sample_tokens", 30.0, backend="pytorch", way="b", **base),
                row("sample_tokens", 25.0, backend="flashinfer", way="c", **base)]
        found = self.find(rows, "over the sampler", "V 256, B 65536")
        self.assertEqual((found.factor, found.met, found.note), (2.5, True, "flashinfer c"))

    def test_layers_in_the_same_precision(self):
        base = {"model": "M", "B": 64, "T": 256}
        rows = [row("recurrent_forward_backward", 10.0, backend="cudnn", precision="bf16", **base),
                row("recurrent_forward_backward", 9.0, backend="pytorch eager", precision="bf16", **base),
                row("recurrent_forward_backward", 1.0, backend="pytorch eager", precision="fp16", **base)]
        found = self.find(rows, "nn.LSTM", "M, bf16, B 64, T 256")
        self.assertEqual((found.factor, found.met), (0.9, False))

    def test_cudnn_called_directly_is_told(self):
        direct = {"cell": "lstm", "precision": "fp32", "layers": 3, "H": 512, "B": 64, "T": 256}
        rows = [row("recurrent_forward_backward", 10.0, backend="cudnn", precision="fp32", model="M",
                    B=64, T=256),
                row("cudnn", 9.0, algorithm="standard", **direct, **{"pass": "forward and backward"}),
                row("cudnn", 8.0, algorithm="persistent static", **direct,
                    **{"pass": "forward and backward"}),
                row("cudnn", 2.0, algorithm="standard", **direct, **{"pass": "forward"})]
        found = self.find(rows, "cuDNN called directly", "M, fp32, B 64, T 256")
        self.assertEqual((found.factor, found.met, found.note), (0.8, None, "persistent static"))
        result = {"correct": True, "forced": False, "parts": [],
                  "comparisons": [dataclasses.asdict(found)]}
        self.assertEqual(report.exit_status(result), 0)
        self.assertIn("Every required factor was reached", table.verdict(result))
        self.assertEqual(list(table.comparison_rows(result))[0][6], "nothing required")

    def test_step_is_a_part_of_a_call(self):
        rows = [row("generate", 640.0, {"us_per_step": 10.0}, backend="cuda", precision="fp32",
                    model="S", B=32, T=64),
                row("generate", 40.0, backend="pytorch graph", precision="fp32", model="S", B=32)]
        found = self.find(rows, "captured step", "S, fp32, B 32")
        self.assertEqual((found.ours, found.factor, found.met), (10.0, 4.0, True))

    def test_training_within_a_thousandth(self):
        for difference, met in ((0.0009, True), (-0.0011, False)):
            rows = [row("jsb_training", 8.0 + difference, backend="cuda"),
                    row("jsb_training", 8.0, backend="cpu")]
            self.assertEqual(self.find(rows, "JSB", "S: LSTM 2x256").met, met)

    def test_a_failed_side_is_not_measured(self):
        rows = [row("jsb_training", 8.0, backend="cuda"),
                {**row("jsb_training", None, backend="cpu"), "status": "failed: no"}]
        self.assertIsNone(self.find(rows, "JSB", "S: LSTM 2x256").met)


A_TEST = """
case "$*" in
  *list_tests*) printf 'Backends/Contract.\\n  Adds/cuda_fp32_threads1\\n' ;;
  *) echo '%s' > "${GTEST_OUTPUT#json:}" ;;
esac"""
# Its tests name no backend, so a filter by backends finds none of them.
A_DEVICE_TEST = """
for argument; do [ "$argument" = '--gtest_filter=*' ] || continue; all=yes; done
case "$all $*" in
  yes*list_tests*) printf 'CudnnRnnTest.\\n  Stacked\\n' ;;
  *list_tests*) ;;
  *) echo '%s' > "${GTEST_OUTPUT#json:}" ;;
esac"""
STAND_INS = {
    "nvidia-smi": """
case "$*" in
  *-L*) echo "GPU 0: Stand-In 1" ;;
  *query-gpu*) printf 'name, driver_version\\nStand-In 1, 580.00\\n' ;;
  *) echo "| CUDA Version: 13.0 |" ;;
esac""",
    "compute-sanitizer": 'echo "========= ERROR SUMMARY: 0 errors"; echo "[  PASSED  ] 1 test."',
    "peers-python": """
echo '{"bench": "peer", "case": {"backend": "any"}, "value": null, "status": "not present: no peer"}'""",
    "bin/backend_test": A_TEST,
    "bin/kernel_test": A_DEVICE_TEST,
    "bin/cudnn_test": A_DEVICE_TEST,
    "bin/music_test": ":",
    "bin/exact_math_check": "echo '{\"mismatches\": 0}'",
    "bin/gpu_micro": """
for name in "$@"; do
  echo "{\\"bench\\": \\"$name\\", \\"case\\": {}, \\"value\\": 2000, \\"unit\\": \\"GB/s\\", \\"status\\": \\"ok\\"}"
done""",
    "bin/sampling_bench": "echo '" + json.dumps({"benchmarks": [
        benchmark("sample_tokens/cuda/fp32/V:128/B:16384/plain", median_us=5.0, p10_us=4.0, p90_us=6.0,
                  bytes=8e6)]}) + "'",
    "bin/generation_bench": "sleep 60",
    "bin/recurrent_bench": "echo broken >&2; exit 3",
    "bin/cadenza": """
case "$*" in *"--preset jsb --layers 2 --hidden 256 "*) ;; *) exit 1 ;; esac
case "$*" in *"backend cuda"*) echo '{"best_valid_nll": 8.0004}' ;; *) echo '{"best_valid_nll": 8.0}' ;; esac""",
}


class Script(unittest.TestCase):
    """The script from end to end, on stand-ins."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = pathlib.Path(self.scratch.name)
        (self.folder / "data" / "frames").mkdir(parents=True)
        (self.folder / "data" / "frames" / "jsb-quarter.json").write_text("{}")
        self.make(test_report())

    def make(self, report_of_tests):
        for name, body in STAND_INS.items():
            if body in (A_TEST, A_DEVICE_TEST):
                body = body % report_of_tests
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("#!/bin/sh\n" + body + "\n")
            path.chmod(0o755)
        (self.folder / "COMMIT").write_text("c0ffee1\n")

    def run_script(self, *arguments):
        output = self.folder / "results"
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = subprocess.run(
            [str(ROOT / "tools" / "gpu_check.sh"), "--carried", str(self.folder), "--output", str(output),
             "--data", str(self.folder / "data"), "--python", str(self.folder / "peers-python"),
             *arguments], env=environment, capture_output=True, text=True, timeout=100, check=False)
        files = sorted(output.glob("*.json"))
        return done, json.loads(files[0].read_text()) if files else None

    def statuses(self, result):
        return {part["name"]: part["status"] for part in result["parts"]}

    def test_everything_is_recorded(self):
        done, result = self.run_script("--seconds", "15")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertTrue(result["correct"])
        self.assertEqual(result["device"]["name"], "Stand-In 1")
        self.assertTrue(result["name"].endswith("-stand-in-1-c0ffee1"), result["name"])
        statuses = self.statuses(result)
        for name in ("backend_test", "kernel_test", "cudnn_test"):
            self.assertEqual(statuses[name + ", part 1 of 1"], "ok")
        self.assertNotIn("music_test, part 1 of 1", statuses)
        self.assertEqual(statuses["racecheck"], "ok")
        self.assertEqual(statuses["racecheck, device layer"], "ok")
        self.assertEqual(statuses["exact functions, all 2^32 inputs"], "ok")
        self.assertEqual(statuses["layers forward and backward, cudnn"], "failed")
        self.assertEqual(statuses["generation, S"], "timed out")
        self.assertEqual(statuses["training step"], "not present")
        self.assertEqual(statuses["micro: cudnn"], "not run")
        jsb = [c for c in result["comparisons"] if "JSB" in c["claim"]]
        self.assertEqual([c["met"] for c in jsb], [True])
        self.assertTrue(list((self.folder / "results").glob("*.md")))
        self.assertLessEqual(int(result["allotted"]), 470)  # all parts, in 8 minutes with the report

    def test_wrong_results_stop_the_clock(self):
        self.make(test_report(1, 1))
        done, result = self.run_script("--seconds", "60")
        self.assertEqual(done.returncode, 2)
        self.assertFalse(result["correct"])
        self.assertEqual(self.statuses(result)["speed"], "not run")
        self.assertEqual(result["rows"], [])

    def test_force_measures_all_the_same(self):
        self.make(test_report(1, 1))
        done, result = self.run_script("--seconds", "5", "--force")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.statuses(result)["copy bandwidth"], "ok")

    def test_without_a_gpu(self):
        (self.folder / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
        done, result = self.run_script()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "gpu_check.sh: nvidia-smi sees no NVIDIA GPU here, so there is "
                         "nothing to check\n")
        self.assertIsNone(result)

    def test_bad_options(self):
        done, _ = self.run_script("--seconds", "soon")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("'soon' is not a number of seconds", done.stderr)
        self.assertEqual(self.run_script("--unknown")[0].returncode, 64)


class Pack(unittest.TestCase):
    """--pack in a project of stand-ins, and --carried with what it made."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name).resolve()
        self.project = self.folder / "project"
        (self.project / "tests" / "golden").mkdir(parents=True)
        (self.project / "tests" / "golden" / "a.json").write_text("{}")
        shutil.copytree(ROOT / "tools", self.project / "tools")
        for name in ("gpu_micro", "exact_math_check", "backend_test", "kernel_test", "cadenza"):
            self.write(f"built/bin/{name}", (STAND_INS["bin/" + name] if name.endswith(("micro", "check"))
                                             else A_TEST % test_report()))
        self.write("built/CMakeFiles/other_test", ":")
        self.write("built/libcadenza.so.0.1.0", "the library")
        (self.folder / "built" / "libcadenza.so").symlink_to("libcadenza.so.0.1.0")
        self.write("built/libcadenza_cudnn.so", "the module")
        self.write("built/tests/backend/libcadenza_cudnn.so", "a stand-in")
        self.write("libz.so.1", "zlib")
        self.write("bin/nvidia-smi", STAND_INS["nvidia-smi"])
        self.write("bin/compute-sanitizer", STAND_INS["compute-sanitizer"])
        self.write("bin/cmake", f'[ "$1" != --build ] || {{ mkdir -p build; cp -a {self.folder}/built "$2"; }}')
        self.write("bin/ldd", f"echo '\tlibz.so.1 => {self.folder}/libz.so.1 (0x0)'\n"
                              "echo '\tlibc.so.6 => /nowhere/libc.so.6 (0x0)'")

    def write(self, name, body):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + body + "\n")
        path.chmod(0o755)

    def run_script(self, *arguments):
        environment = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        return subprocess.run([str(self.project / "tools" / "gpu_check.sh"), *arguments], env=environment,
                              capture_output=True, text=True, timeout=100, check=False,
                              cwd=self.folder)

    def test_what_is_packed_can_be_carried(self):
        done = self.run_script("--pack", "packed")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        packed = self.folder / "packed"
        found = {str(path.relative_to(packed)) for path in packed.rglob("*") if not path.is_dir()}
        presets = {f"share/cadenza/presets/{path.name}" for path in (ROOT / "tools/presets").glob("*.toml")}
        self.assertEqual(found - presets, {
            "COMMIT", "bin/gpu_micro", "bin/exact_math_check", "bin/backend_test", "bin/kernel_test",
            "bin/cadenza", "lib/libcadenza.so", "lib/libcadenza.so.0.1.0", "lib/libcadenza_cudnn.so",
            "lib/libz.so.1", "share/golden/a.json"})
        self.assertTrue(presets <= found)
        self.assertTrue((packed / "lib" / "libcadenza.so").is_symlink())
        self.assertIn("the module", (packed / "lib" / "libcadenza_cudnn.so").read_text())

        done = self.run_script("--carried", "packed", "--output", "results", "--python", "none",
                               "--seconds", "20")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        result = json.loads(next((self.folder / "results").glob("*.json")).read_text())
        statuses = {part["name"]: part["status"] for part in result["parts"]}
        self.assertEqual(statuses["backend_test, part 1 of 1"], "ok")
        self.assertEqual(statuses["copy bandwidth"], "ok")


if __name__ == "__main__":
    unittest.main()
