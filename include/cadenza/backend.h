// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/cell.h"
#include "cadenza/random.h"
#include "cadenza/sampling.h"
#include "cadenza/tensor.h"

// The contract of the machine: what it can do, in coarse operations. Public functions check their
// arguments and call the private virtual do_*; an implementation starts with valid input.
//
// Letters: T time, B batch, N rows, I input, H hidden, G gates, S states, V vocabulary, D keys of a
// frame, K hidden units of the NADE head. All arrays are row-major, contiguous, time-major. "real"
// is f32, or f64 where supports(f64); one call uses one of them throughout. Gradients of
// activations are overwritten ("="), gradients of parameters are added to ("+="). Optional views
// have an initialiser `{}` and are absent by default. Outputs share no memory with inputs except
// where "may alias" is said. Ids, targets and lengths outside their range are the caller's error:
// only the reference looks at them.

namespace cadenza {

enum class Transpose : std::uint8_t { no, yes };
enum class Accumulate : std::uint8_t { overwrite, add };
/// `fixed`: each element is summed in one order that depends on the inner extent alone, never on
/// the number of rows, on other rows or on threads. Generation uses nothing else.
enum class SumOrder : std::uint8_t { any, fixed };

/// c [M, N] = op(a) [M, K] * op(b) [K, N] (+ bias [N]) (+ c).
struct MatmulArgs {
  TensorView a, b, c;
  Transpose transpose_a = Transpose::no;
  Transpose transpose_b = Transpose::no;
  TensorView bias = {};
  Accumulate accumulate = Accumulate::overwrite;
  SumOrder order = SumOrder::any;
};

/// Columns [y_begin, y_begin + count) of y [N, L] = columns [x_begin, x_begin + count) of x [N, M].
struct CopyColumnsArgs {
  TensorView x, y;
  std::int64_t x_begin = 0;
  std::int64_t y_begin = 0;
  std::int64_t count = 0;
};

enum class Activation : std::uint8_t { identity, sigmoid, tanh, relu };

/// x, y real of one shape; may alias.
struct ActivationArgs {
  Activation kind = Activation::identity;
  TensorView x, y;
};
/// dx = dy * f'(x), written in terms of the output y; dx may alias dy.
struct ActivationBackwardArgs {
  Activation kind = Activation::identity;
  TensorView y, dy, dx;
};

/// y = x * mask / (1 - rate); the same call on dy is the backward pass. y may alias x. Element e is
/// kept if uniform_double() of the word at {dropout, sequence = stream << 32 | e >> 26, step,
/// item = e & (2^26 - 1)} is not below rate.
struct DropoutArgs {
  TensorView x, y;
  double rate = 0.0;  ///< in [0, 1)
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;  ///< which dropout of the model
  std::uint32_t step = 0;    ///< training step
};

/// y [N, E] = table [V, E] rows picked by ids i32 [N]; an id of -1 gives a row of zeros.
struct EmbeddingArgs {
  TensorView ids, table, y;
};
/// d_table [V, E] += rows of dy [N, E], in the order of N.
struct EmbeddingBackwardArgs {
  TensorView ids, dy, d_table;
};

/// One recurrent layer.
struct RecurrentSpec {
  CellKind cell = CellKind::lstm;
  std::int64_t input = 0;   ///< I
  std::int64_t hidden = 0;  ///< H

  friend bool operator==(const RecurrentSpec&, const RecurrentSpec&) = default;
};

/// PyTorch's names and layouts: w_ih [G*H, I], w_hh [G*H, H], b_ih [G*H], b_hh [G*H].
struct RecurrentWeights {
  TensorView w_ih, w_hh, b_ih, b_hh;
};

/// y [T, B, H] = h of every step. `x` is real [T, B, I], or i32 [T, B]: ids that stand for one-hot
/// rows of width I (-1: a row of zeros), never multiplied out. Row b has lengths[b] steps; beyond
/// them y is zero and the state stays.
struct RecurrentForwardArgs {
  TensorView x;
  TensorView lengths = {};  ///< i32 [B], 0 <= length <= T; absent: all T
  /// [B] or empty: the same on the host, for libraries that want them there; without it a backend
  /// on such a library has to wait for the device.
  std::span<const std::int32_t> host_lengths = {};
  TensorView initial_state = {};  ///< [S, B, H]; absent: zeros
  RecurrentWeights weights;
  TensorView y;
  TensorView final_state = {};  ///< [S, B, H]; may alias initial_state
  TensorView reserve = {};      ///< u8 [recurrent_reserve_bytes], for backward; absent: inference
};

/// Gradients of one layer; `initial_state` must hold what forward was given.
struct RecurrentBackwardArgs {
  TensorView x;
  TensorView lengths = {};
  std::span<const std::int32_t> host_lengths = {};
  TensorView initial_state = {};
  RecurrentWeights weights;
  TensorView y, reserve;
  TensorView dy;                    ///< [T, B, H]; ignored beyond the lengths
  TensorView d_final_state = {};    ///< [S, B, H]
  TensorView dx = {};               ///< [T, B, I] =, only for real x; zero beyond the lengths
  TensorView d_initial_state = {};  ///< [S, B, H] =; may alias d_final_state
  RecurrentWeights d_weights;       ///< +=
};

/// One step, in place: x real [B, I] or i32 ids [B]; state [S, B, H] in and out (state 0 is the
/// output). Sums in fixed order.
struct RecurrentStepArgs {
  TensorView x, state;
  RecurrentWeights weights;
};

enum class AttentionKind : std::uint8_t { dot, additive };

/// What queries q look at in keys k: score(t, s) = scale * q . k (Luong et al. 2015; with scale =
/// 1 / sqrt(A) the scaled dot product), or v . tanh(q + k) (Bahdanau et al. 2015; projections are
/// the caller's). weights = softmax over the first lengths[b] of the S memory steps, 0 beyond them;
/// context = weights * values. A row of length 0 gives weights and context of zeros.
struct AttentionArgs {
  AttentionKind kind = AttentionKind::dot;
  TensorView queries;       ///< [T, B, A]
  TensorView keys;          ///< [S, B, A]
  TensorView values;        ///< [S, B, E]; may be the keys
  TensorView lengths = {};  ///< i32 [B], 0 <= length <= S; absent: all S
  TensorView v = {};        ///< [A], additive only
  double scale = 1.0;       ///< dot only
  TensorView context;       ///< [T, B, E], out
  TensorView weights;       ///< [T, B, S], out; backward reads them
};
/// Gradients of attention; `forward` as it was called, its outputs still there.
struct AttentionBackwardArgs {
  AttentionArgs forward;
  TensorView d_context;  ///< [T, B, E]
  TensorView d_queries;  ///< [T, B, A] =
  TensorView d_keys;     ///< [S, B, A] =; zero beyond the lengths
  TensorView d_values;   ///< [S, B, E] =; never the memory of d_keys
  TensorView d_v = {};   ///< [A] +=, additive only
};

/// Common to the losses: row_loss [N] = weight * loss of the row; gradients = scale * weight *
/// d loss. `weights` real [N]; absent: 1.
/// Loss: -log softmax(logits)[target]; target i32 [N], -1 = no loss and no gradient.
struct SoftmaxLossArgs {
  TensorView logits;  ///< [N, V]
  TensorView targets;
  TensorView weights = {};
  TensorView row_loss;
  TensorView d_logits = {};  ///< [N, V]; may alias logits
  double scale = 1.0;
};
/// Sum over D of binary cross-entropy with logits. Targets real [N, D] in [0, 1].
struct BernoulliLossArgs {
  TensorView logits, targets;
  TensorView weights = {};
  TensorView row_loss;
  TensorView d_logits = {};  ///< may alias logits
  double scale = 1.0;
};
/// Sum over D of (prediction - target)^2.
struct SquaredLossArgs {
  TensorView predictions, targets;
  TensorView weights = {};
  TensorView row_loss;
  TensorView d_predictions = {};  ///< may alias predictions
  double scale = 1.0;
};

/// Neural autoregressive density over the D keys of a frame (Larochelle and Murray 2011, with the
/// time-dependent biases of RNN-NADE, Boulanger-Lewandowski 2012). In ascending order of key i:
/// h_i = sigmoid(hidden_bias + sum_{j<i} w_j v_j), logit_i = visible_bias_i + u_i . h_i.
/// w, u: [D, K].
struct NadeLossArgs {
  TensorView targets;       ///< [N, D], each 0 or 1
  TensorView visible_bias;  ///< [N, D]
  TensorView hidden_bias;   ///< [N, K]
  TensorView w, u;          ///< [D, K]
  TensorView weights = {};  ///< as above
  TensorView row_loss;
  TensorView d_visible_bias = {}, d_hidden_bias = {};  ///< =; all four gradients or none
  TensorView d_w = {}, d_u = {};                       ///< +=
  double scale = 1.0;
};

/// Where the rows of a draw take their noise from; all in backend memory.
struct DrawRows {
  std::uint64_t seed = 0;
  TensorView params;     ///< u8 [B, sizeof(RowSampling)]
  TensorView sequences;  ///< i64 [B]
  TensorView steps;      ///< i32 [B]
};

/// One token a row by the definition of sample_row().
struct SampleTokensArgs {
  TensorView logits;        ///< f32 [B, V]
  TensorView bias = {};     ///< f32 [V]
  TensorView allowed = {};  ///< i32 [B, ceil(V/32)] bit masks
  TensorView window = {};   ///< i32 [B, W], -1 = empty slot
  DrawRows rows;
  TensorView tokens;                ///< i32 [B], out
  TensorView log_probability = {};  ///< f32 [B], out; see SampleResult
  TensorView raw_log_probability = {};
  TensorView entropy = {};
  TensorView status = {};  ///< i32 [B], out
};

/// One frame a row by sample_key() for each key: keys f32 [B, D] of 0 and 1 from logits f32 [B, D].
/// Temperature is the only parameter that applies.
struct SampleKeysArgs {
  TensorView logits;
  DrawRows rows;
  TensorView keys;                  ///< f32 [B, D], out
  TensorView log_probability = {};  ///< f32 [B], out: at temperature 1
};
/// The same drawn key by key from the NADE of NadeLossArgs, all f32. Sums in fixed order.
struct SampleNadeArgs {
  TensorView visible_bias, hidden_bias, w, u;
  DrawRows rows;
  TensorView keys;
  TensorView log_probability = {};
};

enum class OptimizerKind : std::uint8_t { sgd, momentum, rmsprop, adam, adamw };

/// One update over flat buffers, as torch.optim defines it (SGD with momentum, RMSprop with alpha =
/// beta2, Adam and AdamW). With clip_norm > 0 gradients are scaled by min(1, clip_norm /
/// (norm + 1e-6)) as torch's clip_grad_norm_ does.
struct UpdateArgs {
  OptimizerKind kind = OptimizerKind::adam;
  TensorView parameters, gradients;  ///< real [P]
  TensorView first_moment = {};      ///< [P]; momentum buffer or Adam's m; absent where unused
  TensorView second_moment = {};     ///< [P]; RMSprop's and Adam's v; absent where unused
  TensorView squared_norm = {};      ///< f64 [1] of all gradients; needed with clip_norm > 0
  double learning_rate = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  double clip_norm = 0.0;
  std::int64_t step = 1;  ///< 1 for the first update, for Adam's bias correction
};

struct DenseWeights {
  TensorView weight;     ///< [out, in]
  TensorView bias = {};  ///< [out]
  Activation activation = Activation::identity;
};

/// What a backend makes of a network's weights before it generates.
struct PreparedNetwork {
  virtual ~PreparedNetwork() = default;
};

/// Attention of the first recurrent layer over its own outputs of the steps before: the next layer
/// reads output * [context, h], where the query is query * h and the memory is keys and values.
struct MemoryAttention {
  TensorView query = {};     ///< [H, H]; absent: the next layer reads h
  DenseWeights output = {};  ///< [H, 2H]
};

/// A whole network as generation sees it: input -> recurrent layers -> dense layers -> draw.
struct GenerationNetwork {
  enum class Head : std::uint8_t { softmax, bernoulli, nade };

  Head head = Head::softmax;
  std::int64_t width = 0;     ///< V (softmax) or D
  TensorView embedding = {};  ///< [V, E]; absent: one-hot ids, or frames as they are
  CellKind cell = CellKind::lstm;
  std::vector<RecurrentWeights> layers;
  std::vector<DenseWeights> dense;  ///< the last gives the logits (NADE: visible bias)
  DenseWeights nade_hidden = {};    ///< from the last dense input to K; NADE only
  TensorView nade_w = {}, nade_u = {};
  /// From prepare_generation(), as long as no weight changes; absent: made in each call.
  std::shared_ptr<const PreparedNetwork> prepared = {};

  MemoryAttention attention = {};
  /// Beside the token before, step n reads the embedded tokens n - d of these distances d, then for
  /// each whether the token before stands d steps before itself too (1 or 0). Ascending.
  std::vector<std::int64_t> lookback;
  int position_bits = 0;  ///< then the lowest bits of n, -1 or 1, the lowest first

  /// Backends generate with such networks step by step, composed of their other operations.
  bool looks_back() const {
    return !attention.query.empty() || !lookback.empty() || position_bits > 0;
  }
  /// Tokens that GenerateArgs::history holds of each row.
  std::int64_t history_slots() const { return lookback.empty() ? 0 : lookback.back() + 1; }
};

/// How a backend will run generation for a shape, for people to read.
struct GenerationPlan {
  std::string kernel;                ///< name of what runs
  std::string reason;                ///< why it was chosen
  std::vector<std::string> refused;  ///< what was not, and why
  std::size_t workspace_bytes = 0;
};

/// Steps of autoregressive generation for a batch of rows, all in one call. A row that drew the end
/// token is finished: from the next step on its tokens are -1 with log_probability 0, its window
/// stays, its states are of no meaning.
struct GenerateArgs {
  const GenerationNetwork* network = nullptr;
  std::vector<TensorView> states;  ///< per layer [S, B, H], in and out
  std::int64_t position = 0;       ///< n of the first step, of networks that look back
  TensorView memory = {};   ///< [M, B, H] in and out, with attention: the output of step n in slot
                            ///< n mod M; zeros before the first M
  TensorView history = {};  ///< i32 [history_slots(), B] in and out: token n in slot n mod
                            ///< history_slots(); -1 where there was none
  TensorView input;  ///< i32 [B] or f32 [B, D]: what the first step reads; out: the last drawn
  DrawRows rows;     ///< rows.steps: of the first step; advanced by T
  TensorView bias = {}, allowed = {};  ///< as in SampleTokensArgs
  TensorView window = {};           ///< i32 [B, W] in and out, oldest first; absent: no penalties
  std::int32_t end_token = -1;      ///< -1: none
  TensorView finished = {};         ///< i32 [B] in and out: 1 = ended
  TensorView tokens = {};           ///< i32 [T, B], out (softmax head)
  TensorView frames = {};           ///< f32 [T, B, D], out (other heads)
  TensorView log_probability = {};  ///< f32 [T, B], out
};

/// Number format of products. Arrays are f32 in each of them, and so are sums, states and updates.
enum class Precision : std::uint8_t {
  fp32,  ///< true binary32
  tf32,  ///< factors rounded to 10 bits of fraction on the tensor cores
  bf16,  ///< factors and what a layer keeps for its backward pass in 16 bits; on the CPU weights
         ///< alone
  fp16,
  int24,  ///< factors and weights as integers of 24 bits: the errors of fp32, other roundings
  int16,  ///< factors as integers of 14 bits, weights of 16, with a step for each row and output
  int8,   ///< both of 8 bits
};
std::string_view name_of(Precision precision);
/// ArgumentError lists the known names.
Precision parse_precision(std::string_view name);

/// Computes operations in order on one device. Not thread-safe; nothing else touches the device.
class Backend {
 public:
  virtual ~Backend() = default;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual std::string_view name() const = 0;
  /// One line for people: threads, instruction set, device.
  virtual std::string description() const = 0;
  /// Whether the operations accept this real type.
  virtual bool supports(DType dtype) const = 0;
  /// Whether the operations of training work in its precision: recurrent layers with a reserve, and
  /// recurrent_backward.
  virtual bool trains() const { return true; }
  /// Whether a recurrent layer that reads ids picks columns of its weights and multiplies nothing,
  /// so that training is faster where an embedding meets the weights once for each token there is.
  virtual bool looks_ids_up() const { return false; }

  /// 64-byte aligned memory, zero-filled. Tensor and Arena are the callers.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* data) noexcept = 0;
  void upload(std::span<const std::byte> from, const TensorView& to);
  void download(const TensorView& from, std::span<std::byte> to);
  void copy(const TensorView& from, const TensorView& to);
  /// Real dtypes and i32.
  void fill(const TensorView& to, double value);
  virtual void synchronize() {}
  /// Calls `operations`, once; what it asks of this backend may be recorded and given to the device
  /// as one piece of work (a CUDA graph) when it returns. Inside, nothing may be downloaded.
  virtual void submit(const std::function<void()>& operations) { operations(); }
  /// What this backend chose so far where it had a choice, and why: a line each, for people.
  virtual std::vector<std::string> decisions() const { return {}; }

  void matmul(const MatmulArgs& args);
  /// y += alpha * x, same shape.
  void add(const TensorView& x, const TensorView& y, double alpha = 1.0);
  /// y [N] += sum over the rows of x [M, N].
  void add_column_sums(const TensorView& x, const TensorView& y);
  /// Row r of x [N, M] is multiplied by factors[r], real [N].
  void scale_rows(const TensorView& x, const TensorView& factors);
  void copy_columns(const CopyColumnsArgs& args);
  void activation(const ActivationArgs& args);
  void activation_backward(const ActivationBackwardArgs& args);
  void dropout(const DropoutArgs& args);
  void embedding(const EmbeddingArgs& args);
  void embedding_backward(const EmbeddingBackwardArgs& args);

  /// Bytes of RecurrentForwardArgs::reserve; their content is the implementation's own.
  std::size_t recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                      std::int64_t batch, DType dtype) const;
  void recurrent_forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args);
  void recurrent_backward(const RecurrentSpec& spec, const RecurrentBackwardArgs& args);
  void recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args);

  void attention(const AttentionArgs& args);
  void attention_backward(const AttentionBackwardArgs& args);

  void softmax_loss(const SoftmaxLossArgs& args);
  void bernoulli_loss(const BernoulliLossArgs& args);
  void squared_loss(const SquaredLossArgs& args);
  void nade_loss(const NadeLossArgs& args);

  void sample_tokens(const SampleTokensArgs& args);
  void sample_keys(const SampleKeysArgs& args);
  void sample_nade(const SampleNadeArgs& args);

  /// out f64 [1] = sum of squares of x, in a fixed order.
  void squared_norm(const TensorView& x, const TensorView& out);
  void update(const UpdateArgs& args);

  GenerationPlan plan_generation(const GenerationNetwork& network, std::int64_t batch) const;
  /// Spares calls of generate() what they would do with the weights each time; nothing if this
  /// backend has no use for it. It must not outlive the backend.
  std::shared_ptr<const PreparedNetwork> prepare_generation(const GenerationNetwork& network);
  /// The default composes recurrent_step, matmul and the draws, step by step.
  void generate(const GenerateArgs& args);

 private:
  virtual void do_upload(std::span<const std::byte> from, const TensorView& to) = 0;
  virtual void do_download(const TensorView& from, std::span<std::byte> to) = 0;
  virtual void do_copy(const TensorView& from, const TensorView& to) = 0;
  virtual void do_fill(const TensorView& to, double value) = 0;
  virtual void do_matmul(const MatmulArgs& args) = 0;
  virtual void do_add(const TensorView& x, const TensorView& y, double alpha) = 0;
  virtual void do_add_column_sums(const TensorView& x, const TensorView& y) = 0;
  virtual void do_scale_rows(const TensorView& x, const TensorView& factors) = 0;
  virtual void do_copy_columns(const CopyColumnsArgs& args) = 0;
  virtual void do_activation(const ActivationArgs& args) = 0;
  virtual void do_activation_backward(const ActivationBackwardArgs& args) = 0;
  virtual void do_dropout(const DropoutArgs& args) = 0;
  virtual void do_embedding(const EmbeddingArgs& args) = 0;
  virtual void do_embedding_backward(const EmbeddingBackwardArgs& args) = 0;
  virtual std::size_t do_recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                                 std::int64_t batch, DType dtype) const = 0;
  virtual void do_recurrent_forward(const RecurrentSpec& spec,
                                    const RecurrentForwardArgs& args) = 0;
  virtual void do_recurrent_backward(const RecurrentSpec& spec,
                                     const RecurrentBackwardArgs& args) = 0;
  virtual void do_recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) = 0;
  virtual void do_attention(const AttentionArgs& args) = 0;
  virtual void do_attention_backward(const AttentionBackwardArgs& args) = 0;
  virtual void do_softmax_loss(const SoftmaxLossArgs& args) = 0;
  virtual void do_bernoulli_loss(const BernoulliLossArgs& args) = 0;
  virtual void do_squared_loss(const SquaredLossArgs& args) = 0;
  virtual void do_nade_loss(const NadeLossArgs& args) = 0;
  virtual void do_sample_tokens(const SampleTokensArgs& args) = 0;
  virtual void do_sample_keys(const SampleKeysArgs& args) = 0;
  virtual void do_sample_nade(const SampleNadeArgs& args) = 0;
  virtual void do_squared_norm(const TensorView& x, const TensorView& out) = 0;
  virtual void do_update(const UpdateArgs& args) = 0;
  virtual GenerationPlan do_plan_generation(const GenerationNetwork& network,
                                            std::int64_t batch) const;
  virtual std::shared_ptr<const PreparedNetwork> do_prepare_generation(
      const GenerationNetwork& network);
  virtual void do_generate(const GenerateArgs& args);
};

/// One row of the table of backends, as this machine sees it.
struct BackendInfo {
  std::string_view name;
  std::string_view summary;
  bool available = false;
  std::string reason;                 ///< why not, if not
  std::vector<Precision> precisions;  ///< that it computes in, the default first
  std::vector<Precision> inference;   ///< that it generates and measures in besides
  Precision preferred = Precision::fp32;  ///< the fastest here to generate in, of those as fine
};

struct BackendOptions {
  int threads = 0;  ///< 0: all cores this process may use
  Precision precision = Precision::fp32;
};

/// The names of every backend the program knows, the fastest first.
std::vector<std::string_view> backend_names();
/// The same with what this machine says to each, which starts CUDA where there is a driver.
std::vector<BackendInfo> backends();
/// A name of backends(), or "auto" for the fastest available one that computes in the precision
/// asked for. ArgumentError for an unknown name or a precision the backend lacks, DeviceError for
/// one that does not work here, with the reason.
std::unique_ptr<Backend> make_backend(std::string_view name, const BackendOptions& options = {});

}  // namespace cadenza
