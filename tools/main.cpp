// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "tools/common/command.h"

namespace cadenza::tools {
namespace {

constexpr std::array kCommands = {
    Command{"prepare", "turn MIDI, frame or token files into one data file", run_prepare},
    Command{"train", "train a model on a data file", run_train},
    Command{"evaluate", "measure a model on a data file, or music against real music",
            run_evaluate},
    Command{"classify", "tell the style of MIDI files with a classifier", run_classify},
    Command{"generate", "write new music with a model", run_generate},
    Command{"transform", "turn music into other music with a seq2seq model", run_transform},
    Command{"infill", "write bars or voices of some music anew, or all of it", run_infill},
    Command{"interpolate", "go from one piece to another through the codes of a vae",
            run_interpolate},
    Command{"vary", "write versions of a piece with more or higher notes, by a vae", run_vary},
    Command{"render", "draw a MIDI file as a picture, or play it into a WAV file", run_render},
    Command{"info", "say what a model, data or MIDI file holds", run_info},
    Command{"doctor", "say what works on this machine, and why the rest does not", run_doctor},
};

void print_help(std::FILE* to) {
  std::fputs(
      "cadenza learns music from MIDI files and writes new music.\n\n"
      "usage: cadenza COMMAND [OPTIONS]      cadenza COMMAND --help\n\n",
      to);
  for (const Command& command : kCommands) {
    std::fprintf(to, "  %-10s %s\n", command.name.data(), command.summary.data());
  }
  std::fputs(
      "\nFirst steps:\n"
      "  cadenza prepare --input ~/my-midi --tokenizer performance --output data.safetensors\n"
      "  cadenza train --data data.safetensors --preset demo --output run\n"
      "  cadenza generate --model run/model.safetensors --num-outputs 16 --output music --png\n",
      to);
}

/// Runs the command and turns what it throws into one sentence and an exit code.
int run(const Command& command, std::span<char*> arguments) {
  const char* name = command.name.data();
  try {
    return command.run(arguments);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "cadenza %s: %s (see: cadenza %s --help)\n", name, error.what(), name);
    return kWrongUsage;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "cadenza %s: out of memory\n", name);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cadenza %s: %s\n", name, error.what());
  }
  return kFailed;
}

int dispatch(std::span<char*> arguments) {
  const std::string_view first = arguments.empty() ? "" : arguments.front();
  if (first == "--version") {
    std::puts("cadenza " CADENZA_VERSION);
    return kDone;
  }
  if (first == "--help" || first == "-h" || first == "help") {
    print_help(stdout);
    return kDone;
  }
  for (const Command& command : kCommands) {
    if (command.name == first) return run(command, arguments.subspan(1));
  }
  if (first.empty()) {
    print_help(stderr);
  } else {
    std::fprintf(stderr, "cadenza: there is no command '%s' (see: cadenza --help)\n", first.data());
  }
  return kWrongUsage;
}

}  // namespace
}  // namespace cadenza::tools

int main(int argc, char** argv) {
  return cadenza::tools::dispatch(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
}
