# SPDX-License-Identifier: Apache-2.0
# Shared by gpu_check.sh (sourced): the binaries of a check, and running its parts within limits. What
# a part leaves behind is read by parts.py. Uses $build, $binaries, $carried, $library_path, $python,
# $golden, $work, $budget, $started and $jobs of the script.
# shellcheck shell=bash disable=SC2154

# ---- binaries ---------------------------------------------------------------

build_all() {
  [ -x "$(command -v cmake)" ] || fail "cmake is not present: install it, or carry binaries here"
  show cmake --preset cuda -B "$build" -DCADENZA_BENCH=ON -DCADENZA_TESTS=ON -DCADENZA_WERROR=OFF \
    > /dev/null || fail "the configuration of $build failed"
  show cmake --build "$build" -j "$jobs" || fail "the build in $build failed"
}

# The executable of that name under $binaries; nothing if there is none.
executable() { find "$binaries" -type f -name "$1" -perm -u+x 2> /dev/null | sort | head -n 1; }

commit() {
  if [ -n "$carried" ] && [ -f "$carried/COMMIT" ]; then
    cat "$carried/COMMIT"
  elif git rev-parse --short HEAD > /dev/null 2>&1; then
    printf '%s%s\n' "$(git rev-parse --short HEAD)" \
      "$([ -z "$(git status --porcelain --untracked-files=no)" ] || echo -dirty)"
  else
    echo unknown
  fi
}

# Copies a build so that it runs elsewhere: bin, lib, share; COMMIT says what it is.
pack_into() {
  local file library
  mkdir -p "$1/bin" "$1/lib" "$1/share/cadenza/presets" || fail "cannot write to $1"
  find "$binaries" -type f -perm -u+x \( -name '*_test' -o -name '*_bench' -o -name gpu_micro \
    -o -name exact_math_check -o -name cadenza \) ! -path '*/CMakeFiles/*' -exec cp {} "$1/bin" \;
  # Those of the tests are stand-ins under the same names.
  find "$binaries" -maxdepth 1 -name 'libcadenza*.so*' -exec cp -P {} "$1/lib" \;
  for file in "$1"/bin/*; do
    strip "$file" 2> /dev/null
    while read -r library; do cp -nL "$library" "$1/lib"; done < <(ldd "$file" |
      awk '$3 ~ /lib(benchmark|hwy|png|gtest|gmock|z)[-.0-9]*[^\/]*\.so/ { print $3 }')
  done
  cp tools/presets/*.toml "$1/share/cadenza/presets"
  cp -r tests/golden "$1/share"
  commit > "$1/COMMIT"
  say "packed   : $1, $(du -sh "$1" | cut -f 1)"
}

# Where the dynamic loader finds CUDA's libraries, also those of Python packages.
add_library_folders() {
  local folder
  [ -z "$carried" ] || library_path=$carried/lib:$library_path
  for folder in "${CUDA_HOME:-/usr/local/cuda}/lib64" \
    $("$python" -c 'import nvidia; print("\n".join(nvidia.__path__))' 2> /dev/null |
      sed 's|$|/cu13/lib|; p; s|cu13/lib$|cudnn/lib|'); do
    [ ! -d "$folder" ] || library_path=$library_path:$folder
  done
}

# ---- parts ------------------------------------------------------------------

part_number=0
folder=

# new_part NAME GROUP KIND: a folder for it, in $folder.
new_part() {
  part_number=$((part_number + 1))
  folder=$work/$(printf '%03d' "$part_number")
  mkdir -p "$folder" || fail "cannot write to $work"
  printf 'name=%s\ngroup=%s\nkind=%s\n' "$1" "$2" "$3" > "$folder/meta"
}

# absent NAME GROUP KIND STATUS REASON: a part that will not run.
absent() {
  new_part "$1" "$2" "$3"
  printf 'status=%s\nreason=%s\n' "$4" "$5" >> "$folder/meta"
  say "$1: $4: $5"
}

left() { echo $((budget - SECONDS + started)); }

# What the parts so far were allotted: a check as a whole ends within the sum.
allotted=0
limit=0

# allot SECONDS: sets $limit, which the next part has, or each of those that run beside each other: its
# seconds and what the parts before left over, within what is left of the whole time.
allot() {
  limit=$((allotted + $1 - SECONDS + started))
  [ "$limit" -ge "$1" ] || limit=$1
  [ "$limit" -le "$(left)" ] || limit=$(left)
  allotted=$((allotted + $1))
}

# execute FOLDER COMMAND...: what it prints, how it ended and how long it took.
execute() {
  local where=$1 begin=$SECONDS status=0
  shift
  timeout -k 5 "$limit" env LD_LIBRARY_PATH="$library_path" CADENZA_BENCH_SECONDS=0.05 \
    CADENZA_GOLDEN="$golden" GTEST_OUTPUT="json:$where/report.json" "$@" \
    > "$where/stdout" 2> "$where/stderr" < /dev/null || status=$?
  printf 'limit=%s\nrc=%s\nseconds=%s\n' "$limit" "$status" $((SECONDS - begin)) >> "$where/meta"
  say "$(sed -n 's/^name=//p' "$where/meta"): exit status $status after $((SECONDS - begin)) s"
}

# part NAME GROUP KIND COMMAND...: within what it was allotted. With $beside set it runs beside the next
# ones, until finish.
beside=
part() {
  if [ "$limit" -lt 3 ]; then
    absent "$1" "$2" "$3" "not run" "no time left"
    return
  fi
  new_part "$1" "$2" "$3"
  if [ -n "$beside" ]; then
    execute "$folder" "${@:4}" &
  else
    execute "$folder" "${@:4}"
  fi
}

# Waits for the parts that run beside each other.
finish() {
  wait
  beside=
}

# program_part NAME GROUP KIND PROGRAM ARGUMENTS...: of the binaries, if it is there.
program_part() {
  local program
  program=$(executable "$4")
  if [ -z "$program" ]; then
    absent "$1" "$2" "$3" "not present" "there is no $4 in $binaries"
  else
    part "$1" "$2" "$3" "$program" "${@:5}"
  fi
}
