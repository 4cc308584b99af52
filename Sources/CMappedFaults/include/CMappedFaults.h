#pragma once

#include <stddef.h>
#include <stdint.h>

/// Has faults on a mapping of a file end with zeros in place of the process (SIGBUS): where the file was made shorter, or its disk
/// cannot be read. From the first such page on, all of the mapping reads as zeros then.
///
/// - Returns: What ``segscore_unguard`` takes; -1 where there is no memory to remember the mapping in.
long segscore_guard(void *start, size_t length);

/// The mapping is about to go.
void segscore_unguard(long guard);

/// How many mappings have faulted until now: whoever has read finds by it whether what was read may be zeros.
uint64_t segscore_mapped_faults(void);
