#include "porting/dump_words.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <utility>

namespace fsrcnn {
namespace {

using WordList = std::initializer_list<std::string_view>;

bool is_one_of(std::string_view token, WordList words) {
  return std::find(words.begin(), words.end(), token) != words.end();
}

bool begins_like(std::string_view token, WordList beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view b) { return token.starts_with(b); });
}

/// Of FSRCNN's layers and of operators, as papers, frameworks and people call them.
DumpRole role_of_word(std::string_view token) {
  if (begins_like(token, {"feat", "extract"}) || token == "first" || token == "head") {
    return DumpRole::feature_extraction;
  }
  if (begins_like(token, {"shrink", "reduc", "squeez"})) return DumpRole::shrinking;
  if (begins_like(token, {"mapp"}) || is_one_of(token, {"map", "maps", "nonlinear"})) return DumpRole::mapping;
  if (begins_like(token, {"expan"})) return DumpRole::expanding;
  if (begins_like(token, {"deconv", "upconv", "convtrans", "transpos", "tconv"}) ||
      is_one_of(token, {"last", "tail", "convt"})) {
    return DumpRole::transposed_convolution;
  }
  if (begins_like(token, {"bilin", "bicub", "nearest", "interp"}) || is_one_of(token, {"base", "skip"})) {
    return DumpRole::interpolation;
  }
  if (begins_like(token, {"shuffl", "pixelshuf", "subpix"}) || token == "d2s") return DumpRole::depth_to_space;
  if (begins_like(token, {"add"}) || is_one_of(token, {"sum", "plus"})) return DumpRole::addition;
  return DumpRole::none;
}

bool says_before(std::string_view token) {
  return is_one_of(token, {"pre", "before", "acc", "accumulator", "linear", "z", "sums", "preact", "prerelu",
                           "unclamped", "preclamp", "raw"});
}
bool says_after(std::string_view token) {
  return begins_like(token, {"relu", "prelu", "lrelu", "leaky", "activ", "clamp"}) ||
         is_one_of(token, {"act", "post", "after"});
}
bool says_convolution(std::string_view token) { return is_one_of(token, {"conv", "convolution", "conv2d", "bias"}); }

/// What is behind many names and says nothing.
bool is_filler(std::string_view token) {
  return is_one_of(token, {"out", "output", "outputs", "dump", "dumps", "tensor", "values", "value", "fmap", "data"});
}

bool says_output(std::string_view token) {
  return is_one_of(token, {"out", "output", "outputs", "sr", "hr", "pred", "preds", "prediction", "result", "final",
                           "recon", "upscaled", "super", "clamp", "clamped"});
}
bool says_input(std::string_view token) { return is_one_of(token, {"input", "inputs", "in", "inp", "lr", "low"}); }
/// What stands beside those.
bool says_picture(std::string_view token) {
  return is_one_of(token, {"y", "luma", "image", "img", "picture", "x", "hat", "net", "network", "model", "res",
                           "resolution"}) ||
         says_before(token);
}

/// Of names that have no other words than those of a picture.
DumpRole role_of_picture(const std::vector<std::string>& tokens) {
  bool output = false, input = false;
  for (const std::string& token : tokens) {
    if (is_number(token)) continue;
    if (says_output(token)) {
      output = true;
    } else if (says_input(token)) {
      input = true;
    } else if (!says_picture(token)) {
      return DumpRole::none;
    }
  }
  if (tokens == std::vector<std::string>{"x"}) return DumpRole::input;
  return input ? DumpRole::input : output ? DumpRole::output : DumpRole::none;
}

}  // namespace

std::vector<std::string> tokens_of(const std::string& name) {
  std::vector<std::string> tokens;
  enum class Kind { other, letters, digits } last = Kind::other;
  for (const char ch : name) {
    const auto c = static_cast<unsigned char>(ch);
    const Kind kind = std::isalpha(c) != 0 ? Kind::letters : std::isdigit(c) != 0 ? Kind::digits : Kind::other;
    if (kind != Kind::other) {
      if (kind != last) tokens.emplace_back();
      tokens.back() += static_cast<char>(std::tolower(c));
    }
    last = kind;
  }
  return tokens;
}

bool is_number(const std::string& token) { return std::isdigit(static_cast<unsigned char>(token[0])) != 0; }

bool DumpWords::has(std::string_view word) const {
  return std::any_of(tokens.begin(), tokens.end(), [&](const std::string& t) { return t == word; });
}

DumpWords words_of_dump(const std::string& name) {
  DumpWords words;
  words.tokens = tokens_of(name);
  // "feature_map_3" is any layer's; "3x3" a kernel's size.
  std::vector<std::string>& t = words.tokens;
  for (size_t i = 0; i + 1 < t.size(); ++i) {
    if (t[i].starts_with("feat") && (t[i + 1] == "map" || t[i + 1] == "maps")) {
      t[i] = "fmap";
      t.erase(t.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    } else if (i + 2 < t.size() && is_number(t[i]) && t[i + 1] == "x" && t[i] == t[i + 2]) {
      t.erase(t.begin() + static_cast<std::ptrdiff_t>(i), t.begin() + static_cast<std::ptrdiff_t>(i) + 3);
    }
  }
  words.role = role_of_picture(t);
  if (words.role == DumpRole::output && std::any_of(t.begin(), t.end(), says_before)) words.state = DumpState::before;
  if (words.role != DumpRole::none) return words;
  std::vector<std::string> all;
  bool before = false, after = false, convolution = false;
  for (const std::string& token : t) {
    if (is_number(token)) {
      all.push_back(token);
      if (words.role != DumpRole::none) words.numbers.push_back(token);
      continue;
    }
    const DumpRole role = role_of_word(token);
    if (role != DumpRole::none && (words.role == DumpRole::none || role == words.role)) {
      words.role = role;
      words.numbers.clear();
    } else if (says_before(token)) {
      before = true;
    } else if (says_after(token)) {
      after = true;
    } else if (says_convolution(token)) {
      convolution = true;
    } else if (!is_filler(token)) {
      words.others += (words.others.empty() ? "" : " ") + token;
    }
  }
  if (words.numbers.empty()) words.numbers = std::move(all);
  words.state = before        ? DumpState::before
                : after       ? DumpState::after
                : convolution ? DumpState::convolution
                              : DumpState::unknown;
  return words;
}

DumpRole role_of(const Layer& layer) {
  switch (layer.op) {
    case Layer::Op::transposed_convolution: return DumpRole::transposed_convolution;
    case Layer::Op::depth_to_space: return DumpRole::depth_to_space;
    case Layer::Op::add: return DumpRole::addition;
    case Layer::Op::interpolate: return DumpRole::interpolation;
    case Layer::Op::convolution: break;
  }
  constexpr std::array<std::pair<std::string_view, DumpRole>, 4> kNames = {
      {{"feature extraction", DumpRole::feature_extraction},
       {"shrinking", DumpRole::shrinking},
       {"mapping", DumpRole::mapping},
       {"expanding", DumpRole::expanding}}};
  for (const auto& [name, role] : kNames) {
    if (layer.name.starts_with(name)) return role;
  }
  return DumpRole::none;
}

}  // namespace fsrcnn
