#pragma once

#include <cstdint>

namespace fsrcnn {

/// Gives up for ever what a decoder does not need: to change files, to use the network, to start programs, to look into
/// or signal other processes. It can still read files and start threads. On processors or systems without such filters
/// nothing changes. A thread that is started later has no more rights.
void drop_rights();

/// Limits the memory that this process can have: as much as a picture of so many pixels can take, from a file of so
/// many bytes.
void limit_memory(int64_t pixels, int64_t file_bytes);

}  // namespace fsrcnn
