/* SPDX-License-Identifier: Apache-2.0 */
/* Tensor data: raw bytes and packed numbers of the element's own width are
 * viewed where they lie; varints are decoded into a copy; external data is a
 * mapping of a file beside the model. The size is checked against the shape
 * before anything is read or allocated. */
#include "import/onnx/onnx.h"

#include "ir/scalar.h"

#include <string.h>
#include <sys/mman.h>

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

static enum adze_status read_shape(struct onnx_data *data, const char *what,
                                   const struct onnx_tensor *tensor,
                                   struct constant *out) {
  out->dtype = onnx_dtype(tensor->type);
  if (out->dtype == ADZE_DTYPE_NONE)
    return fail(data->error, ADZE_UNSUPPORTED,
                "%s has elements of ONNX type %lld, which adze has not", what,
                (long long)tensor->type);
  if (tensor->dims.count > GRAPH_MAX_RANK)
    return fail(data->error, ADZE_LIMIT, "%s has more than %d dimensions",
                what, GRAPH_MAX_RANK);
  out->rank = tensor->dims.count;
  out->count = 1;
  for (size_t i = 0; i < out->rank; i++) {
    out->dims[i] = tensor->dims.data[i];
    if (out->dims[i] < 0)
      return fail(data->error, ADZE_INVALID_MODEL,
                  "dimension %zu of %s is %lld", i, what,
                  (long long)out->dims[i]);
    if (!size_mul(out->count, (size_t)out->dims[i], &out->count))
      return fail(data->error, ADZE_INVALID_MODEL, "the shape of %s overflows",
                  what);
  }
  if (!size_mul(out->count, dtype_bits(out->dtype) / 8, &out->bytes) ||
      out->bytes > SIZE_MAX / 4)
    return fail(data->error, ADZE_INVALID_MODEL, "the shape of %s overflows",
                what);
  return ADZE_OK;
}

static enum adze_status wrong_size(struct onnx_data *data, const char *what,
                                   const struct constant *constant,
                                   size_t found) {
  return fail(data->error, ADZE_INVALID_MODEL,
              "%s has %zu bytes of data where its shape needs %zu", what,
              found, constant->bytes);
}

/* ---- Typed data ---------------------------------------------------------- */

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

static void store_integer(const struct constant *constant, uint8_t *bytes_out,
                          size_t index, int64_t integer) {
  size_t bytes = dtype_bits(constant->dtype) / 8;
  if (constant->dtype == ADZE_BOOL)
    integer = integer != 0;
  memcpy(bytes_out + index * bytes, &integer, bytes); /* little-endian */
}

static void decode_typed(const struct onnx_tensor *tensor, uint32_t number,
                         enum protobuf_wire element,
                         const struct constant *constant, uint8_t *out) {
  struct protobuf_message body = tensor->body;
  struct protobuf_field field;
  size_t index = 0;
  while (protobuf_next(&body, &field)) {
    if (field.number != number)
      continue;
    struct protobuf_values values = protobuf_values(&body, &field, element);
    int64_t integer;
    while (index < constant->count && protobuf_values_int64(&values, &integer))
      store_integer(constant, out, index++, integer);
  }
}

static enum adze_status typed_data(struct onnx_data *data, const char *what,
                                   const struct onnx_tensor *tensor,
                                   struct constant *out) {
  enum protobuf_wire element;
  struct protobuf_field only = {0};
  uint32_t number = typed_field(out->dtype, &element);
  size_t count = count_typed(tensor, number, element, &only);
  if (count != out->count)
    return wrong_size(data, what, out, count * (dtype_bits(out->dtype) / 8));
  if (only.data != NULL) {
    out->data = only.data;
  } else {
    uint8_t *copy = arena_alloc(data->arena, out->bytes + 8);
    decode_typed(tensor, number, element, out, copy);
    out->data = copy;
  }
  return protobuf_finish(tensor->body.reader, ADZE_INVALID_MODEL, data->path,
                         data->error);
}

/* ---- External data ------------------------------------------------------- */

static void close_mapping(void *resource) {
  file_map_close(resource);
}

static enum adze_status open_external(struct onnx_data *data, const char *what,
                                      const char *location,
                                      const struct file_map **out) {
  struct file_map *map = map_get(&data->files, location);
  *out = map;
  if (map != NULL)
    return ADZE_OK;
  const char *slash = strrchr(data->path, '/');
  const char *folder = ".";
  if (slash != NULL)
    folder = slash == data->path
                 ? "/"
                 : arena_strndup(data->arena, data->path,
                                 (size_t)(slash - data->path));
  map = ARENA_NEW(data->arena, struct file_map);
  arena_defer(data->arena, close_mapping, map);
  if (file_map_open_below(folder, location, map, data->error) != ADZE_OK)
    return fail_prefix(data->error,
                       arena_printf(data->arena, "external data of %s", what));
  map_set(&data->files, location, map);
  *out = map;
  return ADZE_OK;
}

static enum adze_status external_data(struct onnx_data *data, const char *what,
                                      const struct onnx_tensor *tensor,
                                      struct constant *out) {
  const struct file_map *map;
  if (tensor->location == NULL)
    return fail(data->error, ADZE_INVALID_MODEL,
                "%s is external, but no location is given", what);
  TRY(open_external(data, what, tensor->location, &map));
  if ((uint64_t)tensor->offset > map->size)
    return fail(data->error, ADZE_INVALID_MODEL,
                "external data of %s starts at byte %lld of '%s', which has "
                "%zu",
                what, (long long)tensor->offset, tensor->location, map->size);
  size_t left = map->size - (size_t)tensor->offset;
  if (tensor->length >= 0 && (uint64_t)tensor->length != out->bytes)
    return wrong_size(data, what, out, (size_t)tensor->length);
  if (left < out->bytes)
    return wrong_size(data, what, out, left);
  out->data = map->data + tensor->offset;
  return ADZE_OK;
}

/* ---- Constants ----------------------------------------------------------- */

/* Zeros for weights that are absent: pages that cost nothing until they are
 * looked at, within a limit of address space. */
static const size_t MISSING_MOST = (size_t)1 << 36;

static void release_zeros(void *resource) {
  struct constant *constant = resource;
  if (constant->data != NULL)
    munmap((void *)(uintptr_t)constant->data, constant->bytes);
}

static enum adze_status missing_data(struct onnx_data *data, const char *what,
                                     struct constant *out) {
  if (out->bytes > MISSING_MOST - data->missing_bytes)
    return fail(data->error, ADZE_LIMIT, "%s is too large", what);
  data->missing_bytes += out->bytes;
  struct constant *owner = ARENA_NEW(data->arena, struct constant);
  arena_defer(data->arena, release_zeros, owner);
  void *zeros = mmap(NULL, out->bytes, PROT_READ,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (zeros == MAP_FAILED)
    guard_out_of_memory();
  out->data = zeros;
  *owner = *out;
  return ADZE_OK;
}

/* Truth values are 0 or 1 everywhere else, so others are copied as such. */
static const void *truth_values(struct onnx_data *data,
                                const struct constant *constant) {
  const uint8_t *bytes = constant->data;
  size_t i = 0;
  while (i < constant->count && bytes[i] <= 1)
    i++;
  if (i == constant->count)
    return bytes;
  uint8_t *copy = arena_copy(data->arena, bytes, constant->bytes);
  for (; i < constant->count; i++)
    copy[i] = copy[i] != 0;
  return copy;
}

static enum adze_status find_data(struct onnx_data *data, const char *what,
                                  const struct onnx_tensor *tensor,
                                  struct constant *out) {
  if (tensor->is_external)
    return external_data(data, what, tensor, out);
  if (tensor->has_raw) {
    if (tensor->raw.size != out->bytes)
      return wrong_size(data, what, out, tensor->raw.size);
    out->data = tensor->raw.data;
    return ADZE_OK;
  }
  if (!tensor->has_typed && data->zero_missing && out->count > 0)
    return missing_data(data, what, out);
  return typed_data(data, what, tensor, out);
}

enum adze_status onnx_tensor_constant(struct onnx_data *data, const char *what,
                                      const struct onnx_tensor *tensor,
                                      struct constant *out) {
  *out = (struct constant){0};
  TRY(read_shape(data, what, tensor, out));
  TRY(find_data(data, what, tensor, out));
  if (out->dtype == ADZE_BOOL)
    out->data = truth_values(data, out);
  return ADZE_OK;
}
