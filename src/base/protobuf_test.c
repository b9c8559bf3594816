/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol buffer reader on good bytes, on every prefix of them, and on
 * each kind of damage. */
#include "test.h"

#include "base/protobuf.h"

static struct protobuf_message open_bytes(struct protobuf_reader *reader,
                                          const void *bytes, size_t size) {
  protobuf_reader_init(reader, bytes, size);
  return protobuf_root(reader);
}
#define OPEN(reader, text) open_bytes((reader), (text), sizeof(text) - 1)

static void reads_every_wire_type(void **state) {
  struct protobuf_reader reader;
  struct protobuf_field field;
  struct adze_error error;
  struct protobuf_message message =
      OPEN(&reader, "\x08\x96\x01"                                 /* 1: 150 */
                    "\x11\0\0\0\0\0\0\xf0\x3f"                     /* 2: 1.0 */
                    "\x1a\x02hi"                                   /* 3: "hi" */
                    "\x25\0\0\0\x40"                               /* 4: 2.0f */
                    "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" /* 5: -1 */
                    "\x30\x03"); /* 6: zigzag -2 */
  (void)state;
  assert_true(protobuf_next(&message, &field) && field.number == 1);
  assert_int_equal(protobuf_int64(&message, &field), 150);
  assert_true(protobuf_next(&message, &field) && field.number == 2);
  assert_true(protobuf_double(&message, &field) == 1.0);
  assert_true(protobuf_next(&message, &field) && field.number == 3);
  assert_true(protobuf_equal(protobuf_bytes(&message, &field), "hi"));
  assert_false(protobuf_equal(protobuf_bytes(&message, &field), "hit"));
  assert_true(protobuf_next(&message, &field) && field.number == 4);
  assert_true(protobuf_float(&message, &field) == 2.0f);
  assert_true(protobuf_next(&message, &field) && field.number == 5);
  assert_int_equal(protobuf_int64(&message, &field), -1);
  assert_true(protobuf_next(&message, &field) && field.number == 6);
  assert_int_equal(protobuf_sint64(&message, &field), -2);
  assert_false(protobuf_next(&message, &field));
  assert_ok(protobuf_finish(&reader, ADZE_INVALID_DATA, "x", &error), error);
}

static void reads_values_packed_and_single(void **state) {
  struct protobuf_reader reader;
  struct protobuf_field field;
  struct protobuf_message message =
      OPEN(&reader, "\x08\x05\x0a\x04\x01\xac\x02\x07\x0a\x00\x08\x09");
  const int64_t expected[] = {5, 1, 300, 7, 9};
  size_t count = 0, announced = 0;
  (void)state;
  while (protobuf_next(&message, &field)) {
    struct protobuf_values values =
        protobuf_values(&message, &field, PROTOBUF_VARINT);
    int64_t value;
    announced += protobuf_values_count(&values);
    while (protobuf_values_int64(&values, &value)) {
      assert_true(count < ARRAY_COUNT(expected));
      assert_int_equal(value, expected[count++]);
    }
  }
  assert_int_equal(count, ARRAY_COUNT(expected));
  assert_int_equal(announced, count);
  assert_null(reader.problem);
}

static void reads_packed_floats(void **state) {
  struct protobuf_reader reader;
  struct protobuf_field field;
  struct protobuf_message message =
      OPEN(&reader, "\x0a\x08\0\0\x80\x3f\0\0\0\x40\x0d\0\0\0\xbf");
  const float expected[] = {1, 2, -0.5f};
  size_t count = 0;
  (void)state;
  while (protobuf_next(&message, &field)) {
    struct protobuf_values values =
        protobuf_values(&message, &field, PROTOBUF_FIXED32);
    float value;
    while (protobuf_values_float(&values, &value))
      assert_true(value == expected[count++]);
  }
  assert_int_equal(count, 3);
}

/* Reads everything, messages within messages too; returns the problem. */
static const char *drain(struct protobuf_message message) {
  struct protobuf_field field;
  while (protobuf_next(&message, &field))
    if (field.wire == PROTOBUF_BYTES)
      drain(protobuf_submessage(&message, &field));
  return message.reader->problem;
}

static void names_each_damage(void **state) {
  static const struct {
    const char *bytes;
    size_t size;
    const char *problem;
  } rows[] = {
#define ROW(text, problem) {text, sizeof(text) - 1, problem}
      ROW("\x08", "cut off"),
      ROW("\x08\x80\x80", "cut off"),
      ROW("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "64 bits"),
      ROW("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "64 bits"),
      ROW("\x0a\x05hell", "past the end"),
      ROW("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "past the end"),
      ROW("\x0d\0\0\0", "past the end"),
      ROW("\x09\0\0\0\0\0\0\0", "past the end"),
      ROW("\x0b", "unknown wire type"),
      ROW("\x0c", "unknown wire type"),
      ROW("\x0f", "unknown wire type"),
      ROW("\x00\x01", "out of range"),
      ROW("\xf8\xff\xff\xff\x7f\x01", "out of range"),
#undef ROW
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
    struct protobuf_reader reader;
    struct adze_error error;
    const char *problem =
        drain(open_bytes(&reader, rows[i].bytes, rows[i].size));
    if (!problem || !strstr(problem, rows[i].problem))
      fail_msg("row %zu: %s", i, problem ? problem : "no problem");
    assert_fails(protobuf_finish(&reader, ADZE_INVALID_MODEL, "m.onnx", &error),
                 error, ADZE_INVALID_MODEL, "m.onnx: byte ");
  }
}

static void refuses_other_types(void **state) {
  struct protobuf_reader reader;
  struct protobuf_field field;
  struct protobuf_message message = OPEN(&reader, "\x08\x01\x10\x02");
  (void)state;
  assert_true(protobuf_next(&message, &field));
  assert_int_equal(protobuf_bytes(&message, &field).size, 0);
  assert_non_null(reader.problem);
  assert_false(protobuf_next(&message, &field)); /* damage is the end */
  assert_int_equal(protobuf_int64(&message, &field), 0);
}

static void refuses_half_a_packed_value(void **state) {
  struct protobuf_reader reader;
  struct protobuf_field field;
  struct protobuf_message message = OPEN(&reader, "\x0a\x03\0\0\0");
  float value;
  (void)state;
  assert_true(protobuf_next(&message, &field));
  struct protobuf_values values =
      protobuf_values(&message, &field, PROTOBUF_FIXED32);
  assert_false(protobuf_values_float(&values, &value));
  assert_non_null(reader.problem);
}

/* Writes `depth` messages in each other, from the inside out. */
static size_t nest(uint8_t *out, size_t capacity, int depth) {
  size_t at = capacity;
  for (int i = 0; i < depth; i++) {
    size_t size = capacity - at, rest = size;
    uint8_t head[12] = {0x0a};
    size_t n = 1;
    do {
      head[n++] = (uint8_t)((rest & 127) | (rest > 127 ? 128 : 0));
      rest >>= 7;
    } while (rest);
    at -= n;
    memcpy(out + at, head, n);
  }
  return capacity - at;
}

static void bounds_nesting(void **state) {
  uint8_t bytes[4096];
  struct protobuf_reader reader;
  (void)state;
  size_t size = nest(bytes, sizeof bytes, PROTOBUF_MAX_DEPTH - 1);
  assert_null(drain(open_bytes(&reader, bytes + sizeof bytes - size, size)));
  size = nest(bytes, sizeof bytes, PROTOBUF_MAX_DEPTH + 500);
  const char *problem =
      drain(open_bytes(&reader, bytes + sizeof bytes - size, size));
  assert_non_null(problem);
  assert_non_null(strstr(problem, "too deeply"));
}

/* Random bytes and mutations in exact allocations, for the sanitizers. */
static void survives_anything(void **state) {
  struct test_random random = {1};
  (void)state;
  for (int i = 0; i < 20000; i++) {
    size_t size = (size_t)test_random_range(&random, 0, 40);
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    uint8_t *start = bytes + 1; /* also unaligned */
    for (size_t j = 0; j < size; j++)
      start[j] = (uint8_t)(test_random_next(&random) >>
                           (i & 1 ? 56 : 61)); /* small ones, too */
    struct protobuf_reader reader;
    drain(open_bytes(&reader, start, size));
    assert_true(reader.problem_offset <= size);
    free(bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_every_wire_type),
      cmocka_unit_test(reads_values_packed_and_single),
      cmocka_unit_test(reads_packed_floats),
      cmocka_unit_test(names_each_damage),
      cmocka_unit_test(refuses_other_types),
      cmocka_unit_test(refuses_half_a_packed_value),
      cmocka_unit_test(bounds_nesting),
      cmocka_unit_test(survives_anything),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
