/* SPDX-License-Identifier: Apache-2.0 */
/* Reads protocol buffers in place: nothing is copied or allocated, and any
 * bytes are safe to read.
 *
 *   struct protobuf_reader reader;
 *   struct protobuf_field field;
 *   protobuf_reader_init(&reader, map.data, map.size);
 *   struct protobuf_message model = protobuf_root(&reader);
 *   while (protobuf_next(&model, &field)) {
 *     switch (field.number) {
 *     case 1: version = protobuf_int64(&model, &field); break;
 *     case 2: name = protobuf_bytes(&model, &field); break;
 *     case 7: read_graph(protobuf_submessage(&model, &field)); break;
 *     }                                     // unknown fields: just go on
 *   }
 *   TRY(protobuf_finish(&reader, ADZE_INVALID_MODEL, path, error));
 *
 * Damage is sticky: the first one found (a length past the end, an over-long
 * varint, a field of another wire type than asked for, nesting deeper than
 * PROTOBUF_MAX_DEPTH) is kept in the reader, every cursor of it then is at its
 * end, every getter gives 0 or empty, and protobuf_finish returns the sentence.
 * So code between need not test. Call protobuf_finish before using results.
 *
 * What is pointed to lives as long as the bytes given to protobuf_reader_init.
 * Messages and fields are small values; copying one is how to read twice.
 */
#ifndef BASE_PROTOBUF_H
#define BASE_PROTOBUF_H

#include "base/base.h"

#define PROTOBUF_MAX_DEPTH 100

enum protobuf_wire {
  PROTOBUF_VARINT = 0,
  PROTOBUF_FIXED64 = 1,
  PROTOBUF_BYTES = 2, /* bytes, strings, messages, packed values */
  PROTOBUF_FIXED32 = 5
};

struct protobuf_reader {
  const uint8_t *data;
  size_t size;
  const char *problem; /* static string; NULL while all is well */
  size_t problem_offset;
};

/* A cursor over the fields of one message. */
struct protobuf_message {
  struct protobuf_reader *reader;
  const uint8_t *next, *end;
  int depth;
};

struct protobuf_field {
  uint32_t number;
  enum protobuf_wire wire;
  uint64_t value;      /* of a varint or fixed field, as it stands there */
  const uint8_t *data; /* the payload, without key and length */
  size_t size;
};

/* Bytes or text; text is not NUL-terminated. */
struct protobuf_bytes {
  const uint8_t *data;
  size_t size;
};

void protobuf_reader_init(struct protobuf_reader *reader, const void *data,
                          size_t size);
/* The outermost message. */
struct protobuf_message protobuf_root(struct protobuf_reader *reader);
/* Moves to the next field; false at the end or at damage. */
bool protobuf_next(struct protobuf_message *message,
                   struct protobuf_field *field);
/* Records damage found by the caller ("a dimension is negative"), unless some
 * was recorded before; `problem` is a static string. */
void protobuf_damage(struct protobuf_message *message, const uint8_t *where,
                     const char *problem);
/* OK, or `status` with "NAME: byte N: PROBLEM". */
enum adze_status protobuf_finish(const struct protobuf_reader *reader,
                                 enum adze_status status, const char *name,
                                 struct adze_error *error) ADZE_MUST_USE;

/* ---- The current field as a value ---------------------------------------- */
/* int32, int64, uint32, uint64, bool, enum. */
int64_t protobuf_int64(struct protobuf_message *message,
                       const struct protobuf_field *field);
/* sint32, sint64. */
int64_t protobuf_sint64(struct protobuf_message *message,
                        const struct protobuf_field *field);
float protobuf_float(struct protobuf_message *message,
                     const struct protobuf_field *field);
double protobuf_double(struct protobuf_message *message,
                       const struct protobuf_field *field);
struct protobuf_bytes protobuf_bytes(struct protobuf_message *message,
                                     const struct protobuf_field *field);
struct protobuf_message protobuf_submessage(struct protobuf_message *message,
                                            const struct protobuf_field *field);
/* Whether bytes are this text. */
bool protobuf_equal(struct protobuf_bytes bytes, const char *text);

/* ---- Repeated numbers ------------------------------------------------------
 * A repeated field comes packed (one BYTES field) or one by one, also mixed;
 * this reads one field of either kind:
 *
 *   case 1: // repeated int64 dims
 *     values = protobuf_values(&tensor, &field, PROTOBUF_VARINT);
 *     while (protobuf_values_int64(&values, &dim))
 *       vec_push(arena, &dims, dim);
 */
struct protobuf_values {
  struct protobuf_message bytes; /* the cursor over them */
  enum protobuf_wire element;    /* VARINT, FIXED32 or FIXED64 */
};
struct protobuf_values protobuf_values(struct protobuf_message *message,
                                       const struct protobuf_field *field,
                                       enum protobuf_wire element);
/* How many values are left. */
size_t protobuf_values_count(const struct protobuf_values *values);
/* The next value; false at the end or at damage. Each is for the element kind
 * of its name (int64: VARINT, and FIXED32/64 as unsigned numbers). */
bool protobuf_values_int64(struct protobuf_values *values, int64_t *out);
bool protobuf_values_float(struct protobuf_values *values, float *out);
bool protobuf_values_double(struct protobuf_values *values, double *out);

#endif
