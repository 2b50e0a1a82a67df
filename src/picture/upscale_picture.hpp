#pragma once

#include "engine/upscale_luma.hpp"
#include "model/model.hpp"
#include "picture/picture.hpp"

namespace fsrcnn {

/// The picture at model.scale times its width and height: its luma by the network, chroma and alpha bicubic. A gray
/// picture is its own luma. Bits and metadata stay. Throws Error(input) if the result does not fit into memory.
Picture upscale_picture(const Model& model, const Picture& picture, const Progress& progress = nullptr);

}  // namespace fsrcnn
