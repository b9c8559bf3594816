/* SPDX-License-Identifier: Apache-2.0 */
/* Against published values, and the instruction against the portable way. */
#include "test.h"

#include "base/crc32c.h"

/* RFC 3720, B.4. */
static void matches_the_standard(void **state) {
  (void)state;
  uint8_t data[32];
  assert_int_equal(crc32c(0, "", 0), 0);
  assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
  memset(data, 0, sizeof data);
  assert_int_equal(crc32c(0, data, sizeof data), 0x8a9136aa);
  memset(data, 0xff, sizeof data);
  assert_int_equal(crc32c(0, data, sizeof data), 0x62a8ab43);
  for (int i = 0; i < 32; i++)
    data[i] = (uint8_t)i;
  assert_int_equal(crc32c(0, data, sizeof data), 0x46dd794e);
}

static void pieces_chain(void **state) {
  (void)state;
  struct test_random random = {1};
  uint8_t data[300];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)test_random_next(&random);
  uint32_t whole = crc32c_portable(0, data, sizeof data);
  for (size_t cut = 0; cut <= sizeof data; cut++) {
    uint32_t crc = crc32c(0, data, cut);
    assert_int_equal(crc32c(crc, data + cut, sizeof data - cut), whole);
  }
}

static void any_alignment_and_size(void **state) {
  (void)state;
  struct test_random random = {2};
  uint8_t data[4200];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)test_random_next(&random);
  for (int i = 0; i < 2000; i++) {
    size_t from = (size_t)test_random_range(&random, 0, 100);
    size_t size = (size_t)test_random_range(&random, 0, 4100);
    uint32_t start = (uint32_t)test_random_next(&random);
    assert_int_equal(crc32c(start, data + from, size),
                     crc32c_portable(start, data + from, size));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matches_the_standard),
      cmocka_unit_test(pieces_chain),
      cmocka_unit_test(any_alignment_and_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
