#include <string_view>

#include "fuzz_target.hpp"
#include "network/formats/slides_text.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::parse_text_matrix(std::string_view(reinterpret_cast<const char*>(bytes.data()),
                                                                     bytes.size()),
                                                    "fuzz"))
