#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests kernels/resources.py on canned words of ptxas: usage resources_test.py PROJECT-FOLDER."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "kernels"))
sys.dont_write_bytecode = True
import resources  # noqa: E402

SCALE = "_ZN7cadenza7kernels12_GLOBAL__N_112scale_kernelEPf"
CUB = "_ZN3cub31CUB_300001_SM_800_900_1000_12006detail11EmptyKernelIvEEvv"


def kernel(name, architecture, registers=8, spilled=0):
    return (f"ptxas info    : Compiling entry function '{name}' for '{architecture}'\n"
            f"ptxas info    : Function properties for {name}\n"
            f"    0 bytes stack frame, {spilled} bytes spill stores, {spilled} bytes spill loads\n"
            f"ptxas info    : Used {registers} registers, used 1 barriers, 512 bytes smem\n")


def serialised(name):
    return ("ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are "
            "serialized due to insufficient register resources for the wgmma pipeline in the function "
            f"'{name}'\n")


class Resources(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.log = pathlib.Path(scratch.name) / "log"
        self.table = pathlib.Path(scratch.name) / "table"
        self.run_script(kernel(SCALE, "sm_90a"), "--update")

    def run_script(self, log, *options, table=True):
        """(status, what it prints, what it complains of)"""
        self.log.write_text(log)
        paths = [str(self.log), str(self.table)] if table else [str(self.log)]
        with contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(io.StringIO()) as complaints:
            status = resources.main([*paths, *options])
        return status, out.getvalue(), complaints.getvalue()

    def test_the_same_kernels_pass(self):
        status, text, complaints = self.run_script(kernel(SCALE, "sm_90a"))
        self.assertEqual((status, complaints), (0, ""))
        self.assertIn("| sm_90a | `scale_kernel(float*)` | 8 | 512 | 0 | 0 |", text)

    def test_more_registers_fail_and_fewer_do_not(self):
        status, _, complaints = self.run_script(kernel(SCALE, "sm_90a", registers=9))
        self.assertEqual(status, 1)
        self.assertIn("sm_90a scale_kernel(float*): 9 registers, the table says 8", complaints)
        self.assertEqual(self.run_script(kernel(SCALE, "sm_90a", registers=7))[0], 0)

    def test_kernels_and_table_must_match(self):
        status, _, complaints = self.run_script(kernel(CUB, "sm_90a"))
        self.assertEqual(status, 1)
        self.assertIn("EmptyKernel<void>(): not in the table", complaints)
        self.assertIn("scale_kernel(float*): in the table, but no kernel", complaints)

    def test_names_do_not_depend_on_the_architectures_of_the_build(self):
        self.assertEqual(resources.demangle([CUB]), ["void cub::detail::EmptyKernel<void>()"])

    def test_other_architectures_are_watched_for_spills(self):
        log = "".join(kernel(SCALE, name, 99) for name in ("sm_80", "sm_120"))
        status, text, complaints = self.run_script(log + kernel(SCALE, "sm_90a"))
        self.assertEqual((status, complaints), (0, ""))
        self.assertIn("sm_80 is not in the table", text)
        status, _, complaints = self.run_script(
            log + kernel(SCALE, "sm_90a") + kernel(SCALE, "sm_100", spilled=4))
        self.assertEqual(status, 1)
        self.assertEqual(complaints, "resources: sm_100 scale_kernel(float*): spills 8 bytes\n")

    def test_a_log_may_lack_architectures_of_the_table(self):
        self.run_script(kernel(SCALE, "sm_80") + kernel(SCALE, "sm_90a"), "--update")
        self.assertEqual(self.run_script(kernel(SCALE, "sm_90a"))[0], 0)

    def test_without_a_table_spills_and_losses_count(self):
        self.assertEqual(self.run_script(kernel(CUB, "sm_80"), table=False)[0], 0)
        self.assertEqual(self.run_script(kernel(CUB, "sm_80", spilled=4), table=False)[0], 1)
        self.assertEqual(self.run_script(kernel(CUB, "sm_80") + serialised(CUB), table=False)[0], 1)
        with self.assertRaises(SystemExit):
            self.run_script(kernel(CUB, "sm_80"), "--update", table=False)

    def test_a_table_of_other_architectures_proves_nothing(self):
        status, _, complaints = self.run_script(kernel(SCALE, "sm_80"))
        self.assertEqual(status, 1)
        self.assertIn("the table has sm_90a, the log sm_80", complaints)

    def test_serialised_products_fail(self):
        log = kernel(SCALE, "sm_90a")
        for named in (serialised(SCALE) + log, log + serialised(SCALE)):
            status, _, complaints = self.run_script(named)
            self.assertEqual(status, 1)
            self.assertIn("scale_kernel(float*): wgmma.mma_async instructions are serialized due to "
                          "insufficient register resources for the wgmma pipeline\n", complaints)
        unnamed = log + "ptxas info : (C7519) Potential Performance Loss: wgmma.mma_async is serialized\n"
        self.assertIn("some kernel: wgmma.mma_async is serialized", self.run_script(unnamed)[2])
        self.assertEqual(self.run_script(log + serialised(SCALE), "--update")[0], 1)

    def test_a_log_without_kernels_proves_nothing(self):
        with self.assertRaises(SystemExit) as ended:
            self.run_script("ninja: no work to do.\n")
        self.assertIn("ptxas says nothing of any kernel", str(ended.exception))


if __name__ == "__main__":
    unittest.main()
