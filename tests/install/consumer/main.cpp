// SPDX-License-Identifier: Apache-2.0
// Opens a model, asks for four pieces and says how many notes each has.
#include <cadenza/generator.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto backend = cadenza::make_backend("auto");
  const auto loaded = cadenza::load_model(argv[1], *backend);
  const cadenza::Generator generator(*loaded.model, *loaded.tokenizer);
  for (const auto& piece : generator.run({.num_outputs = 4, .num_steps = 64})) {
    const cadenza::Score score = loaded.tokenizer->decode(piece.sequence);
    std::printf("%zu steps, %zu notes\n", piece.sequence.size(), score.note_count());
  }
}
