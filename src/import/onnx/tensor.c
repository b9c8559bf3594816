/* SPDX-License-Identifier: Apache-2.0 */
/* Tensor data: raw bytes and packed numbers of the element's own width are
 * viewed where they lie; varints are decoded into a copy; external data is a
 * mapping of a file beside the model. The size is checked against the shape
 * before anything is read or allocated. */
#include "import/onnx/onnx.h"

#include "ir/scalar.h"

#include <string.h>

enum adze_dtype onnx_dtype(int64_t type) {
  switch (type) {
  case ONNX_FLOAT: return ADZE_F32;
  case ONNX_UINT8: return ADZE_U8;
  case ONNX_INT8: return ADZE_I8;
  case ONNX_UINT16: return ADZE_U16;
  case ONNX_INT16: return ADZE_I16;
  case ONNX_INT32: return ADZE_I32;
  case ONNX_INT64: return ADZE_I64;
  case ONNX_BOOL: return ADZE_BOOL;
  case ONNX_FLOAT16: return ADZE_F16;
  case ONNX_DOUBLE: return ADZE_F64;
  case ONNX_UINT32: return ADZE_U32;
  case ONNX_UINT64: return ADZE_U64;
  case ONNX_BFLOAT16: return ADZE_BF16;
  default: return ADZE_DTYPE_NONE;
  }
}

static enum adze_status read_shape(const struct onnx_tensor *tensor,
                                   const char *path, const char *what,
                                   struct constant *out,
                                   struct adze_error *error) {
  out->dtype = onnx_dtype(tensor->type);
  if (out->dtype == ADZE_DTYPE_NONE)
    return fail(error, ADZE_UNSUPPORTED,
                "%s: %s has elements of ONNX type %lld, which adze has not",
                path, what, (long long)tensor->type);
  if (tensor->dims.count > GRAPH_MAX_RANK)
    return fail(error, ADZE_LIMIT, "%s: %s has more than %d dimensions", path,
                what, GRAPH_MAX_RANK);
  out->rank = tensor->dims.count;
  out->count = 1;
  for (size_t i = 0; i < out->rank; i++) {
    out->dims[i] = tensor->dims.data[i];
    if (out->dims[i] < 0)
      return fail(error, ADZE_INVALID_MODEL,
                  "%s: dimension %zu of %s is %lld", path, i, what,
                  (long long)out->dims[i]);
    if (!size_mul(out->count, (size_t)out->dims[i], &out->count))
      return fail(error, ADZE_INVALID_MODEL,
                  "%s: the shape of %s overflows", path, what);
  }
  if (!size_mul(out->count, dtype_bits(out->dtype) / 8, &out->bytes) ||
      out->bytes > SIZE_MAX / 4)
    return fail(error, ADZE_INVALID_MODEL, "%s: the shape of %s overflows",
                path, what);
  return ADZE_OK;
}

static enum adze_status wrong_size(const char *path, const char *what,
                                   const struct constant *constant,
                                   size_t found, struct adze_error *error) {
  return fail(error, ADZE_INVALID_MODEL,
              "%s: %s has %zu bytes of data where its shape needs %zu", path,
              what, found, constant->bytes);
}

/* ---- Typed data ------------------------------------------------------------- */

/* The field that holds this dtype's numbers, and how each is written. */
static uint32_t typed_field(enum adze_dtype dtype,
                            enum protobuf_wire *element) {
  *element = PROTOBUF_VARINT;
  switch (dtype) {
  case ADZE_F32:
    *element = PROTOBUF_FIXED32;
    return 4;
  case ADZE_F64:
    *element = PROTOBUF_FIXED64;
    return 10;
  case ADZE_I64:
    return 7;
  case ADZE_U32: case ADZE_U64:
    return 11;
  case ADZE_F16: case ADZE_BF16: case ADZE_I8: case ADZE_I16: case ADZE_I32:
  case ADZE_U8: case ADZE_U16: case ADZE_BOOL:
    return 5;
  case ADZE_DTYPE_NONE:
    break;
  }
  unreachable();
}

/* How many numbers there are; *only is set to the field when it is one packed
 * field of fixed width. */
static size_t count_typed(const struct onnx_tensor *tensor, uint32_t number,
                          enum protobuf_wire element,
                          struct protobuf_field *only) {
  struct protobuf_message body = tensor->body;
  struct protobuf_field field;
  size_t count = 0, fields = 0;
  while (protobuf_next(&body, &field)) {
    if (field.number != number)
      continue;
    struct protobuf_values values = protobuf_values(&body, &field, element);
    count += protobuf_values_count(&values);
    fields++;
    *only = field;
  }
  if (fields != 1 || only->wire != PROTOBUF_BYTES || element == PROTOBUF_VARINT)
    only->data = NULL;
  return count;
}

static void store_integer(const struct constant *constant, uint8_t *data,
                          size_t index, int64_t integer) {
  size_t bytes = dtype_bits(constant->dtype) / 8;
  if (constant->dtype == ADZE_BOOL)
    integer = integer != 0;
  memcpy(data + index * bytes, &integer, bytes); /* little-endian */
}

static void decode_typed(const struct onnx_tensor *tensor, uint32_t number,
                         enum protobuf_wire element,
                         const struct constant *constant, uint8_t *data) {
  struct protobuf_message body = tensor->body;
  struct protobuf_field field;
  size_t index = 0;
  while (protobuf_next(&body, &field)) {
    if (field.number != number)
      continue;
    struct protobuf_values values = protobuf_values(&body, &field, element);
    int64_t integer;
    while (index < constant->count && protobuf_values_int64(&values, &integer))
      store_integer(constant, data, index++, integer);
  }
}

static enum adze_status typed_data(struct arena *arena, const char *path,
                                   const char *what,
                                   const struct onnx_tensor *tensor,
                                   struct constant *out,
                                   struct adze_error *error) {
  enum protobuf_wire element;
  struct protobuf_field only = {0};
  uint32_t number = typed_field(out->dtype, &element);
  size_t count = count_typed(tensor, number, element, &only);
  if (count != out->count)
    return wrong_size(path, what, out, count * (dtype_bits(out->dtype) / 8),
                      error);
  if (only.data != NULL) {
    out->data = only.data;
    return protobuf_finish(tensor->body.reader, ADZE_INVALID_MODEL, path,
                           error);
  }
  uint8_t *data = arena_alloc(arena, out->bytes + 8);
  decode_typed(tensor, number, element, out, data);
  out->data = data;
  return protobuf_finish(tensor->body.reader, ADZE_INVALID_MODEL, path, error);
}

/* ---- External data ---------------------------------------------------------- */

static void close_mapping(void *resource) {
  file_map_close(resource);
}

static enum adze_status external_data(struct arena *arena, const char *path,
                                      const char *what,
                                      const struct onnx_tensor *tensor,
                                      struct constant *out,
                                      struct adze_error *error) {
  if (tensor->location == NULL)
    return fail(error, ADZE_INVALID_MODEL,
                "%s: %s is external, but no location is given", path, what);
  const char *slash = strrchr(path, '/');
  const char *folder =
      slash == NULL ? "."
      : slash == path
          ? "/"
          : arena_strndup(arena, path, (size_t)(slash - path));
  struct file_map *map = ARENA_NEW(arena, struct file_map);
  arena_defer(arena, close_mapping, map);
  if (file_map_open_below(folder, tensor->location, map, error) != ADZE_OK)
    return fail_prefix(error, arena_printf(arena, "%s: external data of %s",
                                           path, what));
  if ((uint64_t)tensor->offset > map->size)
    return fail(error, ADZE_INVALID_MODEL,
                "%s: external data of %s starts at byte %lld of '%s', which "
                "has %zu",
                path, what, (long long)tensor->offset, tensor->location,
                map->size);
  size_t left = map->size - (size_t)tensor->offset;
  if (tensor->length >= 0 && (uint64_t)tensor->length != out->bytes)
    return wrong_size(path, what, out, (size_t)tensor->length, error);
  if (left < out->bytes)
    return wrong_size(path, what, out, left, error);
  out->data = map->data + tensor->offset;
  return ADZE_OK;
}

/* ---- Constants -------------------------------------------------------------- */

enum adze_status onnx_constant(struct arena *arena, const char *path,
                               const char *what,
                               const struct onnx_tensor *tensor,
                               bool zero_missing, struct constant *out,
                               struct adze_error *error) {
  *out = (struct constant){0};
  TRY(read_shape(tensor, path, what, out, error));
  if (tensor->is_external)
    return external_data(arena, path, what, tensor, out, error);
  if (tensor->has_raw) {
    if (tensor->raw.size != out->bytes)
      return wrong_size(path, what, out, tensor->raw.size, error);
    out->data = tensor->raw.data;
    return ADZE_OK;
  }
  if (!tensor->has_typed && zero_missing && out->count > 0) {
    out->data = arena_alloc(arena, out->bytes);
    return ADZE_OK;
  }
  return typed_data(arena, path, what, tensor, out, error);
}
