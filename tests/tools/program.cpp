// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "cadenza/error.h"
#include "cadenza/midi.h"

namespace cadenza::test {
namespace {

// Roomy enough for everything these tests print, so that nobody has to read while the program
// runs; and a pipe, unlike a file, is not subject to RLIMIT_FSIZE.
constexpr int kPipeBytes = 1 << 20;

/// A pipe whose reading end is `read_end`; returns the other.
int make_pipe(int& read_end) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  read_end = ends[0];
  return ends[1];
}

std::string content(int file) {
  std::string text;
  std::array<char, 4096> block;
  for (ssize_t got = 0; (got = read(file, block.data(), block.size())) > 0;) {
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const RunOptions& options) {
  const int out = make_pipe(out_);
  const int err = make_pipe(err_);
  std::vector<std::string> words = {CADENZA_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) {
    close(out);
    close(err);
    return;
  }
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close(STDIN_FILENO);
  open("/dev/null", O_RDONLY);
  for (const auto& [key, value] : options.environment) setenv(key.c_str(), value.c_str(), 1);
  if (options.largest_file > 0) {
    const rlimit limit = {options.largest_file, options.largest_file};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);  // a write then fails, as on a full disk
  }
  execv(argv[0], argv.data());
  _exit(127);
}

Program::~Program() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
  close(err_);
}

void Program::send(int signal) const { kill(pid_, signal); }

Finished Program::wait() {
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) throw std::runtime_error("waitpid failed");
  pid_ = -1;
  Finished finished;
  if (WIFEXITED(status)) finished.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) finished.signal = WTERMSIG(status);
  finished.out = content(out_);
  finished.err = content(err_);
  return finished;
}

Finished run(const std::vector<std::string>& arguments, const RunOptions& options) {
  return Program(arguments, options).wait();
}

void expect_failure(const Finished& finished, int exit_code, const std::string& text) {
  EXPECT_EQ(finished.exit_code, exit_code) << finished.err;
  EXPECT_NE(finished.err.find(text), std::string::npos) << finished.err;
  EXPECT_EQ(finished.out, "");
}

void write_midi_folder(const std::filesystem::path& folder, int count) {
  std::filesystem::create_directories(folder);
  for (int file = 0; file < count; ++file) {
    Track track;
    std::uint32_t random = static_cast<std::uint32_t>(file) + 1;
    for (int i = 0; i < 64; ++i) {
      random = random * 1664525U + 1013904223U;
      const std::int64_t start = i * 240;
      const auto pitch = static_cast<std::uint8_t>(55 + (random >> 24) % 24);
      track.notes.push_back({start, start + 200, pitch, 80});
    }
    Score score;
    score.tracks.push_back(track);
    write_midi_file(score, folder / message("a", file, ".mid"));
  }
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace cadenza::test
