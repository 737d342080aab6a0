#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Set-up and the main job on a fresh machine: real MIDI -> training -> new music with pictures.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$(readlink -f "$0")")/.."
. tools/setup.sh

usage() {
  cat << 'END'
usage: tools/run.sh [--no-install] [--cpu|--cuda] [--jobs N] [FOLDER]
  Installs missing Debian packages, builds cadenza, learns from the MIDI files in FOLDER and
  writes 16 new pieces with pictures to out/. Without FOLDER it takes the 31 pieces of Debian's
  package openttd-openmsx, unpacked beside the build (not installed). Safe to repeat.
  --no-install  stop with the list of missing packages instead of installing them
  --cpu, --cuda  build without or with CUDA (default: with it where there is a GPU and a toolkit)
  --jobs N      compile N files at a time (default: all cores)
END
}

# Unpacks the demo music once; prints its folder.
demo_music() {
  local folder=build/music
  if [ ! -d $folder/openmsx ]; then
    local package
    mkdir -p $folder
    # As root apt would warn that its unprivileged helper cannot write here.
    local options=()
    [ "$(id -u)" != 0 ] || options=(-o APT::Sandbox::User=root)
    (cd $folder && apt-get download -qq "${options[@]}" openttd-openmsx) >&2 ||
      fail "could not download openttd-openmsx; give a folder of MIDI files: tools/run.sh FOLDER"
    package=$(echo $folder/openttd-openmsx_*.deb)
    dpkg -x "$package" $folder/unpacked
    mv $folder/unpacked/usr/share/games/openttd/baseset/openmsx $folder/openmsx
    rm -r $folder/unpacked "$package"
  fi
  echo $folder/openmsx
}

parse_options "$@"
started=$SECONDS
if [ ${#arguments[@]} = 0 ]; then
  input=
elif [ -e "$(cd "$called_from" && readlink -f "${arguments[0]}")" ]; then
  input=$(cd "$called_from" && readlink -f "${arguments[0]}")
else
  fail "there is no folder ${arguments[0]}"
fi
ensure_packages "${build_packages[@]}"
choose_preset
options=()
[ -f "build/$preset/CMakeCache.txt" ] || options=(-DCADENZA_TESTS=OFF)
configure "${options[@]}"
show cmake --build --preset "$preset" -j "$jobs" --target cadenza_program
built=$SECONDS
[ -n "$input" ] || input=$(demo_music)

cadenza=build/$preset/bin/cadenza
out=out/$(basename "$input")
mkdir -p "$out"
show $cadenza prepare --input "$input" --tokenizer remi --output "$out/new-data.safetensors"
# The same data as last time: go on with (or reuse) the model that is there.
again=()
if cmp -s "$out/new-data.safetensors" "$out/data.safetensors"; then
  rm "$out/new-data.safetensors"
  [ ! -f "$out/model/last.safetensors" ] || again=(--resume)
else
  rm -rf "$out/model" "$out/music"
  mv "$out/new-data.safetensors" "$out/data.safetensors"
fi
show $cadenza train --data "$out/data.safetensors" --preset demo --output "$out/model" "${again[@]}"
show $cadenza generate --model "$out/model/model.safetensors" --num-outputs 16 --num-steps 1000 \
  --seed 1 --top-p 0.9 --output "$out/music" --png

say
say "built    : build/$preset in $((built - started)) s"
say "made     : $out/music/0000.mid ... 0015.mid, a picture beside each, in $((SECONDS - built)) s"
say "model    : $out/model/model.safetensors   curve: $out/model/loss.svg"
say "next     : $cadenza generate --model $out/model/model.safetensors --primer-midi YOURS.mid \\"
say "             --num-outputs 16 --output out/continued --png --wav"
