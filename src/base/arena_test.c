/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas, unwinding, growing arrays, text and maps, which live in them. */
#include "test.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/text.h"

static void objects_are_zeroed_aligned_and_apart(void **state) {
  (void)state;
  struct test_random random = {1};
  struct arena *arena = arena_create("test");
  for (int round = 0; round < 3; round++) {
    unsigned char *objects[300];
    size_t sizes[300], total = 0;
    for (size_t i = 0; i < ARRAY_COUNT(objects); i++) {
      bool large = test_random_range(&random, 0, 20) == 0;
      sizes[i] = (size_t)test_random_range(&random, 0, large ? 90000 : 200);
      objects[i] = arena_alloc(arena, sizes[i]);
      assert_non_null(objects[i]);
      assert_int_equal((uintptr_t)objects[i] % 16, 0);
      for (size_t j = 0; j < sizes[i]; j++)
        assert_int_equal(objects[i][j], 0);
      memset(objects[i], (int)i | 1, sizes[i]);
      total += sizes[i];
    }
    for (size_t i = 0; i < ARRAY_COUNT(objects); i++)
      for (size_t j = 0; j < sizes[i]; j++)
        assert_int_equal(objects[i][j], ((int)i | 1) & 255);
    assert_int_equal(arena_used(arena), total);
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
  }
  arena_destroy(arena);
  arena_destroy(NULL);
}

static char order[8];
static void note_release(void *resource) {
  strcat(order, (const char *)resource);
}

static void deferred_functions_run_newest_first(void **state) {
  (void)state;
  static char a[] = "a", b[] = "b", c[] = "c";
  struct arena *arena = arena_create("test");
  order[0] = '\0';
  arena_defer(arena, note_release, a);
  arena_defer(arena, note_release, b);
  assert_string_equal(order, "");
  arena_reset(arena);
  assert_string_equal(order, "ba");
  arena_defer(arena, note_release, c);
  arena_destroy(arena);
  assert_string_equal(order, "bac");
}

static enum adze_status takes_too_much(void *argument) {
  arena_alloc(argument, SIZE_MAX / 2);
  return ADZE_OK;
}
static enum adze_status takes_an_overflow(void *argument) {
  arena_alloc_array(argument, SIZE_MAX / 2, 3);
  return ADZE_OK;
}
static enum adze_status gets_null(void *argument) {
  (void)argument;
  guard_out_of_memory();
}
static enum adze_status nests(void *argument) {
  struct adze_error error;
  assert_int_equal(guard_run(takes_too_much, argument, &error),
                   ADZE_OUT_OF_MEMORY);
  /* The outer guard works again after the inner one has unwound. */
  return takes_an_overflow(argument);
}
static enum adze_status returns_limit(void *argument) {
  (void)argument;
  return ADZE_LIMIT;
}

static void unwinding_reaches_the_guard(void **state) {
  (void)state;
  struct adze_error error;
  struct arena *arena = arena_create("graph");
  assert_fails(guard_run(takes_too_much, arena, &error), error,
               ADZE_OUT_OF_MEMORY, "for the graph");
  assert_fails(guard_run(takes_an_overflow, arena, &error), error,
               ADZE_OUT_OF_MEMORY, "memory ran out");
  assert_fails(guard_run(gets_null, arena, &error), error, ADZE_OUT_OF_MEMORY,
               "memory ran out");
  assert_fails(guard_run(nests, arena, &error), error, ADZE_OUT_OF_MEMORY,
               "memory ran out");
  assert_int_equal(guard_run(returns_limit, NULL, NULL), ADZE_LIMIT);
  assert_non_null(arena_alloc(arena, 100));
  arena_destroy(arena);
}

static void arrays_grow(void **state) {
  (void)state;
  struct arena *arena = arena_create("test");
  VEC(int) numbers = {0};
  for (int i = 0; i < 10000; i++)
    vec_push(arena, &numbers, i * 3);
  assert_int_equal(numbers.count, 10000);
  for (int i = 0; i < 10000; i++)
    assert_int_equal(numbers.data[i], i * 3);
  arena_destroy(arena);
}

static void strings_are_copied(void **state) {
  (void)state;
  struct arena *arena = arena_create("test");
  assert_string_equal(arena_strdup(arena, "abc"), "abc");
  assert_string_equal(arena_strndup(arena, "abcdef", 2), "ab");
  assert_string_equal(arena_printf(arena, "%d-%s", 5, "x"), "5-x");
  assert_memory_equal(arena_copy(arena, "\0\1\2", 3), "\0\1\2", 3);
  assert_non_null(arena_copy(arena, NULL, 0));
  arena_destroy(arena);
}

static void text_grows(void **state) {
  (void)state;
  struct arena *arena = arena_create("test");
  struct text text = {.arena = arena};
  char expected[60000] = "", piece[400];
  size_t size = 0;
  assert_string_equal(text_string(&text), "");
  for (int i = 0; i < 150; i++) {
    memset(piece, 'a' + i % 26, (size_t)i * 2);
    piece[i * 2] = '\0';
    size += (size_t)sprintf(expected + size, "%d:%s;", i, piece);
    if (i % 2) {
      text_format(&text, "%d:%s;", i, piece);
    } else {
      text_format(&text, "%d:", i);
      text_add_n(&text, piece, (size_t)i * 2);
      text_add(&text, ";");
    }
  }
  assert_string_equal(text_string(&text), expected);
  assert_int_equal(text.size, size);
  for (size_t length = 0; length < 300; length++) {
    struct text short_text = {.arena = arena};
    text_format(&short_text, "%.*s", (int)length, expected);
    assert_int_equal(strlen(text_string(&short_text)), length);
    assert_memory_equal(text_string(&short_text), expected, length);
  }
  arena_destroy(arena);
}

static void maps_find_what_was_set(void **state) {
  (void)state;
  struct arena *arena = arena_create("test");
  struct map names, keys;
  int values[3000];
  char name[32];
  map_init(&names, arena);
  map_init(&keys, arena);
  assert_null(map_get(&names, "absent"));
  for (int i = 0; i < 3000; i++) {
    snprintf(name, sizeof name, "node_%d", i);
    assert_null(map_set(&names, name, &values[i]));
    assert_null(map_set_key(&keys, (uint64_t)i << 32, &values[i]));
  }
  memset(name, 0, sizeof name);
  for (int i = 0; i < 3000; i++) {
    snprintf(name, sizeof name, "node_%d", i);
    assert_ptr_equal(map_get(&names, name), &values[i]);
    assert_ptr_equal(map_get_key(&keys, (uint64_t)i << 32), &values[i]);
    assert_string_equal(names.entries[i].name, name);
    assert_int_equal(keys.entries[i].key, (uint64_t)i << 32);
  }
  assert_null(map_get(&names, "node_3000"));
  assert_null(map_get_key(&keys, 1));
  assert_ptr_equal(map_set(&names, "node_7", NULL), &values[7]);
  assert_null(map_get(&names, "node_7"));
  assert_int_equal(names.count, 3000);
  arena_destroy(arena);
}

/* Every single flipped bit changes about half of the bits of the hash. */
static void hashes_avalanche(void **state) {
  (void)state;
  unsigned char data[19] = {0};
  uint64_t plain = hash_bytes(data, sizeof data, 1);
  int fewest = 64;
  for (size_t bit = 0; bit < sizeof data * 8; bit++) {
    data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    int changed =
        __builtin_popcountll(plain ^ hash_bytes(data, sizeof data, 1));
    fewest = changed < fewest ? changed : fewest;
    data[bit / 8] = 0;
  }
  assert_true(fewest >= 12);
  assert_true(hash_bytes(data, 7, 1) != hash_bytes(data, 8, 1));
  assert_true(hash_bytes(data, 8, 1) != hash_bytes(data, 8, 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(objects_are_zeroed_aligned_and_apart),
      cmocka_unit_test(deferred_functions_run_newest_first),
      cmocka_unit_test(unwinding_reaches_the_guard),
      cmocka_unit_test(arrays_grow),
      cmocka_unit_test(strings_are_copied),
      cmocka_unit_test(text_grows),
      cmocka_unit_test(maps_find_what_was_set),
      cmocka_unit_test(hashes_avalanche),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
