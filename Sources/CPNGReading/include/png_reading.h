#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Reads a PNG image as its bytes arrive, by libpng. The library ends a function that meets an error by `longjmp`, which
/// may not pass a frame of Swift: it passes frames of this target and of libpng alone, because a callback that has
/// something against an image returns before the jump.
typedef struct segscore_png segscore_png;

/// What an image is, as it stands in its head.
typedef struct {
    uint32_t width;
    uint32_t height;
    /// The bits of a sample in the file: 1, 2, 4, 8 or 16.
    int depth;
    /// The samples of a pixel: 1 of grey or of a palette, 2 of grey with alpha, 3 of colours, 4 of colours with alpha.
    int channels;
    /// Whether the rows come in the seven passes of Adam7.
    bool is_interlaced;
} segscore_png_head;

typedef struct {
    /// The head and the palette have been read, and nothing has been allocated for the image. A pixel will take
    /// `channels` bytes, or twice as many if the depth is 16.
    ///
    /// - Parameter image: Is set to memory for all rows if the image is interlaced. The memory has to outlive the reader.
    /// - Returns: Whether the image is wanted.
    bool (*take_head)(void *context, const segscore_png_head *head, uint8_t **image);

    /// One row or several are complete. Called in order from the first row to the last, and never for an interlaced
    /// image. Many short rows come together, since otherwise the call would cost more than the row.
    ///
    /// - Returns: Whether further rows are wanted.
    bool (*take_rows)(void *context, const uint8_t *bytes, size_t count);
} segscore_png_callbacks;

/// The most bytes of short rows that come together. A reader takes as much memory for them, beside that of libpng.
#define SEGSCORE_PNG_BLOCK 16384

typedef enum __attribute__((enum_extensibility(closed))) {
    segscore_png_ok,
    /// A callback did not want the image.
    segscore_png_unwanted,
    /// The image cannot be read; `segscore_png_reason` says why.
    segscore_png_unreadable,
} segscore_png_status;

/// Makes a reader that takes images of any size, each chunk of which has at most `chunk_limit` bytes unless it holds
/// pixels.
///
/// - Returns: NULL if there is no memory.
segscore_png *segscore_png_open(segscore_png_callbacks callbacks, uint32_t chunk_limit);

void segscore_png_close(segscore_png *reader);

/// Takes the next bytes. A reader that has not answered ok is of no further use.
///
/// - Parameter context: Is handed to the callbacks.
segscore_png_status segscore_png_read(segscore_png *reader, const uint8_t *bytes, size_t count, void *context);

/// Whether the last chunk and all rows have been read.
bool segscore_png_is_complete(const segscore_png *reader);

/// What libpng says of an image that cannot be read.
const char *segscore_png_reason(const segscore_png *reader);
