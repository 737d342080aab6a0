// SPDX-License-Identifier: Apache-2.0
#include "cadenza/infill.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cadenza/error.h"
#include "core/largest_that_fits.h"
#include "core/shuffle.h"
#include "generate/blank_rows.h"
#include "generate/host_arrays.h"

namespace cadenza {
namespace {

void check_request(const InfillRequest& request) {
  const auto at_least = [](const char* name, std::int64_t value, std::int64_t least) {
    check(value >= least, "infill: ", name, " is ", value, ", expected at least ", least);
  };
  at_least("sweeps", request.sweeps, 1);
  at_least("spacing", request.spacing, 1);
  at_least("first_sequence", request.first_sequence, 0);
  at_least("batch_size", request.batch_size, 1);
  constexpr std::int64_t kFurthest = 1 << 16;
  check(request.spacing <= kFurthest, "infill: spacing is ", request.spacing, ", expected at most ",
        kFurthest);
  check(std::isfinite(request.start_temperature) && request.start_temperature > 0,
        "infill: start_temperature is ", request.start_temperature, ", expected above 0");
}

/// Places that are drawn at once.
struct Group {
  std::int64_t voice = 0;
  std::int64_t phase = 0;  ///< of the steps, modulo the spacing
};

/// Some of the blanks on their way through all sweeps.
class BlankRows {
 public:
  BlankRows(Infiller& model, std::span<const GridBlank> blanks, const InfillRequest& request,
            std::int64_t first)
      : model_(model),
        backend_(model.backend()),
        blanks_(blanks),
        request_(request),
        first_(first),
        arena_(backend_),
        voices_(model.config().voices),
        grid_(hidden_rows(blanks, voices_)) {}

  void sweep(std::int64_t number) {
    std::vector<Group> groups;
    for (std::int64_t voice = 0; voice < voices_; ++voice) {
      for (std::int64_t phase = 0; phase < request_.spacing; ++phase) {
        groups.push_back({voice, phase});
      }
    }
    shuffle(groups, request_.seed,
            {.purpose = RandomPurpose::order, .sequence = static_cast<std::uint64_t>(number)});
    SamplingParams sampling = request_.sampling;
    sampling.temperature = temperature(number);
    for (const Group& group : groups) {
      const std::vector<GridPlace> places = open_places(group);
      if (!places.empty()) draw(places, pack(sampling), number);
    }
  }

  std::vector<Sequence> finish() const {
    std::vector<Sequence> results;
    for (std::int64_t b = 0; b < grid_.rows(); ++b) {
      Sequence& result = results.emplace_back();
      for (std::int64_t p = 0; p < size_of(blanks_[static_cast<std::size_t>(b)]); ++p) {
        result.tokens.push_back(grid_.ids[cell_of(grid_, voices_, {p / voices_, b, p % voices_})]);
      }
    }
    return results;
  }

 private:
  static std::int64_t size_of(const GridBlank& blank) {
    return static_cast<std::int64_t>(blank.sequence.tokens.size());
  }
  std::int64_t place(const GridPlace& at) const { return at.step * voices_ + at.voice; }

  double temperature(std::int64_t sweep) const {
    const double end = request_.sampling.temperature;
    if (request_.sweeps == 1 || request_.start_temperature == end) return end;
    const double way = static_cast<double>(sweep) / static_cast<double>(request_.sweeps - 1);
    return request_.start_temperature * std::pow(end / request_.start_temperature, way);
  }

  std::vector<GridPlace> open_places(const Group& group) const {
    std::vector<GridPlace> places;
    for (std::int64_t b = 0; b < grid_.rows(); ++b) {
      const auto row = static_cast<std::size_t>(b);
      for (std::int64_t t = group.phase; t < grid_.lengths[row]; t += request_.spacing) {
        const GridPlace at = {t, b, group.voice};
        if (blanks_[row].open[static_cast<std::size_t>(place(at))]) places.push_back(at);
      }
    }
    return places;
  }

  /// Bit masks of what may stand at each place; absent where everything may.
  TensorView allowed(Tape& tape, const std::vector<GridPlace>& places) const {
    const std::int64_t words = (model_.config().width + 31) / 32;
    std::vector<std::int32_t> masks(places.size() * static_cast<std::size_t>(words), -1);
    bool any = false;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const GridBlank& blank = blanks_[static_cast<std::size_t>(places[i].row)];
      if (blank.hold < 0 || !blank.no_hold[static_cast<std::size_t>(place(places[i]))]) continue;
      masks[i * static_cast<std::size_t>(words) + static_cast<std::size_t>(blank.hold / 32)] &=
          ~static_cast<std::int32_t>(1U << (blank.hold % 32));
      any = true;
    }
    if (!any) return {};
    return tape.upload(std::span(masks), {static_cast<std::int64_t>(places.size()), words});
  }

  /// Draws all `places` at once, each at an address of its own piece, sweep and place.
  void draw(const std::vector<GridPlace>& places, const RowSampling& sampling, std::int64_t sweep) {
    arena_.reset();
    Tape tape(backend_, arena_, model_.parameters().dtype(), GradMode::none);
    const auto count = static_cast<std::int64_t>(places.size());
    std::vector<std::int64_t> numbers;
    std::vector<std::int32_t> steps;
    for (const GridPlace& at : places) {
      numbers.push_back(first_ + at.row);
      const std::int64_t size = size_of(blanks_[static_cast<std::size_t>(at.row)]);
      steps.push_back(
          static_cast<std::int32_t>(static_cast<std::uint32_t>(sweep * size + place(at))));
    }
    const TensorView params = tape.allocate({count, sizeof(RowSampling)}, DType::u8);
    put(backend_, std::vector<RowSampling>(places.size(), sampling), params);
    const TensorView sequences = tape.allocate({count}, DType::i64);
    put(backend_, numbers, sequences);
    const TensorView tokens = tape.allocate({count}, DType::i32);
    InfillerPass pass(tape, model_.config(), model_.parameters(), {});
    backend_.sample_tokens({.logits = pass.logits(grid_, places).value(),
                            .allowed = allowed(tape, places),
                            .rows = {.seed = request_.seed,
                                     .params = params,
                                     .sequences = sequences,
                                     .steps = tape.upload(std::span(steps), {count})},
                            .tokens = tokens,
                            .status = tape.allocate({count}, DType::i32)});
    const auto drawn = get<std::int32_t>(backend_, tokens);
    for (std::size_t i = 0; i < places.size(); ++i)
      grid_.ids[cell_of(grid_, voices_, places[i])] = drawn[i];
  }

  Infiller& model_;
  Backend& backend_;
  std::span<const GridBlank> blanks_;
  const InfillRequest& request_;
  std::int64_t first_;
  Arena arena_;
  std::int64_t voices_;
  GridRows grid_;
};

}  // namespace

std::vector<Sequence> infill(Infiller& model, std::span<const GridBlank> blanks,
                             const InfillRequest& request,
                             const std::function<void(std::int64_t, std::int64_t)>& progress) {
  check_request(request);
  pack(request.sampling);
  check(model.parameters().dtype() == DType::f32, "infill: draws need a model in f32, got ",
        name_of(model.parameters().dtype()));
  for (const GridBlank& blank : blanks) {
    check_blank(blank, model.config());
    const auto places = static_cast<std::int64_t>(blank.sequence.tokens.size());
    check(places <= (std::int64_t{1} << 32) / request.sweeps, "infill: a piece has ", places,
          " tokens, too many to draw ", request.sweeps, " times");
  }
  std::vector<Sequence> results;
  std::int64_t done = 0;
  const std::int64_t total = request.sweeps * static_cast<std::int64_t>(blanks.size());
  const auto batch = static_cast<std::size_t>(request.batch_size);
  for (std::size_t first = 0; first < blanks.size(); first += batch) {
    const auto some = blanks.subspan(first, std::min(batch, blanks.size() - first));
    const auto number = request.first_sequence + static_cast<std::int64_t>(first);
    const auto count = static_cast<std::int64_t>(some.size());
    std::vector<Sequence> filled = with_room(
        message("filling ", count, " pieces at once"), count,
        [&] {
          BlankRows rows(model, some, request, number);
          for (std::int64_t sweep = 0; sweep < request.sweeps; ++sweep) {
            rows.sweep(sweep);
            done += count;
            if (progress) progress(done, total);
          }
          return rows.finish();
        },
        [&](std::int64_t fewer) {
          BlankRows(model, some.first(static_cast<std::size_t>(fewer)), request, number).sweep(0);
        });
    std::move(filled.begin(), filled.end(), std::back_inserter(results));
  }
  return results;
}

}  // namespace cadenza
