#include "network/layer_chain.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kMostConvolutions = 200, kMostSteps = 20000;
constexpr int64_t kMostChainScale = 8;

/// A convolution with what belongs to it.
struct Piece {
  const NamedTensor* weight;
  std::string prefix;  ///< the tensors' names without "weight" and "bias"
  size_t place;        ///< in the file
  const NamedTensor* bias = nullptr;
  const NamedTensor* slope = nullptr;
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool has_word(const std::string& name, std::initializer_list<std::string_view> words) {
  const std::string text = lower(name);
  return std::any_of(words.begin(), words.end(), [&](auto word) { return text.find(word) != std::string::npos; });
}

/// "conv10" comes after "conv2".
bool natural_less(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const auto end_of = [&](const std::string& s, size_t at) {
        while (at < s.size() && digit(s[at])) ++at;
        return at;
      };
      const auto without_zeros = [&](const std::string& s, size_t at, size_t end) {
        while (at + 1 < end && s[at] == '0') ++at;
        return s.substr(at, end - at);
      };
      const size_t i_end = end_of(a, i), j_end = end_of(b, j);
      const std::string x = without_zeros(a, i, i_end), y = without_zeros(b, j, j_end);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      i = i_end;
      j = j_end;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

bool sounds_last(const std::string& name) {
  return has_word(name, {"deconv", "trans", "tconv", "up", "tail", "last", "recon", "out", "final"});
}

/// Outputs of a convolution; of a transposed one the second axis has them.
int64_t outputs(const Piece& piece, bool transposed) { return piece.weight->shape[transposed ? 1 : 0]; }

/// Puts the pieces into an order in which each reads what the one before it makes.
class Orderer {
 public:
  explicit Orderer(const std::vector<Piece>& pieces) : pieces_(pieces) {
    for (size_t i = 0; i < pieces.size(); ++i) {
      file_.push_back(i);
      natural_.push_back(i);
    }
    std::stable_sort(natural_.begin(), natural_.end(),
                     [&](size_t a, size_t b) { return natural_less(pieces[a].prefix, pieces[b].prefix); });
  }

  struct Result {
    std::vector<size_t> order;
    bool last_transposed;
    const char* how;
  };

  /// sorted: the file has its tensors in the order of their names, which says nothing.
  std::optional<Result> find(bool sorted) {
    const auto transposed = [&](const std::vector<size_t>& order) { return fits(order); };
    const auto &first = sorted ? natural_ : file_, &second = sorted ? file_ : natural_;
    if (const auto t = transposed(first)) return Result{first, *t, sorted ? "by name" : "in file order"};
    if (const auto t = transposed(second)) return Result{second, *t, sorted ? "in file order" : "by name"};
    std::vector<size_t> order;
    std::vector<bool> used(pieces_.size());
    if (!search(order, used, 0)) return std::nullopt;
    return Result{order, fits(order).value(), "by shape"};
  }

 private:
  const std::vector<int64_t>& shape(size_t i) const { return pieces_[i].weight->shape; }

  /// Whether the last one is transposed; empty if they do not fit.
  std::optional<bool> fits(const std::vector<size_t>& order) const {
    const int64_t colours = shape(order[0])[1];
    if (colours != 1 && colours != 3) return std::nullopt;
    int64_t channels = colours;
    for (size_t k = 0; k + 1 < order.size(); ++k) {
      if (shape(order[k])[1] != channels) return std::nullopt;
      channels = shape(order[k])[0];
    }
    return fits_last(order.back(), channels, colours);
  }
  std::optional<bool> fits_last(size_t last, int64_t channels, int64_t colours) const {
    const std::vector<int64_t>& s = shape(last);
    for (int64_t scale = 2; scale <= kMostChainScale; ++scale) {
      if (s[1] == channels && s[0] == colours * scale * scale && s[2] % 2 == 1) return false;
    }
    return s[0] == channels && s[1] == colours ? std::optional(true) : std::nullopt;
  }

  bool search(std::vector<size_t>& order, std::vector<bool>& used, int64_t channels) {
    if (++steps_ > kMostSteps) return false;
    if (order.size() + 1 == pieces_.size() && !order.empty()) {
      const auto last = static_cast<size_t>(std::find(used.begin(), used.end(), false) - used.begin());
      if (!fits_last(last, channels, shape(order[0])[1])) return false;
      order.push_back(last);
      return true;
    }
    std::vector<size_t> candidates;
    for (const size_t i : natural_) {
      const int64_t inputs = shape(i)[1];
      const bool starts = order.empty() && (inputs == 1 || inputs == 3);
      if (used[i] || !(order.empty() ? starts : inputs == channels)) continue;
      // Of those of one shape the first will do.
      const bool seen =
          std::any_of(candidates.begin(), candidates.end(), [&](size_t j) { return shape(i) == shape(j); });
      if (!seen) candidates.push_back(i);
    }
    const auto later = [&](size_t i) { return std::pair(sounds_last(pieces_[i].prefix), shape(i)[2]); };
    std::stable_sort(candidates.begin(), candidates.end(), [&](size_t a, size_t b) { return later(a) < later(b); });
    for (const size_t i : candidates) {
      used[i] = true;
      order.push_back(i);
      if (search(order, used, shape(i)[0])) return true;
      order.pop_back();
      used[i] = false;
    }
    return false;
  }

  const std::vector<Piece>& pieces_;
  std::vector<size_t> file_, natural_;
  size_t steps_ = 0;
};

class Chainer {
 public:
  Chainer(const StateDict& state_dict, const std::string& source) : state_dict_(state_dict), source_(source) {}

  Network chain() {
    sort_out();
    const auto& tensors = state_dict_.tensors;
    const bool sorted =
        std::is_sorted(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    const auto found = pieces_.size() < 2 ? std::nullopt : Orderer(pieces_).find(sorted);
    if (!found) {
      std::string list;
      for (const Piece& piece : pieces_) {
        if (list.size() < 400) list += fmt::format(", '{}' {}", piece.weight->name, to_string(piece.weight->shape));
      }
      fail(ErrorCode::model, "{}: unknown network: its {} convolutions do not form a chain: {}", source_,
           pieces_.size(), list.empty() ? "there are none" : list.substr(2));
    }
    std::vector<Piece> ordered;
    for (const size_t i : found->order) ordered.push_back(pieces_[i]);
    pieces_ = std::move(ordered);
    give_biases();
    give_slopes();
    return assemble(found->last_transposed, found->how);
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(const NamedTensor& tensor, fmt::format_string<Args...> text, Args&&... args) const {
    fail(ErrorCode::model, "{}: tensor '{}' {} {}", source_, tensor.name, to_string(tensor.shape),
         fmt::format(text, std::forward<Args>(args)...));
  }

  static std::pair<std::string, std::string> split(const std::string& name) {
    size_t at = name.rfind('.');
    if (at == std::string::npos) at = name.rfind('_');
    if (at == std::string::npos || at == 0) return {name, ""};
    return {name.substr(0, at), lower(name.substr(at + 1))};
  }

  /// Kernels, biases and slopes.
  void sort_out() {
    for (size_t i = 0; i < state_dict_.tensors.size(); ++i) {
      const NamedTensor& tensor = state_dict_.tensors[i];
      const auto [prefix, leaf] = split(tensor.name);
      if (leaf == "num_batches_tracked") continue;
      for (size_t k = 0; k < tensor.values.size(); ++k) {
        if (!std::isfinite(tensor.values[k])) {
          refuse(tensor, "has the value {} at index {}; weights must be finite", tensor.values[k], k);
        }
      }
      if (tensor.name.find("running_mean") != std::string::npos ||
          tensor.name.find("running_var") != std::string::npos) {
        refuse(tensor,
               "belongs to a batch normalisation, which is not supported in state_dicts of unknown networks; export to "
               "ONNX");
      }
      const std::vector<int64_t>& shape = tensor.shape;
      if (shape.size() == 4 &&
          (shape[2] > 1 || shape[3] > 1 || (shape[0] > 1 && shape[1] > 1) || has_word(tensor.name, {"conv"}))) {
        if (shape[2] != shape[3] || tensor.values.empty() || shape[2] > 31) {
          refuse(tensor, "is a kernel of unsupported size");
        }
        if (pieces_.size() >= kMostConvolutions) fail(ErrorCode::model, "{}: it has too many convolutions", source_);
        pieces_.push_back({&tensor, prefix, i});
      } else if (static_cast<int64_t>(tensor.values.size()) == largest(shape)) {
        vectors_.push_back({&tensor, prefix, i});
        if (leaf == "bias" || leaf == "b" || has_word(tensor.name, {"bias"})) {
          biases_.push_back(vectors_.back());
        } else if (leaf == "weight" || has_word(tensor.name, {"prelu", "alpha", "slope", "act"})) {
          slopes_.push_back(vectors_.back());
        } else {
          either_.push_back(vectors_.back());
        }
      } else {
        refuse(tensor, "does not belong to a network of convolutions");
      }
    }
  }
  static int64_t largest(const std::vector<int64_t>& shape) {
    return shape.empty() ? 1 : *std::max_element(shape.begin(), shape.end());
  }
  static auto count(const Piece& vector) { return static_cast<int64_t>(vector.weight->values.size()); }

  int64_t outputs_of(size_t i) const {
    const std::vector<int64_t>& s = pieces_[i].weight->shape;
    if (i + 1 < pieces_.size()) return s[0];
    // A transposed one at the end has as many inputs as the one before has outputs.
    return s[1] == pieces_[i - 1].weight->shape[0] ? s[0] : s[1];
  }

  /// By the name that they share with a kernel, or else the first one after it in the file.
  void give_biases() {
    for (const Piece& bias : biases_) {
      bool given = false;
      for (size_t i = 0; i < pieces_.size() && !given; ++i) {
        if (pieces_[i].prefix == bias.prefix && pieces_[i].bias == nullptr) given = give(pieces_[i].bias, i, bias);
      }
      if (!given && !give_to_piece_before(bias)) refuse(*bias.weight, "is a bias without a convolution");
    }
    // Of unknown names: the first after a kernel is its bias, the second its slope.
    for (const Piece& vector : either_) {
      if (!give_to_piece_before(vector)) slopes_.push_back(vector);
    }
  }
  bool give(const NamedTensor*& to, size_t piece, const Piece& vector) {
    if (count(vector) != outputs_of(piece)) {
      refuse(*vector.weight, "is the bias of '{}' {}, which has {} outputs", pieces_[piece].weight->name,
             to_string(pieces_[piece].weight->shape), outputs_of(piece));
    }
    to = vector.weight;
    return true;
  }
  bool give_to_piece_before(const Piece& vector) {
    std::optional<size_t> before = piece_before(vector);
    if (!before || pieces_[*before].bias != nullptr || count(vector) != outputs_of(*before)) return false;
    pieces_[*before].bias = vector.weight;
    return true;
  }
  std::optional<size_t> piece_before(const Piece& vector) const {
    std::optional<size_t> before;
    for (size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i].place < vector.place && (!before || pieces_[i].place > pieces_[*before].place)) before = i;
    }
    return before;
  }

  /// Each to the kernel before it in the file; or, where they stand together, in the order of their names.
  void give_slopes() {
    const auto fits = [&](const Piece& slope, size_t i) { return count(slope) == 1 || count(slope) == outputs_of(i); };
    std::vector<std::optional<size_t>> owners;
    std::set<size_t> taken;
    bool each_follows = true;
    for (const Piece& slope : slopes_) {
      owners.push_back(piece_before(slope));
      each_follows =
          each_follows && owners.back() && fits(slope, *owners.back()) && taken.insert(*owners.back()).second;
    }
    if (!each_follows || (slopes_.size() == 1 && pieces_.size() > 2)) {
      std::stable_sort(slopes_.begin(), slopes_.end(),
                       [](const Piece& a, const Piece& b) { return natural_less(a.prefix, b.prefix); });
      const size_t count = pieces_.size() - 1;
      if (slopes_.size() == 1) {
        shared_slope_ = true;
        slopes_.resize(count, slopes_[0]);
        notes_.push_back(
            fmt::format("one PReLU, '{}', is used after every layer but the last", slopes_[0].weight->name));
      } else {
        notes_.emplace_back("its PReLUs are assigned to the convolutions in order");
      }
      owners.clear();
      for (size_t i = 0; i < slopes_.size(); ++i) owners.emplace_back(i);
      if (slopes_.size() != count) {
        refuse(*slopes_[0].weight, "is one of {} PReLUs, but {} convolutions need one", slopes_.size(), count);
      }
    }
    for (size_t i = 0; i < slopes_.size(); ++i) {
      const size_t owner = *owners[i];
      if (!fits(slopes_[i], owner)) {
        refuse(*slopes_[i].weight, "does not fit '{}', which has {} outputs", pieces_[owner].weight->name,
               outputs_of(owner));
      }
      pieces_[owner].slope = slopes_[i].weight;
    }
  }

  Network assemble(bool last_transposed, const char* how) {
    Network network;
    network.colours = pieces_[0].weight->shape[1] == 3 ? Colours::rgb : Colours::luma;
    network.range = network.colours == Colours::rgb ? ValueRange::full : ValueRange::limited;
    std::string order;
    for (size_t i = 0; i < pieces_.size(); ++i) {
      const Piece& piece = pieces_[i];
      const std::vector<int64_t>& s = piece.weight->shape;
      const bool transposed = last_transposed && i + 1 == pieces_.size();
      Layer layer{.name = piece.prefix, .key = piece.prefix, .inputs = {static_cast<int>(i) - 1}};
      layer.weight = Tensor<float>({s[0], s[1], s[2], s[3]}, piece.weight->values);
      if (piece.bias != nullptr) layer.bias = piece.bias->values;
      if (transposed) {
        layer.op = Layer::Op::transposed_convolution;
        layer.conv_transpose.stride = {0, 0};
      } else {
        if (s[2] % 2 == 0) refuse(*piece.weight, "is an even kernel, which would change the picture's size");
        layer.conv.padding = {s[2] / 2, s[2] / 2};
      }
      if (piece.slope != nullptr) {
        layer.activation = Layer::Activation::prelu;
        layer.slope = piece.slope->values;
        if (!shared_slope_) layer.activation_key = split(piece.slope->name).first;
      }
      network.layers.push_back(std::move(layer));
      if (order.size() < 400) order += (order.empty() ? "" : ", ") + piece.prefix;
    }
    const int64_t made = outputs(pieces_.back(), last_transposed);
    if (!last_transposed) {
      int64_t scale = 1;
      while (network.channels() * scale * scale < made) ++scale;
      network.scale = scale;
      network.layers.push_back(
          {.op = Layer::Op::depth_to_space, .inputs = {static_cast<int>(network.layers.size()) - 1}, .factor = scale});
    }
    network.notes = {
        fmt::format("its tensors have unknown names; they were read as a chain, {}: {}; additions (skips) "
                    "and activations that no note names are unknown and were not assumed",
                    how, order)};
    network.notes.insert(network.notes.end(), notes_.begin(), notes_.end());
    return network;
  }

  const StateDict& state_dict_;
  const std::string& source_;
  std::vector<Piece> pieces_, vectors_, biases_, slopes_, either_;
  std::vector<std::string> notes_;
  bool shared_slope_ = false;
};

}  // namespace

Network chain_layers(const StateDict& state_dict, const std::string& source) {
  return Chainer(state_dict, source).chain();
}

}  // namespace fsrcnn
