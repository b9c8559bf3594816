/* SPDX-License-Identifier: Apache-2.0 */
/* PNG files, through FFmpeg's encoder.
 *
 * Speed counts more than the last tenth of the size: bytes are predicted from
 * their neighbours as PNG's Paeth does it, for which the encoder has vector
 * code, and zlib compresses at a low level. The file goes through file_writer,
 * so that a full disk leaves no half file.
 */
#include <limits.h>

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>

#include "adze/image.h"
#include "base/file.h"
#include "base/lazy.h"

extern struct lazy_library lazy_ffmpeg;

/* What an encoding holds; released in one place. */
struct encoding {
  const char *path;
  AVCodecContext *context;
  AVFrame *frame;
  AVPacket *packet;
};

static void encoding_release(struct encoding *encoding) {
  av_packet_free(&encoding->packet);
  av_frame_free(&encoding->frame);
  avcodec_free_context(&encoding->context);
}

static enum adze_status out_of_memory(const struct encoding *encoding,
                                      struct adze_error *error) {
  return fail(error, ADZE_OUT_OF_MEMORY, "%s: no memory to encode this PNG",
              encoding->path);
}

static enum adze_status open_encoder(struct encoding *encoding,
                                     const struct adze_image *image,
                                     struct adze_error *error) {
  const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
  if (!codec)
    return fail(error, ADZE_UNAVAILABLE,
                "%s: this machine's FFmpeg has no encoder for PNG",
                encoding->path);
  AVCodecContext *context = avcodec_alloc_context3(codec);
  if (!context)
    return out_of_memory(encoding, error);
  encoding->context = context;
  context->log_level_offset = 128; /* silent, see decode.c */
  context->thread_count = 1;
  context->width = image->width;
  context->height = image->height;
  context->pix_fmt = AV_PIX_FMT_RGB24;
  context->time_base = (AVRational){1, 1};
  context->compression_level = 1;
  if (av_opt_set(context->priv_data, "pred", "paeth", 0) < 0 ||
      avcodec_open2(context, codec, NULL) < 0)
    return out_of_memory(encoding, error);
  return ADZE_OK;
}

/* The picture's pixels stay the caller's. */
static void leave(void *opaque, uint8_t *data) {
  (void)opaque;
  (void)data;
}

static enum adze_status encode(struct encoding *encoding,
                               const struct adze_image *image,
                               struct adze_error *error) {
  TRY(open_encoder(encoding, image, error));
  AVFrame *frame = encoding->frame = av_frame_alloc();
  encoding->packet = av_packet_alloc();
  if (!frame || !encoding->packet)
    return out_of_memory(encoding, error);
  frame->format = AV_PIX_FMT_RGB24;
  frame->width = image->width;
  frame->height = image->height;
  frame->data[0] = image->pixels;
  frame->linesize[0] = (int)image->stride;
  frame->buf[0] =
      av_buffer_create(image->pixels, image->stride * (size_t)image->height,
                       leave, NULL, AV_BUFFER_FLAG_READONLY);
  if (!frame->buf[0] || avcodec_send_frame(encoding->context, frame) < 0 ||
      avcodec_receive_packet(encoding->context, encoding->packet) < 0)
    return out_of_memory(encoding, error);
  return ADZE_OK;
}

enum adze_status adze_image_write_png(const struct adze_image *image,
                                      const char *path,
                                      struct adze_error *error) {
  if (image->width <= 0 || image->height <= 0 ||
      image->stride / 3 < (size_t)image->width)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "%s: a picture of %d x %d pixels in rows of %zu bytes has no "
                "pixels or shares some",
                path, image->width, image->height, image->stride);
  if (image->width > ADZE_IMAGE_MAX_SIDE ||
      image->height > ADZE_IMAGE_MAX_SIDE || image->stride > INT_MAX ||
      (int64_t)image->width * image->height > ADZE_IMAGE_MAX_PIXELS)
    return fail(error, ADZE_LIMIT,
                "%s: a picture of %d x %d pixels is too large for a PNG", path,
                image->width, image->height);
  TRY(lazy_library_open(&lazy_ffmpeg, error));
  struct encoding encoding = {.path = path};
  enum adze_status status = encode(&encoding, image, error);
  if (status == ADZE_OK)
    status = file_write_all(path, encoding.packet->data,
                            (size_t)encoding.packet->size, error);
  encoding_release(&encoding);
  return status;
}
