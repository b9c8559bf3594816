/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto, fields by number:
 *   1 dims, 2 data_type, 4 float_data, 5 int32_data, 7 int64_data, 8 name,
 *   9 raw_data, 10 double_data, 11 uint64_data, 14 data_location.
 * Data is raw little-endian bytes, or numbers in the field that the type goes
 * with: everything below 32 bits, halves included, shares int32_data.
 */
#include "cli/tensor_proto.h"

#include <string.h>

#include "base/file.h"
#include "base/protobuf.h"

struct tensor_fields {
  int64_t data_type;
  struct protobuf_bytes name, raw;
  bool has_raw, external;
  int rank;
  int64_t dims[ADZE_MAX_RANK];
  bool too_many_dims;
};

/* ONNX's numbers of element types. */
static const struct onnx_type {
  int number;
  enum adze_dtype dtype;
  uint32_t data_field; /* where numbers stand when they aren't raw */
} onnx_types[] = {
    {1, ADZE_F32, 4},   {2, ADZE_U8, 5},    {3, ADZE_I8, 5},
    {4, ADZE_U16, 5},   {5, ADZE_I16, 5},   {6, ADZE_I32, 5},
    {7, ADZE_I64, 7},   {9, ADZE_BOOL, 5},  {10, ADZE_F16, 5},
    {11, ADZE_F64, 10}, {12, ADZE_U32, 11}, {13, ADZE_U64, 11},
    {16, ADZE_BF16, 5},
};

static const struct onnx_type *find_type(int64_t number) {
  for (size_t i = 0; i < ARRAY_COUNT(onnx_types); i++)
    if (onnx_types[i].number == number)
      return &onnx_types[i];
  return NULL;
}

static void read_dims(struct protobuf_message *message,
                      const struct protobuf_field *field,
                      struct tensor_fields *out) {
  struct protobuf_values values =
      protobuf_values(message, field, PROTOBUF_VARINT);
  int64_t dim;
  while (protobuf_values_int64(&values, &dim)) {
    if (out->rank == ADZE_MAX_RANK)
      out->too_many_dims = true;
    else
      out->dims[out->rank++] = dim;
  }
}

static struct tensor_fields read_fields(struct protobuf_message message) {
  struct tensor_fields fields = {.name = {(const uint8_t *)"", 0}};
  struct protobuf_field field;
  while (protobuf_next(&message, &field)) {
    if (field.number == 1) {
      read_dims(&message, &field, &fields);
    } else if (field.number == 2) {
      fields.data_type = protobuf_int64(&message, &field);
    } else if (field.number == 8) {
      fields.name = protobuf_bytes(&message, &field);
    } else if (field.number == 9) {
      fields.raw = protobuf_bytes(&message, &field);
      fields.has_raw = true;
    } else if (field.number == 14) {
      fields.external = protobuf_int64(&message, &field) == 1;
    }
  }
  return fields;
}

static void copy_raw(struct array *array, struct protobuf_bytes raw) {
  const uint16_t one = 1;
  bool big_endian = *(const uint8_t *)&one == 0;
  size_t width = adze_dtype_bytes(array->dtype);
  uint8_t *out = array->data;
  for (size_t i = 0; i < raw.size; i++)
    out[big_endian ? i / width * width + width - 1 - i % width : i] =
        raw.data[i];
}

/* Stores an integer's low bytes: signed, unsigned and half formats alike. */
static void store_integer(struct array *array, size_t index, int64_t value) {
  size_t width = adze_dtype_bytes(array->dtype);
  uint8_t *at = (uint8_t *)array->data + index * width;
  uint64_t bits = (uint64_t)value;
  uint8_t narrow = array->dtype == ADZE_BOOL ? value != 0 : (uint8_t)bits;
  uint16_t half = (uint16_t)bits;
  uint32_t word = (uint32_t)bits;
  if (width == 1)
    memcpy(at, &narrow, 1);
  else if (width == 2)
    memcpy(at, &half, 2);
  else if (width == 4)
    memcpy(at, &word, 4);
  else
    memcpy(at, &bits, 8);
}

static enum protobuf_wire element_wire(enum adze_dtype dtype) {
  return dtype == ADZE_F32   ? PROTOBUF_FIXED32
         : dtype == ADZE_F64 ? PROTOBUF_FIXED64
                             : PROTOBUF_VARINT;
}

/* How many numbers the data fields hold, told before memory is taken for
 * them. */
static size_t count_numbers(struct protobuf_message message,
                            const struct onnx_type *type) {
  struct protobuf_field field;
  size_t count = 0;
  while (protobuf_next(&message, &field)) {
    if (field.number != type->data_field)
      continue;
    struct protobuf_values values =
        protobuf_values(&message, &field, element_wire(type->dtype));
    count += protobuf_values_count(&values);
  }
  return count;
}

static void read_number(struct protobuf_values *values, struct array *array,
                        size_t *done) {
  float single;
  double real;
  int64_t integer;
  if (values->element == PROTOBUF_FIXED32) {
    while (protobuf_values_float(values, &single))
      array_set(array, (*done)++, single);
  } else if (values->element == PROTOBUF_FIXED64) {
    while (protobuf_values_double(values, &real))
      array_set(array, (*done)++, real);
  } else {
    while (protobuf_values_int64(values, &integer))
      store_integer(array, (*done)++, integer);
  }
}

/* The array has as many elements as count_numbers says there are. */
static void read_numbers(struct protobuf_message message,
                         const struct onnx_type *type, struct array *array) {
  struct protobuf_field field;
  size_t done = 0;
  while (protobuf_next(&message, &field)) {
    if (field.number != type->data_field)
      continue;
    struct protobuf_values values =
        protobuf_values(&message, &field, element_wire(type->dtype));
    read_number(&values, array, &done);
  }
}

/* `found` of `wanted` bytes or numbers. */
static enum adze_status data_fail(const struct array *array, const char *path,
                                  size_t found, size_t wanted, const char *what,
                                  struct adze_error *error) {
  return fail(error, ADZE_INVALID_DATA,
              "%s: tensor '%s' holds %zu %s, but its shape needs %zu", path,
              array->name, found, what, wanted);
}

static enum adze_status
read_data(struct arena *arena, struct protobuf_message message,
          const struct tensor_fields *fields, const struct onnx_type *type,
          struct array *array, const char *path, struct adze_error *error) {
  if (fields->has_raw && fields->raw.size != array->bytes)
    return data_fail(array, path, fields->raw.size, array->bytes, "bytes",
                     error);
  if (!fields->has_raw && count_numbers(message, type) != array_count(array))
    return data_fail(array, path, count_numbers(message, type),
                     array_count(array), "numbers", error);
  array_allocate(arena, array);
  if (fields->has_raw)
    copy_raw(array, fields->raw);
  else
    read_numbers(message, type, array);
  return ADZE_OK;
}

enum adze_status tensor_proto_read(struct arena *arena, const void *bytes,
                                   size_t size, const char *path,
                                   struct array *out,
                                   struct adze_error *error) {
  struct protobuf_reader reader;
  protobuf_reader_init(&reader, bytes, size);
  struct protobuf_message message = protobuf_root(&reader);
  struct tensor_fields fields = read_fields(message);
  TRY(protobuf_finish(&reader, ADZE_INVALID_DATA, path, error));
  const struct onnx_type *type = find_type(fields.data_type);
  if (!type)
    return fail(error, ADZE_UNSUPPORTED,
                "%s: it holds no tensor, or one of ONNX's element type %lld",
                path, (long long)fields.data_type);
  if (fields.external)
    return fail(error, ADZE_UNSUPPORTED,
                "%s: its data lies in another file, which adze does not read "
                "for test data",
                path);
  *out = (struct array){.dtype = type->dtype, .rank = fields.rank};
  memcpy(out->dims, fields.dims, sizeof out->dims);
  out->name =
      arena_strndup(arena, (const char *)fields.name.data, fields.name.size);
  if (fields.too_many_dims || !array_measure(out))
    return fail(error, ADZE_INVALID_DATA,
                "%s: tensor '%s' has an impossible shape", path, out->name);
  TRY(read_data(arena, message, &fields, type, out, path, error));
  return protobuf_finish(&reader, ADZE_INVALID_DATA, path, error);
}

static void unmap(void *map) { file_map_close(map); }

enum adze_status tensor_proto_load(struct arena *arena, const char *path,
                                   struct array *out,
                                   struct adze_error *error) {
  struct file_map *map = ARENA_NEW(arena, struct file_map);
  TRY(file_map_open(path, map, error));
  arena_defer(arena, unmap, map);
  return tensor_proto_read(arena, map->data, map->size, path, out, error);
}
