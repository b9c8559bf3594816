/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between packed RGB and Cairo's 32-bit pixels (one native word a
 * pixel: 0x00RRGGBB), and writes PNG through Cairo.
 *
 * A PNG goes through file_writer, so that a full disk leaves no half file; the
 * stream callback keeps the first failure for the message.
 */
#include "base/base.h"
#include "base/file.h"
#include "media/surface.h"

/* Cairo's own limit for image surfaces. */
#define SURFACE_MAX_SIDE 32767

enum adze_status surface_from_image(const struct adze_image *image,
                                    cairo_surface_t **out,
                                    struct adze_error *error) {
  if (image->width <= 0 || image->height <= 0)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a picture of %d x %d pixels has no pixels", image->width,
                image->height);
  if (image->width > SURFACE_MAX_SIDE || image->height > SURFACE_MAX_SIDE)
    return fail(error, ADZE_LIMIT,
                "Cairo draws pictures of at most %d pixels a side, found "
                "%d x %d",
                SURFACE_MAX_SIDE, image->width, image->height);
  cairo_surface_t *surface = cairo_image_surface_create(
      CAIRO_FORMAT_RGB24, image->width, image->height);
  if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
    cairo_surface_destroy(surface);
    return fail(error, ADZE_OUT_OF_MEMORY,
                "no memory to draw a picture of %d x %d pixels", image->width,
                image->height);
  }
  cairo_surface_flush(surface);
  uint8_t *data = cairo_image_surface_get_data(surface);
  size_t stride = (size_t)cairo_image_surface_get_stride(surface);
  for (int y = 0; y < image->height; y++) {
    const uint8_t *from = image->pixels + (size_t)y * image->stride;
    uint32_t *to = (uint32_t *)(void *)(data + (size_t)y * stride);
    for (int x = 0; x < image->width; x++, from += 3)
      to[x] = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
  }
  cairo_surface_mark_dirty(surface);
  *out = surface;
  return ADZE_OK;
}

void surface_to_image(cairo_surface_t *surface, struct adze_image *image) {
  cairo_surface_flush(surface);
  const uint8_t *data = cairo_image_surface_get_data(surface);
  size_t stride = (size_t)cairo_image_surface_get_stride(surface);
  for (int y = 0; y < image->height; y++) {
    const uint32_t *from =
        (const uint32_t *)(const void *)(data + (size_t)y * stride);
    uint8_t *to = image->pixels + (size_t)y * image->stride;
    for (int x = 0; x < image->width; x++, to += 3) {
      to[0] = (uint8_t)(from[x] >> 16);
      to[1] = (uint8_t)(from[x] >> 8);
      to[2] = (uint8_t)from[x];
    }
  }
}

struct png_stream {
  struct file_writer *writer;
  struct adze_error *error;
  enum adze_status status;
};

static cairo_status_t png_write(void *closure, const unsigned char *data,
                                unsigned int size) {
  struct png_stream *stream = closure;
  stream->status = file_writer_write(stream->writer, data, size, stream->error);
  return stream->status == ADZE_OK ? CAIRO_STATUS_SUCCESS
                                   : CAIRO_STATUS_WRITE_ERROR;
}

static enum adze_status write_surface(cairo_surface_t *surface,
                                      const char *path,
                                      struct adze_error *error) {
  struct png_stream stream = {.error = error};
  TRY(file_writer_open(path, &stream.writer, error));
  cairo_status_t result =
      cairo_surface_write_to_png_stream(surface, png_write, &stream);
  if (result == CAIRO_STATUS_SUCCESS)
    return file_writer_commit(stream.writer, error);
  file_writer_abandon(stream.writer);
  if (stream.status != ADZE_OK)
    return stream.status;
  return fail(error, ADZE_OUT_OF_MEMORY, "%s: can't write this PNG: %s", path,
              cairo_status_to_string(result));
}

enum adze_status adze_image_write_png(const struct adze_image *image,
                                      const char *path,
                                      struct adze_error *error) {
  cairo_surface_t *surface;
  if (surface_from_image(image, &surface, error) != ADZE_OK)
    return fail_prefix(error, path);
  enum adze_status status = write_surface(surface, path, error);
  cairo_surface_destroy(surface);
  return status;
}
