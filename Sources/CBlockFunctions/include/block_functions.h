#pragma once

#include <stdint.h>

/// An array that a caller in another language lends for the time of a call.
typedef struct {
    /// What the array is called.
    const char *_Nonnull name;
    /// The type of its elements, by NumPy's name or that of `ml_dtypes`, in this machine's byte order.
    const char *_Nonnull type;
    /// The extents, as many as `rank` says.
    const int64_t *_Nonnull shape;
    /// The elements in C order, aligned to their size. They may be written to by nobody meanwhile.
    const void *_Nonnull elements;
    int32_t rank;
} segscore_array;
