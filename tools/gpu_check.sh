#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tells the truth about this checkout on an NVIDIA GPU: is it right, and how fast is it, beside what
# the device can do and beside PyTorch, JAX and FlashInfer. One JSON and one Markdown file.
set -uo pipefail
called_from=$PWD
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
. tools/setup.sh
. tools/gpu_check/parts.sh

usage() {
  cat << 'END'
usage: tools/gpu_check.sh [options]
  --carried DIR   take the binaries in DIR, made elsewhere by --pack, instead of building
  --pack DIR      build, and put into DIR what --carried needs on another machine; check nothing
  --output DIR    where the results go (default: bench/results)
  --data DIR      folder with frames/jsb-quarter.json (default: $CADENZA_TEST_DATA, or ../shared/data)
  --python FILE   the Python that has the peers (default: python3)
  --seconds N     end within N seconds, without the build (default: 470)
  --force         measure speed even if something is not right
  --work DIR      keep what every part printed in DIR
  --jobs N        compile N files at a time (default: all cores)
Exit status: 0 right, and every comparison reached; 1 no GPU, or no build; 2 not right; 3 right, but a
comparison was missed or not measured. No clock, mode or other setting of the GPU is touched.
END
}

carried=''
pack=''
output=bench/results
data=''
python=python3
budget=470
forced=no
work=''
build=build/gpu
binaries=$build
library_path=${LD_LIBRARY_PATH:-}

# Paths are relative to where the script was called from.
path_of() { (cd "$called_from" && readlink -m -- "$1"); }

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --force) forced=yes ;;
      -h | --help) usage; exit 0 ;;
      --carried | --pack | --output | --data | --python | --seconds | --work | --jobs)
        [ $# -gt 1 ] || fail "$1 needs a value"
        case $1 in
          --carried) carried=$(path_of "$2") ;;
          --pack) pack=$(path_of "$2") ;;
          --output) output=$(path_of "$2") ;;
          --data) data=$(path_of "$2") ;;
          --python) python=$2 ;;
          --seconds) budget=$2 ;;
          --work) work=$(path_of "$2") ;;
          --jobs) jobs=$2 ;;
        esac
        shift ;;
      *) usage >&2; exit 64 ;;
    esac
    shift
  done
  case $budget in '' | *[!0-9]*) fail "--seconds: '$budget' is not a number of seconds" ;; esac
}

# ---- what is checked --------------------------------------------------------

device_filter='*/cuda_*:*/cudnn_*'

device_facts() {
  nvidia-smi --format=csv --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.draw,power.limit,temperature.gpu,pstate,compute_mode,ecc.mode.current,mig.mode.current |
    sed 's/^/csv /'
  nvidia-smi | sed -n 's/.*CUDA Version: *\([0-9.]*\).*/cuda of the driver: \1/p'
  printf 'cuda of nvcc: %s\n' "$(nvcc --version 2> /dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p')"
  printf 'processor: %s, %s cores\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
    "$(nproc)"
  printf 'system: %s\n' "$(uname -sr)"
}

# Every test executable that has tests of the device, the larger ones in four processes.
check_tests() {
  local program name filter count shards shard any=no
  allot 80
  beside=yes
  while read -r program; do
    name=$(basename "$program")
    filter=$device_filter
    case $name in kernel_test | cudnn_test) filter='*' ;; esac  # they have no others
    count=$(LD_LIBRARY_PATH=$library_path timeout 30 "$program" --gtest_list_tests \
      "--gtest_filter=$filter" 2> /dev/null | grep -c '^  ')
    [ "$count" -gt 0 ] || continue
    any=yes
    shards=1
    [ "$count" -lt 40 ] || shards=4
    for ((shard = 0; shard < shards; ++shard)); do
      part "$name, part $((shard + 1)) of $shards" correctness tests \
        env GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard "$program" "--gtest_filter=$filter"
    done
  done < <(find "$binaries" -type f -name '*_test' -perm -u+x ! -path '*/CMakeFiles/*' | sort)
  [ $any = yes ] || absent tests correctness tests "not run" "no test of a device in $binaries"
  program=$(executable exact_math_check)
  if [ -n "$program" ]; then
    part "exact functions, all 2^32 inputs" correctness exact "$program"
  else
    absent "exact functions, all 2^32 inputs" correctness exact "not run" \
      "there is no exact_math_check in $binaries"
  fi
  finish
}

# Small shapes through every kernel: what the sanitizers can watch in time.
sanitizer_filter='*Agreement*/cuda_fp32*:*FixedOrder*/cuda_fp32*:*Generate*/cuda_fp32*'

# sanitize NAME TOOL TEST FILTER
sanitize() {
  local sanitizer program
  sanitizer=$(command -v compute-sanitizer || find "${CUDA_HOME:-/usr/local/cuda}/bin" \
    -name compute-sanitizer 2> /dev/null | head -n 1)
  program=$(executable "$3")
  if [ -z "$sanitizer" ]; then
    absent "$1" correctness sanitizer "not present" "compute-sanitizer is not present"
  elif [ -z "$program" ]; then
    absent "$1" correctness sanitizer "not run" "there is no $3 in $binaries"
  else
    part "$1" correctness sanitizer "$sanitizer" --tool "$2" --error-exitcode 9 \
      --print-limit 20 "$program" "--gtest_filter=$4"
  fi
}

check_sanitizers() {
  local tool
  allot 65
  beside=yes
  for tool in memcheck racecheck initcheck synccheck; do
    sanitize "$tool" "$tool" backend_test "$sanitizer_filter"
    sanitize "$tool, device layer" "$tool" kernel_test '*'
  done
  finish
}

# The record model S learns the chorales, for as long as the end does not hang on the last bits of the
# beginning: by the preset's own rate and 30 epochs, a change of one bit (--clip-norm 1.0000001) moves
# the likelihood by 0.09.
measure_training() {
  local frames=$data/frames/jsb-quarter.json backend
  allot 55
  beside=yes
  for backend in cuda cpu; do
    if [ -f "$frames" ]; then
      program_part "JSB training, $backend" speed training cadenza train --data "$frames" \
        --preset jsb --layers 2 --hidden 256 --epochs 10 --batch-size 16 --learning-rate 0.003 \
        --backend "$backend" --output "$work/jsb-$backend" --json
    else
      absent "JSB training, $backend" speed training "not present" "there is no $frames"
    fi
  done
  finish
}

# micro_part NAME SECONDS BENCHMARKS...
micro_part() {
  allot "$2"
  program_part "$1" speed rows gpu_micro "${@:3}"
}

# bench_part NAME SECONDS PROGRAM FILTER
bench_part() {
  allot "$2"
  program_part "$1" speed benchmark "$3" --benchmark_format=json "--benchmark_filter=$4"
}

# peer_part NAME SECONDS SCRIPT ARGUMENTS...
peer_part() {
  allot "$2"
  if ! command -v "$python" > /dev/null; then
    absent "$1" speed rows "not present" "there is no $python"
    return
  fi
  # With the libraries of their own packages, not with those found for our programs.
  part "$1" speed rows env LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}" "$python" "bench/peers/$3" \
    --seconds $((limit > 12 ? limit - 10 : 1)) "${@:4}"
}

# What the required comparisons need.
measure_required() {
  micro_part "copy bandwidth" 5 info copy
  bench_part "draws, plain" 15 sampling_bench \
    '^sample_tokens/cuda/fp32/V:(128|256|388|512|1024)/B:(16384|65536)/plain'
  peer_part "PyTorch and FlashInfer draws" 30 torch_sampling.py
  bench_part "layers forward and backward, cudnn" 20 recurrent_bench \
    '^recurrent_forward_backward/cudnn/.*/B:(64|256)/T:256'
  peer_part "PyTorch layers" 35 torch_training.py --bench recurrent_forward_backward \
    --shapes 64x256 256x256
  bench_part "generation, S" 12 generation_bench '^generate/cuda/.*/S/B:(1|32|256|1024)/T:64'
  peer_part "PyTorch captured step, S" 30 torch_generation.py --way graph --models S \
    --batches 1 32 256 1024
}

measure_further() {
  local name
  micro_part "micro: cudnn" 20 cudnn
  for name in exchange cluster_copy wgmma clusters l2_exchange ingress functions launches; do
    micro_part "micro: $name" 4 "$name"
  done
  bench_part "training step" 10 training_bench '^training_step/(cuda|cudnn)/.*/B:(64|256)/T:256'
  bench_part "layers forward and backward, cuda" 8 recurrent_bench \
    '^recurrent_forward_backward/cuda/.*/B:(64|256)/T:256'
  bench_part "layers forward" 8 recurrent_bench \
    '^recurrent_forward/(cuda|cudnn)/.*/B:(64|256)/T:256'
  bench_part "single steps" 6 recurrent_bench '^recurrent_step/cuda/'
  bench_part "generation" 8 generation_bench '^generate/cuda/.*/(M|L|S/B:(8|4096|16384))/'
  bench_part "draws" 6 sampling_bench '^sample_tokens/cuda/fp32/.*/(B:4096/|.*/top_)'
  peer_part "PyTorch training step" 5 torch_training.py --bench training_step
  peer_part "JAX scan" 5 jax_scan.py
  peer_part "PyTorch captured step" 5 torch_generation.py --way graph --models M L
  peer_part "PyTorch eager step" 3 torch_generation.py --way eager
  peer_part "PyTorch compiled step" 5 torch_generation.py --way compile
}

# ---- the check --------------------------------------------------------------

read_options "$@"
if [ -n "$pack" ]; then
  build_all
  pack_into "$pack"
  exit 0
fi
if ! nvidia-smi -L > /dev/null 2>&1; then
  fail "nvidia-smi sees no NVIDIA GPU here, so there is nothing to check"
fi
command -v python3 > /dev/null || fail "python3 is not present, which merges the results"
if [ -n "$carried" ]; then
  [ -d "$carried" ] || fail "there is no folder $carried"
  binaries=$carried
else
  build_all
fi
if [ -z "$data" ]; then
  data=${CADENZA_TEST_DATA:-$(readlink -m ../shared/data)}
fi
golden=$PWD/tests/golden
[ -d "$golden" ] || golden=$carried/share/golden
if [ -z "$work" ]; then
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
elif [ -n "$(ls -A "$work" 2> /dev/null)" ]; then
  fail "--work: $work is not empty"
fi
add_library_folders
started=$SECONDS
new_part "device" facts device
device_facts > "$folder/stdout" 2> "$folder/stderr"
printf 'rc=0\n' >> "$folder/meta"
check_tests
check_sanitizers
if [ $forced = yes ] || python3 tools/gpu_check/report.py gate "$work"; then
  measure_training
  measure_required
  measure_further
else
  absent "speed" speed rows "not run" "correctness comes first, and something is not right"
fi
say
python3 tools/gpu_check/report.py write "$work" "$output" "date=$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
  "commit=$(commit)" "forced=$forced" "allotted=$allotted" "seconds=$((SECONDS - started))"
