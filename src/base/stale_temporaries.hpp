#pragma once

#include <filesystem>
#include <string>

namespace fsrcnn {

/// The name of a new temporary file or folder of this program: hidden, and like no other.
std::string temporary_name();

/// Locks a temporary, so that others see that its process lives: false if somebody is removing it, or has. Where a file
/// system has no locks, nothing is ever taken for stale.
bool lock_temporary(int descriptor, const std::filesystem::path& path);

/// Removes the temporaries that killed processes left in a folder: those with names of this program that belong to this
/// user and that no process holds the lock of. Only on local file systems, for others may not tell of locks that
/// another machine has. Each folder is looked at once.
void remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace fsrcnn
