#pragma once

#include <stddef.h>
#include <stdint.h>

/// Has the pages of a mapped file read as zeros if they cannot be read, because the file was made shorter or its disk
/// fails. Otherwise SIGBUS would end the process. From the first such page on, the rest of the mapping reads as zeros.
///
/// - Returns: A guard for ``segscore_unguard``; -1 if there is no memory to remember the mapping in.
long segscore_guard(void *start, size_t length);

/// Ends a guard. It is called before the mapping is removed.
void segscore_unguard(long guard);

/// How many mappings have faulted until now. If the number grows while mappings are read, what was read may be zeros.
uint64_t segscore_mapped_faults(void);
