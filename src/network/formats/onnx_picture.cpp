#include "network/formats/onnx_picture.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

using Atom = OnnxPicture::Atom;
using Kind = Atom::Kind;

constexpr int64_t kMostViewChannels = 1 << 14;
constexpr size_t kMostPictureAxes = 8;

int64_t channels_in(const std::vector<Atom>& axis) {
  int64_t count = 1;
  for (const Atom& atom : axis) count *= atom.kind == Kind::channel ? atom.extent : 1;
  return count;
}

/// The channels that atoms of channels stand for, the last atom first counted up.
std::vector<int64_t> sources_of(const std::vector<Atom>& atoms) {
  std::vector<int64_t> sources = {0};
  for (const Atom& atom : atoms) {
    if (atom.kind != Kind::channel) continue;
    std::vector<int64_t> longer;
    for (const int64_t from : sources) {
      for (int64_t i = 0; i < atom.extent; ++i) longer.push_back(from + i * atom.stride);
    }
    sources = std::move(longer);
  }
  return sources;
}

/// Batch, height or width, followed by channels alone; the batch by none.
bool is_spatial(const std::vector<Atom>& axis, Kind kind) {
  return !axis.empty() && axis[0].kind == kind &&
         std::all_of(axis.begin() + 1, axis.end(), [](const Atom& a) { return a.kind == Kind::channel; });
}

/// Takes the atoms of one axis after another off a list, from its front or, for a list turned round, from its back.
class Matcher {
 public:
  Matcher(std::vector<Atom> atoms, const OnnxSizes& sizes, bool from_back)
      : atoms_(std::move(atoms)), sizes_(sizes), from_back_(from_back) {
    if (from_back_) std::reverse(atoms_.begin(), atoms_.end());
  }

  /// The next atoms whose product is this; empty if there are none such.
  std::optional<std::vector<Atom>> take(double value, OnnxUnit unit) {
    int64_t rest = to_integer(value);
    if (rest < 1 || static_cast<double>(rest) != value) return std::nullopt;
    std::vector<Atom> axis;
    // An extent of 1 is the batch's where it is next.
    if (rest == 1 && unit == OnnxUnit::one && at_ < atoms_.size() && atoms_[at_].kind == Kind::batch &&
        sizes_.batch == 1) {
      axis.push_back(atoms_[at_++]);
    }
    while (rest != 1 || unit != OnnxUnit::one) {
      if (at_ == atoms_.size()) return std::nullopt;
      Atom& atom = atoms_[at_];
      if (atom.kind == Kind::channel) {
        if (rest % atom.extent == 0) {
          rest /= atom.extent;
        } else if (rest > 1 && atom.extent % rest == 0) {
          axis.push_back(split(atom, rest));
          rest = 1;
          continue;
        } else {
          return std::nullopt;
        }
      } else {
        const int64_t fixed = atom.kind == Kind::batch    ? sizes_.batch
                              : atom.kind == Kind::height ? sizes_.height * atom.extent
                                                          : sizes_.width * atom.extent;
        if (unit == unit_of(atom.kind) && rest % atom.extent == 0) {
          unit = OnnxUnit::one;
          rest /= atom.extent;
        } else if (fixed > 0 && rest % fixed == 0) {
          rest /= fixed;
        } else {
          return std::nullopt;
        }
      }
      axis.push_back(atom);
      ++at_;
    }
    if (from_back_) std::reverse(axis.begin(), axis.end());
    return axis;
  }

  /// What nobody took, in the list's own order.
  std::vector<Atom> rest() const {
    std::vector<Atom> left(atoms_.begin() + static_cast<ptrdiff_t>(at_), atoms_.end());
    if (from_back_) std::reverse(left.begin(), left.end());
    return left;
  }

 private:
  static OnnxUnit unit_of(Kind kind) {
    return kind == Kind::batch ? OnnxUnit::batch : kind == Kind::height ? OnnxUnit::height : OnnxUnit::width;
  }
  /// The outer part of this extent, or from the back the inner one; the other part stays.
  Atom split(Atom& atom, int64_t extent) const {
    const int64_t other = atom.extent / extent;
    if (from_back_) {
      const Atom inner{Kind::channel, extent, atom.stride};
      atom = {Kind::channel, other, atom.stride * extent};
      return inner;
    }
    const Atom outer{Kind::channel, extent, atom.stride * other};
    atom.extent = other;
    return outer;
  }

  std::vector<Atom> atoms_;
  const OnnxSizes& sizes_;
  bool from_back_;
  size_t at_ = 0;
};

void require_no_padding(const OnnxPicture& picture, const OnnxNode& node, const std::string& source) {
  if (picture.padding) refuse_node(source, node, "follows a Pad; only a convolution may follow one");
}

}  // namespace

OnnxPicture OnnxPicture::of(int layer, int64_t channels, int64_t scale) {
  return {
      layer,
      channels,
      scale,
      {{{Kind::batch, 1, 0}}, {{Kind::channel, channels, 1}}, {{Kind::height, scale, 0}}, {{Kind::width, scale, 0}}}};
}

OnnxPicture OnnxPicture::channels_last(int layer, int64_t channels, int64_t scale) {
  OnnxPicture picture = of(layer, channels, scale);
  std::rotate(picture.axes.begin() + 1, picture.axes.begin() + 2, picture.axes.end());
  return picture;
}

std::optional<size_t> OnnxPicture::channel_axis() const {
  std::optional<size_t> found;
  for (size_t i = 0; i < axes.size(); ++i) {
    const bool has_channels =
        std::any_of(axes[i].begin(), axes[i].end(), [](const Atom& a) { return a.kind == Kind::channel; });
    if (!has_channels) continue;
    std::vector<int64_t> sources = sources_of(axes[i]), own(static_cast<size_t>(channels));
    std::iota(own.begin(), own.end(), 0);
    if (found || axes[i][0].kind != Kind::channel || sources != own) return std::nullopt;
    found = i;
  }
  return found;
}

std::optional<OnnxChannels> channels_of(const OnnxPicture& picture) {
  const auto& axes = picture.axes;
  const bool pictures =
      axes.size() == 4 && axes[0].size() <= 1 && (axes[0].empty() || axes[0][0].kind == Kind::batch) &&
      std::all_of(axes[1].begin(), axes[1].end(), [](const Atom& a) { return a.kind == Kind::channel; }) &&
      is_spatial(axes[2], Kind::height) && is_spatial(axes[3], Kind::width);
  if (!pictures || channels_in(axes[2]) != channels_in(axes[3])) return std::nullopt;
  std::vector<Atom> all;
  for (size_t i = 1; i < 4; ++i) all.insert(all.end(), axes[i].begin(), axes[i].end());
  return OnnxChannels{sources_of(all), channels_in(axes[2])};
}

OnnxPicture reshape(const OnnxPicture& picture, const OnnxNumbers& shape, const OnnxSizes& sizes, const OnnxNode& node,
                    const std::string& source) {
  require_no_padding(picture, node, source);
  const size_t rank = shape.values.size();
  if (shape.shape.size() != 1 || rank > kMostPictureAxes) refuse_node(source, node, "has a shape of {} axes", rank);
  std::vector<Atom> atoms;
  for (const std::vector<Atom>& axis : picture.axes) {
    for (const Atom& atom : axis) {
      if (atom.kind != Kind::channel || atom.extent != 1) atoms.push_back(atom);
    }
  }
  const auto refuse = [&]() {
    std::string text;
    for (size_t i = 0; i < rank; ++i) {
      constexpr const char* kUnits[] = {"", " N", " H", " W"};
      text += fmt::format("{}{:g}{}", i == 0 ? "" : ", ", shape.values[i], kUnits[static_cast<size_t>(shape.unit(i))]);
    }
    refuse_node(source, node, "reshapes a picture to ({}), which is not supported", text);
  };
  const auto is_open = [&](size_t i) { return shape.values[i] == -1 && shape.unit(i) == OnnxUnit::one; };
  std::vector<std::vector<Atom>> axes(rank);
  // An extent of 0 stands for that of the same axis before.
  const auto take = [&](Matcher& matcher, size_t i) {
    std::optional<std::vector<Atom>> axis;
    if (shape.values[i] == 0) {
      axis = std::vector<Atom>();
      const std::vector<Atom>& before = i < picture.axes.size() ? picture.axes[i] : std::vector<Atom>();
      for (const Atom& atom : before) {
        const OnnxUnit unit = atom.kind == Kind::channel  ? OnnxUnit::one
                              : atom.kind == Kind::batch  ? OnnxUnit::batch
                              : atom.kind == Kind::height ? OnnxUnit::height
                                                          : OnnxUnit::width;
        const auto part = matcher.take(static_cast<double>(atom.extent), unit);
        if (!part) refuse();
        axis->insert(axis->end(), part->begin(), part->end());
      }
    } else {
      axis = matcher.take(shape.values[i], shape.unit(i));
    }
    if (!axis) refuse();
    axes[i] = *std::move(axis);
  };
  size_t open = 0;
  Matcher front(atoms, sizes, false);
  while (open < rank && !is_open(open)) take(front, open++);
  Matcher back(front.rest(), sizes, true);
  for (size_t i = rank; i-- > open + 1;) {
    if (is_open(i)) refuse();
    take(back, i);
  }
  if (open < rank) {
    axes[open] = back.rest();
  } else if (!back.rest().empty()) {
    refuse();
  }
  OnnxPicture result = picture;
  result.axes = std::move(axes);
  return result;
}

OnnxPicture transpose(const OnnxPicture& picture, const OnnxNode& node, const std::string& source) {
  std::vector<int64_t> order(picture.axes.size());
  std::iota(order.rbegin(), order.rend(), 0);
  order = OnnxAttributes(node, source, {"perm"}).integers("perm", order, order.size());
  OnnxPicture result = picture;
  std::vector<bool> used(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const auto from = static_cast<size_t>(order[i]);
    if (order[i] < 0 || from >= order.size() || used[from]) {
      refuse_node(source, node, "has the order {}", to_string(order));
    }
    used[from] = true;
    result.axes[i] = picture.axes[from];
  }
  return result;
}

OnnxPicture unsqueeze(const OnnxPicture& picture, std::vector<int64_t> axes, const OnnxNode& node,
                      const std::string& source) {
  require_no_padding(picture, node, source);
  const auto rank = static_cast<int64_t>(picture.axes.size() + axes.size());
  if (rank > static_cast<int64_t>(kMostPictureAxes)) refuse_node(source, node, "makes {} axes", rank);
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::sort(axes.begin(), axes.end());
  OnnxPicture result = picture;
  for (const int64_t axis : axes) {
    if (axis < 0 || axis > static_cast<int64_t>(result.axes.size())) {
      refuse_node(source, node, "adds the axis {}", axis);
    }
    result.axes.insert(result.axes.begin() + axis, std::vector<Atom>());
  }
  return result;
}

OnnxPicture squeeze(const OnnxPicture& picture, std::vector<int64_t> axes, const OnnxNode& node,
                    const std::string& source) {
  require_no_padding(picture, node, source);
  const auto rank = static_cast<int64_t>(picture.axes.size());
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::sort(axes.begin(), axes.end());
  OnnxPicture result = picture;
  for (size_t i = axes.size(); i-- > 0;) {
    const bool there = axes[i] >= 0 && axes[i] < static_cast<int64_t>(result.axes.size());
    const auto at = result.axes.begin() + (there ? axes[i] : 0);
    if (!there ||
        !std::all_of(at->begin(), at->end(), [](const Atom& a) { return a.kind == Kind::channel && a.extent == 1; })) {
      refuse_node(source, node, "drops the axis {} of a picture", axes[i]);
    }
    result.axes.erase(at);
  }
  return result;
}

OnnxPicture repeat(const OnnxPicture& picture, size_t axis, int64_t times, const OnnxNode& node,
                   const std::string& source) {
  require_no_padding(picture, node, source);
  if (times == 1) return picture;
  int64_t count = 1;
  for (const std::vector<Atom>& a : picture.axes) count *= channels_in(a);
  OnnxPicture result = picture;
  std::vector<Atom>& atoms = result.axes.at(axis);
  if (times < 1 || times > kMostViewChannels / std::max<int64_t>(1, count) ||
      !std::all_of(atoms.begin(), atoms.end(), [](const Atom& a) { return a.kind == Kind::channel; })) {
    refuse_node(source, node, "repeats axis {} of a picture {} times, which is not supported", axis, times);
  }
  atoms.insert(atoms.begin(), {Kind::channel, times, 0});
  return result;
}

OnnxNumbers shape_of(const OnnxPicture& picture, const OnnxNode& node, const std::string& source) {
  require_no_padding(picture, node, source);
  const OnnxAttributes a(node, source, {"start", "end"});
  const auto rank = static_cast<int64_t>(picture.axes.size());
  const auto place = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  OnnxNumbers shape{{0}, {}, {}, ElementType::i64};
  for (int64_t i = place(a.integer("start", 0)); i < place(a.integer("end", rank)); ++i) {
    double extent = 1;
    OnnxUnit unit = OnnxUnit::one;
    for (const Atom& atom : picture.axes[static_cast<size_t>(i)]) {
      extent *= static_cast<double>(atom.extent);
      if (atom.kind == Kind::channel) continue;
      if (unit != OnnxUnit::one) {
        refuse_node(source, node, "asks for the shape of a picture whose height and width are merged into one axis");
      }
      unit = atom.kind == Kind::batch    ? OnnxUnit::batch
             : atom.kind == Kind::height ? OnnxUnit::height
                                         : OnnxUnit::width;
    }
    shape.values.push_back(extent);
    shape.units.push_back(unit);
  }
  shape.shape = {static_cast<int64_t>(shape.values.size())};
  return shape;
}

}  // namespace fsrcnn
