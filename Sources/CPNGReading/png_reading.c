#include "png_reading.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct segscore_png {
    png_structp png;
    png_infop info;
    segscore_png_callbacks callbacks;
    /// Handed to the callbacks; valid while `segscore_png_read` runs.
    void *context;
    segscore_png_head head;
    /// The rows of an interlaced image; NULL of any other.
    uint8_t *image;
    size_t row_size;
    uint32_t rows_done;
    /// How many bytes of `block` are rows that have not been handed on.
    size_t block_size;
    segscore_png_status status;
    bool has_head;
    bool has_ended;
    char reason[96];
    uint8_t block[SEGSCORE_PNG_BLOCK];
};

static void fail(png_structp png, png_const_charp message) {
    segscore_png *reader = png_get_error_ptr(png);
    snprintf(reader->reason, sizeof reader->reason, "%s", message);
    reader->status = segscore_png_unreadable;
    png_longjmp(png, 1);
}

/// Ends `segscore_png_read` because a callback does not want the image.
static void refuse(png_structp png, segscore_png *reader) {
    reader->status = segscore_png_unwanted;
    png_longjmp(png, 1);
}

static void take_head(png_structp png, png_infop info) {
    segscore_png *reader = png_get_progressive_ptr(png);
    segscore_png_head *head = &reader->head;
    head->width = png_get_image_width(png, info);
    head->height = png_get_image_height(png, info);
    head->depth = png_get_bit_depth(png, info);
    head->channels = png_get_channels(png, info);
    head->is_interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
    if (!reader->callbacks.take_head(reader->context, head, &reader->image)) refuse(png, reader);

    // Samples of less than a byte are unpacked and not scaled to 255, since they are classes and no shades. An index
    // that the palette lacks is a class as well: 255 often is, for pixels that are ignored.
    png_set_packing(png);
    png_set_check_for_invalid_index(png, 0);
    // Samples of 16 bits come in the order of this machine.
    const uint16_t one = 1;
    if (head->depth == 16 && *(const uint8_t *) &one == 1) png_set_swap(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    reader->row_size = png_get_rowbytes(png, info);
    size_t wanted = (size_t) head->width * (size_t) head->channels * (head->depth == 16 ? 2 : 1);
    if (reader->row_size != wanted) png_error(png, "unexpected size of rows");
    if (head->is_interlaced && reader->image == NULL) png_error(png, "no memory for an interlaced image");
    reader->has_head = true;
}

static void take_row(png_structp png, png_bytep row, png_uint_32 index, int pass) {
    segscore_png *reader = png_get_progressive_ptr(png);
    if (index >= reader->head.height) png_error(png, "a row too many");
    if (reader->image != NULL) {
        // A row without new pixels is NULL.
        if (row != NULL) png_progressive_combine_row(png, reader->image + (size_t) index * reader->row_size, row);
        if (pass == 6 && index + 1 == reader->head.height) reader->rows_done = reader->head.height;
        return;
    }
    if (row == NULL || index != reader->rows_done) png_error(png, "rows in disorder");
    reader->rows_done += 1;
    if (reader->row_size > sizeof reader->block) {
        if (!reader->callbacks.take_rows(reader->context, row, reader->row_size)) refuse(png, reader);
        return;
    }
    memcpy(reader->block + reader->block_size, row, reader->row_size);
    reader->block_size += reader->row_size;
    if (reader->block_size + reader->row_size <= sizeof reader->block && reader->rows_done < reader->head.height) return;
    size_t size = reader->block_size;
    reader->block_size = 0;
    if (!reader->callbacks.take_rows(reader->context, reader->block, size)) refuse(png, reader);
}

static void take_end(png_structp png, png_infop info) {
    (void) info;
    segscore_png *reader = png_get_progressive_ptr(png);
    reader->has_ended = true;
}

segscore_png *segscore_png_open(segscore_png_callbacks callbacks, uint32_t chunk_limit) {
    segscore_png *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return NULL;
    reader->callbacks = callbacks;
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, fail, fail);
    reader->info = reader->png == NULL ? NULL : png_create_info_struct(reader->png);
    if (reader->info == NULL) {
        segscore_png_close(reader);
        return NULL;
    }
    if (setjmp(png_jmpbuf(reader->png))) {
        segscore_png_close(reader);
        return NULL;
    }
    png_set_user_limits(reader->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(reader->png, chunk_limit);
    png_set_chunk_cache_max(reader->png, 1);
    // What a correct encoder does not write is an error, and no reason for a warning that nobody sees. Of bytes that
    // follow the pixels, or a wrong checksum of them, libpng warns or not by the pieces in which the file arrives.
    png_set_benign_errors(reader->png, 0);
    png_set_progressive_read_fn(reader->png, reader, take_head, take_row, take_end);
    return reader;
}

void segscore_png_close(segscore_png *reader) {
    if (reader == NULL) return;
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    free(reader);
}

segscore_png_status segscore_png_read(segscore_png *reader, const uint8_t *bytes, size_t count, void *context) {
    if (reader->status != segscore_png_ok) return reader->status;
    reader->context = context;
    // libpng does not write to the bytes.
    if (setjmp(png_jmpbuf(reader->png)) == 0)
        png_process_data(reader->png, reader->info, (png_bytep) (uintptr_t) bytes, count);
    reader->context = NULL;
    return reader->status;
}

bool segscore_png_is_complete(const segscore_png *reader) {
    return reader->has_head && reader->has_ended && reader->rows_done == reader->head.height;
}

const char *segscore_png_reason(const segscore_png *reader) {
    return reader->reason;
}
