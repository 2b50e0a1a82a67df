#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "network/state_dict.hpp"

namespace fsrcnn {

/// Reads a matrix as numpy.loadtxt does: a row a line, numbers between blanks, '#' to the end of a line ignored.
/// Returns shape (rows, columns). Throws Error(model) naming `source` and the line.
NamedTensor parse_text_matrix(std::string_view text, const std::string& source);

/// Reads the slides' folder of text files, for numpy.loadtxt:
///
///     kernel/<layer>/kernel<a>_<b>.txt   one 2-D kernel; a and b are the first two axes of PyTorch's weight
///     bias/<layer>/bias<a>_0.txt         one number
///     prelu/<layer>/prelu<a>_0.txt       one number: the slope of the PReLU after the layer (the slides do not show
///     it)
///
/// Layers are the state_dict's without "_part": "first", "mid0", "mid2", ..., "last". Other names with these prefixes
/// are accepted; the numbers give the order of the middle ones. The folder cannot store the scale. Throws Error(model)
/// naming the file that is missing or wrong.
StateDict read_slides_text(const std::filesystem::path& folder);

/// The folder of a layer with this key: "mid_part.2" -> "mid2", "first_part.0" -> "first", "last_part" -> "last".
std::string slides_folder(const std::string& key);

/// True if such a folder has kernels of a first layer and slopes; the slides' own shows neither.
bool is_whole_slides_text(const std::filesystem::path& folder);

/// The last layer of such a folder alone: "last_part.weight" and "last_part.bias". Throws Error(model).
StateDict read_slides_last_layer(const std::filesystem::path& folder);

/// Writes such a folder with enough digits that reading gives the same floats. The folder appears whole or not at all,
/// and must not exist yet. Throws Error(io).
void write_slides_text(const StateDict& state_dict, const std::filesystem::path& folder);

}  // namespace fsrcnn
